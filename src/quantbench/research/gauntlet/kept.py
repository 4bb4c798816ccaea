"""Gates that took long, kept on disk as they are passed: a validation that was stopped goes on where it was."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from quantbench.config import settings, writable
from quantbench.core.errors import StoreError
from quantbench.core.evidence import Gate
from quantbench.data.code import code_hash
from quantbench.data.trial_key import canonical, guards
from quantbench.research.gauntlet.case import Case
from quantbench.research.gauntlet.thresholds import thresholds

__all__ = ["Shelf", "shelf_of"]

SCHEMA: Final = 1
"""Version of the layout of a kept gate."""


@dataclass(frozen=True)
class Shelf:
    """Where the gates of one question are kept.

    Attributes
    ----------
    folder : Path
    keeps : bool
        Whether anything is taken from it or put there.
    """

    folder: Path
    keeps: bool

    def kept(self, name: str, ask: Callable[[], Gate]) -> Gate:
        """Return the gate as it was kept, else ask it and keep the answer.

        Raises
        ------
        StoreError
            When the answer cannot be written.
        """
        file = self.folder / f"{name.replace(' ', '-')}.json"
        if self.keeps and (found := _read(file)) is not None:
            return found
        gate = ask()
        if self.keeps:
            _write(gate, file)
        return gate


def shelf_of(case: Case, profile: str, tried: int, *, keeps: bool) -> Shelf:
    """Return the shelf of one question: everything a gate's answer depends on is in its name."""
    from quantbench import __version__

    wish = case.wish
    question = (
        *(SCHEMA, __version__, thresholds()["version"], profile, case.strategy.__qualname__, code_hash(case.strategy)),
        *(
            text
            for q in case.questions
            for text in (
                *(q.bars.version, canonical(q.account), canonical(q.costs), canonical(q.sizing), guards(q.limits)),
                "" if q.rates is None else q.rates.version,
            )
        ),
        *(len(held._all) for held in case.holdouts),  # noqa: SLF001  (how much is shut away, not what)
        *(wish.method, wish.objectives, wish.constraints, wish.trials, wish.seed, wish.space),
        *(case.select, case.train, case.test, case.seed, case.hypothesis, case.budget, case.permutations, tried),
    )
    digest = blake2b("\0".join(map(str, question)).encode(), digest_size=8).hexdigest()
    return Shelf(settings().experiments / "gates" / f"{case.strategy.__name__}-{digest}", keeps)


def _read(file: Path) -> Gate | None:
    """Return a kept gate; None where there is none, or it was cut short."""
    try:
        held = json.loads(file.read_text("utf-8"))
        return Gate(**{**held["gate"], "value": math.nan if held["gate"]["value"] is None else held["gate"]["value"]})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(gate: Gate, file: Path) -> None:
    value = gate.value if math.isfinite(gate.value) else None
    partial = writable(file.parent) / f".{file.name}.{os.getpid()}.part"
    try:
        partial.write_text(json.dumps({"schema": SCHEMA, "gate": {**asdict(gate), "value": value}}), encoding="utf-8")
        partial.replace(file)
    except OSError as fault:
        raise StoreError(f"cannot write {file}: {fault.strerror}") from fault
    finally:
        partial.unlink(missing_ok=True)
