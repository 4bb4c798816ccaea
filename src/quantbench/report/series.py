"""What the figures of a backtest draw, as plain arrays: no plotly here.

Times are float64 milliseconds since 1970 UTC: plotly draws them as dates, at a third of the size of text.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.path import TRADE
from quantbench.core.results import Backtest
from quantbench.engine import metrics

__all__ = [
    "Candles",
    "EquityLine",
    "Excursions",
    "Exposure",
    "MonthlyReturns",
    "RollingSharpe",
    "TradeProfits",
    "candles",
    "equity_line",
    "excursions",
    "exposure_by_month",
    "keep_extremes",
    "milliseconds",
    "monthly_returns",
    "rolling_sharpe",
    "trade_profits",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

POINTS: Final = 4_000  # more than a wide screen has columns
_SCATTER: Final = 2_000
_BINS: Final = (12, 60)
_CANDLES: Final = (120, 400)
_FEW_TRADES: Final = 5


class EquityLine(NamedTuple):
    """Account currency at the close of each kept bar, and the fraction below the running peak (<= 0)."""

    time: FloatArray
    equity: FloatArray
    drawdown: FloatArray


class Candles(NamedTuple):
    """A readable window of bars and the trades that touch it; `first` is the window's first bar."""

    time: FloatArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    trades: npt.NDArray[np.void]
    first: int


class MonthlyReturns(NamedTuple):
    """Net return by year (rows) and month (12 columns), NaN where nothing was traded; `total` by year."""

    years: IntArray
    returns: FloatArray
    total: FloatArray


class TradeProfits(NamedTuple):
    """How many trades made between two edges, net, account currency; 0 is an edge: no bin mixes wins and losses."""

    edges: FloatArray
    trades: IntArray


class Excursions(NamedTuple):
    """Worst (<= 0) and best (>= 0) open profit of each trade and what it closed with, account currency."""

    mae: FloatArray
    mfe: FloatArray
    profit: FloatArray


class RollingSharpe(NamedTuple):
    """Annualised Sharpe of the last `lookback` trading days, at each day that has so many."""

    time: FloatArray
    sharpe: FloatArray
    lookback: int


class Exposure(NamedTuple):
    """Share of a month's bars held long and short, fractions; `time` is the first of the month."""

    time: FloatArray
    long: FloatArray
    short: FloatArray


def milliseconds(time_ns: IntArray) -> FloatArray:
    """Return epoch nanoseconds as epoch milliseconds."""
    return time_ns / 1e6


