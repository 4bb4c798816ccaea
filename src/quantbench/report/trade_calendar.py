"""What the trades entered on each day made, laid out as a calendar, as plain arrays: no plotly here."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.calendar import trading_day
from quantbench.core.results import Backtest, day_ends

__all__ = ["TradeCalendar", "trade_calendar"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_YEARS: Final = 12  # of a calendar: more is no page to look at
_WEEKS: Final = 6  # the most a month touches
_STRONG: Final = 95  # percentile of |profit| with the full colour: one huge day must not pale all others
_FAINTEST: Final = 0.3  # colour of the smallest profit: its sign can still be seen


class TradeCalendar(NamedTuple):
    """Net profit by the trading day of entry, as months of weeks.

    Attributes
    ----------
    years : int array
        Those shown, without a gap.
    weekdays : int array
        Those with bars, Monday is 0.
    day : int array of shape (years, 6 weeks, 12 months, weekdays)
        Days since 1970 of the trading days with bars, -1 elsewhere.
    trades : int array of that shape
        Closed parts entered on the day.
    profit : float array of that shape
        What they made together, net, account currency; NaN without any.
    strength : float array of that shape
        The profit as a colour, -1 to 1: its sign can always be seen; NaN without any trade.
    earlier : int
        Years with bars before those shown.
    """

    years: IntArray
    weekdays: IntArray
    day: IntArray
    trades: IntArray
    profit: FloatArray
    strength: FloatArray
    earlier: int


def trade_calendar(result: Backtest, *, at_most: int = _YEARS) -> TradeCalendar:
    """Return what the trades entered on each trading day made, for the last `at_most` years with bars."""
    rows, bars = result.path.trades, result.bars
    days = day_ends(bars)[0]
    year = _year(days)
    last = int(year[-1]) if len(year) else 0
    earlier = max(last - at_most + 1 - int(year[0]), 0) if len(year) else 0
    years = np.arange(year[0] + earlier, last + 1) if len(year) else np.zeros(0, np.int64)
    days = days[earlier and np.searchsorted(year, years[0]) :]
    weekdays = np.unique(_weekday(days))
    shape = (len(years), _WEEKS, 12, len(weekdays))
    day, trades = np.full(shape, -1), np.zeros(shape, np.int64)
    profit = np.zeros(shape)
    entered = trading_day(bars.time_ns[rows["entry_bar"]], bars.instrument.trading_calendar)
    shown = entered >= days[0] if len(days) else np.zeros(0, bool)
    day[_place(days, years, weekdays)] = days
    place = _place(entered[shown], years, weekdays)
    np.add.at(trades, place, 1)
    np.add.at(profit, place, rows["profit"][shown])
    profit[trades == 0] = np.nan
    return TradeCalendar(years + 1970, weekdays, day, trades, profit, _strength(profit), earlier)


def _year(day: IntArray) -> IntArray:
    return day.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64)


def _weekday(day: IntArray) -> IntArray:
    return (day + 3) % 7  # 1970 began on a Thursday


def _place(day: IntArray, years: IntArray, weekdays: IntArray) -> tuple[IntArray, ...]:
    """Return year, week of the month, month and weekday of each day, as positions."""
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    first = month.astype("datetime64[D]").astype(np.int64)
    week = (day - first + _weekday(first)) // 7
    of_year = month.astype(np.int64) % 12
    start = years[0] if len(years) else 0
    return _year(day) - start, week, of_year, np.searchsorted(weekdays, _weekday(day))


def _strength(profit: FloatArray) -> FloatArray:
    known = np.abs(profit[np.isfinite(profit)])
    full = float(np.percentile(known, _STRONG)) if len(known) else 0.0
    share = np.minimum(np.abs(profit) / (full or 1.0), 1.0)
    return np.sign(profit) * (_FAINTEST + (1.0 - _FAINTEST) * share)
