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
from quantbench.engine.kernel import read
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.score._kernels import Lot, trade_each
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
    """Return the speed of the loop over a sample of pairs."""
    floor, lot = floor_for(bars), lot_of(bars, pairs, levels)
    days = bars.instrument.trading_calendar.days_per_year
    values, daily = np.empty((len(pairs), len(METRICS))), np.empty((len(pairs), len(floor.desk.ends)), np.float32)
    seconds = timed(lambda: trade_each(floor.desk, lot, days, values, daily), times)
    trades = values[:, METRICS.index("trades")].sum()
    whole = len(bars) * len(pairs)
    return {"gbc": whole / seconds / 1e9, "bars_a_trade": whole / float(trades)}


def stages(bars: qb.Bars, pairs: list[tuple[int, int]], times: int) -> dict[str, float]:
    """Return microseconds a trial takes as a whole, to decide, and to be traded and measured."""
    keep_freed_memory()
    floor = floor_for(bars)
    strategies = [Cross(*pair) for pair in pairs]
    scale = 1e6 / len(pairs)
    return {
        "whole": timed(lambda: run_trials(strategies, floor), times) * scale,
        "decide": timed(lambda: [strategy.decide(bars) for strategy in strategies] and None, times) * scale,
        "trade_and_measure": len(bars) / rate(bars, pairs, {}, times)["gbc"] / 1e3,
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