def keep_extremes(*columns: FloatArray, at_most: int = POINTS) -> IntArray:
    """Return at most so many positions, in order, that keep the ends and every bucket's lows and highs.

    What a thinned line must not lose is its worst and its best point.
    """
    n = len(columns[0])
    if n <= at_most:
        return np.arange(n)
    edges = np.linspace(0, n, (at_most - 2) // (2 * len(columns)) + 1).astype(np.int64)
    kept = [0, n - 1]
    for column in columns:
        for start, stop in pairwise(edges):
            bucket = column[start:stop]
            kept += [start + int(bucket.argmin()), start + int(bucket.argmax())]
    return np.unique(np.asarray(kept, np.int64))


def equity_line(result: Backtest, *, at_most: int = POINTS) -> EquityLine:
    """Return equity and drawdown, thinned to at most so many points with their extremes kept."""
    equity = result.path.equity
    drawdown = metrics.drawdown(equity, balance=result.account.balance)
    rows = keep_extremes(equity, drawdown, at_most=at_most)
    return EquityLine(milliseconds(result.bars.time_ns[rows]), equity[rows], drawdown[rows])


def candles(result: Backtest, *, last: int | None = None, until: int | None = None) -> Candles:
    """Return a window of `last` bars that ends after bar `until`, by position.

    A year of hourly bars is 6,000 candles: nobody reads those. Without `until` the window ends at the
    last exit; without `last` it reaches back over the last few trades, within what can be read.
    """
    rows, bars = result.path.trades, result.bars
    if until is None:
        until = int(rows["exit_bar"][-1]) + 5 if len(rows) else len(bars) - 1
    if last is None:
        back = until - int(rows["entry_bar"][-_FEW_TRADES:][0]) + 10 if len(rows) else 0
        last = min(max(back, _CANDLES[0]), _CANDLES[1])
    stop = min(max(until + 1, last), len(bars))
    first = max(0, stop - last)
    window = bars[first:stop]
    touching = rows[(rows["exit_bar"] >= first) & (rows["entry_bar"] < stop)] if len(rows) else np.zeros(0, TRADE)
    time = milliseconds(window.time_ns)
    return Candles(time, window.open, window.high, window.low, window.close, touching, first)


def monthly_returns(result: Backtest) -> MonthlyReturns:
    """Return the compounded net return of each month and year, by the trading day's date."""
    daily = result.daily
    if not len(daily):
        return MonthlyReturns(np.zeros(0, np.int64), np.zeros((0, 12)), np.zeros(0))
    month = daily.index.to_numpy().astype("datetime64[M]").astype(np.int64)
    traded, made = metrics.compounded(daily.to_numpy(), month)
    own_year, yearly = metrics.compounded(daily.to_numpy(), month // 12)
    years = np.arange(own_year[0], own_year[-1] + 1)
    table, total = np.full((len(years), 12), np.nan), np.full(len(years), np.nan)
    table[traded // 12 - years[0], traded % 12] = made
    total[own_year - years[0]] = yearly
    return MonthlyReturns(years + 1970, table, total)


def trade_profits(result: Backtest) -> TradeProfits:
    """Return the histogram of profits, its bins as wide as Freedman and Diaconis (1981) advise."""
    profit = result.path.trades["profit"]
    if not len(profit):
        return TradeProfits(np.zeros(1), np.zeros(0, np.int64))
    low, high = min(float(profit.min()), 0.0), max(float(profit.max()), 0.0)
    spread = float(np.subtract(*np.percentile(profit, [75, 25])))
    widest, narrowest = ((high - low) / bins for bins in _BINS)
    width = min(max(2 * spread / len(profit) ** (1 / 3), narrowest), widest) or 1.0
    place = np.floor(profit / width).astype(np.int64)
    first, last = min(int(place.min()), 0), max(int(place.max()), -1)
    edges = np.arange(first, last + 2, dtype=np.float64) * width
    return TradeProfits(edges, np.bincount(place - first, minlength=last - first + 1))


def excursions(result: Backtest, *, at_most: int = _SCATTER) -> Excursions:
    """Return the excursions of the trades; of very many, the largest profits and losses and an even sample."""
    rows = result.path.trades
    if len(rows) > at_most:
        order = np.argsort(-np.abs(rows["profit"]), kind="stable")
        evenly = order[at_most // 2 :][:: -(-2 * len(rows) // at_most)]
        rows = rows[np.sort(np.append(order[: at_most // 2], evenly))]
    return Excursions(rows["mae"], rows["mfe"], rows["profit"])


def rolling_sharpe(result: Backtest, *, lookback: int = 60) -> RollingSharpe:
    """Return the Sharpe of each stretch of `lookback` trading days; NaN where nothing moved, empty with fewer days."""
    daily = result.daily
    per_year = result.bars.instrument.trading_calendar.days_per_year
    ratio = metrics.rolling_sharpe(daily.to_numpy(), window=lookback, periods=per_year)[lookback - 1 :]
    time_ns = daily.index.to_numpy().astype("datetime64[ns]").view(np.int64)[lookback - 1 :]
    return RollingSharpe(milliseconds(time_ns), ratio, lookback)


def exposure_by_month(result: Backtest) -> Exposure:
    """Return how much of each month's bars was held long and short."""
    month = result.bars.time.astype("datetime64[M]")
    if not len(month):
        return Exposure(np.zeros(0), np.zeros(0), np.zeros(0))
    label, starts, count = np.unique(month, return_index=True, return_counts=True)
    held = result.path.position
    long, short = (np.add.reduceat((side * held > 0).astype(np.float64), starts) / count for side in (1, -1))
    return Exposure(milliseconds(label.astype("datetime64[ns]").view(np.int64)), long, short)
