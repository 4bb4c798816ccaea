"""Trading days: when one ends, how many a year has, how many hours each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, utc_offset
from quantbench.core.errors import DataError, did_you_mean

__all__ = ["CALENDARS", "Calendar", "calendar", "rollover_nights", "trading_day"]

IntArray = npt.NDArray[np.int64]

NEW_YORK: Final = "America/New_York"
_ROLLOVER_NS: Final = 17 * HOUR_NS


@dataclass(frozen=True)
class Calendar:
    """When a trading day ends and how a year is counted.

    Parameters
    ----------
    name : str
        What an instrument declares: ``"fx"``, ``"crypto"``, ``"us_equity"``.
    zone : str
        The wall clock that ends the day.
    day_ends : float
        Hour on that clock at which the trading day ends (17.0 New York for FX, 0.0 UTC).
    days_per_year, hours_per_day : float
        What annualises: 260 days of 24 hours for FX.
    """

    name: str
    zone: str
    day_ends: float
    days_per_year: float
    hours_per_day: float


CALENDARS: Final = {
    "fx": Calendar("fx", NEW_YORK, 17.0, 260.0, 24.0),
    "crypto": Calendar("crypto", "UTC", 0.0, 365.0, 24.0),
    "us_equity": Calendar("us_equity", "UTC", 0.0, 252.0, 6.5),
}


def calendar(name: str) -> Calendar:
    """Return the calendar of that name.

    Raises
    ------
    DataError
        When there is none.
    """
    if name not in CALENDARS:
        raise DataError(f"unknown calendar {name!r}: {did_you_mean(name, CALENDARS)}")
    return CALENDARS[name]


def trading_day(time_ns: IntArray, of: Calendar) -> IntArray:
    """Return the trading day each bar belongs to, as days since 1970-01-01.

    A bar belongs to the day that holds its open. An FX day is named by the date on which it
    ends: the bar of Sunday 22:00 UTC belongs to Monday.
    """
    shift = int((24.0 - of.day_ends) % 24.0 * HOUR_NS)
    return (time_ns + utc_offset(time_ns, of.zone) + shift) // DAY_NS


def rollover_nights(time_ns: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Return the 17:00 New York moments each bar crosses.

    Returns
    -------
    bar, weekday, moment : three int64 arrays, one entry a moment
        The bar that holds the moment in ``(time[k-1], time[k]]``, its weekday in New York
        (Monday 0) and the moment itself in UTC nanoseconds, in order.
    """
    if len(time_ns) < 2:
        return (np.zeros(0, np.int64),) * 3
    ends = trading_day(time_ns, CALENDARS["fx"])
    days = np.arange(ends[0], ends[-1] + 1)
    moment = days * DAY_NS + _ROLLOVER_NS
    for _ in range(2):  # local to UTC: the second pass settles days on which the offset changes
        moment = days * DAY_NS + _ROLLOVER_NS - utc_offset(moment, NEW_YORK)
    inside = (moment > time_ns[0]) & (moment <= time_ns[-1])
    days, moment = days[inside], moment[inside]
    return np.searchsorted(time_ns, moment, side="left"), (days + 3) % 7, moment
