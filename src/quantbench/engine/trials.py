"""Many strategies over the same bars: each decides in Python, then trades and is measured in the kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine import _kernels
from quantbench.engine.fills._kernels import Book
from quantbench.engine.kernel import desk_of, with_signals
from quantbench.engine.score._kernels import trade_and_measure
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

_FAILURES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    RuntimeError,
    TypeError,
    ValueError,
)


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


def run_trials(
    strategies: Sequence[Strategy], bars: Bars, venue: Venue, *, decide: Callable[[Strategy], Signals]
) -> Batch:
    """Trade every strategy and return its figures; one that raises is a failed trial, kept with its reason.

    Parameters
    ----------
    strategies : sequence of Strategy
        What to try.
    bars : Bars
        What to try it on.
    venue : Venue
        Market, account, sizing and limits.
    decide : callable
        Gives a strategy's checked signals over the bars.
    """
    empty, (_, ends) = desk_of(venue), day_ends(bars)
    values = np.full((len(strategies), len(METRICS)), np.nan)
    daily = np.full((len(strategies), len(ends)), np.nan, np.float32)
    failures: list[str | None] = []
    equity, returns, periods = np.empty(len(bars)), np.empty(len(ends)), bars.instrument.trading_calendar.days_per_year
    book = _book(1, 64, 64)
    for row, strategy in enumerate(strategies):
        try:
            desk = with_signals(empty, decide(strategy))
        except _FAILURES as fault:
            failures.append(f"{type(fault).__name__}: {fault}")
            continue
        parts, trades, skips = _kernels.rooms(desk.target, desk.enter)
        if parts > len(book.part) or trades > len(book.trade) or skips > len(book.skip):
            book = _book(parts, trades, skips)
        trade_and_measure(desk, book, equity, ends, periods, returns, values[row])
        daily[row] = returns
        failures.append(None)
    return Batch(values, daily, failures)


def _book(parts: int, trades: int, skips: int) -> Book:
    """Return a book used by one trial after the other, with room to spare."""
    return Book(
        np.empty(12),
        np.empty(16, np.int64),
        np.empty((2 * parts, 7)),
        np.empty((2 * trades, 16)),
        np.empty((2 * skips, 2), np.int64),
    )
