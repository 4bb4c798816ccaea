"""Longer bars made of stored shorter ones, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS
from quantbench.core.instrument import Instrument
from quantbench.core.resample import resample
from quantbench.core.timeframe import timeframe_ns

__all__ = ["Source", "longer_bars"]

_PIECE: Final = 400_000
"""Shorter bars read at once: about a year of M1, so that ten million are never in memory together."""


class Source(NamedTuple):
    """Where bars of one timeframe are: how to read a range of them, and from when to when there are any."""

    timeframe: str
    columns: Callable[[int | None, int | None], dict[str, Any]]
    opens: Callable[[], tuple[int, int]]


def longer_bars(source: Source, timeframe: str, facts: Instrument, *, first: int | None, last: int | None) -> Bars:
    """Return longer bars whose open lies in ``[first, last)``, the same whatever is asked for around them."""
    opens, last_opens = source.opens()
    # A longer bar is right only if all it is made of is read: more than one on each side.
    margin = timeframe_ns(timeframe) + 10 * DAY_NS
    low = opens - margin if first is None else max(first, opens - margin)
    high = last_opens + 1 if last is None else min(last, last_opens + 1)
    step = _PIECE * timeframe_ns(source.timeframe)
    pieces = []
    for start in range(low, max(high, low + 1), step):
        stop = min(start + step, high)
        shorter = Bars(facts.symbol, source.timeframe, facts, **source.columns(start - margin, stop + margin))
        made = resample(shorter, timeframe)
        inside = np.searchsorted(made.time_ns, [start, max(stop, start)])
        pieces.append(made[int(inside[0]) : int(inside[1])])
    names = ("time", "open", "high", "low", "close", "volume", "spread")
    columns: dict[str, Any] = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
    return Bars(facts.symbol, timeframe, facts, **columns)
