"""Metric ids of the acceptance file and the callables that take a case's inputs by name.

`REFERENCE` holds those about one path or its trades; the numbers about a choice among many (PSR, DSR,
PBO, multiple tests) belong to `quantbench.research`. A case's `series` comes as its values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.calendar import calendar as calendar_named
from quantbench.engine.metrics import annual, curve, fills, outcomes, ratios, stakes, tails
from quantbench.engine.metrics import underwater as under

__all__ = ["REFERENCE"]

Values = npt.ArrayLike

_CALENDARS: Final = {
    "fx_daily_5d": ("fx", "D1"),
    "fx_hourly_24x5": ("fx", "H1"),
    "fx_m15_24x5": ("fx", "M15"),
    "us_equity_hourly_6.5h": ("us_equity", "H1"),
    "crypto_hourly": ("crypto", "H1"),
    "crypto_daily": ("crypto", "D1"),
}


_VALUES: Final = ("series", "returns", "pnl", "r")


def _of_values(measure: Callable[..., Any], **renamed: str) -> Callable[..., Any]:
    """Return the measure as a case calls it: its values under any of their names, its options renamed."""

    def call(**inputs: Any) -> Any:
        values: list[Any] = [inputs.pop(name) for name in _VALUES if name in inputs]
        return measure(*values, **{renamed.get(name, name): value for name, value in inputs.items()})

    return call


def _on_growth(measure: Callable[..., Any]) -> Callable[..., Any]:
    """Return a measure of equity as one of returns: one unit of money, compounded."""

    def call(returns: Values) -> Any:
        return measure(under.growth(returns), balance=1.0)

    return _of_values(call)


def _episodes(equity: Values) -> list[list[Any]]:
    """Return peak, trough, recovery and depth of each drawdown; the first value is the starting balance."""
    money = np.asarray(equity, dtype=np.float64)
    found = under.drawdowns(money, balance=float(money[0]))
    rows = zip(*(column.tolist() for column in found), strict=True)
    return [[peak, trough, None if end == under.STILL_UNDER else end, depth] for peak, trough, end, depth in rows]


def _years_under_water(equity: Values, episode: int) -> float:
    """Return the calendar years of one drawdown of daily equity."""
    money = np.asarray(equity, dtype=np.float64)
    found = under.drawdowns(money, balance=float(money[0]))
    days = under.days_under_water(found, np.arange(len(money)) * np.int64(86_400_000_000_000))
    return float(days[episode]) / annual.DAYS_A_YEAR


def _cagr_of_n(series: Values, periods: float, n: int) -> float:
    return annual.growth_per_year(annual.total_return(series), years=n / periods)


def _downside_a_year(series: Values, periods: float, mar: float) -> float:
    return ratios.downside_deviation(series, target=mar) * float(np.sqrt(periods))


def _excursions(side: str, entry: float, bars: Values) -> dict[str, float]:
    """Return both excursions as distances, which is how the case counts them."""
    extremes = np.asarray(bars, dtype=np.float64)
    worst, best = fills.excursion(
        {"long": 1, "short": -1}[side], entry=entry, high=extremes.max(axis=1), low=extremes.min(axis=1)
    )
    return {"mae": -worst, "mfe": best}


def _periods(calendar: str) -> float:
    name, timeframe = _CALENDARS[calendar]
    return annual.periods_per_year(calendar_named(name), timeframe)


REFERENCE: Final[dict[str, Callable[..., Any]]] = {
    "sharpe": _of_values(ratios.sharpe),
    "sortino": _of_values(ratios.sortino),
    "downside_dev": _of_values(ratios.downside_deviation, mar="target"),
    "downside_dev_annual": _downside_a_year,
    "annual_vol": _of_values(ratios.volatility),
    "cagr": _of_values(annual.cagr),
    "cagr_n": _cagr_of_n,
    "cagr_years": lambda total, years: annual.growth_per_year(total, years=years),
    "calmar": _of_values(ratios.calmar),
    "martin": _of_values(ratios.martin),
    "omega": _of_values(ratios.omega, th="threshold"),
    "tail_ratio": _of_values(ratios.tail_ratio),
    "csr": _of_values(ratios.common_sense_ratio),
    "lo_eta": lambda q, rhos: annual.lo_factor(rhos, periods=q),
    "hl_autocorr_sr": lambda sr, rho, periods: sr * annual.ar1_factor(rho, periods=periods),
    "periods_per_year": _periods,
    "max_dd": _on_growth(under.max_drawdown),
    "max_dd_duration_bars": _on_growth(under.longest_drawdown_bars),
    "pain": _on_growth(under.pain_index),
    "ulcer": _on_growth(under.ulcer_index),
    "dd_durations": _episodes,
    "dd_tuw_years": _years_under_water,
    "var_hist": _of_values(tails.value_at_risk, a="alpha"),
    "cvar_hist": _of_values(tails.tail_mean, a="alpha"),
    "cvar_ru": _of_values(tails.expected_shortfall, a="alpha"),
    "var_gauss": _of_values(tails.gaussian_value_at_risk, a="alpha"),
    "cvar_gauss": _of_values(tails.gaussian_expected_shortfall, a="alpha"),
    "skew": _of_values(tails.skew),
    "kurt": _of_values(tails.kurtosis),
    "stability_r2": _of_values(curve.stability),
    "k_ratio": lambda y, version, **periods: curve.k_ratio(y, version=str(version), **periods),  # type: ignore[arg-type]
    "profit_factor": _of_values(outcomes.profit_factor),
    "payoff": _of_values(outcomes.payoff),
    "expectancy": _of_values(outcomes.expectancy),
    "win_rate": _of_values(outcomes.win_rate),
    "sqn": _of_values(outcomes.sqn),
    "mae_mfe": _excursions,
    "kelly_trades": _of_values(stakes.kelly),
    "kelly_binary": lambda p, b: stakes.kelly_binary(p, payoff=b),
    "kelly_continuous": lambda mu, sigma: stakes.kelly_continuous(mu, deviation=sigma),
    "kelly_fraction_hit": lambda f, x, y=None: stakes.kelly_hit(f, down=x, up=y),
    "optimal_f.f": lambda tr, step: stakes.optimal_f(tr, step=step).f,
    "optimal_f.twr": lambda tr, step: stakes.optimal_f(tr, step=step).twr,
    "ruin_gambler": lambda p, units, target=None: stakes.ruin(p, units=units, target=target),
    "ruin_edge": lambda edge, units: stakes.ruin_of_edge(edge, units=units),
}
"""Metric id -> callable(**inputs), about one path or its trades; research.overfit holds the others."""
