"""Ranges and bands: how far price moves."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.indicators.cache import cached
from quantbench.indicators.inputs import FloatArray, as_values, checked_lookback, talib
from quantbench.indicators.trend import sma

__all__ = ["Channel", "atr", "bollinger", "donchian", "extremes"]


class Channel(NamedTuple):
    """Two lines around price and the one between them, in the unit of the prices."""

    lower: FloatArray
    middle: FloatArray
    upper: FloatArray


def atr(bars: Bars, lookback: int = 14) -> FloatArray:
    """Return Wilder's average true range, in price.

    Parameters
    ----------
    bars : Bars
        High, low and close are read.
    lookback : int
        Bars, 1 or more; Wilder's is 14.

    Returns
    -------
    array, shape (bars,)
        Read-only; NaN for the first `lookback` bars, 0 where prices never moved. Wilder's average forgets
        slowly: the first bars' weight is below 1e-8 after ``20 * lookback`` bars.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.

    References
    ----------
    Wilder, New Concepts in Technical Trading Systems (1978), pp. 21-23.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> stop = 3 * qb.atr(bars, 14)
    >>> len(stop) == len(bars)
    True
    """
    return _atr((bars.high, bars.low, bars.close), checked_lookback(lookback))


@cached
def _atr(columns: tuple[FloatArray, ...], lookback: int) -> FloatArray:
    ranges: FloatArray = talib("ATR", *columns, remembers="ATR", timeperiod=lookback)
    return ranges


def bollinger(values: npt.ArrayLike, lookback: int = 20, *, width: float = 2.0) -> Channel:
    """Return the simple average and the lines `width` standard deviations below and above it.

    Parameters
    ----------
    values : array, shape (bars,)
        Numbers or a Series; NaN makes NaN of the windows that hold it and of no other.
    lookback : int
        Bars, 1 or more.
    width : float
        Deviations (ddof 0, as Bollinger and TA-Lib count), above 0.

    Returns
    -------
    Channel
        Arrays ``lower, middle, upper``, read-only, NaN for the first ``lookback - 1`` bars.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars, or the width is not above 0.
    DataError
        When the values are not one number per bar.

    Notes
    -----
    From the window alone and its own mean, for the reasons `sma` gives: TA-Lib subtracts running
    sums of squares, which loses the digits a calm market's deviation is made of.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.bollinger([1.0, 3.0, 5.0], 2, width=1.0).upper
    array([nan,  3.,  5.])
    """
    check(0 < width < np.inf, "width must be above 0", width=width)
    values, lookback = as_values(values), checked_lookback(lookback)
    return _bollinger((values, sma(values, lookback)), lookback, width)


@cached
def _bollinger(columns: tuple[FloatArray, ...], lookback: int, width: float) -> Channel:
    from quantbench.indicators._kernels import window_deviation

    values, middle = map(np.ascontiguousarray, columns)
    away = width * window_deviation(values, middle, lookback)
    return Channel(middle - away, middle.copy(), middle + away)


def donchian(bars: Bars, lookback: int) -> Channel:
    """Return the lowest low, the highest high and the line between them of the last `lookback` bars.

    Parameters
    ----------
    bars : Bars
        High and low are read.
    lookback : int
        Bars, 1 or more, the current one included: a breakout compares the close with the channel
        of the bar before.

    Returns
    -------
    Channel
        Arrays ``lower, middle, upper`` in price, read-only, NaN for the first ``lookback - 1`` bars.

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> channel = qb.donchian(bars, 20)
    >>> bool((channel.upper[19:] >= bars.high[19:]).all())
    True
    """
    return extremes((bars.high, bars.low), checked_lookback(lookback))


@cached
def extremes(columns: tuple[FloatArray, ...], lookback: int) -> Channel:
    """Return the channel of a column of highs and one of lows."""
    high, low = columns
    if lookback > 1:
        high, low = talib("MAX", high, timeperiod=lookback), talib("MIN", low, timeperiod=lookback)
    return Channel(low.copy(), (low + high) / 2.0, high.copy())
