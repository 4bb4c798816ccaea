"""The same trades by side, month, weekday, hour or session: where a result comes from.

A key is one label a trade; `grouped` says what each label made. Small groups say little: read the
count first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.calendar import Calendar, trading_day
from quantbench.core.clock import DAY_NS, HOUR_NS, utc_offset
from quantbench.engine.metrics.annual import total_return
from quantbench.engine.metrics.outcomes import expectancy, profit_factor, win_rate

__all__ = ["SESSIONS", "Groups", "compounded", "grouped", "hour_of", "month_of", "session_of", "weekday_of"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

SESSIONS: Final = ("asia", "london", "overlap", "new_york")
"""Asia until London opens, London until New York opens, both, New York until the day ends."""

_OPENS: Final = 8 * HOUR_NS
_CLOSES: Final = 17 * HOUR_NS


class Groups(NamedTuple):
    """What each group of trades made, as arrays of equal length, in order of the key.

    Attributes
    ----------
    key : array
        Each label once.
    trades : int array
    profit, win_rate, profit_factor, expectancy : float arrays
        Sum, share of winners, wins over losses (NaN without a loss), mean.
    """

    key: npt.NDArray[Any]
    trades: IntArray
    profit: FloatArray
    win_rate: FloatArray
    profit_factor: FloatArray
    expectancy: FloatArray


def grouped(profit: npt.ArrayLike, key: npt.ArrayLike) -> Groups:
    """Return what each label of `key` made.

    Parameters
    ----------
    profit : array of float
        Net, one a trade, no NaN.
    key : array
        One label a trade.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.grouped([5.0, -2.0, 3.0], [1, -1, 1]).profit.tolist()
    [-2.0, 8.0]
    """
    made, labels = np.asarray(profit, dtype=np.float64), np.asarray(key)
    keys, which = np.unique(labels, return_inverse=True)
    each = [made[which == i] for i in range(len(keys))]
    return Groups(
        keys,
        np.array([len(part) for part in each], np.int64),
        *(_each(measure, each) for measure in (np.sum, win_rate, profit_factor, expectancy)),
    )


def _each(measure: Callable[[FloatArray], float], parts: list[FloatArray]) -> FloatArray:
    return np.array([measure(part) for part in parts], np.float64)


def month_of(time_ns: IntArray) -> npt.NDArray[np.datetime64]:
    """Return the UTC month of each moment."""
    return time_ns.astype("datetime64[ns]").astype("datetime64[M]")


def weekday_of(time_ns: IntArray, calendar: Calendar) -> IntArray:
    """Return the weekday of each moment's **trading day**, Monday 0: Sunday 22:00 UTC is an FX Monday."""
    return (trading_day(time_ns, calendar) + 3) % 7


def hour_of(time_ns: IntArray) -> IntArray:
    """Return the UTC hour of each moment, 0 to 23."""
    return time_ns % DAY_NS // HOUR_NS


def session_of(time_ns: IntArray) -> IntArray:
    """Return the session of each moment as a position in `SESSIONS`; each moment has exactly one.

    Wall clocks decide, so that summer time moves them: London trades 08:00 to 17:00 in London, New
    York the same hours in New York, `overlap` is both, `asia` neither.
    """
    london, new_york = (_is_open(time_ns, zone) for zone in ("Europe/London", "America/New_York"))
    return np.select([london & new_york, london, new_york], [2, 1, 3], 0).astype(np.int64)


def _is_open(time_ns: IntArray, zone: str) -> npt.NDArray[np.bool_]:
    clock = (time_ns + utc_offset(time_ns, zone)) % DAY_NS
    return (clock >= _OPENS) & (clock < _CLOSES)


def compounded(returns: npt.ArrayLike, key: npt.ArrayLike) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return each label of `key` once, and what the returns under it compound to.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> _, monthly = metrics.compounded([0.10, 0.10, -0.05], [1, 1, 2])
    >>> monthly.round(4).tolist()
    [0.21, -0.05]
    """
    values, labels = np.asarray(returns, dtype=np.float64), np.asarray(key)
    keys, which = np.unique(labels, return_inverse=True)
    return keys, np.array([total_return(values[which == i]) for i in range(len(keys))])
