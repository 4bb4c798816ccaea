"""The same strategy at higher costs, and without its luckiest trades: how much the result leans on either."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import QuantbenchError
from quantbench.core.results import Backtest
from quantbench.engine.backtest import backtest
from quantbench.report.series import monthly_returns

__all__ = ["FACTORS", "AtCosts", "Concentration", "at_costs", "concentration"]

FloatArray = npt.NDArray[np.float64]

FACTORS: Final = (1.0, 1.5, 2.0)
_BEST: Final = 5


class AtCosts(NamedTuple):
    """One value per cost factor: fractions, Sharpe a year, trades; NaN with a `reason` where it cannot be said."""

    factor: FloatArray
    total_return: FloatArray
    sharpe: FloatArray
    max_drawdown: FloatArray
    trades: FloatArray
    reason: str


class Concentration(NamedTuple):
    """Total return without the best `trades` trades, and without the best month (NaN if under three): fractions."""

    trades: int
    without_trades: float
    without_month: float


def at_costs(result: Backtest, *, factors: tuple[float, ...] = FACTORS) -> AtCosts:
    """Trade the same strategy again, in every other way as before, with all costs times each factor.

    Returns
    -------
    AtCosts
        The first factor, 1, is the result itself. Its limits hold at higher costs too: with a
        ``max_spread_points`` a wider spread also forbids entries, and with loss limits an earlier
        halt does, so that a worse price can mean fewer trades.
    """
    rows, reason = [_row(result)], ""
    try:
        rows += [_row(_again(result, factor)) for factor in factors[1:]]
    except QuantbenchError as fault:
        reason = str(fault)
    rows += [(math.nan,) * 4] * (len(factors) - len(rows))
    made, sharpe, fall, trades = np.asarray(rows, np.float64).T
    return AtCosts(np.asarray(factors, np.float64), made, sharpe, fall, trades, reason)


def _again(result: Backtest, factor: float) -> Backtest:
    return backtest(
        result.strategy,
        result.bars,
        account=result.account,
        costs=result.costs.times(factor),
        sizing=result.sizing,
        limits=result.limits,
        intrabar=result.intrabar,
        rates=result.rates,
        trade_from=result.trade_from,
        engine=result.engine,
    )


def _row(result: Backtest) -> tuple[float, float, float, float]:
    found = result.metrics()
    return found["total_return"], found["sharpe"], found["max_drawdown"], len(result.path.trades)


def concentration(result: Backtest) -> Concentration:
    """Return what is left of the total return without its best trades, and without its best month.

    Both are divided out of the growth, for sizes that grow with the account: a trade as its profit over
    the balance before it, a month as its return.
    """
    rows, balance = result.path.trades, result.account.balance
    before = np.append(balance, result.path.balance)[rows["entry_bar"]]
    share = np.sort(rows["profit"] / np.where(before > 0, before, np.inf))[::-1]
    best = share[:_BEST]
    months = monthly_returns(result).returns
    known = np.isfinite(months)
    total = float(rows["profit"].sum()) / balance
    without = (1.0 + total) / (1.0 + np.nanmax(months)) - 1.0 if known.sum() > 2 else math.nan
    return Concentration(len(best), max(float((1.0 + total) / np.prod(1.0 + best) - 1.0), -1.0), float(without))
