"""Searches: a genetic one against DEAP and vectorbt, two workers against one, a Dask cluster, memory, overhead.

`python benchmarks/search.py`; its figures are in results/search.md. With `smoke` the scripts are tried on tiny sizes.
"""

# ruff: noqa: E501  (lines of the report, as they stand in it)

from __future__ import annotations

import os
import sys
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from comparisons import agreed
from machine import processor
from worlds import measured

OURS, THEIRS = "search_quantbench.py", "search_vectorbt.py"
Missed = list[str]


class Sizes(NamedTuple):
    """How much is measured."""

    population: int
    generations: int
    bars: int
    workers: tuple[tuple[int, int], ...]  # bars, trials
    dask: int
    memory: int
    overhead: int
    rounds: int


FULL = Sizes(200, 30, 20_000, ((50_000, 50_000), (200_000, 2_500)), 2_048, 10_000, 6_000, 3)
SMOKE = Sizes(20, 2, 3_000, ((3_000, 60),), 60, 60, 60, 1)


def target(what: str, is_met: bool, missed: Missed) -> str:  # noqa: FBT001
    if not is_met:
        missed.append(what)
    return "met" if is_met else "missed"


def genetic(sizes: Sizes, missed: Missed) -> None:
    """Compare a genetic search with DEAP calling vectorbt for every individual it has not met before."""
    asked = sizes.population * sizes.generations
    ours = measured(OURS, "genetic", sizes.bars, asked, sizes.rounds)
    theirs = measured(THEIRS, sizes.bars, sizes.population, sizes.generations)
    with TemporaryDirectory() as place:
        file = f"{place}/choices.txt"
        np.savetxt(file, theirs["some"], fmt="%.17g")
        again = measured(OURS, "again", sizes.bars, file)
    worst = agreed(float(np.abs(np.array(again["figures"]) - np.array(theirs["figures"])).max()))
    seconds = median(ours["seconds"])
    ratio = theirs["seconds"] / seconds
    each = (theirs["seconds"] / theirs["evaluated"]) / (seconds / median(ours["trials"]))
    state = target(f"a genetic search 40 times as fast as DEAP and vectorbt: {ratio:.0f}", ratio >= 40, missed)
    print("## A genetic search against DEAP calling vectorbt for each individual\n")
    print(
        f"Population {sizes.population}, {sizes.generations} generations, {sizes.bars:,} bars, four parameters (three"
    )
    print(
        "averages and a band), total return the objective, both memoised by genome, Quantbench on all cores, its ledger and"
    )
    print(
        f"every daily return included. {len(theirs['some'])} choices traded by both sides: total return, maximum drawdown"
    )
    print(f"and trades at most {worst:.0e} apart.\n")
    print("| | seconds | distinct choices traded | best return | peak MB |\n|---|--:|--:|--:|--:|")
    best = median(ours["best"])
    print(f"| `qb.search` | {seconds:.2f} | {median(ours['trials']):,.0f} | {best:.2e} | {ours['peak_mb']:.0f} |")
    print(
        f"| DEAP mu + lambda, vectorbt | {theirs['seconds']:.1f} | {theirs['evaluated']:,} | {theirs['best']:.2e} "
        f"| {theirs['peak_mb']:.0f} |"
    )
    print(f"\n**{ratio:.0f} times** as fast (target 40: {state}), {each:.0f} times a distinct choice.\n", flush=True)


def workers(sizes: Sizes, missed: Missed) -> None:
    """Compare two warm workers with one."""
    print("## Two warm workers against one, random trials\n")
    print("| bars | trials | one, s | two, s | ratio | target 1.7 |\n|--:|--:|--:|--:|--:|---|")
    for bars, trials in sizes.workers:
        one, two = (measured(OURS, "drawn", bars, trials, cores) for cores in (1, 2))
        if one["digest"] != two["digest"]:
            raise SystemExit("two workers give another table than one")
        ratio = one["seconds"] / two["seconds"]
        state = target(f"two workers 1.7 times one on {bars:,} bars: {ratio:.2f}", ratio >= 1.7, missed)
        print(
            f"| {bars:,} | {trials:,} | {one['seconds']:.1f} | {two['seconds']:.1f} | **{ratio:.2f}** | {state} |",
            flush=True,
        )
    print()


def dask(sizes: Sizes, missed: Missed) -> None:
    """Compare a Dask cluster on this machine with as many workers without it."""
    found = [measured(OURS, "spread", sizes.bars, sizes.dask, 2, 45, "random") for _ in range(sizes.rounds)]
    alone, here, there = (median(one[name] for one in found) for name in ("alone", "here", "there"))
    over = median(one["there"] / one["here"] - 1 for one in found)
    state = target(f"Dask costs less than 15 %: {over:.0%}", over < 0.15, missed)
    print("## A Dask cluster\n")
    print(
        f"{sizes.dask:,} random trials of {alone / sizes.dask * 1e3:.1f} ms ({sizes.bars:,} bars), a scheduler and two"
    )
    print("worker processes on this machine, tables equal. Scheduler and client use the same two cores.\n")
    print("| one worker, s | two workers, s | two workers of a cluster, s |\n|--:|--:|--:|")
    print(f"| {alone:.2f} | {here:.2f} | {there:.2f} |")
    print(f"\nDask costs **{over:+.0%}** (target below 15 %: {state}).\n", flush=True)


def memory(sizes: Sizes, missed: Missed) -> None:
    """Measure the memory of a large search."""
    found = measured(OURS, "drawn", 50_000, sizes.memory, 2)
    state = target(f"below 1 GB: {found['peak_mb']:.0f} MB", found["peak_mb"] < 1_000, missed)
    print("## Memory\n")
    print(f"{found['trials']:,} trials of 50,000 bars, the {found['days']:,} daily returns of each kept: peak")
    print(f"**{found['peak_mb']:.0f} MB** (target below 1 GB: {state}), two workers.\n", flush=True)


def overhead(sizes: Sizes, missed: Missed) -> None:
    """Measure what a trial costs beside `decide` and the compiled loop."""
    print("## A trial beside `decide` and the compiled loop\n")
    print(
        "Microseconds of one worker, best of five searches: asking, building the strategy, keeping the trial on disk, the"
    )
    print("study and the ledger; `decide` and the two compiled steps are clocked in the same run and taken off.\n")
    print("| method | bars | trials | a trial | beside `decide` and loop | target 60 |\n|---|--:|--:|--:|--:|---|")
    for method, bars, trials in (
        ("random", 6_000, sizes.overhead),
        ("random", 50_000, sizes.overhead),
        ("genetic", 6_000, sizes.overhead),
        ("genetic", 50_000, sizes.overhead),
    ):
        rounds = measured(OURS, "overhead", bars, trials, method)["rounds"]
        whole, beside = min(rounds, key=lambda pair: pair[1])
        state = target(f"{method}, {bars:,} bars, below 60 us: {beside:.0f}", beside < 60, missed)
        print(f"| {method} | {bars:,} | {trials:,} | {whole:.0f} | **{beside:.0f}** | {state} |", flush=True)
    print()


def main() -> None:
    sizes = SMOKE if "smoke" in sys.argv else FULL
    parts = {part.__name__: part for part in (genetic, workers, dask, memory, overhead)}
    missed: Missed = []
    print(f"# Searches\n\n{processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}.\n")
    for name, part in parts.items():
        if name in sys.argv or not parts.keys() & set(sys.argv):
            part(sizes, missed)
    print("## Missed targets\n")
    print("\n".join(f"- {line}" for line in missed) or "None.")


if __name__ == "__main__":
    main()
