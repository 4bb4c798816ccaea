"""Monte Carlo, SPA, PBO and the gauntlet: `python benchmarks/chance.py`; its figures are in results/chance.md."""

from __future__ import annotations

import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import numpy as np
from machine import processor

import quantbench as qb
from quantbench.research.calibration.worlds import random_walk
from quantbench.research.chance.paths import draw
from quantbench.research.overfit import pbo, spa

PATHS, TRADES, ROUNDS = 10_000, 1_000, 5


def timed(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return the median of the seconds of some rounds, after one that is not counted."""
    work()
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return median(found)


def plain(returns: list[float], paths: int) -> tuple[list[float], int]:
    """Return falls and ruins the way a loop in Python finds them."""
    import random

    falls, ruins, many = [], 0, len(returns)
    for _ in range(paths):
        money = peak = 1.0
        fall = low = 0.0
        for _ in range(many):
            money *= 1.0 + returns[random.randrange(many)]
            peak = max(peak, money)
            fall = min(fall, money / peak - 1.0)
            low = min(low, money - 1.0)
        falls.append(fall)
        ruins += low <= -0.5
    return falls, ruins


def choices(returns: np.ndarray, paths: int) -> tuple[list[float], int]:
    """Return the same by one np.random.choice a path."""
    falls, ruins = [], 0
    for _ in range(paths):
        money = np.cumprod(1.0 + np.random.choice(returns, len(returns)))  # noqa: NPY002  (what is measured)
        peak = np.maximum.accumulate(np.maximum(money, 1.0))
        falls.append((money / peak - 1.0).min())
        ruins += money.min() <= 0.5
    return falls, ruins


def vectorised(returns: np.ndarray, paths: int) -> tuple[np.ndarray, int]:
    """Return the same in one piece of NumPy."""
    rng = np.random.default_rng(1)
    money = np.cumprod(1.0 + returns[rng.integers(0, len(returns), (paths, len(returns)))], axis=1)
    peak = np.maximum.accumulate(np.maximum(money, 1.0), axis=1)
    return (money / peak - 1.0).min(axis=1), (money.min(axis=1) <= 0.5).sum()


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def monte_carlo() -> None:
    returns = np.random.default_rng(7).normal(0.0005, 0.01, TRADES)
    draw(returns, method="bootstrap", paths=10, seed=1)
    before = peak_mb()
    ours = timed(lambda: draw(returns, method="bootstrap", paths=PATHS, seed=1, workers=1))
    ours_mb, both = peak_mb() - before, timed(lambda: draw(returns, method="bootstrap", paths=PATHS, seed=1))
    blocks = timed(lambda: draw(returns, method="block", paths=PATHS, seed=1, workers=1, block=10.0))
    made = draw(returns, method="bootstrap", paths=PATHS, seed=1)
    loops, few, listed = PATHS // 100, PATHS // 10, returns.tolist()
    slow = timed(lambda: plain(listed, loops), 3) * PATHS / loops
    chosen = timed(lambda: choices(returns, few), 3) * PATHS / few
    whole = timed(lambda: vectorised(returns, PATHS), 3)
    theirs = np.mean(vectorised(returns, PATHS)[0])
    error = 4 * made.max_drawdown.std() / math.sqrt(PATHS)
    if abs(theirs - made.max_drawdown.mean()) > 2 * error:
        raise SystemExit(f"mean drawdowns differ: {theirs} and {made.max_drawdown.mean()}")
    rows = [("plain Python loop, 1/100 of it, scaled", slow), ("loop of np.random.choice, 1/10, scaled", chosen)]
    rows += [("vectorised NumPy", whole)]
    print(f"## Monte Carlo: {PATHS:,} paths of {TRADES:,} trades, drawdown and ruin\n")
    print("| | seconds | ratio |\n|---|---|---|")
    print(f"| Quantbench, one core | {ours:.4f} | |\n| Quantbench, all cores | {both:.4f} | |")
    print(f"| Quantbench, blocks of days, one core | {blocks:.4f} | |")
    for name, seconds in rows:
        print(f"| {name} | {seconds:.3f} | {seconds / ours:.0f} |")
    print(f"\nIt holds {ours_mb:.0f} MB more than before. Mean drawdowns agree within Monte Carlo error.\n")


def luck() -> None:
    rng = np.random.default_rng(1)
    many, few = rng.normal(0, 0.01, (1_500, 1_000)), rng.normal(0, 0.01, (1_500, 200))
    print("## Luck among many\n\n| | seconds | target |\n|---|---|---|")
    print(f"| SPA, 1,000 strategies x 1,500 days x 1,000 resamples | {timed(lambda: spa(many, seed=1)):.3f} | 1 |")
    print(f"| PBO, 200 strategies, 16 blocks, 12,870 halvings | {timed(lambda: pbo(few)):.3f} | 1.5 |\n")


def gauntlet() -> None:
    instrument = replace(qb.load("EURUSD", "H1").instrument, swap_schedule=(("2000-01-01", -6.0, 2.5),))
    bars = random_walk(np.random.default_rng(3), instrument, years=6.0)
    space = {"fast": tuple(range(5, 45, 2)), "slow": tuple(range(60, 260, 20))}
    print(f"## The gauntlet: MaCross, 200 configurations, 6 years of H1 ({len(bars):,} bars)\n")
    print("| profile | seconds | target | gates |\n|---|---|---|---|")
    for profile, target in (("fast", 60), ("full", 900)):
        words = {"space": space, "profile": profile, "permutations": 1_000, "resume": False, "progress": False}
        began = time.perf_counter()
        found = qb.validate(qb.MaCross, bars, **words)
        print(f"| {profile} | {time.perf_counter() - began:.1f} | {target} | {len(found.gates)} |")
    print("\nThe full profile searches 1,000 permutations again, and walks another 1,000 forward.")


def main() -> None:
    import os

    with tempfile.TemporaryDirectory() as home:
        os.environ["QUANTBENCH_HOME"] = home
        print(f"# Chance\n\n{processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}.")
        print("Repeat: `python benchmarks/chance.py` on a quiet machine. Medians of 5 rounds, warm.\n")
        monte_carlo()
        luck()
        if "quick" not in sys.argv:
            gauntlet()


if __name__ == "__main__":
    main()
