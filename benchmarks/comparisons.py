"""Each benchmark: both sides in turn, what they agree on, a table, and which targets are met."""

# ruff: noqa: E501, ISC004  (lines of the report, as they stand in it)

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from statistics import median
from typing import NamedTuple

import numpy as np
from worlds import HERE, home, measured

TOLERANCE = 1e-10
Table = tuple[list[str], list[tuple[str, bool]]]


class Sizes(NamedTuple):
    """How much is measured. A sweep: combinations, bars, rounds of ours and theirs, pairs, chunk, targets."""

    sweeps: tuple[tuple[int, ...], ...]
    single: int
    steps: int
    level_bars: int
    optimize: tuple[int, int, int, int]  # bars, fasts, slows, few
    repetitions: int


FULL = Sizes(
    ((1_500, 6_000, 7, 2, 0, 50, 30, 5), (10_000, 50_000, 3, 1, 105, 10, 60, 5)),
    1_000_000,
    10,
    50_000,
    (6_000, 12, 12, 4),
    7,
)
SMOKE = Sizes(((1_500, 3_000, 1, 1, 20, 10, 0, 0),), 4_000, 2, 3_000, (3_000, 2, 2, 1), 1)


def compared(ours: dict, theirs: dict) -> float:
    """Return the largest difference of any figure of any trial both sides have; stop when there is one."""
    worst = 0.0
    for name, row in theirs["figures"].items():
        for mine, other in zip(ours["figures"][name], row, strict=False):
            worst = worst if is_missing(mine) and is_missing(other) else max(worst, abs(mine - other))
    return agreed(worst)


def is_missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def agreed(worst: float) -> float:
    """Return a difference that is none; a ratio of sides that differ would be worth nothing."""
    if not worst <= TOLERANCE:
        raise SystemExit(f"the two sides differ by {worst}: a ratio would be worth nothing")
    return worst


def times(theirs: list[float], ours: list[float]) -> tuple[float, str]:
    """Return the median ratio of pairs of measurements, and it with its range as text."""
    ratios = [other / mine for mine, other in zip(ours, theirs, strict=True)]
    return median(ratios), f"**{median(ratios):,.0f}x** ({min(ratios):,.0f} .. {max(ratios):,.0f})"


