"""The limits that remember: what the day, the streak and the drawdown forbid [7], as pure functions."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import NamedTuple

from quantbench.core.clock import SECOND_NS
from quantbench.core.limits import Limits

__all__ = [
    "Memory",
    "after_close",
    "after_fill",
    "after_mark",
    "nanoseconds",
    "new_day",
    "off_is_nan",
    "remembered_block",
]


class Memory(NamedTuple):
    """What the stateful limits know.

    Attributes
    ----------
    day_start : float
        Equity at the last close of the trading day before.
    peak : float
        Highest equity at a close, the starting balance included.
    fills : int
        Fills that opened or added today.
    last_fill : int
        UTC nanoseconds of the last of them, `NEVER` before the first.
    losses : int
        Losing positions in a row.
    lost_day, on_streak, broken : bool
        Latched: the daily loss, the losing streak (until the next trading day), the drawdown (for good).
    """

    day_start: float
    peak: float
    fills: int = 0
    last_fill: int = -(2**62)
    losses: int = 0
    lost_day: bool = False
    on_streak: bool = False
    broken: bool = False


def new_day(memory: Memory, equity: float) -> Memory:
    """Return the memory as a trading day begins, with the equity of the last close."""
    losses = 0 if memory.on_streak else memory.losses
    return memory._replace(day_start=equity, fills=0, losses=losses, lost_day=False, on_streak=False)


def after_fill(memory: Memory, time_ns: int) -> Memory:
    """Return the memory after a fill that opened or added."""
    return memory._replace(fills=memory.fills + 1, last_fill=time_ns)


def after_close(memory: Memory, limits: Limits, profit: float) -> Memory:
    """Return the memory after a position was wholly closed with that net profit."""
    losses = memory.losses + 1 if profit < 0 else 0
    most = limits.max_consecutive_losses
    return memory._replace(losses=losses, on_streak=memory.on_streak or (most is not None and losses >= most))


def after_mark(memory: Memory, limits: Limits, equity: float) -> Memory:
    """Return the memory after a close was marked."""
    peak = max(memory.peak, equity)
    memory = memory._replace(peak=peak)
    return memory._replace(
        lost_day=memory.lost_day or _day_is_lost(memory, limits, equity),
        broken=memory.broken or _is_broken(memory, limits, equity),
    )


def remembered_block(memory: Memory, limits: Limits, *, time_ns: int, equity: float) -> str:
    """Return the first stateful rule that forbids a fill now, or an empty text.

    `equity` is what is known at the fill: balance plus open profit at the open.
    """
    if limits.max_trades_per_day is not None and memory.fills >= limits.max_trades_per_day:
        return "max_trades_per_day"
    if memory.lost_day or _day_is_lost(memory, limits, equity):
        return "max_daily_loss"
    if memory.on_streak:
        return "max_consecutive_losses"
    if limits.cooldown is not None and time_ns - memory.last_fill < nanoseconds(limits.cooldown):
        return "cooldown"
    return "max_drawdown" if memory.broken or _is_broken(memory, limits, equity) else ""


def _day_is_lost(memory: Memory, limits: Limits, equity: float) -> bool:
    most = limits.max_daily_loss
    if most is None:
        return False
    return memory.day_start - equity >= (most * memory.day_start if most < 1 else most)


def _is_broken(memory: Memory, limits: Limits, equity: float) -> bool:
    return limits.max_drawdown is not None and equity <= memory.peak * (1.0 - limits.max_drawdown)


def nanoseconds(span: timedelta | str | None) -> int:
    """Return a parsed span in nanoseconds; -1 for none."""
    return round(span.total_seconds() * SECOND_NS) if isinstance(span, timedelta) else -1


def off_is_nan(value: float | None) -> float:
    """Return a limit as a number for the kernel: NaN where it is off."""
    return math.nan if value is None else float(value)
