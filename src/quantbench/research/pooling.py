"""One answer out of several markets: daily returns at equal risk, averaged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.engine import metrics
from quantbench.engine.trials import METRICS, Batch

__all__ = ["pooled", "pooled_days"]

FloatArray = npt.NDArray[np.float64]
_ANNUAL: Final = 0.10


def pooled_days(markets: Sequence[Bars]) -> npt.NDArray[np.int64]:
    """Return the trading days of all markets together, as days since 1970."""
    return np.unique(np.concatenate([day_ends(bars)[0] for bars in markets]))


def pooled(markets: Sequence[Bars], found: Sequence[Batch]) -> Batch:
    """Return each choice's figures over all markets.

    The daily returns of a choice on a market are scaled to 10 % volatility a year, a day without bars
    returns 0, and the markets are averaged: no market speaks louder because it moves more. Ratios and
    drawdown are those of the pooled days; trades are added up, win rates weighted by trades; money
    (expectancy, profit factor) has no meaning here and is NaN.

    Parameters
    ----------
    markets : sequence of Bars
        One an entry of `found`.
    found : sequence of Batch
        What came of the same choices on each market.
    """
    days, periods = pooled_days(markets), markets[0].instrument.trading_calendar.days_per_year
    many = len(found[0].failures)
    total = np.zeros((many, len(days)))
    for bars, batch in zip(markets, found, strict=True):
        returns = batch.daily.astype(np.float64)
        risk = returns.std(axis=1, ddof=1, keepdims=True) * np.sqrt(periods)
        scaled = np.where(risk > 0, returns * (_ANNUAL / np.where(risk > 0, risk, 1.0)), 0.0)
        total[:, np.searchsorted(days, day_ends(bars)[0])] += scaled / len(markets)
    failures = [_first_failure(markets, found, row) for row in range(many)]
    values = np.full((many, len(METRICS)), np.nan)
    for row in range(many):
        if failures[row] is None:
            values[row] = _figures(total[row], periods, [batch.values[row] for batch in found])
        else:
            total[row] = np.nan
    return Batch(values, total.astype(np.float32), failures)


def _first_failure(markets: Sequence[Bars], found: Sequence[Batch], row: int) -> str | None:
    for bars, batch in zip(markets, found, strict=True):
        if batch.failures[row] is not None:
            return f"{bars.symbol}: {batch.failures[row]}"
    return None


def _figures(daily: FloatArray, periods: float, of_markets: Sequence[FloatArray]) -> FloatArray:
    """Return the metrics of a pooled path in the order of `METRICS`; they are those of its days."""
    path = np.cumprod(1.0 + daily)
    years = len(daily) / periods
    drawdown = float((path / np.maximum.accumulate(np.maximum(path, 1.0)) - 1.0).min(initial=0.0))
    growth = float(path[-1] ** (1.0 / years) - 1.0) if len(path) and path[-1] > 0 else np.nan
    trades = np.array([values[METRICS.index("trades")] for values in of_markets])
    wins = np.array([values[METRICS.index("win_rate")] for values in of_markets])
    won = float(np.nansum(trades * wins))
    known = {
        "trades": trades.sum(),
        "total_return": float(path[-1] - 1.0) if len(path) else np.nan,
        "cagr": growth,
        "volatility": metrics.volatility(daily, periods=periods),
        "sharpe": metrics.sharpe(daily, periods=periods),
        "sortino": metrics.sortino(daily, periods=periods),
        "calmar": growth / -drawdown if drawdown < 0 else np.nan,
        "max_drawdown": drawdown,
        "win_rate": won / trades.sum() if trades.sum() else np.nan,
    }
    return np.array([known.get(name, np.nan) for name in METRICS], np.float64)
