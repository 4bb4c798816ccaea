"""What turns a period into a year: growth a year, periods a year, Lo's factor for correlated returns.

None of these has a hidden number of periods a year: 260 (FX days), 252, 365 or 6,240 is always said.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.calendar import Calendar
from quantbench.core.timeframe import TIMEFRAMES, timeframe_ns

__all__ = [
    "DAYS_A_YEAR",
    "ar1_factor",
    "cagr",
    "clean",
    "days_mismatch",
    "growth_per_year",
    "lo_factor",
    "periods_per_year",
    "ratio",
    "total_return",
]

FloatArray = npt.NDArray[np.float64]

DAYS_A_YEAR: Final = 365.25
_TOLERATED: Final = 0.03  # EXECUTION 6
_EDGE_DAYS: Final = 3.0  # what a weekend at either end of a short sample can move the count by


def clean(returns: npt.ArrayLike) -> FloatArray:
    """Return the values that are not NaN, as a float array: NaN is dropped **before** counting.

    Counting a leading NaN as a period lowers a compound growth rate (empyrical does).
    """
    values = np.asarray(returns, dtype=np.float64)
    return values[~np.isnan(values)]


def ratio(above: float, below: float) -> float:
    """Return ``above / below``; NaN where it does not exist, never infinity."""
    value = float(above) / float(below) if below else math.nan
    return value if math.isfinite(value) else math.nan


def total_return(returns: npt.ArrayLike) -> float:
    """Return what one unit of money gained over all periods: ``prod(1 + r) - 1``, a fraction.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.total_return([0.10, -0.10, 0.10]), 4)
    0.089
    """
    return float(np.prod(1.0 + clean(returns)) - 1.0)


def growth_per_year(total: float, *, years: float) -> float:
    """Return the yearly growth that compounds to a total return: ``(1 + total)**(1 / years) - 1``.

    Parameters
    ----------
    total : float
        Total return, a fraction.
    years : float
        Length of the sample. Calendar years (elapsed days / 365.25) and trading years (trading
        days / days per year) differ: 12.73 % and 12.28 % on one series. Say which was used.

    Returns
    -------
    float
        A fraction; -1 where everything was lost or more; NaN where `years` is not above 0.
    """
    if not years > 0 or math.isnan(total):
        return math.nan
    if total <= -1.0:
        return -1.0
    with np.errstate(over="ignore"):  # by logarithms: exact for the small totals of short tests too
        grown = float(np.expm1(np.log1p(np.float64(total)) / years))
    return grown if math.isfinite(grown) else math.nan


def cagr(returns: npt.ArrayLike, *, periods: float) -> float:
    """Return the compound growth a year, by **trading** time: ``prod(1 + r)**(P / n) - 1``.

    Parameters
    ----------
    returns : array of float
        Simple returns, one a period.
    periods : float
        P, periods a year.

    Returns
    -------
    float
        A fraction a year; `growth_per_year` with elapsed calendar years is the other convention.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.cagr([0.0, 0.01, 0.1, -0.04, 0.02, 0.03, 0.02, 0.01, -0.1], periods=52), 6)
    0.246908
    """
    kept = clean(returns)
    return growth_per_year(total_return(kept), years=len(kept) / periods)


def periods_per_year(calendar: Calendar, timeframe: str) -> float:
    """Return how many bars of a timeframe a year of the calendar holds.

    ``days per year x max(1, hours a day / hours a bar)`` up to a day; 52 weeks, 12 months.
    FX hours are 6,240; the 8,760 some libraries default to inflate a Sharpe by 18.5 %
    (notes/statistics.md 2.2).

    Examples
    --------
    >>> from quantbench.core.calendar import calendar
    >>> from quantbench.engine import metrics
    >>> metrics.periods_per_year(calendar("fx"), "H1")
    6240.0
    """
    longer = {"W1": 52.0, "MN1": 12.0}
    if timeframe in longer:
        return longer[timeframe]
    hours = timeframe_ns(timeframe) / TIMEFRAMES["H1"]
    return calendar.days_per_year * max(1.0, calendar.hours_per_day / hours)


def days_mismatch(days: npt.NDArray[np.int64], *, days_per_year: float) -> float | None:
    """Return the trading days a year the data have, where they contradict the calendar.

    Parameters
    ----------
    days : int array
        The trading days that have bars, as days since 1970, increasing.
    days_per_year : float
        What the calendar says.

    Returns
    -------
    float or None
        Days a year found; None where they agree within 3 % [EXECUTION 6], or where the whole
        difference is under 3 days, which a weekend at the edge of a short sample explains.
    """
    if len(days) < 2:
        return None
    years = float(days[-1] - days[0] + 1) / DAYS_A_YEAR
    expected = days_per_year * years
    off = abs(len(days) - expected)
    return len(days) / years if off > _TOLERATED * expected and off > _EDGE_DAYS else None


def lo_factor(autocorrelations: npt.ArrayLike, *, periods: int) -> float:
    """Return what a per-period Sharpe ratio is multiplied by for `periods` periods.

    ``q / sqrt(q + 2 sum_{k<q} (q - k) rho_k)``: sqrt(q) only where returns are uncorrelated.
    Source: Lo (2002), The Statistics of Sharpe Ratios, FAJ 58(4).

    Parameters
    ----------
    autocorrelations : array of float
        rho_1, rho_2, ...; those past q - 1 do not count, those not given are 0.
    periods : int
        q.

    Returns
    -------
    float
        NaN where the correlations make the variance of the sum 0 or negative.
    """
    rho = np.asarray(autocorrelations, dtype=np.float64)[: max(periods - 1, 0)]
    weights = periods - np.arange(1, len(rho) + 1)
    variance = periods + 2.0 * float(weights @ rho)
    return periods / math.sqrt(variance) if variance > 0 else math.nan


def ar1_factor(rho: float, *, periods: int) -> float:
    """Return the factor by which first-order autocorrelation shrinks an annualised Sharpe ratio.

    `lo_factor` of ``rho**k`` over sqrt(q); 0.912 for rho 0.1 and 12 periods.
    Source: Harvey & Liu (2015), Backtesting, JPM 42(1).
    """
    return lo_factor(rho ** np.arange(1, periods), periods=periods) / math.sqrt(periods)
