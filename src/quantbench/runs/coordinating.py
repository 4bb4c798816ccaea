"""The loop of a batch: start runs, watch time and memory, and write down how each one ended."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from quantbench.config import now
from quantbench.core.errors import StoreError
from quantbench.runs.engines.families import end_survivors, memory_mb
from quantbench.runs.engines.hands import Ended, Hands, hands_for
from quantbench.runs.engines.job import PROGRESS, Job
from quantbench.runs.judging import judged, told_off
from quantbench.runs.plan import PlannedRun, RunLimits
from quantbench.runs.record import FILE, RunRecord, Status, written
from quantbench.runs.store import put_aside

__all__ = ["Made", "Ready", "Running", "Told", "cleared", "coordinate", "told_stopped"]

_LOOK: Final = 0.25  # seconds between two looks at time and memory
STARTED: Final = "started.json"


class Ready(NamedTuple):
    """A run that is to be made."""

    number: int
    key: str
    planned: PlannedRun
    study: str
    folder: Path
    provenance: dict[str, Any]


@dataclass
class Running:
    """A run that is being made."""

    ready: Ready
    pid: int
    attempt: int
    started: str
    began: float
    peak_mb: float = 0.0
    verdict: tuple[Status, str] | None = None
    seen: tuple[float, float] = field(
        default=(0.0, 0.0)
    )  # of the progress file: its time, and when that was first seen


class Made(NamedTuple):
    """What came of the runs that were left, and what executed them."""

    records: dict[int, RunRecord]
    engine: str


Told = Callable[[int, RunRecord], None]


def coordinate(
    left: Sequence[Ready],
    limits: RunLimits,
    *,
    workers: int,
    engine: str,
    home: Path,
    told: Told | None = None,
    looked: Callable[[], None] = lambda: None,
) -> Made:
    """Make every run that is left; `looked` is called a few times a second, and stops all by raising an error.

    Raises
    ------
    StoreError
        When a record cannot be written; what runs is ended first.
    """
    if not left:
        return Made({}, engine)
    hands = hands_for(engine, workers=workers, home=home)
    records, running, waiting = dict[int, RunRecord](), dict[int, Running](), list(reversed(left))
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                one = _started(hands, waiting.pop(), home)
                running[one.pid] = one
            for record, number in _ended(hands, running):
                records[number] = record
                if told is not None:
                    told(len(records), record)
            for one in running.values():
                _watch(hands, one, limits)
            looked()
    except BaseException as fault:
        _stopped(hands, running, fault)
        raise
    finally:
        hands.rest()
    return Made(records, hands.name)


def _ended(hands: Hands, running: dict[int, Running]) -> Iterator[tuple[RunRecord, int]]:
    """Yield the record of each run that ended, and its place in the plan."""
    for ended in hands.ended(_LOOK):
        one = running.pop(ended.pid, None)
        if one is not None:
            yield judged(one, ended, hands.name), one.ready.number


def cleared(ready: Ready) -> tuple[int, str]:
    """Put aside what an earlier attempt left, also one that was lost, and write that one begins: its number, its time.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """
    if ready.folder.exists() and not (ready.folder / FILE).exists() and (ready.folder / STARTED).exists():
        end_survivors(str(ready.folder))
        told_off(ready)
    attempt, moment = put_aside(ready.folder), f"{now():%Y-%m-%dT%H:%M:%S.%f}"
    written(ready.folder / STARTED, json.dumps({"started": moment, "attempt": attempt}), synced=False)
    return attempt, moment


def _started(hands: Hands, ready: Ready, home: Path) -> Running:
    """Start one run in a clean folder."""
    attempt, moment = cleared(ready)
    planned = ready.planned
    notebook = None if planned.notebook is None else str(Path(planned.notebook).absolute())
    job = Job(str(ready.folder), str(home), notebook, planned.function, dict(planned.parameters), hands.name)
    try:
        pid = hands.start(job)
    except OSError as fault:
        raise StoreError(f"cannot write to {ready.folder}: {fault.strerror}") from fault
    return Running(ready, pid, attempt, moment, time.monotonic())


def _watch(hands: Hands, one: Running, limits: RunLimits) -> None:
    """End a run that takes too long or too much."""
    if one.verdict is not None:
        return
    spent = time.monotonic() - one.began
    if limits.seconds is not None and spent > limits.seconds:
        one.verdict = "timeout", f"it ran longer than {limits.seconds:g} s"
    elif limits.cell_seconds is not None and _in_cell(one) > limits.cell_seconds:
        one.verdict = "timeout", f"the cell ran longer than {limits.cell_seconds:g} s"
    else:
        held = memory_mb(one.pid)
        one.peak_mb = max(one.peak_mb, held)
        if limits.memory_mb is not None and held > limits.memory_mb:
            one.verdict = "dead", f"it held {held:,.0f} MB, over the limit of {limits.memory_mb:,} MB"
    if one.verdict is not None:
        hands.kill(one.pid)


def _in_cell(one: Running) -> float:
    """Return for how long the present cell has run, as seen from here."""
    try:
        changed = (one.ready.folder / PROGRESS).stat().st_mtime
    except OSError:
        return 0.0
    if changed != one.seen[0]:
        one.seen = changed, time.monotonic()
    return time.monotonic() - one.seen[1]


def _stopped(hands: Hands, running: dict[int, Running], fault: BaseException) -> None:
    """End everything that runs, and only then say so of each."""
    for pid in running:
        hands.kill(pid)
    told_stopped(running.values(), fault, hands.name)


def told_stopped(running: Iterable[Running], fault: BaseException, engine: str) -> None:
    """Write down, as far as the disk lets, which runs were ended because the batch stopped."""
    why = "it was stopped (Ctrl-C)" if isinstance(fault, KeyboardInterrupt) else f"the batch stopped: {fault}"
    for one in running:
        one.verdict = one.verdict or ("cancelled", why)
        with suppress(StoreError):  # what could not be written is told off as lost by the next call
            judged(one, Ended(one.pid, -9, one.peak_mb), engine)
