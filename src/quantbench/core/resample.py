"""Bars from ticks, bars from shorter bars, and longer bars seen without knowing the future.

A longer bar is labelled by the open of its span, as MetaTrader does, not by its first trade: the day of
a market that opens late still opens at its first hour. Spans are cut on a wall clock, the day of the
instrument's calendar (17:00 New York for FX) or a server's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

from quantbench.core.align import Aligned
from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS, MINUTE_NS
from quantbench.core.errors import DataError
from quantbench.core.immutable import frozen
from quantbench.core.spans import spans
from quantbench.core.timeframe import timeframe_ns

if TYPE_CHECKING:
    from quantbench.core.instrument import Instrument

__all__ = ["from_ticks", "higher", "resample"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_CROOKED: Final = 0.01
"""The share of spans that may begin inside a bar: a clock that was set leaves one or two a year."""


class _Groups(NamedTuple):
    """The spans that hold bars: rows ``[start, stop)`` of the shorter bars, the label and the span's end."""

    start: IntArray
    stop: IntArray
    label: IntArray
    end: IntArray


def resample(bars: Bars, timeframe: str, *, day: str | None = None) -> Bars:
    """Return longer bars made of these.

    Parameters
    ----------
    bars : Bars
        Shorter bars whose length divides the longer one's.
    timeframe : str
        ``"H4"``; the bars' own gives them back.
    day : str, optional
        A server clock (``"Europe/Athens"``, ``"America/New_York+7"``, ``"UTC"``) whose midnight begins a
        day. By default the trading day of the instrument's calendar.

    Returns
    -------
    Bars
        Open of the first bar, highest high, lowest low, close of the last, volumes summed, the spread of
        the first bar. Labelled by the open of the span in UTC. The last one is left out unless the
        shorter bars reach the end of its span: more may come. The first one is what there is of it.

    Raises
    ------
    DataError
        When bars do not divide the longer ones, or lie across the ends of days.

    Notes
    -----
    A week begins on Sunday, a month on its first day, both on the day's clock. Where weekends are free,
    they are over at the end of their last weekday, and what trades on a weekend counts to the next.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.core.resample import resample
    >>> resample(qb.load("EURUSD", "H1", "2017-03-06", "2017-03-11"), "D1")
    Bars(EURUSD D1, 5 bars, 2017-03-05 22:00 to 2017-03-09 22:00 UTC)
    """
    if timeframe == bars.timeframe:
        return bars
    if not len(bars):
        _require_divisible(bars, timeframe)
        return Bars(bars.symbol, timeframe, bars.instrument, bars.time, *(np.zeros(0),) * 4)
    groups = _groups(bars, timeframe, day)
    if bars.time_ns[-1] + timeframe_ns(bars.timeframe) < groups.end[-1]:
        groups = _Groups(*(part[:-1] for part in groups))
    return _aggregated(bars, timeframe, groups)


def higher(bars: Bars, timeframe: str, *, day: str | None = None) -> Aligned:
    """Return longer bars as they are known at the close of each of these: completed ones only.

    Parameters
    ----------
    bars : Bars
        The bars decided on.
    timeframe, day
        As in `resample`.

    Returns
    -------
    Aligned
        At the close of bar t, the last longer bar whose span has ended by then.

    Notes
    -----
    A span has ended at the close of the bar that reaches its end or, where none does (the market closed
    early), at the close of the first bar after it. A first longer bar of which the beginning is missing
    is never shown, so that a shorter history shows the same values, only later.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.core.resample import higher
    >>> bars = qb.load("EURUSD", "H1", "2017-03-06", "2017-03-11")
    >>> higher(bars, "H4").index[:9]
    array([-1, -1, -1, -1, -1,  0,  0,  0,  0])
    """
    if timeframe == bars.timeframe:
        return Aligned(bars, frozen(np.arange(len(bars))))
    if not len(bars):
        return Aligned(resample(bars, timeframe, day=day), frozen(np.zeros(0, np.int64)))
    groups = _groups(bars, timeframe, day)
    # Rows that open after the bar that reached the end are not waited for: what is shown never changes.
    reached = np.searchsorted(bars.time_ns, groups.end - timeframe_ns(bars.timeframe))
    reached = np.maximum(reached, groups.start)
    groups = groups._replace(stop=np.minimum(groups.stop, reached + 1))
    seen = np.minimum(np.append(groups.start[1:], len(bars)), reached)
    whole = seen < len(bars)
    whole[0] &= bars.time_ns[0] == groups.label[0]
    shown = _Groups(*(part[whole] for part in groups))
    index = np.searchsorted(seen[whole], np.arange(len(bars)), side="right") - 1
    return Aligned(_aggregated(bars, timeframe, shown), frozen(index))


