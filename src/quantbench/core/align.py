"""Other bars beside the bars decided on: what of them is known at the close of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS, HOUR_NS
from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.immutable import frozen
from quantbench.core.timeframe import timeframe_ns

__all__ = ["Aligned", "companions", "known_companions", "other"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Aligned:
    """Other bars, and which of them is the last one closed at the close of each bar decided on.

    Parameters
    ----------
    bars : Bars
        The other bars, each once: compute indicators on these.
    index : int64 array
        One a bar decided on: the row of `bars` closed last, -1 before the first.

    Notes
    -----
    ``open, high, low, close, volume, spread`` and ``time`` are the columns of the bar seen, one value a
    bar decided on, NaN (NaT) before the first. They repeat while the other bar lasts, so an average
    belongs on `bars` first: ``h4.over(qb.ema(h4.bars.close, 50))``.
    """

    bars: Bars
    index: IntArray

    def over(self, values: npt.ArrayLike) -> FloatArray:
        """Return one value per other bar as one value per bar decided on, NaN before the first.

        Raises
        ------
        DataError
            When there is not one value per other bar.
        """
        given = np.asarray(values, dtype=np.float64)
        if given.shape != (len(self.bars),):
            raise DataError(
                f"over takes one value per {self.bars.timeframe} bar, found shape {given.shape}, "
                f"there are {len(self.bars)}"
            )
        return np.append(given, np.nan)[self.index]  # -1 is the NaN at the end

    @cached_property
    def open(self) -> FloatArray:
        """Open of the bar seen."""
        return frozen(self.over(self.bars.open))

    @cached_property
    def high(self) -> FloatArray:
        """High of the bar seen."""
        return frozen(self.over(self.bars.high))

    @cached_property
    def low(self) -> FloatArray:
        """Low of the bar seen."""
        return frozen(self.over(self.bars.low))

    @cached_property
    def close(self) -> FloatArray:
        """Close of the bar seen."""
        return frozen(self.over(self.bars.close))

    @cached_property
    def volume(self) -> FloatArray:
        """Volume of the bar seen."""
        return frozen(self.over(self.bars.volume))

    @cached_property
    def spread(self) -> FloatArray:
        """Spread at the open of the bar seen, in points."""
        return frozen(self.over(self.bars.spread))

    @cached_property
    def time(self) -> npt.NDArray[np.datetime64]:
        """Open of the bar seen, UTC; how old it is says how stale the rest is."""
        return frozen(np.append(self.bars.time, np.datetime64("NaT"))[self.index])


def other(bars: Bars, others: Iterable[Bars], symbol: str) -> Aligned:
    """Return another symbol's bars as they are known at the close of each of these.

    Where the other symbol has no bar, its last one stays in sight: compare `Aligned.time`.

    Parameters
    ----------
    bars : Bars
        The bars decided on.
    others : iterable of Bars
        The companions, of the same timeframe.
    symbol : str
        Which of them.

    Raises
    ------
    DataError
        When it is not among them.
    """
    known = {companion.symbol: companion for companion in others}
    if symbol not in known:
        raise DataError(
            f"these {bars.symbol} bars carry no {symbol!r}: {did_you_mean(symbol, known)}; "
            f'load them with others=("{symbol}",)'
        )
    return Aligned(known[symbol], frozen(_seen(bars.time_ns, known[symbol])))


def companions(bars: Bars, others: Iterable[Bars]) -> tuple[Bars, ...]:
    """Return companions checked, in order of their symbols, cut to what these bars may know.

    Raises
    ------
    DataError
        When one is of another timeframe, comes twice, or is the symbol itself.
    """
    found: dict[str, Bars] = {}
    for companion in others:
        if companion.timeframe != bars.timeframe:
            raise DataError(
                f"{companion.symbol} {companion.timeframe} cannot go with {bars.symbol} {bars.timeframe}: "
                f"companions have the same timeframe; load {companion.symbol} {bars.timeframe}"
            )
        if companion.symbol in found or companion.symbol == bars.symbol:
            raise DataError(f"{companion.symbol} is given twice; give each other symbol once")
        found[companion.symbol] = companion
    return known_companions(bars, [found[name] for name in sorted(found)])


def known_companions(bars: Bars, others: Iterable[Bars]) -> tuple[Bars, ...]:
    """Return the companions without what closes after the last of these bars or opens before the first."""
    if not len(bars):
        return tuple(companion[:0] for companion in others)
    kept = []
    for companion in others:
        start = int(np.searchsorted(companion.time_ns, bars.time_ns[0]))
        stop = int(_seen(bars.time_ns[-1:], companion)[0]) + 1
        kept.append(companion[start : max(start, stop)])
    return tuple(kept)


def _seen(time_ns: IntArray, companion: Bars) -> IntArray:
    """Return the row of the companion closed last at the close of each bar that opens then, -1 before the first."""
    length = timeframe_ns(companion.timeframe)
    slack = 0 if length <= HOUR_NS else HOUR_NS  # a clock that was set makes a long bar an hour longer or shorter
    if length > 7 * DAY_NS:
        slack += 2 * DAY_NS
    closed = companion.time_ns + length + slack
    found: IntArray = np.searchsorted(closed, time_ns + length - slack, side="right") - 1
    # Bars of one timeframe that open together close together.
    twin = np.searchsorted(companion.time_ns, time_ns, side="right") - 1
    same = (twin >= 0) & (companion.time_ns[np.maximum(twin, 0)] == time_ns) if len(companion) else twin >= 0
    return np.where(same, np.maximum(found, twin), found)
