"""Oscillators: how one-sided the last moves were."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.indicators.cache import cached
from quantbench.indicators.inputs import FloatArray, as_values, checked_lookback, talib, unremembered
from quantbench.indicators.trend import sma
from quantbench.indicators.volatility import extremes

__all__ = ["Stochastic", "rsi", "stochastic"]


class Stochastic(NamedTuple):
    """The stochastic of each bar, 0 to 100."""

    k: FloatArray
    d: FloatArray


def rsi(values: npt.ArrayLike, lookback: int = 14) -> FloatArray:
    """Return Wilder's relative strength index: the share of gains in all moves, 0 to 100.

    Parameters
    ----------
    values : array, shape (bars,)
        Numbers or a Series. A NaN after the first number makes the rest NaN.
    lookback : int
        Bars, 2 or more; Wilder's is 14.

    Returns
    -------
    array, shape (bars,)
        Read-only; NaN for the first `lookback` bars. Wilder's averages forget slowly: the first
        bar's weight is below 1e-8 after ``20 * lookback`` bars. Where nothing moved it is 50 (TA-Lib says
        0, which would read as oversold).

    Raises
    ------
    ParamsError
        When the lookback is not a whole number of bars.
    DataError
        When the values are not one number per bar.

    References
    ----------
    Wilder, New Concepts in Technical Trading Systems (1978), pp. 63-70.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.rsi([1.0, 2.0, 3.0, 2.0, 3.0], 2)
    array([ nan,  nan, 100.,  50.,  75.])
    """
    return _rsi((as_values(values),), checked_lookback(lookback, least=2))


@cached
def _rsi(columns: tuple[FloatArray, ...], lookback: int) -> FloatArray:
    (values,) = columns
    strength: FloatArray = talib("RSI", values, remembers="RSI", timeperiod=lookback)
    if (strength == 0).any():
        # Upside down, falls are rises and give 100; only where nothing moved are both 0.
        upside_down = talib("RSI", -values, remembers="RSI", timeperiod=lookback)
        strength = np.where((strength == 0) & (upside_down == 0), 50.0, strength)
    return unremembered(values, strength)


def stochastic(bars: Bars, lookback: int = 14, *, smooth: int = 3, signal: int = 3) -> Stochastic:
    """Return where the close stands in the range of the last `lookback` bars, 0 to 100.

    Parameters
    ----------
    bars : Bars
        High, low and close are read.
    lookback : int
        Bars of the range.
    smooth, signal : int
        Simple averages: `k` over `smooth` bars, `d` of `k` over `signal` bars; ``smooth=1`` is the fast one.

    Returns
    -------
    Stochastic
        Arrays ``k, d``, read-only, NaN for the first ``lookback + smooth - 2`` bars (`d`: ``signal - 1`` more).
        A window whose high is its low counts as 50.

    Raises
    ------
    ParamsError
        When a lookback is not a whole number of bars.

    Examples
    --------
    >>> import quantbench as qb
    >>> k, d = qb.stochastic(qb.load("EURUSD", "H1"), 14)
    >>> bool((k[15:] >= 0).all() and (d[17:] <= 100).all())
    True
    """
    lookbacks = (
        checked_lookback(lookback),
        checked_lookback(smooth, name="smooth"),
        checked_lookback(signal, name="signal"),
    )
    return _stochastic((bars.high, bars.low, bars.close), *lookbacks)


@cached
def _stochastic(columns: tuple[FloatArray, ...], lookback: int, smooth: int, signal: int) -> Stochastic:
    high, low, close = columns
    lower, _, upper = extremes((high, low), lookback)
    is_flat = upper == lower
    k = sma(np.where(is_flat, 50.0, 100.0 * (close - lower) / np.where(is_flat, 1.0, upper - lower)), smooth)
    return Stochastic(k, sma(k, signal))
