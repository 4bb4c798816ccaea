"""How sure a Sharpe ratio is, and how sure after having tried many things."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError
from quantbench.engine import metrics
from quantbench.engine.metrics.annual import clean

__all__ = [
    "dsr",
    "dsr_of",
    "expected_max",
    "expected_max_exact",
    "haircut_sharpe",
    "min_backtest",
    "min_track_record",
    "min_track_record_of",
    "psr",
    "psr_of",
    "sharpe_deviation",
    "variance_of_max",
]

FloatArray = npt.NDArray[np.float64]

_EULER: Final = 0.5772156649015329


def sharpe_deviation(sharpe: float, *, days: float, skew: float, kurtosis: float) -> float:
    """Return the standard error of a Sharpe ratio per period (Bailey and Lopez de Prado 2012).

    Parameters
    ----------
    sharpe : float
        Per period, not a year.
    days : float
        Periods.
    skew, kurtosis : float
        Of the returns; kurtosis is 3 for a normal distribution.
    """
    square = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return math.sqrt(square / (days - 1.0)) if square > 0 and days > 1 else math.nan


def psr_of(sharpe: float, *, days: float, skew: float, kurtosis: float, benchmark: float = 0.0) -> float:
    """Return the probability that a Sharpe ratio is above a benchmark, from its moments, all per period.

    Examples
    --------
    >>> round(psr_of(0.458, days=24, skew=-2.448, kurtosis=10.164), 3)
    0.913
    """
    from scipy.special import ndtr

    error = sharpe_deviation(sharpe, days=days, skew=skew, kurtosis=kurtosis)
    return float(ndtr((sharpe - benchmark) / error))


def psr(returns: npt.ArrayLike, *, benchmark: float = 0.0) -> float:
    """Return the probability that the true Sharpe ratio is above a benchmark.

    Parameters
    ----------
    returns : float array
        Net, per period.
    benchmark : float
        Sharpe ratio per period.

    Returns
    -------
    float
        NaN where the returns have no Sharpe ratio: too few, or all the same.

    Notes
    -----
    Bailey and Lopez de Prado (2012): deviation with ddof 1, moments with bias, n - 1.
    """
    values = clean(returns)
    sharpe = float(metrics.sharpe(values, periods=1.0))
    if not math.isfinite(sharpe):
        return math.nan
    return psr_of(sharpe, days=len(values), benchmark=benchmark, **_moments(values))


def _moments(values: FloatArray) -> dict[str, float]:
    return {"skew": float(metrics.skew(values)), "kurtosis": float(metrics.kurtosis(values))}


def expected_max(trials: int) -> float:
    """Return what the best of so many standard normal draws is near: 0 for one.

    The approximation of Bailey and Lopez de Prado (2014) by Euler's constant, 0.9 % high at 100 draws and
    2.5 % at 5; `expected_max_exact` is exact.

    Examples
    --------
    >>> round(expected_max(100), 3)
    2.531
    """
    if trials < 1:
        raise ParamsError(f"at least one trial was made (trials={trials!r})")
    if trials == 1:
        return 0.0
    from scipy.special import ndtri

    return float((1.0 - _EULER) * ndtri(1.0 - 1.0 / trials) + _EULER * ndtri(1.0 - 1.0 / (trials * math.e)))


def expected_max_exact(trials: int) -> float:
    """Return the expected best of so many independent standard normal draws, by quadrature."""
    return _of_max(trials, 1)


def variance_of_max(trials: int) -> float:
    """Return the variance of the best of so many independent standard normal draws, by quadrature."""
    return _of_max(trials, 2) - _of_max(trials, 1) ** 2


def _of_max(trials: int, power: int) -> float:
    from scipy.integrate import quad
    from scipy.special import ndtr

    def density(x: float) -> float:
        return float(x**power * trials * ndtr(x) ** (trials - 1) * math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi))

    return float(quad(density, -12.0, 12.0, epsabs=1e-13, epsrel=1e-13, limit=500)[0])


def dsr_of(sharpe: float, *, days: float, skew: float, kurtosis: float, trials: int, trials_variance: float) -> float:
    """Return the probability that a Sharpe ratio is above that of the best of so many trials without skill."""
    luck = math.sqrt(trials_variance) * expected_max(trials) if trials > 1 else 0.0
    return psr_of(sharpe, days=days, skew=skew, kurtosis=kurtosis, benchmark=luck)


def dsr(returns: npt.ArrayLike, *, trials: int, trials_variance: float) -> float:
    """Return the deflated Sharpe ratio: how sure skill is after so many trials.

    Parameters
    ----------
    returns : float array
        Net, per period, of the one that was chosen.
    trials : int
        Distinct configurations ever tried, as the ledger counts them.
    trials_variance : float
        Variance (ddof 1) of the Sharpe ratios per period of all of them.

    Returns
    -------
    float
        NaN where it cannot be said.

    Notes
    -----
    Bailey and Lopez de Prado (2014). Valid and weak, and unjust to broad plateaus: a report, no gate
    (notes/statistics.md 0.3).
    """
    if trials < 1:
        raise ParamsError(f"at least one trial was made (trials={trials!r})")
    values = clean(returns)
    sharpe = float(metrics.sharpe(values, periods=1.0))
    if not math.isfinite(sharpe) or (trials > 1 and not trials_variance >= 0):
        return math.nan
    return dsr_of(sharpe, days=len(values), trials=trials, trials_variance=trials_variance, **_moments(values))


def min_track_record_of(
    sharpe: float, *, skew: float, kurtosis: float, benchmark: float = 0.0, sure: float = 0.95
) -> float:
    """Return how many periods show a Sharpe ratio to be above a benchmark; infinite where it is not above."""
    from scipy.special import ndtri

    if not sharpe > benchmark:
        return math.inf
    square = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe
    return float(1.0 + square * (ndtri(sure) / (sharpe - benchmark)) ** 2)


def min_track_record(returns: npt.ArrayLike, *, benchmark: float = 0.0, sure: float = 0.95) -> float:
    """Return how many periods like these it takes to be sure that the Sharpe ratio is above a benchmark.

    Parameters
    ----------
    returns : float array
        Net, per period.
    benchmark : float
        Sharpe ratio per period.
    sure : float
        Probability.

    Notes
    -----
    MinTRL of Bailey and Lopez de Prado (2012). Infinite where the Sharpe ratio is not above the benchmark,
    NaN where there is none.
    """
    values = clean(returns)
    sharpe = float(metrics.sharpe(values, periods=1.0))
    if not math.isfinite(sharpe):
        return math.nan
    return min_track_record_of(sharpe, benchmark=benchmark, sure=sure, **_moments(values))


def min_backtest(sharpe: float, *, trials: int) -> float:
    """Return the years below which the best of so many trials without skill shows that Sharpe ratio a year.

    MinBTL of Bailey, Borwein, Lopez de Prado and Zhu (2014).

    Examples
    --------
    >>> round(min_backtest(1.0, trials=100), 1)
    6.4
    """
    if not sharpe > 0:
        raise ParamsError(f"the Sharpe ratio that is wanted must be above 0 (sharpe={sharpe!r})")
    return (expected_max(trials) / sharpe) ** 2


def haircut_sharpe(sharpe: float, *, years: float, trials: int) -> float:
    """Return what is left of a Sharpe ratio a year after paying for the trials: that of a p-value times their number.

    Harvey and Liu (2015), by Bonferroni: the two-sided p-value of the t-statistic is multiplied by the
    trials and turned back; 0 where nothing is left.

    Examples
    --------
    >>> haircut_sharpe(1.0, years=10, trials=1), round(haircut_sharpe(1.0, years=10, trials=10), 2)
    (1.0, 0.76)
    """
    from scipy.special import log_ndtr, ndtri_exp

    if trials < 1 or not years > 0:
        raise ParamsError(f"at least one trial over some years ({trials=}, {years=})")
    half = float(log_ndtr(-abs(sharpe) * math.sqrt(years))) + math.log(trials)  # of the p-value, in logarithms
    if half + math.log(2.0) >= 0.0:
        return 0.0
    return math.copysign(-float(ndtri_exp(half)) / math.sqrt(years), sharpe)
