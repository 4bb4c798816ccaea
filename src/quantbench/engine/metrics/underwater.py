"""How far and how long below the best so far. A drawdown is a fraction, and never above 0.

Every function takes the starting `balance`: it is the first peak. Leaving it out flatters whatever
loses from the first bar (-36.6 % instead of -37.9 % on one series, notes/statistics.md 2.1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.engine.metrics.annual import clean

__all__ = [
    "STILL_UNDER",
    "Drawdowns",
    "days_under_water",
    "drawdown",
    "drawdowns",
    "episodes",
    "growth",
    "longest_drawdown_bars",
    "max_drawdown",
    "max_drawdown_days",
    "pain_index",
    "time_under_water",
    "ulcer_index",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STILL_UNDER = -1
"""Recovery of a drawdown that has not ended."""

_DAY_NS = 86_400_000_000_000


class Drawdowns(NamedTuple):
    """Every drawdown, in order of time, as arrays of equal length.

    Attributes
    ----------
    peak : int array
        Last bar at the peak; -1 is the starting balance, before the first bar.
    trough : int array
        First bar at the deepest point.
    recovery : int array
        First bar at or above the peak; `STILL_UNDER` where there is none yet.
    depth : float array
        Fraction, below 0.
    """

    peak: IntArray
    trough: IntArray
    recovery: IntArray
    depth: FloatArray


def growth(returns: npt.ArrayLike) -> FloatArray:
    """Return what one unit of money becomes, at the end of each period: ``cumprod(1 + r)``."""
    return np.asarray(np.cumprod(1.0 + clean(returns)), dtype=np.float64)


def drawdown(equity: npt.ArrayLike, *, balance: float) -> FloatArray:
    """Return ``equity / running peak - 1`` at each bar.

    Parameters
    ----------
    equity : array of float
        Money at the close of each bar.
    balance : float
        Starting balance, above 0: the first peak.

    Returns
    -------
    float array
        Fractions, <= 0 (below -1 where equity is below 0).

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.drawdown([75.0, 100.0, 120.0, 60.0], balance=100.0).tolist()
    [-0.25, 0.0, 0.0, -0.5]
    """
    money = np.asarray(equity, dtype=np.float64)
    peak = np.maximum(np.maximum.accumulate(money), balance)
    return np.asarray(money / peak - 1.0, dtype=np.float64)


def max_drawdown(equity: npt.ArrayLike, *, balance: float) -> float:
    """Return the deepest drawdown: a fraction, <= 0; 0 where equity never fell below its peak.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.max_drawdown([110.0, 99.0, 108.9], balance=100.0), 4)
    -0.1
    """
    under = drawdown(equity, balance=balance)
    return float(under.min()) if len(under) else math.nan


def drawdowns(equity: npt.ArrayLike, *, balance: float) -> Drawdowns:
    """Return every drawdown: its peak, its trough, its recovery and its depth.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> found = metrics.drawdowns([110.0, 90.0, 100.0, 120.0, 130.0, 100.0], balance=100.0)
    >>> found.peak.tolist(), found.trough.tolist(), found.recovery.tolist()
    ([0, 4], [1, 5], [3, -1])
    """
    return episodes(drawdown(equity, balance=balance))


def episodes(under: FloatArray) -> Drawdowns:
    """Return every drawdown of a `drawdown` series."""
    below = np.concatenate(([False], under < 0, [False]))
    edges = np.diff(below.astype(np.int8))
    first, after = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    if not len(first):
        none = np.zeros(0, np.int64)
        return Drawdowns(none, none, none, np.zeros(0))
    depth = np.minimum.reduceat(np.append(under, 0.0), np.ravel(np.column_stack((first, after))))[::2]
    which = np.repeat(np.arange(len(first)), after - first)
    rows = np.flatnonzero(below[1:-1])
    deepest = under[rows] == depth[which]
    _, at = np.unique(which[deepest], return_index=True)
    recovery = np.where(after < len(under), after, STILL_UNDER)
    return Drawdowns(first - 1, rows[deepest][at], recovery, depth)


def longest_drawdown_bars(equity: npt.ArrayLike, *, balance: float) -> int:
    """Return the bars from a peak to the first bar at or above it, of the **longest** drawdown.

    One still under water counts to the last bar. (vectorbt counts from the first bar under water,
    one fewer; pyfolio reports the deepest, not the longest.)
    """
    found = drawdowns(equity, balance=balance)
    if not len(found.peak):
        return 0
    last = len(np.asarray(equity)) - 1
    return int((np.where(found.recovery == STILL_UNDER, last, found.recovery) - found.peak).max())


def days_under_water(found: Drawdowns, time_ns: IntArray) -> FloatArray:
    """Return how long each drawdown lasted, in **calendar** days from its peak to its recovery.

    Parameters
    ----------
    found : Drawdowns
        Of equity on these bars.
    time_ns : int array
        Label of each bar. A drawdown from the starting balance begins at the first label; one
        still under water is counted to the last.
    """
    start = time_ns[np.maximum(found.peak, 0)]
    end = time_ns[np.where(found.recovery == STILL_UNDER, len(time_ns) - 1, found.recovery)]
    return (end - start) / float(_DAY_NS)


def max_drawdown_days(equity: npt.ArrayLike, *, balance: float, time_ns: IntArray) -> float:
    """Return the **calendar** days of the longest time from a peak to its recovery, >= 0.

    See Also
    --------
    days_under_water : how days are counted.
    """
    if not len(time_ns):
        return math.nan
    days = days_under_water(drawdowns(equity, balance=balance), time_ns)
    return float(days.max()) if len(days) else 0.0


def time_under_water(equity: npt.ArrayLike, *, balance: float) -> float:
    """Return the share of bars that closed below the peak, between 0 and 1."""
    under = drawdown(equity, balance=balance)
    return float(np.mean(under < 0)) if len(under) else math.nan


def ulcer_index(equity: npt.ArrayLike, *, balance: float) -> float:
    """Return ``sqrt(mean(drawdown**2))`` over all n bars, a fraction >= 0.

    Source: Martin & McCann (1989). quantstats divides by n - 1.
    """
    under = drawdown(equity, balance=balance)
    return math.sqrt(float(np.mean(under**2))) if len(under) else math.nan


def pain_index(equity: npt.ArrayLike, *, balance: float) -> float:
    """Return ``mean(|drawdown|)`` over all bars, a fraction >= 0. Source: Bacon (2008)."""
    under = drawdown(equity, balance=balance)
    return float(-under.mean()) if len(under) else math.nan
