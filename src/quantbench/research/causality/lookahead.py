"""Look-ahead: what was said may not change when the future is cut off or replaced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.strategy import Strategy
from quantbench.research.causality.certificate import Finding, moment
from quantbench.research.causality.cuts import Cut
from quantbench.research.causality.futures import other_futures
from quantbench.research.causality.outputs import Outputs, asked, column_of, differences, scales_of

__all__ = ["look_ahead"]

_TOLERANCE: Final = 1e-9
_CUT_OFF, _REPLACED = "cut off", "replaced"


class _Change(NamedTuple):
    bar: int
    cut: Cut
    how: str

    @property
    def reach(self) -> int:
        """Bars of the future that are needed at least."""
        return self.cut.bars - self.bar


def look_ahead(
    strategy: Strategy, bars: Bars, known: Outputs, cuts: Sequence[Cut], *, first: int, seed: int
) -> list[Finding]:
    """Return one finding for each output that depends on bars after its own.

    Parameters
    ----------
    strategy, bars : Strategy, Bars
        What is tested, and on what.
    known : mapping of str to array
        The outputs over all bars.
    cuts : sequence of Cut
        Where to cut.
    first : int
        Bars before it are warm-up and may hold anything.
    seed : int
        Of the other futures.
    """
    changes: defaultdict[str, list[_Change]] = defaultdict(list)
    errors: dict[str, Finding] = {}
    for cut in cuts:
        for how, history in _histories(bars, cut.bars, seed):
            found = asked(strategy, history)
            if isinstance(found, Exception):
                errors.setdefault(how, _error(bars, cut, how, found))
                continue
            for name, row in _changed(found, known, first, cut.bars):
                changes[name].append(_Change(row, cut, how))
    return [_finding(bars, name, seen, first) for name, seen in changes.items()] + list(errors.values())


def _histories(bars: Bars, cut: int, seed: int) -> Iterator[tuple[str, Bars]]:
    yield _CUT_OFF, bars[:cut]
    for other in other_futures(bars, cut, seed):
        yield _REPLACED, other


def _changed(found: Outputs, known: Outputs, first: int, cut: int) -> Iterator[tuple[str, int]]:
    """Yield the outputs that are not what they were, and the first bar on which they are not."""
    scales = scales_of(known)
    for name in {**known, **found}:
        now, before = column_of(found, name, cut)[first:cut], column_of(known, name, cut)[first:cut]
        if np.array_equal(now, before, equal_nan=True):
            continue
        apart = differences(now, before, scales.get(name, 0.0)) > _TOLERANCE
        if apart.any():
            yield name, first + int(np.argmax(apart))


def _finding(bars: Bars, name: str, seen: Sequence[_Change], first: int) -> Finding:
    earliest = min(seen, key=lambda change: (change.bar, change.cut.bars))
    reach = max(change.reach for change in seen)
    whole = _is_unbounded(seen, reach, len(bars) - first)
    needs = (
        "the whole sample or much of it"
        if whole
        else f"{reach:,} {'bar' if reach == 1 else 'bars'} of the future or more"
    )
    how = " or ".join(sorted({change.how for change in seen}))
    places = ", ".join(sorted({change.cut.why for change in seen}))
    message = (
        f"needs {needs}: it changes when the bars from {moment(bars, earliest.cut.bars)} on are {how}; "
        f"seen at {len({change.cut.bars for change in seen}):,} cuts ({places})"
    )
    time = moment(bars, earliest.bar)
    return Finding("fault", "look-ahead", message, name, earliest.bar, time, None if whole else reach)


def _is_unbounded(seen: Sequence[_Change], reach: int, tested: int) -> bool:
    """Whether the reach is far and no limit: a limit is met at several cuts, the end of the sample at one."""
    furthest = {change.cut.bars for change in seen if change.reach == reach}
    return reach > tested // 5 and len(furthest) < 3


def _error(bars: Bars, cut: Cut, how: str, fault: Exception) -> Finding:
    """Return a fault where live would have raised too, a hint where only a made-up future was refused."""
    severity: Final = "fault" if how == _CUT_OFF else "hint"
    said = f"{type(fault).__name__}: {fault}"
    message = f"decide raises where the bars from {moment(bars, cut.bars)} on are {how} ({said})"
    return Finding(severity, "error", message, bar=cut.bars - 1, time=moment(bars, cut.bars - 1))
