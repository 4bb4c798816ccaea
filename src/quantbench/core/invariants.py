"""What bars must hold to exist; each message names the first bar that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import DataError
from quantbench.core.timeframe import closest_ns, timeframe_ns

if TYPE_CHECKING:
    from quantbench.core.bars import Bars

__all__ = ["check_prices", "check_time"]

PRICES: Final = ("open", "high", "low", "close")
_RARE: Final = 0.02


def _when(bars: Bars, row: int) -> str:
    return f"bar {row} ({np.datetime_as_string(bars.time[row], unit='s').replace('T', ' ')})"


def _first(where: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(where))


def check_time(bars: Bars) -> None:
    """Refuse bars whose times are missing, out of order, doubled, or closer than their timeframe."""
    if np.isnat(bars.time).any():
        raise DataError(f"{bars.symbol}: {int(np.isnat(bars.time).sum())} bars have no time; drop them first")
    step = np.diff(bars.time_ns)
    if not len(step) or step.min() >= 0.9 * timeframe_ns(bars.timeframe):
        return
    if (step < 0).any():
        row = _first(step < 0) + 1
        raise DataError(
            f"{bars.symbol}: bars are not in order of time: "
            f"{_when(bars, row)} follows {_when(bars, row - 1)}; sort them first"
        )
    if (step == 0).any():
        row = _first(step == 0) + 1
        many = int((step == 0).sum())
        raise DataError(
            f"{bars.symbol}: {many} duplicated bar times, the first at {_when(bars, row)}; drop duplicates first"
        )
    near = step < 0.9 * timeframe_ns(bars.timeframe)
    if near.sum() <= _RARE * len(near):  # a wall clock was set forward in them
        near = step < closest_ns(bars.timeframe)
    if near.any():
        row = _first(near) + 1
        minutes = step[row - 1] / 60e9
        raise DataError(
            f"{bars.symbol}: not {bars.timeframe} bars: "
            f"{_when(bars, row)} opens {minutes:g} minutes after the bar before"
        )


def check_prices(bars: Bars) -> None:
    """Refuse bars with a price, volume or spread that cannot be."""
    if _are_possible(bars):
        return
    top = np.maximum(np.maximum(bars.open, bars.close), bars.low)
    bottom = np.minimum(np.minimum(bars.open, bars.close), bars.high)
    finite = np.isfinite(bars.open) & np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.close)
    for bad, what in (
        (~finite, "a price that is NaN or infinite"),
        (np.minimum(bottom, bars.low) <= 0, "a price at or below 0"),
        (bars.high < top, "a high below its open, close or low"),
        (bars.low > bottom, "a low above its open, close or high"),
        (~(bars.volume >= 0), "a volume that is negative or NaN"),
        ((bars.spread < 0) | np.isinf(bars.spread), "a spread that is negative or infinite"),
    ):
        if bad.any():
            row = _first(bad)
            values = ", ".join(f"{name}={float(getattr(bars, name)[row])!r}" for name in (*PRICES, "volume", "spread"))
            raise DataError(
                f"{bars.symbol}: {int(bad.sum())} bars have {what}, "
                f"the first is {_when(bars, row)}: {values}; drop or repair them first"
            )


def _are_possible(bars: Bars) -> bool:
    """Return whether no bar has any of the faults `check_prices` names: NaN compares as false."""
    low, high = bars.low, bars.high
    prices = (low > 0) & (low <= bars.open) & (low <= bars.close) & (high >= bars.open) & (high >= bars.close)
    spread = ~(bars.spread < 0) & (bars.spread != np.inf)
    return bool((prices & (high < np.inf) & (bars.volume >= 0) & spread).all())