def sweeps(sizes: Sizes, rounds: int) -> Table:
    """Compare sweeps with vectorbt's ordinary call and with its best low-level Rust calls."""
    lines = [
        "## Sweeps of an ordinary Python strategy",
        "",
        "`qb.sweep` on all cores, the trial ledger and the daily returns of every trial included, against vectorbt's",
        "ordinary call (`MA.run_combs`, `from_signals` at the next open with fees, total return, Sharpe, maximum drawdown,",
        "trades, win rate; engine numba) and against the best low-level vectorbt-rust calls (Fortran-ordered NumPy, chunks of",
        "columns, no pandas). Both are single-threaded. Scaled: a slice of pairs was measured, the averages not scaled.",
        "The difference is the largest of total return, maximum drawdown, trades and win rate; Sharpe is not compared, ours is",
        "of daily returns and theirs of bars.",
        "",
        "| sweep | against | Quantbench, s | rival, s | ratio (min .. max) | target | peak MB, ours / rival | difference |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    targets = []
    for combinations, bars, ours_in, theirs_in, pairs, chunk, ordinary, low in sizes.sweeps:
        mine, other, rust, worst = [], [], [], [0.0, 0.0]
        for _ in range(rounds):
            mine.append(measured("sweep_quantbench.py", combinations, bars, ours_in))
            other.append(measured("sweep_vectorbt.py", combinations, bars, theirs_in, pairs))
            rust.append(measured("sweep_vectorbt_rust.py", combinations, bars, theirs_in, pairs, chunk))
            worst = [max(worst[0], compared(mine[-1], other[-1])), max(worst[1], compared(mine[-1], rust[-1]))]
        ours = [median(one["seconds"]) for one in mine]
        peak = max(one["peak_mb"] for one in mine)
        what = f"{mine[0]['trials']:,} pairs x {bars:,} bars"
        for name, sides, target, difference in (
            ("ordinary", other, ordinary, worst[0]),
            ("low-level Rust", rust, low, worst[1]),
        ):
            theirs = [median(one["seconds"]) for one in sides]
            ratio, said = times(theirs, ours)
            scaled = f" (scaled from {sides[0]['measured']})" if pairs else ""
            lines.append(
                f"| {what} | {name} | {median(ours):.3f} | {median(theirs):.2f}{scaled} | {said} | {target}x "
                f"| {peak:.0f} / {max(one['peak_mb'] for one in sides):.0f} | {difference:.0e} |"
            )
            targets.append((f"{what} against {name}: {ratio:.0f}x instead of {target}x", ratio >= target))
        targets.append((f"{what}: peak {peak:.0f} MB instead of < 700 MB", peak < 700))
    return lines, targets


def workers(sizes: Sizes, rounds: int) -> Table:
    """Compare one worker with two."""
    combinations, bars, *_ = sizes.sweeps[-1]
    found = measured("workers_quantbench.py", combinations, bars, 3 * rounds)
    one, two = found["one"], found["two"]
    ratios = [a / b for a, b in zip(one, two, strict=True)]
    ratio = median(ratios)
    lines = [
        "## Two workers against one",
        "",
        f"In turn in one process, {len(one)} pairs of runs; every run gives the same bytes.",
        "",
        "| sweep | one worker, s | two workers, s | ratio (min .. max) | target |",
        "|---|--:|--:|--:|--:|",
        f"| {combinations:,} x {bars:,} | {median(one):.2f} | {median(two):.2f} "
        f"| **{ratio:.2f}x** ({min(ratios):.2f} .. {max(ratios):.2f}) | 1.7x |",
    ]
    return lines, [(f"two workers: {ratio:.2f}x instead of 1.7x", ratio >= 1.7)]


def single(sizes: Sizes, rounds: int) -> Table:
    """Compare one long backtest."""
    files = [home() / f"single-{side}.npz" for side in ("ours", "theirs")]
    mine, other = [], []
    for _ in range(rounds):
        mine.append(measured("single_quantbench.py", sizes.single, 7, files[0]))
        other.append(measured("single_vectorbt.py", sizes.single, 3, files[1]))
        ours, theirs = (np.load(file) for file in files)
        if len(ours["profit"]) != len(theirs["profit"]):
            raise SystemExit(f"{len(ours['profit'])} trades against {len(theirs['profit'])}")
        worst = max(float(np.abs(ours[name] / theirs[name] - 1).max()) for name in ("equity",))
        worst = agreed(max(worst, float(np.abs(ours["profit"] - theirs["profit"]).max()) / theirs["equity"][0]))
    rows = (
        ("compiled loop alone, trades, equity, balance, position", "kernel", None),
        ("`qb.backtest` on signals made before / `from_signals`, `value()`, trade records", "engine", "engine"),
        ("the same with the two averages and the cross (`decide`)", "with decide", "with decide"),
        ("`.trades` as a DataFrame / `records_readable`", "frames", "frames"),
    )
    lines = [
        f"## One backtest of {sizes.single:,} bars, {mine[0]['trades']:,} trades, full trade list and equity",
        "",
        "| what | Quantbench, ms | vectorbt, ms | ratio (min .. max) | target |",
        "|---|--:|--:|--:|--:|",
    ]
    for what, ours_key, theirs_key in rows:
        a = [one[ours_key] for one in mine]
        b = [one[theirs_key] for one in other] if theirs_key else []
        said = times(b, a)[1] if b else ""
        target = "< 25 ms" if ours_key in ("kernel", "engine") else ""
        lines.append(
            f"| {what} | {1e3 * median(a):.1f} | {f'{1e3 * median(b):.0f}' if b else ''} | {said} | {target} |"
        )
    lines += [
        "",
        f"Every bar's equity and every trade's profit agree to {worst:.0e} of the equity. Peak memory "
        f"{max(o['peak_mb'] for o in mine):.0f} / {max(o['peak_mb'] for o in other):.0f} MB.",
    ]
    took = [1e3 * median(one[key] for one in mine) for key in ("kernel", "engine")]
    return lines, [
        (f"1,000,000 bars, compiled loop: {took[0]:.1f} ms instead of < 25", took[0] < 25),
        (f"1,000,000 bars, whole qb.backtest without decide: {took[1]:.1f} ms instead of < 25", took[1] < 25),
    ]


def levels(sizes: Sizes, rounds: int) -> Table:
    """Compare grids over stop, take and trail."""
    mine, rivals = [], {50: [], 10: []}
    for _ in range(2 * rounds - 1):  # all sides are short, and a machine's speed changes from minute to minute
        mine.append(measured("levels_quantbench.py", sizes.steps, sizes.level_bars, 5, 0))
        agreed(mine[-1]["against_reference"])
        for chunk, found in rivals.items():
            found.append(measured("levels_vectorbt.py", sizes.steps, sizes.level_bars, 1, 150, chunk))
    ours, peak = [median(one["seconds"]) for one in mine], max(one["peak_mb"] for one in mine)
    lines = [
        "## A grid over stop, take and trail",
        "",
        f"{sizes.steps**3:,} choices on {sizes.level_bars:,} bars with the same entries. vectorbt never checks a stop on the entry bar",
        "and trails instead of stopping, so trades cannot be equal; ours are compared with the reference engine instead "
        f"(equity of three choices on 4,000 bars: difference {max(o['against_reference'] for o in mine):.0e}).",
        f"{len(mine)} rounds. vectorbt is quickest with few columns a call, and slower the more it is given at once.",
        "",
        "| vectorbt, columns a call | Quantbench, s | vectorbt, s | ratio (min .. max) | target | median trades, ours / theirs | peak MB |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    targets = []
    for chunk, other in rivals.items():
        theirs = [median(one["seconds"]) for one in other]
        ratio, said = times(theirs, ours)
        target = "100x" if chunk == max(rivals) else ""
        lines.append(
            f"| {chunk} | {median(ours):.3f} | {median(theirs):.1f} (scaled from {other[0]['measured']}) | {said} | {target} "
            f"| {mine[0]['trades']:.0f} / {other[0]['trades']:.0f} | {peak:.0f} / {max(o['peak_mb'] for o in other):.0f} |"
        )
        if target:
            targets.append((f"stop, take and trail: {ratio:.0f}x instead of 100x", ratio >= 100))
    return lines, targets


def optimize(sizes: Sizes, rounds: int) -> Table:
    """Compare with backtesting.py's optimize."""
    bars, fasts, slows, few = sizes.optimize
    mine, other, worst = [], [], 0.0
    for _ in range(max(1, rounds - 1)):
        mine.append(measured("sweep_quantbench.py", sizes.sweeps[0][0], bars, 7))
        other.append(measured("optimize_backtesting.py", bars, fasts, slows, few, mine[-1]["trials"]))
        worst = max(worst, compared(mine[-1], other[-1]))
    ours, theirs = ([median(one["seconds"]) for one in side] for side in (mine, other))
    ratio, said = times(theirs, ours)
    lines = [
        "## backtesting.py's optimize",
        "",
        f"{other[0]['measured']} pairs on {bars:,} bars were measured ({median(o['measured_seconds'] for o in other):.1f} s, all cores), the cost of a "
        f"pair scaled to {mine[0]['trials']:,}, starting its processes counted once; {len(mine)} round(s). Returns agree to {worst:.0e}.",
        "",
        "| Quantbench, s | backtesting.py, s | ratio (min .. max) | target |",
        "|--:|--:|--:|--:|",
        f"| {median(ours):.3f} | {median(theirs):.1f} | {said} | 500x |",
    ]
    return lines, [(f"backtesting.py: {ratio:.0f}x instead of 500x", ratio >= 500)]


def kernel(sizes: Sizes, rounds: int) -> Table:
    """Say how fast the compiled loop is alone, and what a trial is made of."""
    found = [measured("kernel.py", sizes.repetitions) for _ in range(2 * rounds - 1)]
    lines = [
        "## The compiled loop alone, one core",
        "",
        f"Process time, 150 pairs, medians of {len(found)} processes of {sizes.repetitions} runs; billions of bar-combinations a second. Called as a sweep calls",
        "it: trades, the return of each day, the drawdown seen at every bar and the other figures of a trial included.",
        "",
        "| bars | levels | bars a trade | Gbc/s (min .. max) | target |",
        "|--:|---|--:|--:|--:|",
    ]
    targets = []
    for bars, rates in found[0]["rates"].items():
        for name, row in rates.items():
            all_ = [one["rates"][bars][name]["gbc"] for one in found]
            rate, target = median(all_), 0.3 if name == "no levels" else 0.15
            lines.append(
                f"| {int(bars):,} | {name} | {row['bars_a_trade']:.0f} | **{rate:.3f}** ({min(all_):.3f} .. {max(all_):.3f}) | {target} |"
            )
            targets.append(
                (f"compiled loop, {bars} bars, {name}: {rate:.3f} Gbc/s instead of {target}", rate >= target)
            )
    lines += [
        "",
        "One trial of a sweep, microseconds:",
        "",
        "| bars | as a whole | decided | traded and measured |",
        "|--:|--:|--:|--:|",
    ]
    for bars, row in found[0]["stages"].items():
        took = {name: median(one["stages"][bars][name] for one in found) for name in row}
        lines.append(
            f"| {int(bars):,} | {took['whole']:.0f} | {took['decide']:.0f} | {took['trade_and_measure']:.0f} |"
        )
    return lines, targets


def cold(_sizes: Sizes, rounds: int) -> Table:
    """Time the start of a process until its first backtest is done."""
    folder = home() / "empty-cache"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    empty = started("first_backtest.py", NUMBA_CACHE_DIR=str(folder))
    warm = [started("first_backtest.py", NUMBA_CACHE_DIR=str(folder)) for _ in range(2 * rounds + 1)]
    theirs = [started("first_vectorbt.py") for _ in range(2)]
    took = median(warm)
    lines = [
        "## Cold start",
        "",
        "From starting Python to the first backtest's trades: `qb.load` of the bundled sample, `qb.MaCross`, `qb.backtest`.",
        "",
        "| | s | target |",
        "|---|--:|--:|",
        f"| compiled cache present (median of {len(warm)}, {min(warm):.2f} .. {max(warm):.2f}) | **{took:.2f}** | < 1.5 |",
        f"| empty cache: everything is compiled | {empty:.1f} | |",
        f"| vectorbt, second start (it keeps no compiled `from_signals`) | {theirs[-1]:.1f} | |",
    ]
    return lines, [(f"cold start: {took:.2f} s instead of < 1.5", took < 1.5)]


def started(script: str, **environment: str) -> float:
    """Return the seconds until a fresh process has printed its first line."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(HERE / script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "QUANTBENCH_HOME": str(home()), **environment},
    )
    line = process.stdout.readline()
    seconds = time.perf_counter() - began
    if process.wait() or not line:
        raise SystemExit(f"{script} failed")
    return seconds


PARTS = (sweeps, kernel, single, levels, cold, workers, optimize)
