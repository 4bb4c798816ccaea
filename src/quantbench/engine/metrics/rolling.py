"""The same figures over the last `window` periods, at every period: NaN until the window is full."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import check

__all__ = ["rolling_drawdown", "rolling_sharpe", "rolling_volatility"]

FloatArray = npt.NDArray[np.float64]


def rolling_volatility(returns: npt.ArrayLike, *, window: int, periods: float) -> FloatArray:
    """Return the yearly ``sd(ddof=1) * sqrt(P)`` of the last `window` returns, >= 0.

    Parameters
    ----------
    returns : array of float
        Simple returns, one a period; a NaN makes every window that holds it NaN.
    window : int
        Periods, 2 or more.
    periods : float
        P, periods a year.

    Returns
    -------
    float array
        As long as `returns`.
    """
    return _rolled(returns, window, lambda rows: _deviation(rows) * math.sqrt(periods))


def rolling_sharpe(returns: npt.ArrayLike, *, window: int, periods: float) -> FloatArray:
    """Return the yearly Sharpe ratio of the last `window` returns; NaN where they do not vary.

    Parameters
    ----------
    returns : array of float
        Simple returns, one a period.
    window : int
        Periods, 2 or more.
    periods : float
        P, periods a year.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.rolling_sharpe([0.01, 0.02, 0.03], window=2, periods=1).round(4).tolist()
    [nan, 2.1213, 3.5355]
    """

    def of(rows: FloatArray) -> FloatArray:
        deviation = _deviation(rows)
        varies = deviation > 0
        return np.where(varies, rows.mean(axis=1) / np.where(varies, deviation, 1.0), np.nan) * math.sqrt(periods)

    return _rolled(returns, window, of)


def rolling_drawdown(returns: npt.ArrayLike, *, window: int) -> FloatArray:
    """Return the deepest drawdown within the last `window` returns, <= 0; its start is the first peak."""

    def of(rows: FloatArray) -> FloatArray:
        money = np.cumprod(1.0 + rows, axis=1)
        peak = np.maximum(np.maximum.accumulate(money, axis=1), 1.0)
        return np.asarray((money / peak - 1.0).min(axis=1), dtype=np.float64)

    return _rolled(returns, window, of)


def _deviation(rows: FloatArray) -> FloatArray:
    varies = np.ptp(rows, axis=1) != 0  # NaN varies: its window stays NaN
    return np.where(varies, rows.std(axis=1, ddof=1), 0.0)


def _rolled(returns: npt.ArrayLike, window: int, of: Callable[[FloatArray], FloatArray]) -> FloatArray:
    check(window >= 2, "window must be at least 2 periods", window=window)
    values = np.asarray(returns, dtype=np.float64)
    found = np.full(len(values), np.nan)
    if len(values) >= window:
        found[window - 1 :] = of(np.lib.stride_tricks.sliding_window_view(values, window))
    return found
