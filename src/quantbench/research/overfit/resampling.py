"""The stationary bootstrap: blocks of random length, so that what hangs together in time stays together."""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["block_length", "long_run_deviation", "resampled_counts", "resampled_rows", "resampled_sums", "varying"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PATHS: Final = 500  # held in memory at once


def varying(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which columns vary by more than rounding: a constant has a deviation too, of its last digit."""
    if not len(values):
        return np.zeros(values.shape[1:], np.bool_)
    found: npt.NDArray[np.bool_] = np.ptp(values, axis=0) > 1e-9 * np.abs(values).max(axis=0)
    return found


def block_length(returns: npt.ArrayLike) -> float:
    """Return the mean length of a block that suits a series, in periods, at least 1.

    Politis and White (2004) with the correction of Patton, Politis and White (2009), for the stationary
    bootstrap, by `arch`; never over a quarter of the series. A series too short or constant gets 1.

    Examples
    --------
    >>> import numpy as np
    >>> block_length(np.random.default_rng(1).normal(size=500)) < 5
    True
    """
    from arch.bootstrap import optimal_block_length

    values = np.asarray(returns, np.float64)
    if len(values) < 10 or not np.isfinite(values).all() or not varying(values):
        return 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = float(optimal_block_length(values)["stationary"].iloc[0])
    return min(max(found, 1.0), len(values) / 4) if np.isfinite(found) else 1.0


def resampled_rows(length: int, many: int, rng: np.random.Generator, *, block: float = 10.0) -> IntArray:
    """Return `many` rows of a series of some length, drawn in blocks of a mean length that wrap around its end."""
    found: IntArray = _rows(length, many, 1, rng, block)[0]
    return found


def resampled_sums(returns: FloatArray, many: int, paths: int, rng: np.random.Generator, *, block: float) -> FloatArray:
    """Return the sum of `many` returns drawn in blocks, once a path."""
    parts = []
    for first in range(0, paths, _PATHS):
        rows = _rows(len(returns), many, min(_PATHS, paths - first), rng, block)
        parts.append(returns[rows].sum(axis=1))
    return np.concatenate(parts)


def _rows(length: int, many: int, paths: int, rng: np.random.Generator, block: float) -> IntArray:
    """Return rows of shape (paths, many)."""
    begins = rng.random((paths, many)) < 1.0 / max(block, 1.0)
    begins[:, 0] = True
    at = np.arange(many)
    last = np.maximum.accumulate(np.where(begins, at, 0), axis=1)
    starts = rng.integers(0, length, (paths, many))
    found: IntArray = (np.take_along_axis(starts, last, axis=1) + at - last) % length
    return found


def resampled_counts(length: int, resamples: int, rng: np.random.Generator, *, block: float) -> FloatArray:
    """Return how often each row is drawn in each resample: shape (resamples, length).

    A product with returns then gives the sums of all resamples at once.
    """
    rows = _rows(length, length, resamples, rng, block)
    flat = (rows + length * np.arange(resamples)[:, np.newaxis]).ravel()
    drawn = np.bincount(flat, minlength=resamples * length)
    return drawn.reshape(resamples, length).astype(np.float64)


def long_run_deviation(returns: FloatArray, *, block: float) -> FloatArray:
    """Return the deviation of sqrt(n) times the mean of each column under the stationary bootstrap.

    Politis and Romano (1994), eq. 6: autocovariances weighted by how often two days stay in one block.
    """
    n, stay = len(returns), 1.0 - 1.0 / max(block, 1.0)
    centred = returns - returns.mean(axis=0)
    total = (centred * centred).mean(axis=0)
    for lag in range(1, n):
        weight = (1.0 - lag / n) * stay**lag + (lag / n) * stay ** (n - lag)
        if stay**lag < 1e-4 and stay ** (n - lag) < 1e-4:
            if lag > n / 2:
                break
            continue
        total += 2.0 * weight * (centred[lag:] * centred[:-lag]).sum(axis=0) / n
    found: FloatArray = np.sqrt(np.maximum(total, 0.0))
    return found
