"""What the gauntlet found: named numbers, each with what it is held against, and the verdict they add up to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from quantbench.core.views import with_views

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "Colour", "Evidence", "Gate"]

SCHEMA: Final = 1
"""Version of the layout of `Evidence.to_dict`."""

Colour = Literal["green", "amber", "red", "not run", "report"]

_MOST_AMBER: Final = 2


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One question put to a strategy, and the answer.

    Attributes
    ----------
    name : str
        Such as ``"walk-forward"``.
    value : float
        What was measured; NaN where it cannot be said, and then `says` says why.
    threshold : str
        What it is held against, in words: ``"green at 1.645, red below 1"``.
    null : str
        What would hold without any skill, or what is taken for granted until shown otherwise.
    colour : str
        ``"green"``, ``"amber"``, ``"red"``; ``"not run"``; ``"report"`` for what is shown and judges nothing.
    says : str
        One plain sentence.
    hard : bool
        Whether promotion needs it green or amber: a hard gate that was not run holds the strategy back.
    method : str
        How it was measured, with the numbers that repeat it.
    seed : int or None
        Where something was drawn at random.
    """

    name: str
    value: float
    threshold: str
    null: str
    colour: Colour
    says: str
    hard: bool = False
    method: str = ""
    seed: int | None = None


@with_views
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Evidence:
    """What one strategy class has to show on some bars, gate by gate. Written once.

    Attributes
    ----------
    strategy : str
        Name of the class.
    params : mapping
        The choice that was judged; empty where nothing could be chosen.
    markets : tuple of str
        What it was judged on, in words, holdout apart.
    profile : str
        ``"fast"`` or ``"full"``.
    gates : tuple of Gate
        In the order they were asked, cheap before dear.
    facts : mapping
        What repeats it: code hash, versions of the data, thresholds and Quantbench, seed, trials.
    """

    strategy: str
    params: Mapping[str, Any]
    markets: tuple[str, ...]
    profile: str
    gates: tuple[Gate, ...]
    facts: Mapping[str, Any]

    if TYPE_CHECKING:  # given by the table in core.views

        def _repr_html_(self) -> str:
            """Return the table of gates."""

    def __getitem__(self, name: str) -> Gate:
        """Return the gate of a name."""
        found = next((gate for gate in self.gates if gate.name == name), None)
        if found is None:
            raise KeyError(f"no gate {name!r}: {', '.join(gate.name for gate in self.gates)}")
        return found

    def of(self, colour: Colour) -> tuple[Gate, ...]:
        """Return the gates of one colour."""
        return tuple(gate for gate in self.gates if gate.colour == colour)

    @property
    def missing(self) -> tuple[Gate, ...]:
        """The hard gates that were not run."""
        return tuple(gate for gate in self.of("not run") if gate.hard)

    @property
    def colour(self) -> Colour:
        """Red on any red gate; green with no more than two amber ones and every hard gate run; else amber."""
        if self.of("red"):
            return "red"
        return "amber" if self.missing or len(self.of("amber")) > _MOST_AMBER or not self.gates else "green"

    @property
    def promotable(self) -> bool:
        """Whether the gauntlet was run whole and found nothing against it."""
        return self.colour == "green"

    @property
    def verdict(self) -> str:
        """One sentence."""
        if self.colour == "red":
            red = self.of("red")
            return f"Not this one: {red[0].says}" + (f" ({len(red)} gates are red.)" if len(red) > 1 else "")
        if self.missing:
            names = ", ".join(gate.name for gate in self.missing)
            return f"Nothing speaks against it yet; not run: {names}."
        amber = ", ".join(gate.name for gate in self.of("amber"))
        if self.colour == "amber":
            return f"Too many doubts for money: {amber}."
        return "It passed." + (f" Give a reason in writing for each doubt: {amber}." if amber else "")

    def table(self) -> pd.DataFrame:
        """Return one row a gate."""
        import pandas as pd

        columns = ("name", "colour", "value", "threshold", "says", "null", "method", "hard", "seed")
        rows = [{name: getattr(gate, name) for name in columns} for gate in self.gates]
        return pd.DataFrame(rows, columns=list(columns)).set_index("name")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with their schema; a NaN becomes None."""
        gates = [
            {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in asdict(gate).items()}
            for gate in self.gates
        ]
        return {
            "schema": SCHEMA,
            "strategy": self.strategy,
            "params": dict(self.params),
            "markets": list(self.markets),
            "profile": self.profile,
            "colour": self.colour,
            "verdict": self.verdict,
            "gates": gates,
            "facts": dict(self.facts),
        }

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        lines = [f"Evidence for {self.strategy}({chosen}) on {', '.join(self.markets)}, {self.profile} profile"]
        wide = max((len(gate.name) for gate in self.gates), default=0)
        lines += [f"  {gate.colour:7} {gate.name:{wide}}  {gate.says}" for gate in self.gates]
        return "\n".join([*lines, f"{self.colour.upper()}: {self.verdict}"])
