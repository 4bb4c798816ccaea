"""Checks of time: order, duplicates, the grid, the week."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS
from quantbench.core.spans import wall_to_utc
from quantbench.data.checks.columns import FX_CLOCK, Columns, IntArray, iso
from quantbench.data.checks.report import Finding

__all__ = ["are_apart", "check_order", "check_week", "weekend_rows"]

_OFTEN = 0.2
"""The share of weeks that makes trading on a weekend a habit: then the clock is wrong, not a bar."""


def check_order(columns: Columns) -> Iterator[Finding]:
    """Find bars out of order, duplicates, and bars too close together for their timeframe."""
    if are_apart(columns, 0.9 * columns.length_ns):
        return
    step = np.diff(columns.time)
    back = np.flatnonzero(step < 0) + 1
    if len(back):
        newest_first = " The file runs from new to old." if len(back) > 0.9 * len(step) else ""
        yield Finding(
            name="order",
            severity="error",
            count=len(back),
            sentence=f"{len(back):,} bars are earlier than the bar before them, the first at "
            f"{iso(columns.time[back[0]])}.{newest_first}",
            rows=columns.cases(back, "close"),
            repair="sort",
        )
    del step
    order = np.argsort(columns.time, kind="stable") if len(back) else np.arange(len(columns))
    yield from _twins(columns, order)
    yield from _too_close(columns, order)


def _twins(columns: Columns, order: npt.NDArray[np.int64]) -> Iterator[Finding]:
    """Find bars that repeat the time of another."""
    twins = np.flatnonzero(np.diff(columns.time[order]) == 0) + 1
    if len(twins):
        later = order[twins]
        earlier = order[twins - 1]
        same = np.ones(len(twins), np.bool_)
        for name in ("open", "high", "low", "close"):
            column = getattr(columns, name)
            same &= column[later] == column[earlier]
        yield Finding(
            name="duplicates",
            severity="error",
            count=len(twins),
            sentence=f"{len(twins):,} bars repeat the time of another, {int((~same).sum()):,} with other prices, "
            f"the first at {iso(columns.time[later[0]])}.",
            rows=columns.cases(later, "open", "close"),
            repair="drop-duplicates",
        )


def _too_close(columns: Columns, order: npt.NDArray[np.int64]) -> Iterator[Finding]:
    """Find bars that open sooner after the bar before than their timeframe lets them."""
    step = np.diff(columns.time[order])
    close = np.flatnonzero((step > 0) & (step < 0.9 * columns.length_ns)) + 1
    if len(close):
        rows = order[close]
        yield Finding(
            name="timeframe",
            severity="error",
            count=len(close),
            sentence=f"{len(close):,} bars open less than a {columns.timeframe} bar after the bar before, the first at "
            f"{iso(columns.time[rows[0]])}: they are of another timeframe, or off its grid.",
            rows=columns.cases(rows, "close"),
        )


def are_apart(columns: Columns, least: float) -> bool:
    """Return whether each bar opens at least so many nanoseconds after the one before."""
    return all(
        len(rows) < 2 or np.diff(rows).min() >= least for rows in map(columns.time.__getitem__, columns.chunks(1))
    )


def check_week(columns: Columns) -> Iterator[Finding]:
    """Find bars on weekends: the clock is wrong where they are a habit, stubs where a day is short."""
    if not columns.free_weekends:
        return
    if columns.length_ns >= DAY_NS:
        yield from _stubs(columns)
        return
    (late, saturday), (early, sunday) = _weekends(columns)
    weeks = max((int(columns.time[-1]) - int(columns.time[0])) / (7 * DAY_NS), 1.0)
    for name, rows, many, what in (
        ("after-close", late, saturday, "after the FX week has closed, 17:00 New York"),
        ("before-open", early, sunday, "before the FX week opens, Sunday 17:00 New York"),
    ):
        if not len(rows):
            continue
        habit = min(many / weeks, 1.0)
        hour_early = name == "before-open" and len(rows) <= many * max(HOUR_NS // columns.length_ns, 1)
        filled = _are_filled(columns, rows)
        wrong = habit > _OFTEN and weeks > 2 and not hour_early
        why = ": the clock of the source is likely wrong" if wrong and not filled else ""
        why = ": of one price and without volume, they fill hours that are closed" if filled else why
        yield Finding(
            name=name,
            severity="error" if wrong else "note" if hour_early else "warning",
            count=len(rows),
            sentence=f"{len(rows):,} bars open {what}, in {habit:.0%} of the weeks, the first at "
            f"{iso(columns.time[rows[0]])}{why}.",
            rows=columns.cases(rows, "close", "volume"),
            repair="drop-flat" if filled else None if wrong else "drop-weekend",
        )


def _are_filled(columns: Columns, rows: IntArray) -> bool:
    """Return whether none of the rows can be a trade of a source that counts volume: Dukascopy fills closed hours."""
    still = (columns.high[rows] == columns.low[rows]) & (columns.volume[rows] == 0)
    return bool(still.all() and (columns.volume > 0).any())


def weekend_rows(columns: Columns) -> IntArray:
    """Return the rows on free weekends; the bars must be in order."""
    if not columns.free_weekends or not len(columns) or columns.length_ns > DAY_NS:
        return np.zeros(0, np.int64)
    if columns.length_ns == DAY_NS:
        return np.flatnonzero(columns.weekday() >= 5)
    return np.concatenate([rows for rows, _ in _weekends(columns)])


def _weekends(columns: Columns) -> tuple[tuple[IntArray, int], tuple[IntArray, int]]:
    """Return what opens after the weekly close, half an hour of slack left, and what closes before the open."""
    return (
        _weekly_rows(columns, 2 * DAY_NS + 30 * MINUTE_NS, 3 * DAY_NS),
        _weekly_rows(columns, 3 * DAY_NS, 4 * DAY_NS - columns.length_ns + 1),
    )


def _weekly_rows(columns: Columns, start: int, stop: int) -> tuple[IntArray, int]:
    """Return the rows that open between two moments of the FX week (0 is Thursday 00:00), and in how many weeks."""
    first, last = (int(columns.time[row]) // (7 * DAY_NS) for row in (0, -1))
    week = np.arange(first - 1, last + 2) * 7 * DAY_NS  # 1970 began on a Thursday
    low = np.searchsorted(columns.time, wall_to_utc(week + start, FX_CLOCK))
    high = np.maximum(np.searchsorted(columns.time, wall_to_utc(week + stop, FX_CLOCK)), low)
    rows = [np.arange(a, b) for a, b in zip(low, high, strict=True) if b > a]
    return (np.concatenate(rows) if rows else np.zeros(0, np.int64)), len(rows)


def _stubs(columns: Columns) -> Iterator[Finding]:
    """Find days on a weekend: a few hours of Sunday that weigh as much as a day in every average of days."""
    if columns.length_ns > DAY_NS:
        return
    rows = np.flatnonzero(columns.weekday() >= 5)
    if len(rows):
        spread_out = columns.high - columns.low
        usual = float(np.median(np.delete(spread_out, rows))) if len(rows) < len(columns) else 0.0
        share = float(np.median(spread_out[rows])) / usual if usual else 1.0
        yield Finding(
            name="weekend-days",
            severity="warning",
            count=len(rows),
            sentence=f"{len(rows):,} daily bars are of a weekend, the first at {iso(columns.time[rows[0]])}: "
            f"stubs of a few hours, {share:.0%} as wide as a weekday.",
            rows=columns.cases(rows, "open", "close", "volume"),
            repair="drop-weekend",
        )
