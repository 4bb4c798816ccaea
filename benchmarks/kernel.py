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
from numba import njit
from sweep_quantbench import Cross
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, say, windows

import quantbench as qb
from quantbench.engine._kernels import Desk, run
from quantbench.engine.book import TRADES
from quantbench.engine.kernel import read
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import Lot, _empty_book, open_account, trade_each
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


def lot_of(bars: qb.Bars, pairs: list[tuple[int, int]], levels: dict[str, float]) -> Lot:
    """Return what every pair decides, as a sweep hands it to the kernel."""
    turns, wanted, begin, end, at = np.empty(10**6, np.int64), np.empty((10**6, 7)), [], [], 0
    for fast, slow in pairs:
        above = qb.sma(bars.close, fast) > qb.sma(bars.close, slow)
        news = read(qb.Signals.when(long=above, **levels), slow - 1, slow - 1, turns[at:], wanted[at:])
        begin.append(at)
        end.append(at + news)
        at += news + 1
    rows = np.arange(len(pairs))
    return Lot(turns[:at], wanted[:at], np.array(begin, np.int64), np.array(end, np.int64), rows)


def rate(bars: qb.Bars, pairs: list[tuple[int, int]], levels: dict[str, float], times: int) -> dict[str, float]:
    """Return the speed over a sample of pairs of the loop alone, and of a trial with its figures."""
    floor, lot = floor_for(bars), lot_of(bars, pairs, levels)
    desk, days = floor.desk, bars.instrument.trading_calendar.days_per_year
    values, daily = np.empty((len(pairs), len(METRICS))), np.empty((len(pairs), len(desk.ends)), np.float32)
    whole, trades = len(bars) * len(pairs), loop(desk, lot)
    return {
        "gbc": whole / timed(lambda: loop(desk, lot), times) / 1e9,
        "with_figures": whole / timed(lambda: trade_each(desk, lot, days, values, daily), times) / 1e9,
        "bars_a_trade": whole / trades,
    }


@njit(nogil=True)
def loop(desk: Desk, lot: Lot) -> int:
    """Trade what a lot holds and measure nothing; return how many trades were made."""
    at_ends, trades, none, most = np.empty(len(desk.ends)), 0, np.empty((2, 0)), (lot.end - lot.begin).max()
    book = _empty_book(most)
    for i in range(len(lot.row)):
        its = Desk(
            desk.terms, desk.quotes, lot.turns[lot.begin[i] : lot.end[i] + 1], lot.wanted[lot.begin[i] : lot.end[i]],
            desk.size, desk.swap, desk.rate, desk.blocked, desk.day, desk.time_ns, desk.fine, desk.fine_range,
            desk.ends, desk.blocks,
        )  # fmt: skip
        open_account(its, book)
        run(its, book, at_ends, none, False)  # noqa: FBT003
        trades += book.state[TRADES]
    return trades


def stages(bars: qb.Bars, pairs: list[tuple[int, int]], times: int) -> dict[str, float]:
    """Return microseconds a trial takes as a whole, to decide, and to be traded and measured."""
    keep_freed_memory()
    floor = floor_for(bars)
    strategies = [Cross(*pair) for pair in pairs]
    scale = 1e6 / len(pairs)
    return {
        "whole": timed(lambda: run_trials(strategies, floor), times) * scale,
        "decide": timed(lambda: [strategy.decide(bars) for strategy in strategies] and None, times) * scale,
        "trade_and_measure": len(bars) / rate(bars, pairs, {}, times)["with_figures"] / 1e3,
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
