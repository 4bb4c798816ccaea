"""When a market should have traded: holidays by rule, hours learned from the data, and the time between.

A broker's hours are no law: gold rests an hour a day, an index an evening, and both changed over the
years. So the hours of a week are learned from the bars themselves, a quarter of a year to each side;
weekends and holidays are known. What is missing of those hours is a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, server_offset
from quantbench.core.instrument import Instrument
from quantbench.data.spilled import release

__all__ = ["Sessions", "holidays", "learned_sessions"]

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_CLOCKS: Final = ("America/New_York+7", "Europe/London", "UTC")
_CHUNK: Final = 1 << 16
_WEEK: Final = 168
_SIDE: Final = 13
"""Weeks to each side from which a week's hours are learned."""
_LEARNABLE: Final = 4
"""Weeks below which nothing is learned and the calendar's own week holds."""
_FIAT: Final = frozenset(
    {
        *("AUD", "CAD", "CHF", "CNH", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "ILS", "JPY"),
        *("MXN", "NOK", "NZD", "PLN", "RON", "RUB", "SEK", "SGD", "THB", "TRY", "USD", "ZAR"),
    }
)


@dataclass(frozen=True, eq=False)
class Sessions:
    """Which hours should have traded and which did, hour by hour.

    Parameters
    ----------
    first : int
        UTC nanoseconds of the first hour.
    expected : bool array
        Whether the market should have traded in each hour.
    present : bool array
        Whether there is a bar in each hour.
    hours_per_week : float array
        Hours of the learned week that each hour belongs to: it changes when the sessions do.
    """

    first: int
    expected: BoolArray
    present: BoolArray
    hours_per_week: FloatArray

    def open_ns(self, start: IntArray, stop: IntArray) -> FloatArray:
        """Return how long the market should have traded between moments, in nanoseconds."""
        total = np.concatenate([[0.0], np.cumsum(self.expected, dtype=np.float64)]) * HOUR_NS

        def until(moment: IntArray) -> FloatArray:
            row, rest = np.divmod(np.clip(moment - self.first, 0, len(self.expected) * HOUR_NS - 1), HOUR_NS)
            part: FloatArray = total[row] + self.expected[row] * rest
            return part

        return until(stop) - until(start)

    @property
    def by_day(self) -> tuple[IntArray, FloatArray]:
        """Days since 1970 (UTC) and the share of their open hours that traded: NaN on a free day, 2 if it traded."""
        hour = self.first // HOUR_NS + np.arange(len(self.expected))
        day = hour // 24
        days = np.arange(day[0], day[-1] + 1) if len(day) else np.zeros(0, np.int64)
        expected = np.bincount(day - day[0], self.expected, len(days)) if len(day) else np.zeros(0)
        kept = np.bincount(day - day[0], self.expected & self.present, len(days)) if len(day) else np.zeros(0)
        beyond = np.bincount(day - day[0], self.present & ~self.expected, len(days)) if len(day) else np.zeros(0)
        share = np.divide(kept, expected, out=np.full(len(days), np.nan), where=expected > 0)
        return days, np.where((expected == 0) & (beyond > 0), 2.0, share)


