"""Averages and what is made of them: where price is heading."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.indicators.cache import cached
from quantbench.indicators.inputs import FloatArray, as_values, checked_lookback, talib, unremembered

__all__ = ["Macd", "adx", "ema", "macd", "sma"]


class Macd(NamedTuple):
    """The MACD of each bar, in the unit of the values."""

    line: FloatArray
    signal: FloatArray
    histogram: FloatArray


def sma(values: npt.ArrayLike, lookback: int) -> FloatArray:
    """Return the simple moving average of the last `lookback` values, the current one included.

    Parameters
    ----------
    values : array, shape (bars,)
        Numbers or a Series; NaN makes NaN of the windows that hold it and of no other.
    lookback : int
        Bars, 1 or more.

    Returns
    -------
    array, shape (bars,)
        Read-only, in the unit of the values; NaN for the first ``lookback - 1`` bars.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.
    DataError
        When the values are not one number per bar.

    Notes
    -----
    Not TA-Lib's: its running sum never forgets. After a spike to 1e6, prices near 1.1 stay wrong by
    3e-12 for good, and where two averages meet exactly the sign of their difference depends on when
    the history began, so research and live would disagree. Here every mean is the correctly rounded
    mean of its window.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.sma([1.0, 2.0, 3.0, 4.0], 2)
    array([nan, 1.5, 2.5, 3.5])
    """
    return _sma((as_values(values),), checked_lookback(lookback))


@cached
def _sma(columns: tuple[FloatArray, ...], lookback: int) -> FloatArray:
    from quantbench.indicators._kernels import window_mean

    means: FloatArray = window_mean(np.ascontiguousarray(columns[0]), lookback)
    return means


def ema(values: npt.ArrayLike, lookback: int) -> FloatArray:
    """Return the exponential moving average with weight ``2 / (lookback + 1)`` on the current value.

    Parameters
    ----------
    values : array, shape (bars,)
        Numbers or a Series. A NaN after the first number makes the rest NaN.
    lookback : int
        Bars, 1 or more.

    Returns
    -------
    array, shape (bars,)
        Read-only; NaN for the first ``lookback - 1`` bars. The first value is the simple average
        of the first `lookback`, as TA-Lib seeds it; its weight is below 1e-9 after ``10.4 * lookback`` bars.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.
    DataError
        When the values are not one number per bar.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.ema([1.0, 2.0, 3.0, 6.0], 3)
    array([nan, nan,  2.,  4.])
    """
    return _ema((as_values(values),), checked_lookback(lookback))


@cached
def _ema(columns: tuple[FloatArray, ...], lookback: int) -> FloatArray:
    (values,) = columns
    if lookback == 1:
        return unremembered(values, values.copy())
    return unremembered(values, talib("EMA", values, remembers="EMA", timeperiod=lookback))


def macd(values: npt.ArrayLike, *, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Return the distance between a fast and a slow exponential average, and the average of that.

    Parameters
    ----------
    values : array, shape (bars,)
        Numbers or a Series. A NaN after the first number makes the rest NaN.
    fast, slow, signal : int
        Lookbacks in bars, ``2 <= fast < slow``; Appel's 12, 26 and 9.

    Returns
    -------
    Macd
        Arrays ``line, signal, histogram`` (their difference), read-only, NaN for the first
        ``slow + signal - 2`` bars. Both averages are seeded on the bar of the slow one, as TA-Lib does.

    Raises
    ------
    ParamsError
        When a lookback is not a whole number of bars, or `fast` is not shorter than `slow`.
    DataError
        When the values are not one number per bar.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.macd([1.0, 2.0, 3.0, 4.0, 5.0], fast=2, slow=3, signal=2).line
    array([nan, nan, nan, 0.5, 0.5])
    """
    fast, slow = checked_lookback(fast, name="fast", least=2), checked_lookback(slow, name="slow")
    check(fast < slow, "fast must be shorter than slow", fast=fast, slow=slow)
    return _macd((as_values(values),), fast, slow, checked_lookback(signal, name="signal"))


@cached
def _macd(columns: tuple[FloatArray, ...], fast: int, slow: int, signal: int) -> Macd:
    (values,) = columns
    lookbacks = {"fastperiod": fast, "slowperiod": slow, "signalperiod": signal}
    found = talib("MACD", values, remembers="EMA", **lookbacks)
    return Macd(*(unremembered(values, part) for part in found))


def adx(bars: Bars, lookback: int = 14) -> FloatArray:
    """Return Wilder's average directional index: how strong a trend is, whichever way, 0 to 100.

    Parameters
    ----------
    bars : Bars
        High, low and close are read.
    lookback : int
        Bars, 2 or more; Wilder's is 14.

    Returns
    -------
    array, shape (bars,)
        Read-only; NaN for the first ``2 * lookback - 1`` bars. Wilder's averages forget slowly:
        allow about ``25 * lookback`` bars before comparing with a level. Flat prices give 0.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.

    References
    ----------
    Wilder, New Concepts in Technical Trading Systems (1978), pp. 35-47.

    Examples
    --------
    >>> import quantbench as qb
    >>> strength = qb.adx(qb.load("EURUSD", "H1"), 14)
    >>> bool((strength[27:] >= 0).all() and (strength[27:] <= 100).all())
    True
    """
    return _adx((bars.high, bars.low, bars.close), checked_lookback(lookback, least=2))


@cached
def _adx(columns: tuple[FloatArray, ...], lookback: int) -> FloatArray:
    strength: FloatArray = talib("ADX", *columns, remembers="ADX", timeperiod=lookback)
    return strength
