"""Checks against sessions: gaps, and trading hours that change over the years."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS
from quantbench.data.checks.columns import SHOWN, Columns, iso
from quantbench.data.checks.report import Finding
from quantbench.data.sessions import Sessions

__all__ = ["check_gaps", "check_sessions"]

_QUIET_NS: Final = 30 * MINUTE_NS
"""Minutes without a tick have no bar: below this, silence is no gap."""
_MOVED_NS: Final = HOUR_NS
_CHANGED: Final = 0.07
_ROUND_THE_CLOCK: Final = 168.0


def check_gaps(columns: Columns, sessions: Sessions) -> Iterator[Finding]:
    """Find times without bars in which the market should have traded."""
    least = max(columns.length_ns, _QUIET_NS)
    candidates = np.concatenate(
        [
            np.flatnonzero(np.diff(columns.time[rows]) >= columns.length_ns + least) + rows.start
            for rows in columns.chunks(1)
        ]
    )
    start, stop = columns.time[candidates] + columns.length_ns, columns.time[candidates + 1]
    if columns.length_ns >= DAY_NS:  # a day's bar stands for the 24 hours around its noon
        start, stop = ((stamp + DAY_NS // 2) // DAY_NS * DAY_NS for stamp in (start, stop))
    missing = sessions.open_ns(start, stop)
    # One that touches closed hours may be the hour by which a session moved: clocks are set on other Sundays abroad.
    moved = np.where(stop - start > missing, _MOVED_NS, 0.0)
    gaps = (missing >= 0.99 * least) & (missing > moved)
    if not gaps.any():
        return
    rows, lost, start = candidates[gaps], missing[gaps] / HOUR_NS, start[gaps]
    order = np.argsort(-lost, kind="stable")
    longest = order[0]
    unit, each = ("days", 24.0) if columns.length_ns >= DAY_NS else ("hours", 1.0)
    yield Finding(
        name="gaps",
        severity="warning",
        count=len(rows),
        sentence=f"{len(rows):,} gaps, {lost.sum() / each:,.0f} {unit} of open market in all, the longest "
        f"{lost[longest] / each:,.1f} {unit} from {iso(start[longest])} to {iso(columns.time[rows[longest] + 1])}.",
        rows=tuple(
            {
                "row": int(rows[one]) + 1,
                "time": iso(start[one]),
                "until": iso(columns.time[rows[one] + 1]),
                "open_hours": round(float(lost[one]), 2),
            }
            for one in order[:SHOWN]
        ),
    )


def check_sessions(columns: Columns, sessions: Sessions) -> Iterator[Finding]:
    """Find when the hours of a week changed for good."""
    if columns.length_ns > DAY_NS or not len(sessions.hours_per_week):
        return
    each = 24.0 if columns.length_ns >= DAY_NS else 1.0
    weekly = sessions.hours_per_week[:: 7 * 24] / each
    usual = float(np.median(weekly))
    if not columns.free_weekends and usual < 0.95 * _ROUND_THE_CLOCK / each:
        yield Finding(
            name="part-time",
            severity="warning",
            count=len(weekly),
            sentence=f"the market is open all week, but a usual week here has {usual:g} of its "
            f"{_ROUND_THE_CLOCK / each:g} {'days' if each > 1 else 'hours'}: the source leaves the rest out.",
        )
    changes, held = [], weekly[0]
    for week in range(1, len(weekly) - 4):
        now = float(np.median(weekly[week : week + 4]))
        if abs(now / max(held, 1.0) - 1.0) > _CHANGED and weekly[week] == now:
            changes.append((week, held, now))
            held = now
    if not changes:
        return
    unit = "days" if each > 1 else "hours"
    when = [iso(sessions.first + week * 7 * DAY_NS)[:10] for week, _, _ in changes]
    told = "; ".join(
        f"{before:g} to {after:g} from {day}" for day, (_, before, after) in zip(when[:4], changes, strict=False)
    )
    yield Finding(
        name="sessions",
        severity="note",
        count=len(changes),
        sentence=f"the {unit} of a trading week change {len(changes)} times: {told}.",
        rows=tuple(
            {"time": day, "before": before, "after": after}
            for day, (_, before, after) in zip(when[:SHOWN], changes, strict=False)
        ),
    )
