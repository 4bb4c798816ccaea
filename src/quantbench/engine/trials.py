"""Many strategies over the same bars: each decides in Python, then trades and is measured in the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from operator import index
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import SignalError
from quantbench.core.results import day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine._kernels import Desk
from quantbench.engine.kernel import EXITS, desk_of, is_one_number
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import Decided, Found, trade_each
from quantbench.engine.setting import Venue

__all__ = ["METRICS", "Batch", "Floor", "floor_of", "run_trials"]

_CELLS: Final = 2**19  # targets taken to the kernel at once: a thread that waits for the lock wakes up slowly

METRICS: Final = (
    "trades",
    "total_return",
    "cagr",
    "volatility",
    "sharpe",
    "sortino",
    "calmar",
    "max_drawdown",
    "profit_factor",
    "win_rate",
    "expectancy",
)
"""What a search knows of each trial, in the order of the kernel; defined in `engine.metrics`."""


class Batch(NamedTuple):
    """What came of some trials, one row each.

    Attributes
    ----------
    values : float array of shape (trials, len(METRICS))
        NaN where the trial failed.
    daily : float32 array of shape (trials, days)
        Net return of each trading day; NaN where it failed.
    failures : list of (str or None)
        What the strategy raised.
    """

    values: npt.NDArray[np.float64]
    daily: npt.NDArray[np.float32]
    failures: list[str | None]


class Floor(NamedTuple):
    """Where trials are traded: all that is the same for each of them.

    Attributes
    ----------
    bars : Bars
        What is traded.
    desk : Desk
        What the kernel reads but the signals.
    ends : int64 array
        Last bar of each trading day.
    first : int
        Bars before it count as target 0.
    """

    bars: Bars
    desk: Desk
    ends: npt.NDArray[np.int64]
    first: int


def floor_of(bars: Bars, venue: Venue, *, first: int = 0) -> Floor:
    """Return where strategies over these bars are tried; bars before `first` count as target 0."""
    return Floor(bars, desk_of(venue), day_ends(bars)[1], first)


def run_trials(
    strategies: Sequence[Strategy], floor: Floor, *, turn: AbstractContextManager[Any] | None = None
) -> Batch:
    """Trade every strategy and return its figures; one that raises is a failed trial, kept with its reason.

    Parameters
    ----------
    strategies : sequence of Strategy
        What to try.
    floor : Floor
        Bars, market, account, sizing and limits.
    turn : context manager, optional
        Held while strategies decide and not while they are traded: a lock lets threads take turns.
    """
    keep_freed_memory()
    many, length = len(strategies), len(floor.bars)
    values, daily = np.full((many, len(METRICS)), np.nan), np.full((many, len(floor.ends)), np.nan, np.float32)
    batch = Batch(values, daily, [None] * many)
    at_once = max(1, _CELLS // max(1, length))
    for begin in range(0, many, at_once):
        with turn or nullcontext():
            taken = _decided(strategies, range(begin, min(begin + at_once, many)), floor.bars, batch.failures)
        if taken:
            _traded(taken, floor, batch)
    return batch


class _Taken(NamedTuple):
    """What one strategy decided, one value per bar, not checked yet."""

    row: int
    warm: int
    signals: Signals


def _decided(strategies: Sequence[Strategy], rows: range, bars: Bars, failures: list[str | None]) -> list[_Taken]:
    """Return what the strategies of some rows decide; note why those that raise did."""
    taken, length = [], len(bars)
    for row in rows:
        strategy = strategies[row]
        try:
            taken.append(_Taken(row, index(strategy.warmup), strategy.decided(bars).spread_over(length)))
        except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
            failures[row] = f"{type(fault).__name__}: {fault}"
    return taken


def _traded(taken: list[_Taken], floor: Floor, batch: Batch) -> None:
    """Check, trade and measure decisions in one call of the kernel, each into its row of the batch."""
    rows, warm, signals = zip(*taken, strict=True)
    length, periods = len(floor.bars), floor.bars.instrument.trading_calendar.days_per_year
    found = Found(np.array(rows), np.empty(len(rows), np.bool_), batch.values, batch.daily)
    trade_each(floor.desk, _columns(warm, signals, length), floor.first, floor.ends, periods, found)
    for one, fine in zip(taken, found.fine.tolist(), strict=True):
        if not fine:
            batch.failures[one.row] = _refusal(one, length)


def _columns(warm: tuple[int, ...], signals: tuple[Signals, ...], length: int) -> Decided:
    """Return decisions as the kernel reads them: a row each, copied, for it makes the warm-up flat."""
    many, flags = len(signals), any(one.enter is not None for one in signals)
    target, enter = np.empty((many, length)), np.zeros((many, length if flags else 0), np.bool_)
    for row, one in enumerate(signals):
        target[row] = one.target
        if one.enter is not None:
            enter[row] = one.enter
    return Decided(np.array(warm, np.int64), target, enter, tuple(_distances(name, signals) for name in EXITS))


def _distances(name: str, signals: tuple[Signals, ...]) -> npt.NDArray[np.float64]:
    """Return one kind of exit: no columns where nobody asks for it, one where each asks for one number."""
    given = [(row, column) for row, one in enumerate(signals) if (column := getattr(one, name)) is not None]
    width = max((1 if is_one_number(column) else len(column) for _, column in given), default=0)
    table = np.full((len(signals), width), np.nan)
    for row, column in given:
        table[row] = column[:width]
    return table


def _refusal(one: _Taken, length: int) -> str:
    """Return why the kernel would not trade a decision, in the words of a single backtest."""
    try:
        one.signals.checked(length, one.warm)
    except SignalError as fault:
        return f"{type(fault).__name__}: {fault}"
    raise AssertionError("the kernel refuses signals that Signals.checked passes")
