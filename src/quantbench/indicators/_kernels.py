"""Compiled window sums that remember nothing outside the window."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from quantbench.config._kernels import compiles

__all__ = ["window_deviation", "window_mean"]

FloatArray = npt.NDArray[np.float64]

_TILE = 512  # outputs worked on at a time: the buffers stay in the first-level cache
_SPLIT = 134217729.0  # 2**27 + 1: Dekker's constant, halves a double into two 26-bit parts


@compiles()
def _sum_of_two(a: float, b: float) -> tuple[float, float]:
    """Return a + b rounded, and what the rounding lost (Knuth, TAOCP 2, 4.2.2)."""
    total = a + b
    back = total - a
    return total, (a - (total - back)) + (b - back)


@compiles()
def _quotient(high: float, low: float, divisor: float) -> float:
    """Return (high + low) / divisor, correctly rounded but for ties nobody meets."""
    first = high / divisor
    product = first * divisor
    a = _SPLIT * first
    a = a - (a - first)
    b = first - a
    c = _SPLIT * divisor
    c = c - (c - divisor)
    d = divisor - c
    lost = ((a * c - product) + a * d + b * c) + b * d
    return first + (((high - product) - lost) + low) / divisor


@compiles()
def window_mean(values: FloatArray, lookback: int) -> FloatArray:
    """Return the mean of the last `lookback` values, from those values alone.

    Sums of 1, 2, 4, ... neighbours are built by doubling and the binary digits of `lookback` pick
    the ones to add, each as a rounded sum and its lost part. So every mean is the same sum of the
    same numbers wherever the array begins or ends.
    """
    n = values.size
    means = np.full(n, np.nan)
    high, low = np.empty(_TILE + lookback), np.empty(_TILE + lookback)
    wider, lower = np.empty(_TILE + lookback), np.empty(_TILE + lookback)
    total, rest = np.empty(_TILE), np.empty(_TILE)
    for first in range(lookback - 1, n, _TILE):
        many = min(_TILE, n - first)
        size = many + lookback - 1
        high[:size] = values[first - lookback + 1 : first + many]
        low[:size] = 0.0
        total[:many] = 0.0
        rest[:many] = 0.0
        taken, width = 0, 1
        while taken < lookback:
            if lookback & width:
                more, more_lost = high[taken:], low[taken:]
                for i in range(many):
                    s, lost = _sum_of_two(total[i], more[i])
                    total[i] = s
                    rest[i] += lost + more_lost[i]
                taken += width
            size -= width
            next_high, next_low = high[width:], low[width:]
            for i in range(size):
                s, lost = _sum_of_two(high[i], next_high[i])
                wider[i] = s
                lower[i] = low[i] + next_low[i] + lost
            high, low, wider, lower = wider, lower, high, low
            width *= 2
        mean = means[first:]
        for i in range(many):
            mean[i] = _quotient(total[i], rest[i], float(lookback))
    return means


@compiles()
def window_deviation(values: FloatArray, means: FloatArray, lookback: int) -> FloatArray:
    """Return the root mean squared distance of the last `lookback` values from their mean."""
    n = values.size
    deviations = np.full(n, np.nan)
    squares = np.empty(_TILE)
    for first in range(lookback - 1, n, _TILE):
        many = min(_TILE, n - first)
        squares[:many] = 0.0
        mean = means[first:]
        for back in range(lookback):
            value = values[first - back :]
            for i in range(many):
                away = value[i] - mean[i]
                squares[i] += away * away
        deviation = deviations[first:]
        for i in range(many):
            deviation[i] = np.sqrt(squares[i] / lookback)
    return deviations
