"""The forms of 2025: error rates of a Sharpe ratio under a null and an alternative. Reports, no gates."""

from __future__ import annotations

import math

from quantbench.research.overfit.probabilistic import variance_of_max

__all__ = [
    "error_2025",
    "min_track_record_2025",
    "observed_false_discovery",
    "planned_false_discovery",
    "power_2025",
    "psr_2025",
]


def error_2025(sharpe: float, *, days: float, skew: float, kurtosis: float) -> float:
    """Return the standard error of a Sharpe ratio per period if it truly is so: divided by n, not n - 1."""
    return math.sqrt((1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe) / days)


def psr_2025(sharpe: float, *, benchmark: float, days: float, skew: float, kurtosis: float, trials: int = 1) -> float:
    """Return the probability of a lower Sharpe ratio if the benchmark were true, for the best of `trials`.

    Rejects too often when trials are correlated (notes/statistics.md 1.3): never a gate.
    """
    from scipy.special import ndtr

    spread = math.sqrt(variance_of_max(trials)) if trials > 1 else 1.0
    return float(ndtr((sharpe - benchmark) / (error_2025(benchmark, days=days, skew=skew, kurtosis=kurtosis) * spread)))


def min_track_record_2025(
    sharpe: float, *, benchmark: float, skew: float, kurtosis: float, level: float = 0.05
) -> float:
    """Return how many periods reject the benchmark at a level; infinite where the Sharpe ratio is not above it."""
    from scipy.special import ndtri

    if not sharpe > benchmark:
        return math.inf
    error = error_2025(benchmark, days=1.0, skew=skew, kurtosis=kurtosis)
    return float((ndtri(1.0 - level) * error / (sharpe - benchmark)) ** 2)


def power_2025(
    null: float, alternative: float, *, days: float, skew: float, kurtosis: float, level: float = 0.05
) -> float:
    """Return the chance to reject the null Sharpe ratio at a level when the alternative is true."""
    from scipy.special import ndtr, ndtri

    shape = {"days": days, "skew": skew, "kurtosis": kurtosis}
    bar = null + ndtri(1.0 - level) * error_2025(null, **shape)
    return float(ndtr((alternative - bar) / error_2025(alternative, **shape)))


def planned_false_discovery(prior: float, *, level: float, miss: float) -> float:
    """Return the share of finds that are false, if `prior` of all ideas are good, at a level and a chance to miss."""
    false, true = level * (1.0 - prior), (1.0 - miss) * prior
    return false / (false + true)


def observed_false_discovery(
    sharpe: float, *, null: float, alternative: float, prior: float, days: float, skew: float, kurtosis: float
) -> float:
    """Return how likely the null is, given a Sharpe ratio this high or higher and the share of ideas that are good."""
    from scipy.special import ndtr

    shape = {"days": days, "skew": skew, "kurtosis": kurtosis}
    if_null = float(ndtr((null - sharpe) / error_2025(null, **shape))) * (1.0 - prior)
    if_good = float(ndtr((alternative - sharpe) / error_2025(alternative, **shape))) * prior
    return if_null / (if_null + if_good)
