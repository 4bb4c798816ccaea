"""The shape of returns: moments, value at risk, expected shortfall.

Losses keep the sign of the return that brings them: a value at risk of -0.011 is a loss of 1.1 %.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import check
from quantbench.engine.metrics.annual import clean, ratio

__all__ = [
    "expected_shortfall",
    "gaussian_expected_shortfall",
    "gaussian_value_at_risk",
    "kurtosis",
    "skew",
    "tail_mean",
    "value_at_risk",
]

FloatArray = npt.NDArray[np.float64]
_NORMAL = NormalDist()


def skew(returns: npt.ArrayLike, *, bias: bool = True) -> float:
    """Return the third standardised moment, signed; NaN where returns do not vary.

    Parameters
    ----------
    returns : array of float
    bias : bool
        True divides by n (what PSR takes); False corrects for the sample (pandas, Excel).
    """
    kept = clean(returns)
    n = len(kept)
    if n < 3 or not np.ptp(kept) > 0:
        return math.nan
    away = kept - kept.mean()
    value = ratio(float(np.mean(away**3)), float(np.mean(away**2)) ** 1.5)
    return value if bias else value * math.sqrt(n * (n - 1)) / (n - 2)


def kurtosis(returns: npt.ArrayLike, *, bias: bool = True) -> float:
    """Return the fourth standardised moment, **not** excess: 3 for a normal distribution.

    Parameters
    ----------
    returns : array of float
    bias : bool
        True divides by n (what PSR takes); False corrects for the sample (pandas, Excel, plus 3).
    """
    kept = clean(returns)
    n = len(kept)
    if n < 4 or not np.ptp(kept) > 0:
        return math.nan
    away = kept - kept.mean()
    value = ratio(float(np.mean(away**4)), float(np.mean(away**2)) ** 2)
    if bias:
        return value
    return 3.0 + (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (value - 3.0) + 6.0)


def value_at_risk(returns: npt.ArrayLike, *, alpha: float) -> float:
    """Return the historical `alpha` quantile (linear) of returns: the sign of a return.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.value_at_risk([1, 81, 82, 83, 84, 85], alpha=0.1)
    41.0
    """
    kept = _tail_of(returns, alpha)
    return float(np.percentile(kept, 100.0 * alpha)) if len(kept) else math.nan


def expected_shortfall(returns: npt.ArrayLike, *, alpha: float) -> float:
    """Return the mean of the worst `alpha` of returns, exactly: the sign of a return.

    The worst ``n * alpha`` returns, the last of them by the fraction that is needed. This is the
    coherent one of Rockafellar & Uryasev (2000), Optimization of CVaR, J. Risk 2(3); `tail_mean` is
    biased whenever ``n * alpha`` is not whole.
    """
    kept = np.sort(_tail_of(returns, alpha))
    if not len(kept):
        return math.nan
    wanted = len(kept) * alpha
    weights = np.clip(wanted - np.arange(len(kept)), 0.0, 1.0)
    return float(weights @ kept) / wanted


def tail_mean(returns: npt.ArrayLike, *, alpha: float) -> float:
    """Return the mean of returns at or below `value_at_risk`: what most libraries call CVaR."""
    kept = _tail_of(returns, alpha)
    return float(kept[kept <= value_at_risk(kept, alpha=alpha)].mean()) if len(kept) else math.nan


def gaussian_value_at_risk(returns: npt.ArrayLike, *, alpha: float) -> float:
    """Return ``mean + sd(ddof=1) * z(alpha)``: the quantile if returns were normal, which they are not."""
    kept = _tail_of(returns, alpha)
    if len(kept) < 2:
        return math.nan
    return float(kept.mean() + kept.std(ddof=1) * _NORMAL.inv_cdf(alpha))


def gaussian_expected_shortfall(returns: npt.ArrayLike, *, alpha: float) -> float:
    """Return ``mean - sd(ddof=1) * pdf(z(alpha)) / alpha``: the shortfall if returns were normal."""
    kept = _tail_of(returns, alpha)
    if len(kept) < 2:
        return math.nan
    return float(kept.mean() - kept.std(ddof=1) * _NORMAL.pdf(_NORMAL.inv_cdf(alpha)) / alpha)


def _tail_of(returns: npt.ArrayLike, alpha: float) -> FloatArray:
    check(0 < alpha < 1, "alpha is the share of returns in the tail, above 0 and below 1", alpha=alpha)
    return clean(returns)
