"""Checks of volume and spread: columns that say nothing, scales that jump, quotes that cross."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np

from quantbench.core.clock import DAY_NS
from quantbench.data.checks.columns import Columns, iso
from quantbench.data.checks.report import Finding

__all__ = ["check_spread", "check_volume"]

_MONTH_NS: Final = 30 * DAY_NS
_SCALE: Final = 6.0
"""How many times a month's usual volume must be that of the months before to be another scale."""
_HUGE: Final = 20.0


def check_volume(columns: Columns) -> Iterator[Finding]:
    """Find a volume that is always zero, one that is often zero, and a change of its scale."""
    none = columns.flags(lambda rows: columns.volume[rows] == 0)
    if none.all():
        yield Finding(name="no-volume", severity="note", count=len(columns), sentence="the volume is 0 in every bar.")
        return
    many = int(none.sum())
    if many > 0.01 * len(columns):
        rows = columns.first_rows(none)
        yield Finding(
            name="zero-volume",
            severity="note",
            count=many,
            sentence=f"{many:,} bars ({many / len(columns):.1%}) have a volume of 0, "
            f"the first at {iso(columns.time[rows[0]])}.",
            rows=columns.cases(rows, "close"),
        )
    yield from _scale(columns)


def _scale(columns: Columns) -> Iterator[Finding]:
    edges = np.arange(columns.time[0], columns.time[-1] + _MONTH_NS, _MONTH_NS)
    bounds = np.unique(np.searchsorted(columns.time, edges))
    usual = np.array([_usual(columns, start, stop) for start, stop in pairwise(bounds)])
    starts = bounds[:-1][usual > 0]
    logs = np.log(usual[usual > 0])
    jumps = []
    for month in range(2, len(logs) - 1):
        before, after = np.median(logs[max(month - 3, 0) : month]), np.median(logs[month : month + 3])
        step = abs(logs[month] - logs[month - 1])
        if abs(after - before) > np.log(_SCALE) and step > np.log(_SCALE) / 2:
            jumps.append((month, float(np.exp(after - before))))
    if jumps:
        month, factor = max(jumps, key=lambda jump: abs(np.log(jump[1])))
        yield Finding(
            name="volume-scale",
            severity="warning",
            count=len(jumps),
            sentence=f"the scale of the volume changes {len(jumps)} times, the most by a factor of {factor:.3g} "
            f"around {iso(columns.time[starts[month]])[:10]}: volumes before and after cannot be compared.",
            rows=columns.cases(np.array([starts[one] for one, _ in jumps]), "volume"),
        )


def _usual(columns: Columns, start: int, stop: int) -> float:
    """Return the median volume above 0 of a month, of every tenth bar where there are many."""
    month = columns.volume[start : stop : max((stop - start) // 3_000, 1)]
    month = month[month > 0]
    return float(np.median(month)) if len(month) else 0.0


def check_spread(columns: Columns) -> Iterator[Finding]:
    """Find crossed quotes, spreads far beyond the usual, and spreads that never change."""
    carried = columns.flags(lambda rows: ~np.isnan(columns.spread[rows]))
    if not carried.any():
        return
    crossed = np.flatnonzero(columns.flags(lambda rows: (columns.spread[rows] < 0) | np.isinf(columns.spread[rows])))
    if len(crossed):
        yield Finding(
            name="crossed",
            severity="error",
            count=len(crossed),
            sentence=f"{len(crossed):,} bars have an ask below their bid, or an infinite spread, the first at "
            f"{iso(columns.time[crossed[0]])}.",
            rows=columns.cases(crossed, "close", "spread"),
            repair="clear-spread",
        )
    known = columns.spread if carried.all() else columns.spread[carried]
    usual = float(np.median(known))
    if len(known) > 2 and known.min() == known.max():
        what = "0 in every bar: the source has none" if usual == 0 else f"{usual:g} points in every bar"
        yield Finding(name="constant-spread", severity="note", count=len(known), sentence=f"the spread is {what}.")
        return
    zero = int((known == 0).sum())
    if zero > 0.05 * len(known):
        yield Finding(
            name="zero-spread",
            severity="note",
            count=zero,
            sentence=f"{zero / len(known):.0%} of the spreads are 0: is it the smallest within each bar?",
        )
    yield from _huge_spreads(columns, usual)


def _huge_spreads(columns: Columns, usual: float) -> Iterator[Finding]:
    """Find spreads far beyond the usual one."""
    huge = np.flatnonzero(columns.flags(lambda rows: columns.spread[rows] > _HUGE * max(usual, 1.0)))
    if len(huge):
        worst = huge[np.argmax(columns.spread[huge])]
        yield Finding(
            name="huge-spread",
            severity="warning",
            count=len(huge),
            sentence=f"{len(huge):,} spreads exceed {_HUGE:g} times the usual {usual:g} points, the widest "
            f"{columns.spread[worst]:g} at {iso(columns.time[worst])}.",
            rows=columns.cases(huge[np.argsort(-columns.spread[huge], kind="stable")], "close", "spread"),
            repair="clear-spread",
        )
