"""When a market's week opens and closes in UTC, and what the rows of a file say about it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS, utc_offset
from quantbench.core.instrument import Instrument

__all__ = ["SESSIONS", "Kind", "Sightings", "Week", "sessions_of", "sightings"]

IntArray = npt.NDArray[np.int64]

_NEW_YORK: Final = "America/New_York"
_SATURDAY: Final = 2 * DAY_NS
"""1970-01-03 was a Saturday."""

_LATE: Final = 30 * MINUTE_NS
_EARLY: Final = 59 * MINUTE_NS
_SHORTEST, _LONGEST = 40 * HOUR_NS, 60 * HOUR_NS


@dataclass(frozen=True)
class Week:
    """When a market trades, in hours of New York time.

    Parameters
    ----------
    name : str
        For the reader.
    opens : float
        Hour on Sunday.
    closes : float
        Hour on Friday.
    """

    name: str
    opens: float
    closes: float


SESSIONS: Final = {
    "fx": Week("currencies (Sunday 17:00 to Friday 17:00 New York)", 17.0, 17.0),
    "metal": Week("metals and indices (Sunday 18:00 to Friday 17:00 New York)", 18.0, 17.0),
}

_METALS: Final = ("XAU", "XAG", "XPT", "XPD", "GOLD", "SILVER")
_COINS: Final = ("BTC", "ETH", "LTC", "XRP", "BCH")


class Kind(IntEnum):
    """What was seen."""

    CLOSE = 0
    OPEN = 1
    RHYTHM = 2


@dataclass(frozen=True)
class Sightings:
    """What a file shows of its clock, week by week, in order of time.

    Parameters
    ----------
    utc : int64 array
        When it was, UTC nanoseconds (the market's open or close).
    local : int64 array
        Time on the source's clock of the row that shows it: the first of the week, or the last.
    lowest, highest : int64 arrays
        Between which offsets (local - UTC) the source's clock must lie for that to be so.
    kinds : int64 array
        `Kind` of each.
    rows : int64 array
        Row in the file (in order of time).
    """

    utc: IntArray
    local: IntArray
    lowest: IntArray
    highest: IntArray
    kinds: IntArray
    rows: IntArray

    def __len__(self) -> int:
        return len(self.utc)

    def joined(self, other: Sightings) -> Sightings:
        """Return both in order of time."""
        order = np.argsort(np.concatenate((self.local, other.local)), kind="stable")
        columns = (np.concatenate((getattr(self, f.name), getattr(other, f.name)))[order] for f in fields(self))
        return Sightings(*columns)


def sessions_of(symbol: str | None, instrument: Instrument | None) -> tuple[Week, ...]:
    """Return the weeks a symbol may trade: one for a known kind, all for an unknown one, none without a week."""
    name = (symbol or "").upper()
    if (instrument is not None and instrument.calendar == "crypto") or name.startswith(_COINS):
        return ()
    if name.startswith(_METALS):
        return (SESSIONS["metal"],)
    if len(name) >= 6 and name[:3] in _CURRENCIES and name[3:6] in _CURRENCIES:
        return (SESSIONS["fx"],)
    return tuple(SESSIONS.values())


_CURRENCIES: Final = frozenset(
    (
        *("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "PLN", "HUF", "CZK", "TRY"),
        *("ZAR", "MXN", "SGD", "HKD", "CNH"),
    )
)


def sightings(time: IntArray, length: int, week: Week) -> Sightings:
    """Return every weekly close and open in increasing times of bar opens (or ticks).

    Parameters
    ----------
    time : int64 array
        Nanoseconds on the source's clock, increasing.
    length : int
        How long a bar lasts; 0 for ticks.
    week : Week
        When the market trades.
    """
    step = np.diff(time)
    after = np.flatnonzero((step >= _SHORTEST) & (step <= _LONGEST + length)) + 1
    middle = (time[after] + time[after - 1] + length) // 2
    into = (middle - _SATURDAY) % (7 * DAY_NS)
    kept = (into >= int(0.25 * DAY_NS)) & (into <= int(1.6 * DAY_NS))
    after, saturday = after[kept], (middle - into)[kept]
    sunday_rows, saturday_rows = _has_day(time, 3), _has_day(time, 2)
    opened = _opens(time[after], saturday, length, week, cut=not sunday_rows)
    closed = _closes(time[after - 1], saturday, length, week, cut=not saturday_rows)
    parts = [np.stack(pair, axis=1).ravel() for pair in zip(closed, opened, strict=True)]
    rows = np.stack((after - 1, after), axis=1).ravel()
    kinds = np.tile(np.array([Kind.CLOSE, Kind.OPEN], np.int64), len(after))
    return Sightings(parts[0], parts[1], parts[2], parts[3], kinds, rows)


def _opens(first: IntArray, saturday: IntArray, length: int, week: Week, *, cut: bool) -> tuple[IntArray, ...]:
    """Return UTC open, local time, lowest and highest offset; a Sunday left out leaves only the highest."""
    utc = _in_utc(saturday + DAY_NS + int(week.opens * HOUR_NS))
    lowest, highest = first - utc - _LATE, first - utc + max(length, MINUTE_NS) - 1
    monday = (first - saturday - 2 * DAY_NS < HOUR_NS) & (first >= saturday + 2 * DAY_NS)
    if cut:
        lowest = np.where(monday, -DAY_NS, lowest)
    return utc, first, lowest, highest


def _closes(last: IntArray, saturday: IntArray, length: int, week: Week, *, cut: bool) -> tuple[IntArray, ...]:
    """Return UTC close, local time, lowest and highest offset; a Saturday left out leaves only the lowest."""
    utc = _in_utc(saturday - DAY_NS + int(week.closes * HOUR_NS))
    end = last + length
    lowest, highest = end - utc - max(length, MINUTE_NS) + 1, end - utc + _EARLY
    if cut:
        highest = np.where((end <= saturday) & (end > saturday - HOUR_NS), DAY_NS, highest)
    return utc, last, lowest, highest


def _in_utc(new_york: IntArray) -> IntArray:
    """Return New York times far from a change of its clock in UTC."""
    return new_york - utc_offset(new_york + 5 * HOUR_NS, _NEW_YORK)


def _has_day(time: IntArray, day: int) -> bool:
    """Return whether any row lies on a weekday, counted from Thursday 0."""
    return bool(((time // DAY_NS) % 7 == day).any())
