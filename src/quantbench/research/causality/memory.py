"""Memory: how many bars until more history changes nothing, against what the strategy declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.strategy import Strategy
from quantbench.research.causality.certificate import Finding, moment
from quantbench.research.causality.outputs import (
    DECISIONS,
    INDICATOR,
    Outputs,
    asked,
    column_of,
    differences,
    scales_of,
)

__all__ = ["measured_memory"]

_SETTLED: Final = 1e-9
# Wilder's averages never forget wholly. A thousandth of a point on a distance of 100 points trades the same.
_TRADES_THE_SAME: Final = 1e-6
# The same market in another unit: every comparison of prices stays as it is, every rounding falls otherwise.
_UNITS: Final = tuple(1.0 + k * 2.0**-44 for k in (-5, -3, -2, 2, 3, 5, 7, 9))


class _Run(NamedTuple):
    """What one output did on a history that begins at `start`."""

    start: int
    settled_after: int  # bars
    settled: bool
    late: npt.NDArray[np.int64]  # bars that differ although the warm-up was over
    by_rounding: npt.NDArray[np.int64]  # and those that differ for no other reason than rounding
    apart: float


@dataclass(frozen=True, eq=False)
class _Question:
    """The strategy, the bars, what it says about all of them, and what it declares."""

    strategy: Strategy
    bars: Bars
    known: Outputs
    warmup: int

    @cached_property
    def scales(self) -> dict[str, float]:
        return scales_of(self.known)

    @cached_property
    def by_rounding(self) -> npt.NDArray[np.bool_]:
        """The bars whose decision turns when only the last digits of the arithmetic change."""
        unstable = np.zeros(len(self.bars), np.bool_)
        for unit in _UNITS:
            prices: dict[str, Any] = {
                name: getattr(self.bars, name) * unit for name in ("open", "high", "low", "close")
            }
            found = asked(self.strategy, replace(self.bars, **prices))
            if isinstance(found, Exception):
                continue
            for name in DECISIONS:
                now, before = (column_of(outputs, name, len(self.bars)) for outputs in (found, self.known))
                unstable |= differences(now, before, 1.0) > _TRADES_THE_SAME
        return unstable


def measured_memory(
    strategy: Strategy, bars: Bars, known: Outputs, starts: Sequence[int], *, warmup: int
) -> tuple[Mapping[str, int | None], list[Finding]]:
    """Return for each output the bars after which it settles, and what contradicts the declared warm-up.

    Each history that begins later is compared with the whole one, bar by bar. A bar with ``j`` bars
    before it must say the same with more, for every ``j >= warmup``.

    Parameters
    ----------
    strategy, bars : Strategy, Bars
        What is tested, and on what.
    known : mapping of str to array
        The outputs over all bars.
    starts : sequence of int
        Bars on which a history begins.
    warmup : int
        What the strategy declares.
    """
    question = _Question(strategy, bars, known, warmup)
    runs: dict[str, list[_Run]] = {name: [] for name in known}
    for start in starts:
        found = asked(strategy, bars[start:])
        if isinstance(found, Exception):
            return dict.fromkeys(known), [_error(bars, start, found)]
        for name in {**known, **found}:
            runs.setdefault(name, []).append(_run(question, found, name, start))
    findings: list[Finding] = []
    for name, seen in runs.items():
        findings += _findings(bars, name, seen, warmup)
    return {name: _settled_after(seen) for name, seen in runs.items()}, findings


def _run(question: _Question, found: Outputs, name: str, start: int) -> _Run:
    length, warmup = len(question.bars) - start, question.warmup
    now, before = column_of(found, name, length), column_of(question.known, name, len(question.bars))[start:]
    apart = differences(now, before, question.scales.get(name, 0.0))
    late = warmup + np.flatnonzero(apart[warmup:] > _TRADES_THE_SAME)
    excused = late[:0]
    if name in DECISIONS and late.size:
        fair = question.by_rounding[start + late]
        excused, late = late[fair], late[~fair]
        apart[excused] = 0.0
    moved = np.flatnonzero(apart > _SETTLED)
    after = int(moved[-1]) + 1 if moved.size else 0
    largest = float(apart[late].max()) if late.size else 0.0
    return _Run(start, after, after < length, start + late, start + excused, largest)


def _settled_after(seen: Sequence[_Run]) -> int | None:
    """Return the bars after which every run had settled, None where the longest memory saw no end."""
    if not seen:
        return None
    after = max((run.settled_after for run in seen if run.settled), default=-1)
    if any(run.settled_after > after for run in seen if not run.settled):
        return None
    return after


def _findings(bars: Bars, name: str, seen: Sequence[_Run], warmup: int) -> Iterator[Finding]:
    excused = np.unique(np.concatenate([run.by_rounding for run in seen])) if seen else np.zeros(0, np.int64)
    if excused.size:
        yield _rounding(bars, name, excused)
    late = [run for run in seen if run.late.size]
    if late:
        yield _too_short(bars, name, late, warmup, _settled_after(seen))


def _rounding(bars: Bars, name: str, rows: npt.NDArray[np.int64]) -> Finding:
    first = int(rows[0])
    message = (
        f"{rows.size:,} bars are decided by rounding: two values are equal there but for the last digit, so the "
        "answer depends on where the history begins; compare with a margin, or use qb.sma"
    )
    return Finding("hint", "rounding", message, name, first, moment(bars, first))


def _too_short(bars: Bars, name: str, late: Sequence[_Run], declared: int, measured: int | None) -> Finding:
    """Return a fault; a hint for an indicator, since a declared warm-up speaks of decisions."""
    worst = max(late, key=lambda run: int(run.late[-1]) - run.start)
    after = int(worst.late[-1]) - worst.start
    first = min(int(run.late[0]) for run in late)
    size = max(run.apart for run in late)
    by = "" if name in DECISIONS or not np.isfinite(size) else f" by up to {size:.2g} of its size"
    advice = (
        f"declare {measured:,} or more"
        if measured is not None
        else f"it had not settled after {after + 1:,} bars: let it forget (a rolling window, or begin anew each week)"
    )
    message = (
        f"warm-up of {declared:,} bars is too short: with {after:,} bars before it, it still changes{by}; {advice}"
    )
    severity: Final = "hint" if name.startswith(INDICATOR) else "fault"
    return Finding(severity, "warm-up", message, name, first, moment(bars, first))


def _error(bars: Bars, start: int, fault: Exception) -> Finding:
    message = f"decide raises where the history begins here ({type(fault).__name__}: {fault})"
    return Finding("fault", "error", message, bar=start, time=moment(bars, start))
