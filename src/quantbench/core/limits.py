"""The guards research and live share: when not to open, as pure rules of bars, clock and own trades [7]."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS, MINUTE_NS, SECOND_NS, as_ns, server_offset
from quantbench.core.errors import check
from quantbench.core.timeframe import timeframe_ns

__all__ = ["Blackout", "Event", "Limits", "blocked_by", "mean_true_range"]

_ATR_BARS: Final = 14
_SESSION: Final = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|h|d)")
_SECONDS: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400}


class Event(NamedTuple):
    """One entry of an economic calendar: UTC time as ISO text, currency, impact (``"high"``)."""

    time: str
    currency: str
    impact: str


@dataclass(frozen=True)
class Blackout:
    """No entries around the events of a calendar that concern either currency of the instrument.

    Parameters
    ----------
    events : tuple of Event
        The calendar.
    impact : tuple of str
        Which impacts count, in lower case.
    before, after : float
        Minutes.
    """

    events: tuple[Event, ...]
    impact: tuple[str, ...] = ("high",)
    before: float = 30.0
    after: float = 30.0

    def __post_init__(self) -> None:
        """Turn plain rows into events and refuse minutes below 0."""
        object.__setattr__(self, "events", tuple(Event(*row) for row in self.events))
        check(
            self.before >= 0 and self.after >= 0,
            "minutes before and after must be 0 or more",
            before=self.before,
            after=self.after,
        )


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When not to open a position. ``None`` switches a rule off; exits are never blocked.

    Parameters
    ----------
    sessions : tuple of str
        Allowed hours on the server clock, such as ``("08:00-20:00",)``; may pass midnight.
    max_spread_points : float, optional
        Highest spread at the open of the fill.
    max_atr_percent : float, optional
        Highest mean true range of the last 14 closed bars, in **percent** of the close (2.5 is 2.5 %).
    blackout : Blackout, optional
        No entries around calendar events.
    max_wait : timedelta or text such as ``"2h"``, optional
        A fill later than this after the close of the decision's bar expires (weekends).
    max_trades_per_day : int, optional
        Fills that open or add, per trading day.
    max_daily_loss : float, optional
        Below 1 a fraction of the day's starting equity, else money; blocks until the next trading day.
    max_consecutive_losses : int, optional
        Losing positions in a row; then blocks until the next trading day.
    cooldown : timedelta or text such as ``"5min"``, optional
        Time since the last fill that opened or added.
    max_drawdown : float, optional
        Fraction below the highest equity; latched for good.
    flatten : bool
        When `max_drawdown` latches, also close at the next open (reason ``limit``).

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.Limits(sessions=("08:00-20:00",), cooldown="5min").cooldown
    datetime.timedelta(seconds=300)
    """

    sessions: tuple[str, ...] = ()
    max_spread_points: float | None = None
    max_atr_percent: float | None = None
    blackout: Blackout | None = None
    max_wait: timedelta | str | None = None
    max_trades_per_day: int | None = None
    max_daily_loss: float | None = None
    max_consecutive_losses: int | None = None
    cooldown: timedelta | str | None = None
    max_drawdown: float | None = None
    flatten: bool = False

    def __post_init__(self) -> None:
        """Parse texts once and refuse limits that cannot be."""
        sessions = (self.sessions,) if isinstance(self.sessions, str) else tuple(self.sessions)
        object.__setattr__(self, "sessions", sessions)
        for text in sessions:
            _session(text)
        for name in ("max_wait", "cooldown"):
            object.__setattr__(self, name, _span(name, getattr(self, name)))
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                check(value > 0, f"{part.name} must be above 0", found=value)
        check(
            self.max_drawdown is None or self.max_drawdown < 1,
            "max_drawdown is a fraction: write 0.05 for 5 %",
            found=self.max_drawdown,
        )


def _span(name: str, value: timedelta | str | None) -> timedelta | None:
    if value is None or isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(value.strip())
    check(found, f"{name} must be a timedelta or a text such as '5min', '2h'", found=value)
    assert found is not None  # noqa: S101  (check raised)
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def _session(text: str) -> tuple[int, int]:
    """Return a session's start and end in minutes of the day."""
    found = _SESSION.fullmatch(text.strip())
    check(found, "a session must look like '08:00-20:00'", found=text)
    assert found is not None  # noqa: S101  (check raised)
    hour, minute, to_hour, to_minute = map(int, found.groups())
    start, end = hour * 60 + minute, to_hour * 60 + to_minute
    check(
        start <= 1440 and end <= 1440 and minute < 60 and to_minute < 60 and start != end,
        "a session must lie within a day",
        found=text,
    )
    return start, end


