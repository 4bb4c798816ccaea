"""Every figure of one backtest, by name, and why a figure is missing where it is.

`of_arrays` is pure and takes plain arrays, so that a search and a single backtest agree.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.engine.metrics import curve, outcomes, ratios, stakes, tails, underwater
from quantbench.engine.metrics.annual import growth_per_year, ratio
from quantbench.engine.metrics.reasons import NEEDS, found_in, reason

__all__ = ["TAIL", "Summary", "of_arrays"]

FloatArray = npt.NDArray[np.float64]

TAIL: Final = 0.05
"""Share of the worst days that `value_at_risk` and `expected_shortfall` speak of."""


_EQUITY_FIGURES: Final = ("total_return", "max_drawdown", "max_drawdown_days", "time_under_water", "exposure")


class Summary(NamedTuple):
    """Figures by name, and why each NaN is NaN."""

    values: dict[str, float]
    reasons: dict[str, str]


def of_arrays(
    *,
    equity: FloatArray,
    position: FloatArray,
    balance: float,
    daily: FloatArray,
    time_ns: npt.NDArray[np.int64],
    years: float,
    trade_profit: FloatArray,
    trade_bars: npt.NDArray[np.int64],
    trade_risk: FloatArray,
    trade_cost: FloatArray | None = None,
    notional: float,
    days_per_year: float,
) -> Summary:
    """Return every figure of one path.

    Parameters
    ----------
    equity, position : float arrays, one value a bar
        Account currency and signed lots at the close.
    balance : float
        Starting balance: the first peak, and the first day's base.
    daily : float array
        Simple net return of each trading day that has bars.
    time_ns : int array
        Label of each bar.
    years : float
        Elapsed calendar years, for `cagr_calendar`.
    trade_profit, trade_bars, trade_risk : arrays, one value a trade, in order of closing
        Net profit and initial risk in account currency (NaN: no stop), and bars held.
    trade_cost : array, optional
        What each trade cost, account currency (`trade_costs`).
    notional : float
        Value of everything bought and sold, account currency.
    days_per_year : float
        P of the daily ratios.

    Returns
    -------
    Summary
        Fractions, never percent; drawdowns <= 0; money in account currency. One reason a NaN.
    """
    under = underwater.drawdown(equity, balance=balance)
    values = (
        _of_days(daily, days_per_year)
        | _of_equity(equity, position, balance=balance, under=under, time_ns=time_ns)
        | _of_trades(trade_profit, trade_bars, trade_risk)
    )
    cost = np.zeros(len(trade_profit)) if trade_cost is None else trade_cost
    values["average_over_cost"] = outcomes.average_over_cost(trade_profit, cost=cost)
    total = values["total_return"]
    values["cagr"] = growth_per_year(total, years=len(daily) / days_per_year)
    values["cagr_calendar"] = growth_per_year(total, years=years)
    values["calmar"] = ratio(values["cagr"], -values["max_drawdown"])
    values["martin"] = ratio(values["cagr"], values["ulcer_index"])
    mean_equity = float(equity.mean()) if len(equity) else math.nan
    values["turnover"] = ratio(notional * days_per_year, mean_equity * len(daily)) if mean_equity > 0 else math.nan
    ordered = {name: values[name] for name in NEEDS}
    found = found_in(equity=equity, under=under, daily=daily, profit=trade_profit, risk=trade_risk)
    return Summary(ordered, {name: reason(name, found) for name, value in ordered.items() if math.isnan(value)})


def _of_days(daily: FloatArray, periods: float) -> dict[str, float]:
    """Return the figures of daily returns."""
    return {
        "volatility": ratios.volatility(daily, periods=periods),
        "sharpe": ratios.sharpe(daily, periods=periods),
        "sortino": ratios.sortino(daily, periods=periods),
        "ulcer_index": underwater.ulcer_index(underwater.growth(daily), balance=1.0),
        "omega": ratios.omega(daily, threshold=0.0),
        "tail_ratio": ratios.tail_ratio(daily),
        "common_sense_ratio": ratios.common_sense_ratio(daily),
        "value_at_risk": tails.value_at_risk(daily, alpha=TAIL),
        "expected_shortfall": tails.expected_shortfall(daily, alpha=TAIL),
        "skew": tails.skew(daily),
        "kurtosis": tails.kurtosis(daily),
        "stability": curve.stability(daily),
        "k_ratio": curve.k_ratio(curve.log_growth(daily), periods=periods),
    }


def _of_equity(
    equity: FloatArray, position: FloatArray, *, balance: float, under: FloatArray, time_ns: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return the figures of equity and position on every bar."""
    if not len(equity):
        return dict.fromkeys(_EQUITY_FIGURES, math.nan)
    days = underwater.days_under_water(underwater.episodes(under), time_ns)
    return {
        "total_return": float(equity[-1]) / balance - 1.0,
        "max_drawdown": float(under.min()),
        "max_drawdown_days": float(days.max()) if len(days) else 0.0,
        "time_under_water": float(np.mean(under < 0)),
        "exposure": float(np.mean(position != 0)),
    }


def _of_trades(profit: FloatArray, bars: npt.NDArray[np.int64], risk: FloatArray) -> dict[str, float]:
    """Return the figures of trades."""
    r = outcomes.r_multiples(profit, risk=risk)
    has_stops = bool(len(r)) and not np.isnan(r).any()
    return {
        "trades": float(len(profit)),
        "profit_factor": outcomes.profit_factor(profit),
        "win_rate": outcomes.win_rate(profit),
        "payoff": outcomes.payoff(profit),
        "expectancy": outcomes.expectancy(profit),
        "expectancy_r": outcomes.expectancy(r) if has_stops else math.nan,
        "sqn": outcomes.sqn(r if has_stops else profit),
        "sqn_uncapped": outcomes.sqn(r if has_stops else profit, cap=None),
        "kelly": stakes.kelly(profit),
        "average_win": outcomes.average_win(profit),
        "average_loss": outcomes.average_loss(profit),
        "best_trade": float(profit.max()) if len(profit) else math.nan,
        "worst_trade": float(profit.min()) if len(profit) else math.nan,
        "max_consecutive_losses": float(outcomes.max_consecutive_losses(profit)),
        "average_bars": float(np.mean(bars)) if len(bars) else math.nan,
    }
