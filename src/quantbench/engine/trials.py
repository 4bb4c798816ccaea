"""Many strategies over the same bars: each decides in Python, then trades and is measured in the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine.book import MONEY_CELLS, STATE_CELLS, Book
from quantbench.engine.kernel import EXITS, NO_FLAGS, desk_of, with_signals
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import take_in, trade_and_measure
from quantbench.engine.setting import Venue

__all__ = ["METRICS", "Batch", "run_trials"]

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


def run_trials(strategies: Sequence[Strategy], bars: Bars, venue: Venue, *, first: int = 0) -> Batch:
    """Trade every strategy and return its figures; one that raises is a failed trial, kept with its reason.

    Parameters
    ----------
    strategies : sequence of Strategy
        What to try.
    bars : Bars
        What to try it on.
    venue : Venue
        Market, account, sizing and limits.
    first : int
        Bars before it count as target 0.
    """
    keep_freed_memory()
    empty, (_, ends) = desk_of(venue), day_ends(bars)
    values = np.full((len(strategies), len(METRICS)), np.nan)
    daily = np.full((len(strategies), len(ends)), np.nan, np.float32)
    failures: list[str | None] = [None] * len(strategies)
    periods = bars.instrument.trading_calendar.days_per_year
    target, equity, returns = np.empty(len(bars)), np.empty(len(bars)), np.empty(len(ends))
    book = _book(32, 64, 32)
    for row, strategy in enumerate(strategies):
        try:
            decided, rooms = _taken_in(strategy, bars, first, target)
        except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
            failures[row] = f"{type(fault).__name__}: {fault}"
            continue
        if any(room > len(shelf) for room, shelf in zip(rooms, book[2:], strict=True)):
            book = _book(*(2 * room for room in rooms))
        desk = with_signals(empty, decided)
        trade_and_measure(desk, book, equity, ends, periods, returns, values[row])
        daily[row] = returns
    return Batch(values, daily, failures)


def _taken_in(
    strategy: Strategy, bars: Bars, first: int, target: npt.NDArray[np.float64]
) -> tuple[Signals, tuple[int, int, int]]:
    """Return a strategy's checked signals with their target in the buffer, and the room they need."""
    warm, length = strategy.warmup, len(bars)
    decided, first = strategy.decided(bars).spread_over(length), max(first, warm)
    enter = decided.enter
    fine, *rooms = take_in(decided.target, NO_FLAGS if enter is None else enter, warm, first, target)
    if not fine or any(getattr(decided, name) is not None for name in EXITS):
        decided.checked(length, warm)
    if enter is not None:
        enter = enter.copy()
        enter[:first] = False
    return replace(decided, target=target, enter=enter), (rooms[0], rooms[1], rooms[2])


def _book(parts: int, trades: int, skips: int) -> Book:
    """Return a book with that much room, to be used by one trial after the other."""
    return Book(
        np.empty(MONEY_CELLS),
        np.empty(STATE_CELLS, np.int64),
        np.empty((parts, 7)),
        np.empty((trades, 16)),
        np.empty((skips, 2), np.int64),
    )