def mean_true_range(bars: Bars, lookback: int = _ATR_BARS) -> npt.NDArray[np.float64]:
    """Return the mean true range of the last `lookback` closed bars at each close, NaN before."""
    before = np.append(bars.close[:1], bars.close[:-1])
    true_range = np.maximum(bars.high, before) - np.minimum(bars.low, before)
    found = np.full(len(bars), np.nan)
    if len(bars) >= lookback:
        found[lookback - 1 :] = np.lib.stride_tricks.sliding_window_view(true_range, lookback).mean(axis=1)
    return found


STATELESS: Final = ("sessions", "max_spread_points", "max_atr_percent", "blackout", "max_wait")
"""Rules that need no trades, in the order in which they are asked."""


def blocked_by(limits: Limits, bars: Bars, spread_points: npt.NDArray[np.float64]) -> npt.NDArray[np.int8]:
    """Return for each bar which stateless rule forbids a fill at its open: 1 + index in `STATELESS`, 0 for none.

    Parameters
    ----------
    limits : Limits
        The rules.
    bars : Bars
        What is traded.
    spread_points : float array
        Spread at each open, as traded.
    """
    code = np.zeros(len(bars), np.int8)
    for index in reversed(range(len(STATELESS))):  # the first rule that blocks has the last word
        forbidden = _FORBIDS[STATELESS[index]](limits, bars, spread_points)
        if forbidden is not None:
            code[forbidden] = index + 1
    return code


Mask = npt.NDArray[np.bool_] | None


def _outside_sessions(limits: Limits, bars: Bars, _: npt.NDArray[np.float64]) -> Mask:
    if not limits.sessions:
        return None
    local = bars.time_ns + server_offset(bars.time_ns, bars.instrument.server_clock)
    minute = (local % DAY_NS) // MINUTE_NS
    allowed = np.zeros(len(bars), bool)
    for text in limits.sessions:
        start, end = _session(text)
        inside = (minute >= start) & (minute < end) if start < end else (minute >= start) | (minute < end)
        allowed |= inside
    return ~allowed


def _spread_too_wide(limits: Limits, _: Bars, spread_points: npt.NDArray[np.float64]) -> Mask:
    return None if limits.max_spread_points is None else spread_points > limits.max_spread_points


def _too_volatile(limits: Limits, bars: Bars, _: npt.NDArray[np.float64]) -> Mask:
    if limits.max_atr_percent is None:
        return None
    percent = 100.0 * mean_true_range(bars) / bars.close
    closed = np.append(np.nan, percent[:-1])  # the bar of the fill has not closed yet
    return closed > limits.max_atr_percent


def _near_an_event(limits: Limits, bars: Bars, _: npt.NDArray[np.float64]) -> Mask:
    if limits.blackout is None:
        return None
    near, mine = np.zeros(len(bars), bool), {bars.instrument.base_currency, bars.instrument.quote_currency}
    for event in limits.blackout.events:
        if event.currency in mine and event.impact.lower() in limits.blackout.impact:
            moment = as_ns(event.time)
            first = np.searchsorted(bars.time_ns, moment - int(limits.blackout.before * MINUTE_NS), side="left")
            last = np.searchsorted(bars.time_ns, moment + int(limits.blackout.after * MINUTE_NS), side="right")
            near[first:last] = True
    return near


def _too_late(limits: Limits, bars: Bars, _: npt.NDArray[np.float64]) -> Mask:
    if limits.max_wait is None:
        return None
    assert isinstance(limits.max_wait, timedelta)  # noqa: S101  (parsed when made)
    decided = np.append(bars.time_ns[:1], bars.time_ns[:-1] + timeframe_ns(bars.timeframe))
    return bars.time_ns - decided > round(limits.max_wait.total_seconds() * SECOND_NS)


_FORBIDS: Final = {
    "sessions": _outside_sessions,
    "max_spread_points": _spread_too_wide,
    "max_atr_percent": _too_volatile,
    "blackout": _near_an_event,
    "max_wait": _too_late,
}
