"""Whether two Sharpe ratios of the same periods differ: a paired stationary bootstrap, studentised."""

from __future__ import annotations

from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Differences", "sharpe_difference"]

FloatArray = npt.NDArray[np.float64]

_DEGENERATE: Final = 1e-10  # of a Sharpe ratio's error: the two are one series, times a constant


class Differences(NamedTuple):
    """What the bootstrap found, one value per pair of columns; Sharpe ratios per period, not annualised.

    Attributes
    ----------
    pairs : list of (int, int)
    difference, lower, upper, p_value : float arrays
    block : int
        Mean block length, in periods.
    """

    pairs: list[tuple[int, int]]
    difference: FloatArray
    lower: FloatArray
    upper: FloatArray
    p_value: FloatArray
    block: int


def sharpe_difference(returns: FloatArray, *, seed: int, resamples: int, level: float) -> Differences:
    """Test the difference of Sharpe ratios of every pair of columns by one paired stationary bootstrap.

    Parameters
    ----------
    returns : float array of shape (periods, series)
        Simple returns of the same periods, each series with some variance.
    seed, resamples, level : as in `compare`

    Returns
    -------
    Differences

    Notes
    -----
    Null hypothesis, method and sources: `quantbench.research.compare.compare`.
    """
    from arch.bootstrap import StationaryBootstrap, optimal_block_length

    pairs = list(combinations(range(returns.shape[1]), 2))
    longest = np.nanmax(optimal_block_length(returns)["stationary"].to_numpy())
    block = int(np.clip(np.ceil(longest), 1, max(len(returns) // 3, 1)))
    bootstrap = StationaryBootstrap(block, returns, seed=np.random.default_rng(seed))
    found, error = _differences(returns, pairs)
    statistic = np.empty((resamples, len(pairs)))
    for i in range(resamples):
        drawn, drawn_error = _differences(returns[bootstrap.update_indices()], pairs)
        statistic[i] = np.abs(_over(drawn - found, drawn_error))
    reach = error * np.quantile(statistic, level, axis=0, method="higher")
    p = (1.0 + (statistic >= np.abs(_over(found, error))).sum(axis=0)) / (1.0 + resamples)
    return Differences(pairs, found, found - reach, found + reach, p, block)


def _differences(returns: FloatArray, pairs: list[tuple[int, int]]) -> tuple[FloatArray, FloatArray]:
    """Return Sharpe differences per period and their standard errors by the delta method."""
    deviation = returns.std(axis=0, ddof=1)
    scale = np.where(deviation > 0, deviation, np.inf)  # a resample in which nothing happened
    sharpe = returns.mean(axis=0) / scale
    score = (returns - returns.mean(axis=0)) / scale
    influence = score - sharpe / 2.0 * (score**2 - 1.0)
    first, second = np.array(pairs).T
    error = (influence[:, first] - influence[:, second]).std(axis=0, ddof=1) / np.sqrt(len(returns))
    return sharpe[first] - sharpe[second], np.where(error > _DEGENERATE, error, 0.0)


def _over(difference: FloatArray, error: FloatArray) -> FloatArray:
    """Return difference / error, 0 where the two series are one."""
    return np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
