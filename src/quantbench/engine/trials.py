"""Many strategies over the same bars: each decides in Python, then trades and is measured in the kernel."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from operator import index
from typing import Final, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine._kernels import Desk
from quantbench.engine.book import WANT_CELLS, WANT_EXITS
from quantbench.engine.kernel import desk_of, hold, in_blocks, read
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import Held, Lot, trade_each, trade_held
from quantbench.engine.setting import Venue

__all__ = ["METRICS", "Batch", "Floor", "floor_of", "run_trials", "stepwise"]

_CELLS: Final = 2**24  # bars times trials taken to the kernel at once: a thread that waits for its turn wakes up slowly

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
    "average_over_cost",
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
    first : int
        Bars before it count as target 0.
    """

    bars: Bars
    desk: Desk
    first: int


def floor_of(bars: Bars, venue: Venue, *, first: int = 0) -> Floor:
    """Return where strategies over these bars are tried; bars before `first` count as target 0."""
    return Floor(bars, in_blocks(desk_of(venue), day_ends(bars)[1]), first)


def run_trials(strategies: Sequence[Strategy], floor: Floor) -> Batch:
    """Trade every strategy and return its figures; one that raises is a failed trial, kept with its reason."""
    steps = stepwise(strategies, floor)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return cast("Batch", end.value)


def stepwise(strategies: Sequence[Strategy], floor: Floor) -> Generator[None, None, Batch]:
    """Do as `run_trials` in steps, by turns one in which strategies decide (Python) and one that trades (compiled).

    Yields after each but the last, so that threads can take the first kind one at a time.
    """
    keep_freed_memory()
    many, length = len(strategies), len(floor.bars)
    values, daily = np.full((many, len(METRICS)), np.nan), np.full((many, len(floor.desk.ends)), np.nan, np.float32)
    batch = Batch(values, daily, [None] * many)
    shelf = _shelf_for(length, min(many, max(1, _CELLS // max(1, length))))
    periods, row = floor.bars.instrument.trading_calendar.days_per_year, 0
    while row < many:
        lot, held, row = _decided(strategies, row, floor, shelf, batch.failures)
        yield
        if len(lot.row):  # a call gives Python's lock away and waits to get it back
            trade_each(floor.desk, lot, periods, values, daily)
        if len(held.row):
            trade_held(floor.desk, held, shelf.turns, shelf.wanted, periods, values, daily)
        for faulty in held.row[held.row < 0]:
            batch.failures[-1 - faulty] = _fault_of(strategies[-1 - faulty], floor)
        if row < many:
            yield
    return batch


class Shelf(NamedTuple):
    """Where decisions are put until they are traded: news, or whole targets whose news is found later.

    Python's lock is held while strategies decide, so what can wait until it is not, does.
    """

    turns: npt.NDArray[np.int64]
    wanted: npt.NDArray[np.float64]
    held: Held


def _shelf_for(length: int, trials: int) -> Shelf:
    numbers = (np.empty(trials, np.int64) for _ in range(3))
    held = Held(np.empty((trials, length), np.int8), np.empty((trials, WANT_CELLS - WANT_EXITS)), *numbers)
    return Shelf(np.empty(2 * length + 2, np.int64), np.empty((2 * length + 2, WANT_CELLS)), held)


def _decided(
    strategies: Sequence[Strategy], row: int, floor: Floor, shelf: Shelf, failures: list[str | None]
) -> tuple[Lot, Held, int]:
    """Take in what the strategies from a row on decide, while there is room; return it, and the row after."""
    (turns, wanted, held), length = shelf, len(floor.bars)
    begin, end, rows, at, many = list[int](), list[int](), list[int](), 0, 0
    last = min(len(strategies), row + len(held.row))
    while row < last and at + length < len(turns):
        try:
            signals, warm, first = _signals(strategies[row], floor)
            if hold(signals, held.target[many], held.exits[many]):
                held.warm[many], held.first[many], held.row[many] = warm, first, row
                many += 1
            else:
                news = read(signals, warm, first, turns[at:], wanted[at:])
                if news < 0:
                    _refuse(signals, length, warm)
                begin.append(at)
                end.append(at + news)
                rows.append(row)
                at += news + 1
        except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
            failures[row] = _said(fault)
        row += 1
    lot = Lot(turns, wanted, *(np.array(part, np.int64) for part in (begin, end, rows)))
    return lot, Held(*(part[:many] for part in held)), row


def _signals(strategy: Strategy, floor: Floor) -> tuple[Signals, int, int]:
    """Return what a strategy decides, its warm-up, and the first bar that counts."""
    length = len(floor.bars)
    warm, signals = index(strategy.warmup), strategy.decided(floor.bars).spread_over(length, exits=False)
    warm = min(max(warm, 0), length)
    return signals, warm, min(max(floor.first, warm), length)


def _fault_of(strategy: Strategy, floor: Floor) -> str:
    """Return what is wrong with the signals of a strategy, which decides once more."""
    try:
        signals, warm, _ = _signals(strategy, floor)
        _refuse(signals, len(floor.bars), warm)
    except Exception as fault:  # noqa: BLE001  (as above)
        return _said(fault)


def _refuse(signals: Signals, length: int, warm: int) -> NoReturn:
    signals.checked(length, warm)
    raise AssertionError("the kernel refuses signals that Signals.checked passes")


def _said(fault: Exception) -> str:
    return f"{type(fault).__name__}: {fault}"
