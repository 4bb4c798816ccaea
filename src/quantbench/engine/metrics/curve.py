"""How straight a curve rises: stability and the K-ratio, from cumulative log returns."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import check
from quantbench.engine.metrics.annual import clean, ratio

__all__ = ["k_ratio", "log_growth", "stability"]

FloatArray = npt.NDArray[np.float64]


def log_growth(returns: npt.ArrayLike) -> FloatArray:
    """Return the cumulative log return, ``cumsum(log(1 + r))``; NaN from where everything is lost."""
    kept = 1.0 + clean(returns)
    return np.cumsum(np.log(np.where(kept > 0, kept, np.nan)))


def stability(returns: npt.ArrayLike) -> float:
    """Return the R2 of cumulative **log** return on time, between 0 and 1.

    It says how straight, not which way: a straight fall has 1 too. NaN below three returns.
    """
    curve = log_growth(returns)
    if len(curve) < 3 or not np.ptp(curve) > 0:
        return math.nan
    _, residual = _line(curve)
    return 1.0 - ratio(residual, float(np.sum((curve - curve.mean()) ** 2)))


def k_ratio(
    curve: npt.ArrayLike, *, version: Literal["2013", "1996", "t"] = "2013", periods: float | None = None
) -> float:
    """Return Kestner's K-ratio of a cumulative **log** return curve: how steep for how ragged, signed.

    Parameters
    ----------
    curve : array of float
        `log_growth` of returns, one value a period; n values.
    version : {"2013", "1996", "t"}
        ``"t"`` is slope / SE(slope); ``"1996"`` is t / sqrt(n); ``"2013"`` is t * sqrt(P) / n. The
        three cannot be compared with one another.
    periods : float
        P, periods a year; needed by ``"2013"`` alone.

    Returns
    -------
    float
        NaN below three values, or for a perfectly straight line.

    Notes
    -----
    The residuals of a cumulative curve are a random walk, so t is no t-test.
    Source: Kestner (1996; 2013, The K-Ratio); notes/statistics.md 2.1.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.k_ratio([0.0, 0.01, 0.02, 0.02, 0.04], version="t"), 4)
    5.8919
    """
    values = np.asarray(curve, dtype=np.float64)
    n = len(values)
    check(
        version != "2013" or periods,
        "the K-ratio of 2013 needs periods, the periods a year",
        periods=periods,
    )
    if n < 3:
        return math.nan
    slope, residual = _line(values)
    time = np.arange(n) - (n - 1) / 2.0
    t = ratio(slope, math.sqrt(residual / (n - 2) / float(time @ time)))
    return {"t": 1.0, "1996": 1.0 / math.sqrt(n), "2013": math.sqrt(periods or 0.0) / n}[version] * t


def _line(values: FloatArray) -> tuple[float, float]:
    """Return the slope of the least-squares line over 0, 1, 2, ... and its squared residuals."""
    time = np.arange(len(values)) - (len(values) - 1) / 2.0
    away = values - values.mean()
    slope = float(time @ away) / float(time @ time)
    return slope, float(np.sum((away - slope * time) ** 2))
