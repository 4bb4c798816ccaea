"""Timeframes by their MetaTrader names: how long a bar lasts."""

from __future__ import annotations

from typing import Final

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS
from quantbench.core.errors import DataError, did_you_mean

__all__ = ["TIMEFRAMES", "closest_ns", "timeframe_ns"]

TIMEFRAMES: Final[dict[str, int]] = (
    {f"M{n}": n * MINUTE_NS for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)}
    | {f"H{n}": n * HOUR_NS for n in (1, 2, 3, 4, 6, 8, 12)}
    | {"D1": DAY_NS, "W1": 7 * DAY_NS, "MN1": 30 * DAY_NS}
)


def timeframe_ns(timeframe: str) -> int:
    """Return how long a bar of the timeframe lasts, in nanoseconds (a month counts as 30 days).

    Raises
    ------
    DataError
        For a name MetaTrader does not have.

    Examples
    --------
    >>> timeframe_ns("H1") // 10**9
    3600
    """
    if timeframe not in TIMEFRAMES:
        hint = did_you_mean(timeframe, TIMEFRAMES)
        raise DataError(f"unknown timeframe {timeframe!r}: {hint}")
    return TIMEFRAMES[timeframe]


def closest_ns(timeframe: str) -> int:
    """Return how close two opens of the timeframe can stand, in nanoseconds.

    Bars cut on a wall clock stand an hour closer once a year, and months have 28 days of 30.
    """
    span = timeframe_ns(timeframe)
    return min(int(0.9 * span), span - HOUR_NS) if span > HOUR_NS else int(0.9 * span)
