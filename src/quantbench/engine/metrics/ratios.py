"""Reward against risk, from simple net returns, one a period.

Every yearly figure takes `periods`, the periods a year (P), and has no default for it. NaN is
dropped before counting. What does not exist is NaN, never infinity. Definitions with their traps:
notes/statistics.md 2.1.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantbench.engine.metrics.annual import cagr, clean, ratio
from quantbench.engine.metrics.underwater import growth, max_drawdown, pain_index, ulcer_index

__all__ = [
    "calmar",
    "common_sense_ratio",
    "downside_deviation",
    "gain_loss",
    "martin",
    "omega",
    "pain_ratio",
    "sharpe",
    "sortino",
    "tail_ratio",
    "volatility",
]

FloatArray = npt.NDArray[np.float64]


def _deviation(values: FloatArray, ddof: int) -> float:
    """Return the standard deviation; exactly 0 for equal values, whose rounding is no risk."""
    if len(values) <= ddof:
        return math.nan
    return float(values.std(ddof=ddof)) if np.ptp(values) > 0 else 0.0


def volatility(returns: npt.ArrayLike, *, periods: float) -> float:
    """Return the yearly standard deviation of returns: ``sd(ddof=1) * sqrt(P)``, a fraction >= 0."""
    return _deviation(clean(returns), 1) * math.sqrt(periods)


def sharpe(returns: npt.ArrayLike, *, periods: float, risk_free: npt.ArrayLike = 0.0, ddof: int = 1) -> float:
    """Return the yearly Sharpe ratio: ``mean(r - rf) / sd(r - rf, ddof=1) * sqrt(P)``.

    Parameters
    ----------
    returns : array of float
        Simple returns, one a period.
    periods : float
        P, periods a year; 1 gives the per-period ratio.
    risk_free : float or array of float
        Return of the benchmark **per period**.
    ddof : int
        1 is the sample deviation; 0 the population's, which some papers use.

    Returns
    -------
    float
        Dimensionless, signed; NaN below two returns or where they do not vary.

    Notes
    -----
    Arithmetic, after Sharpe (1994), The Sharpe Ratio, JPM 21(1): PSR, DSR and Lo's errors assume
    exactly this estimator.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.sharpe([0.01, 0.10, -0.04, 0.02, 0.03, 0.02, 0.01, -0.10], periods=252), 4)
    1.7239
    """
    excess = clean(np.asarray(returns, dtype=np.float64) - np.asarray(risk_free, dtype=np.float64))
    if len(excess) <= ddof:
        return math.nan
    return ratio(float(excess.mean()), _deviation(excess, ddof)) * math.sqrt(periods)


def downside_deviation(returns: npt.ArrayLike, *, target: float = 0.0) -> float:
    """Return ``sqrt(mean(min(r - target, 0)**2))`` over **all** periods, per period, >= 0.

    Dividing by the number of losing periods instead halves the Sortino of the Red Rock example.
    Source: Sortino & Price (1994), JOI 3(3); Bacon (2008).
    """
    kept = clean(returns)
    if not len(kept):
        return math.nan
    return math.sqrt(float(np.mean(np.minimum(kept - target, 0.0) ** 2)))


def sortino(returns: npt.ArrayLike, *, periods: float, target: float = 0.0) -> float:
    """Return the yearly Sortino ratio: ``mean(r - target) / downside_deviation * sqrt(P)``.

    Parameters
    ----------
    returns : array of float
        Simple returns, one a period.
    periods : float
        P, periods a year.
    target : float
        Least acceptable return **per period**.

    Returns
    -------
    float
        Dimensionless, signed; NaN where no period fell below the target.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> red_rock = [0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04]
    >>> round(metrics.sortino(red_rock, periods=1), 3)
    4.417
    """
    kept = clean(returns)
    if not len(kept):
        return math.nan
    return ratio(float(kept.mean()) - target, downside_deviation(kept, target=target)) * math.sqrt(periods)


def omega(returns: npt.ArrayLike, *, threshold: float = 0.0) -> float:
    """Return ``sum(max(r - T, 0)) / sum(max(T - r, 0))``, >= 0; NaN where nothing fell below T.

    T is **per period**: de-compound a yearly one first. At T = 0 it is the profit factor of periods.
    Source: Keating & Shadwick (2002), A Universal Performance Measure.
    """
    over = clean(returns) - threshold
    return ratio(float(over[over > 0].sum()), -float(over[over < 0].sum()))


def gain_loss(returns: npt.ArrayLike) -> float:
    """Return the gains of all periods over their losses, >= 0: Bernardo & Ledoit (2000), omega at 0."""
    return omega(returns, threshold=0.0)


def tail_ratio(returns: npt.ArrayLike) -> float:
    """Return ``|95th percentile| / |5th percentile|`` (linear), >= 0.

    Says little below about 200 returns. Above 1: the good tail is the longer one.
    """
    kept = clean(returns)
    if not len(kept):
        return math.nan
    low, high = np.percentile(kept, [5.0, 95.0])
    return ratio(abs(high), abs(low))


def common_sense_ratio(returns: npt.ArrayLike) -> float:
    """Return ``tail_ratio * gain_loss``, >= 0.

    pyfolio and vectorbt multiply by 1 + the yearly return instead, against pyfolio's own docstring.
    """
    return tail_ratio(returns) * gain_loss(returns)


def calmar(returns: npt.ArrayLike, *, periods: float) -> float:
    """Return ``cagr / |max_drawdown|`` of the compounded returns, over the whole sample, signed.

    Young (1991) used the last 36 months. A backtest's own figure uses the drawdown of equity on
    every bar, which is deeper than that of its days.
    """
    kept = clean(returns)
    return ratio(cagr(kept, periods=periods), abs(max_drawdown(growth(kept), balance=1.0)))


def martin(returns: npt.ArrayLike, *, periods: float) -> float:
    """Return ``cagr / ulcer_index``, signed. Source: Martin & McCann (1989); UPI by another name.

    quantstats divides the **total** return instead: 6.13 against 2.89 on one series.
    """
    kept = clean(returns)
    return ratio(cagr(kept, periods=periods), ulcer_index(growth(kept), balance=1.0))


def pain_ratio(returns: npt.ArrayLike, *, periods: float) -> float:
    """Return ``cagr / pain_index``, signed. Source: Bacon (2008), after Becker (2006)."""
    kept = clean(returns)
    return ratio(cagr(kept, periods=periods), pain_index(growth(kept), balance=1.0))
