"""The spans of time that longer bars cover, cut on a wall clock."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, server_offset
from quantbench.core.timeframe import timeframe_ns

__all__ = ["Spans", "spans", "wall_to_utc"]

IntArray = npt.NDArray[np.int64]


class Spans(NamedTuple):
    """Consecutive spans of time: the k-th runs over ``[edges[k], edges[k+1])`` and is called ``labels[k]``."""

    edges: IntArray
    labels: IntArray


def spans(first: int, last: int, timeframe: str, clock: str, *, weekends: bool) -> Spans:
    """Return the spans of a timeframe that cover all moments from first to last.

    Parameters
    ----------
    first, last : int
        UTC nanoseconds.
    timeframe : str
        A timeframe's name.
    clock : str
        The server clock whose midnight begins a day.
    weekends : bool
        Whether weekends are free: then weeks and months are over at the end of their last weekday.

    Notes
    -----
    A week begins on Sunday, as in MetaTrader. A span in which the clock is set is an hour longer or
    shorter, if it is longer than an hour.

    Examples
    --------
    >>> made = spans(0, 0, "H4", "America/New_York+7", weekends=True)
    >>> [int(label // HOUR_NS) for label in made.labels[:3]]
    [-26, -22, -18]
    """
    length = timeframe_ns(timeframe)
    shift = int(server_offset(np.array([first]), clock)[0])
    if length <= HOUR_NS:  # offsets are whole hours, or were for as long as these bars run: no clock needed
        edges = np.arange((first + shift) // length * length, last + shift + length + 1, length) - shift
        return Spans(edges, edges[:-1])
    until = last + int(server_offset(np.array([last]), clock)[0])
    days = np.arange((first + shift) // DAY_NS - 1, until // DAY_NS + 3)
    if length > DAY_NS:
        days, labels = _long_spans(days, timeframe, weekends=weekends)
        return Spans(wall_to_utc(days * DAY_NS, clock), wall_to_utc(labels * DAY_NS, clock))
    edges = np.unique(wall_to_utc(np.arange(days[0] * DAY_NS, days[-1] * DAY_NS + 1, length), clock))
    return Spans(edges, edges[:-1])


def _long_spans(days: IntArray, timeframe: str, *, weekends: bool) -> tuple[IntArray, IntArray]:
    """Return the days on which weeks or months begin, one more than there are, and the days that name them."""
    days = np.arange(days[0] - 40, days[-1] + 40)
    if timeframe == "W1":
        labels = days[(days + 3) % 7 == 6]
        edges = labels - 1 if weekends else labels
    else:
        labels = days[np.diff(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64), prepend=-1) != 0]
        labels = labels[1:]  # the first was cut off, not begun
        before = (labels - 1 + 3) % 7  # weekday of the last day of the month before
        edges = labels - np.where(weekends, np.maximum(before - 4, 0), 0)
    return edges, labels[:-1]


def wall_to_utc(local: IntArray, clock: str) -> IntArray:
    """Return the UTC moments of a wall clock; the second pass settles days on which it was set."""
    moment = local - server_offset(local, clock)
    moment = local - server_offset(moment, clock)
    return np.maximum.accumulate(moment)
