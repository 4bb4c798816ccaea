"""The compiled loop alone, and what one trial of a sweep is made of. Arguments: repetitions.

Process time, one core; billions of bars times combinations per second, and microseconds a trial.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable
from itertools import combinations as pairs_of
from statistics import median

import numpy as np
from sweep_quantbench import Cross
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, say, windows

import quantbench as qb
from quantbench.engine import _kernels
from quantbench.engine.book import BALANCE as BALANCE_CELL
from quantbench.engine.book import DAY_START, LAST_FILL, PEAK, TRADES
from quantbench.engine.kernel import book_for, with_signals
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import trade_and_measure
from quantbench.engine.setting import venue_of
from quantbench.engine.trials import METRICS, Floor, floor_of, run_trials

LEVELS = {
    "no levels": {},
    "stop and take": {"stop": 0.004, "take": 0.008},
    "stop, take, trail": {"stop": 0.004, "take": 0.008, "trail": 0.004},
}
SAMPLE = 150


def timed(work: Callable[[], object], times: int) -> float:
    """Return the median process time of some calls after one uncounted."""
    work()
    seconds = []
    for _ in range(times):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return median(seconds)


def floor_for(bars: qb.Bars) -> Floor:
    setting = {
        "account": qb.Account(balance=BALANCE),
        "costs": qb.Costs(commission_percent=FEE),
        "sizing": qb.FixedLots(LOTS),
    }
    return floor_of(bars, venue_of(bars, **setting, limits=qb.Limits(), rates=None, intrabar=None))


def rate(bars: qb.Bars, pairs: list[tuple[int, int]], levels: dict[str, float], times: int) -> dict[str, float]:
    """Return the speed of the loop over a sample of pairs."""
    empty, equity, none = floor_for(bars).desk, np.zeros(len(bars)), np.empty((2, 0))
    desks = []
    for fast, slow in pairs:
        above = qb.sma(bars.close, fast) > qb.sma(bars.close, slow)
        desks.append(with_signals(empty, qb.Signals.when(long=above, **levels).over(len(bars), slow - 1)))
    books = [book_for(desk) for desk in desks]

    def work() -> None:
        for desk, book in zip(desks, books, strict=True):
            book.state[:], book.money[:] = 0, np.nan
            book.money[[BALANCE_CELL, DAY_START, PEAK]] = BALANCE
            book.state[LAST_FILL] = -(2**62)
            _kernels.run(desk, book, equity, none, False)  # noqa: FBT003

    seconds = timed(work, times)
    return {
        "gbc": len(bars) * len(pairs) / seconds / 1e9,
        "bars_a_trade": len(bars) * len(pairs) / sum(int(book.state[TRADES]) for book in books),
    }


def stages(bars: qb.Bars, pairs: list[tuple[int, int]], times: int) -> dict[str, float]:
    """Return microseconds a trial takes as a whole, to decide, and to be traded and measured."""
    keep_freed_memory()
    floor = floor_for(bars)
    strategies = [Cross(*pair) for pair in pairs]
    desks = [with_signals(floor.desk, strategy.signals(bars)) for strategy in strategies]
    book, equity = book_for(max(desks, key=lambda desk: len(desk.turns))), np.zeros(len(bars))
    daily, figures = np.zeros(len(floor.ends)), np.zeros(len(METRICS))
    days = bars.instrument.trading_calendar.days_per_year

    def score() -> None:
        for desk in desks:
            trade_and_measure(desk, book, equity, floor.ends, days, daily, figures)

    scale = 1e6 / len(pairs)
    return {
        "whole": timed(lambda: run_trials(strategies, floor), times) * scale,
        "decide": timed(lambda: [strategy.decide(bars) for strategy in strategies] and None, times) * scale,
        "trade_and_measure": timed(score, times) * scale,
    }


def main() -> None:
    times, found, parts = int(sys.argv[1]), {}, {}
    for combinations, length in ((1_500, 6_000), (10_000, 50_000)):
        bars = qb_bars(length)
        pairs = random.Random(1).sample(list(pairs_of(windows(combinations), 2)), SAMPLE)
        found[str(length)] = {name: rate(bars, pairs, levels, times) for name, levels in LEVELS.items()}
        parts[str(length)] = stages(bars, pairs, times)
    say(rates=found, stages=parts, peak_mb=peak_mb())


if __name__ == "__main__":
    main()