def learned_sessions(time_ns: IntArray, length_ns: int, instrument: Instrument) -> Sessions:
    """Return the sessions of a market, learned from when its bars open.

    Parameters
    ----------
    time_ns : int64 array
        Opens of the bars, UTC, in order.
    length_ns : int
        Of a bar, a day at most. A day's bar stands for the 24 hours around its noon, so that one
        opened at 22:00 on Sunday is Monday's.
    instrument : Instrument
        Its calendar says whether weekends are free; its currencies, whose holidays.
    """
    if length_ns >= DAY_NS:
        days = np.unique((time_ns + DAY_NS // 2) // DAY_NS)
        first = int(days[0]) * 24
        present = np.repeat(np.isin(np.arange(days[0], days[-1] + 1), days), 24)
    else:
        first = int(time_ns[0] // HOUR_NS)
        many = int((time_ns[-1] + length_ns - 1) // HOUR_NS) - first + 1
        at = _places(time_ns, (first + np.arange(many + 1)) * HOUR_NS)
        present = np.diff(at) > 0
        for later in range(1, length_ns // HOUR_NS):  # a bar of four hours stands for all four
            present[later:] |= (np.diff(at) > 0)[: len(present) - later]
    hours = (first + np.arange(len(present))) * HOUR_NS
    weekends = instrument.trading_calendar.days_per_year < 365
    clocks = ("UTC",) if length_ns >= DAY_NS else _CLOCKS
    clock, share = min(((clock, _weekly(hours, present, clock)) for clock in clocks), key=lambda pair: _blur(pair[1]))
    if share.shape[0] < _LEARNABLE:
        share = np.ones_like(share)
    slot, week = _slots(hours, clock)
    expected = share[week, slot] > 0.5
    per_week = (share > 0.5).sum(axis=1).astype(np.float64)
    if weekends:
        expected &= ~_is_weekend(hours, daily=length_ns >= DAY_NS)
    expected &= ~_on_holiday(hours, instrument, daily=length_ns >= DAY_NS)
    return Sessions(first * HOUR_NS, expected, present, per_week[week])


def _places(time_ns: IntArray, moments: IntArray) -> IntArray:
    """Return what `searchsorted` does, both in order, by ranges that stay in the processor's cache."""
    found = np.full(len(moments), len(time_ns))
    low = 0
    for start in range(0, len(time_ns), _CHUNK):
        rows = slice(start, min(start + _CHUNK, len(time_ns)))
        high = int(np.searchsorted(moments, time_ns[rows.stop - 1], side="right"))
        found[low:high] = start + np.searchsorted(time_ns[rows], moments[low:high])
        low = high
        release([time_ns], rows)
    return found


def holidays(instrument: Instrument, first_year: int, last_year: int) -> frozenset[date]:
    """Return the dates on which the market may be closed, or close early, without a gap.

    Currencies rest around Christmas and New Year. What is quoted in them but traded at an exchange
    (metals, indices, shares) also rests, or stops early, on the holidays of the New York exchanges.
    """
    found: set[date] = set()
    if instrument.calendar == "crypto":
        return frozenset()
    for year in range(first_year, last_year + 1):
        found |= {date(year, 12, 24), date(year, 12, 25), date(year, 12, 26), date(year, 12, 31)}
        found |= {date(year, 1, 1), date(year, 1, 2)}
        if not {instrument.base_currency, instrument.quote_currency} <= _FIAT or instrument.calendar != "fx":
            found |= _new_york(year)
    return frozenset(found)


def _weekly(hours: IntArray, present: BoolArray, clock: str) -> FloatArray:
    """Return, by week and hour of the week, in how many of the weeks around it that hour traded."""
    slot, week = _slots(hours, clock)
    table = np.zeros((int(week[-1]) + 1, _WEEK))
    table[week[present], slot[present]] = 1.0
    traded = table.sum(axis=1)
    live = traded > 0.2 * np.median(traded[traded > 0])
    order = np.cumsum(live) - 1  # a week without bars is judged by those before it
    total = np.concatenate([np.zeros((1, _WEEK)), np.cumsum(table[live], axis=0)])
    many = int(live.sum())
    low = np.clip(np.minimum(np.arange(many) - _SIDE, many - 2 * _SIDE - 1), 0, None)
    high = np.minimum(low + 2 * _SIDE + 1, many)
    share = (total[high] - total[low]) / (high - low)[:, None]
    found: FloatArray = share[np.maximum(order, 0)]
    return found


def _slots(hours: IntArray, clock: str) -> tuple[IntArray, IntArray]:
    """Return each hour's place in the week (Monday 00:00 is 0) and the number of its week."""
    local = (hours + server_offset(hours, clock)) // HOUR_NS + 3 * 24  # 1970 began on a Thursday
    week = local // _WEEK
    return local % _WEEK, week - week[0]


def _blur(share: FloatArray) -> float:
    """Return how undecided the hours of a week are: the clock the market keeps has the sharpest."""
    return float((share * (1.0 - share)).mean())


def _is_weekend(hours: IntArray, *, daily: bool) -> BoolArray:
    local = hours if daily else hours + server_offset(hours, _CLOCKS[0])
    weekend: BoolArray = (local // DAY_NS + 3) % 7 >= 5
    return weekend


def _on_holiday(hours: IntArray, instrument: Instrument, *, daily: bool) -> BoolArray:
    local = hours if daily else hours + server_offset(hours, _CLOCKS[0])
    day = local // DAY_NS
    epoch = date(1970, 1, 1)
    first, last = (epoch + timedelta(days=int(day[row])) for row in (0, -1))
    closed = np.array([(one - epoch).days for one in holidays(instrument, first.year, last.year)], np.int64)
    return np.isin(day, closed)


@lru_cache(maxsize=256)
def _new_york(year: int) -> frozenset[date]:
    """Return the holidays and early closes of the New York Stock Exchange's rules, with the days around them."""
    easter = _easter(year)
    found = {easter - timedelta(days=2), easter + timedelta(days=1), date(year, 7, 3), date(year, 7, 4)}
    found |= {_nth(year, 1, 0, 3), _nth(year, 2, 0, 3), _nth(year, 9, 0, 1), date(year, 6, 19)}
    memorial = max(date(year, 5, day) for day in range(25, 32) if date(year, 5, day).weekday() == 0)
    thanksgiving = _nth(year, 11, 3, 4)
    found |= {memorial, thanksgiving, thanksgiving + timedelta(days=1)}
    for fixed in (date(year, 1, 1), date(year, 6, 19), date(year, 7, 4), date(year, 12, 25)):
        found.add(fixed + timedelta(days={5: -1, 6: 1}.get(fixed.weekday(), 0)))  # kept on the nearest weekday
    return frozenset(found | {day for day in _UNFORESEEN if day.year == year})


_UNFORESEEN: Final = (
    *(date(2001, 9, day) for day in (11, 12, 13, 14)),
    date(2004, 6, 11), date(2007, 1, 2), date(2012, 10, 29), date(2012, 10, 30), date(2018, 12, 5), date(2025, 1, 9),
)  # fmt: skip


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))


def _easter(year: int) -> date:
    """Return Easter Sunday by the anonymous Gregorian algorithm (Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    return date(year, f // 31, f % 31 + 1)