def from_ticks(
    instrument: Instrument,
    time_ns: IntArray,
    *,
    bid: FloatArray,
    ask: FloatArray,
    volume: FloatArray | None = None,
    until: int | None = None,
) -> Bars:
    """Return M1 bars of the bid; minutes without a tick have no bar.

    Parameters
    ----------
    instrument : Instrument
        The contract quoted; its point counts the spread.
    time_ns : int64 array
        UTC nanoseconds of each tick, in order; several may share one.
    bid, ask : float arrays
        Quotes.
    volume : float array, optional
        Summed by minute; without it ticks are counted.
    until : int, optional
        UTC nanoseconds up to which the ticks are known to be complete. Without it the last minute is
        left out: more of it may come.

    Returns
    -------
    Bars
        M1; the spread is that of the minute's first tick, in points.

    Raises
    ------
    DataError
        When ticks are out of order, crossed at the open of a minute, or no price.
    """
    if (np.diff(time_ns) < 0).any():
        row = int(np.argmax(np.diff(time_ns) < 0)) + 1
        raise DataError(f"{instrument.symbol}: tick {row} is earlier than the one before it; sort the ticks first")
    minute = time_ns // MINUTE_NS
    start = np.flatnonzero(np.diff(minute, prepend=minute[:1] - 1))
    stop = np.append(start[1:], len(time_ns))[: len(start)]
    if len(start) and (minute[-1] + 1) * MINUTE_NS > (time_ns[-1] if until is None else until):
        start, stop = start[:-1], stop[:-1]
    last = int(stop[-1]) if len(stop) else 0
    spread = (ask[start] - bid[start]) / instrument.point
    return Bars(
        instrument.symbol,
        "M1",
        instrument,
        (minute[start] * MINUTE_NS).view("datetime64[ns]"),
        bid[start],
        _reduced(np.maximum, bid[:last], start),
        _reduced(np.minimum, bid[:last], start),
        bid[stop - 1],
        (stop - start).astype(np.float64) if volume is None else _reduced(np.add, volume[:last], start),
        np.round(spread, 6),  # points are counts: 0.00001 is not a binary fraction
    )


def _reduced(how: np.ufunc, values: FloatArray, start: IntArray) -> FloatArray:
    found: FloatArray = how.reduceat(values, start) if len(start) else np.zeros(0)
    return found


def _aggregated(bars: Bars, timeframe: str, groups: _Groups) -> Bars:
    start, stop = groups.start, groups.stop
    values: dict[str, FloatArray] = {}
    for name, how in (("high", np.maximum), ("low", np.minimum), ("volume", np.add)):
        # Pairs of start and stop, every second result dropped; the padding lets the last stop be the length.
        column: FloatArray = getattr(bars, name)
        whole = len(start) == 0 or (np.array_equal(start[1:], stop[:-1]))
        if whole:
            values[name] = _reduced(how, column[: int(stop[-1])] if len(stop) else column, start)
        else:
            pairs = np.stack([start, stop], axis=1).ravel()
            values[name] = how.reduceat(np.append(column, column[-1:]), pairs)[::2]
    return Bars(
        bars.symbol,
        timeframe,
        bars.instrument,
        groups.label.view("datetime64[ns]"),
        bars.open[start],
        values["high"],
        values["low"],
        bars.close[stop - 1],
        values["volume"],
        bars.spread[start],
    )


def _groups(bars: Bars, timeframe: str, day: str | None) -> _Groups:
    _require_divisible(bars, timeframe)
    of = bars.instrument.trading_calendar
    clock = day or f"{of.zone}+{(24.0 - of.day_ends) % 24.0:g}"
    time = bars.time_ns
    try:
        cut = spans(int(time[0]), int(time[-1]), timeframe, clock, weekends=of.days_per_year < 365)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise DataError(
            f"day must be a server clock such as 'Europe/Athens' or 'America/New_York+7', found {day!r}"
        ) from fault
    at = np.searchsorted(time, cut.edges)
    held = np.flatnonzero(np.diff(at))
    groups = _Groups(at[held], at[held + 1], cut.labels[held], cut.edges[held + 1])
    _require_straight(bars, timeframe, groups, clock)
    return groups


def _require_divisible(bars: Bars, timeframe: str) -> None:
    short, long = timeframe_ns(bars.timeframe), timeframe_ns(timeframe)
    if long < short or (long <= DAY_NS and long % short) or (long > DAY_NS and short > DAY_NS):
        raise DataError(f"{bars.symbol}: {timeframe} bars cannot be made of {bars.timeframe} bars; load shorter ones")


def _require_straight(bars: Bars, timeframe: str, groups: _Groups, clock: str) -> None:
    """Refuse bars that lie across the ends of spans; days are taken by the day they open on."""
    if timeframe_ns(bars.timeframe) >= DAY_NS:
        return
    inner = groups.stop[:-1]
    follows = bars.time_ns[inner]  # a bar cut short by a clock that was set is followed at the very edge
    closes = bars.time_ns[inner - 1] + timeframe_ns(bars.timeframe)
    across = (closes > groups.end[:-1]) & (follows != groups.end[:-1])
    if across.sum() > _CROOKED * len(inner):
        row = int(inner[np.argmax(across)]) - 1
        when = np.datetime_as_string(bars.time[row], unit="m").replace("T", " ")
        raise DataError(
            f"{bars.symbol}: {int(across.sum())} {bars.timeframe} bars lie across the end of a {timeframe} bar "
            f"on the clock {clock}, the first opens {when} UTC; "
            "give the server's own clock as day=, or load shorter bars"
        )
