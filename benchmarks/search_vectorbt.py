"""The other side: DEAP around vectorbt's ordinary call. Arguments: bars population generations.

Memoised by genome, as ours: an individual met again costs nothing.
"""

from __future__ import annotations

import random
import sys
import time

import pandas as pd
import vectorbt as vbt
from deap import algorithms, base, creator, tools
from worlds import BALANCE, FEE, LOTS, peak_mb, prices, say

vbt.settings["engine"] = "numba"
LOW, HIGH = (2, 61, 50, 0.0), (60, 300, 500, 0.02)
CROSSED, MUTATED = 0.7, 0.3


def traded(close: pd.Series, open_: pd.Series, genes: list[float]) -> vbt.Portfolio:
    """Signal at the close, fill at the next open."""
    fast, slow, trend, band = genes
    above = vbt.MA.run(close, fast).ma > vbt.MA.run(close, slow).ma
    entries = above & (close > vbt.MA.run(close, trend).ma * (1.0 + band))
    return vbt.Portfolio.from_signals(
        close, entries.vbt.signals.fshift(1), (~entries).vbt.signals.fshift(1), price=open_, size=LOTS * 100_000,
        fees=FEE, init_cash=BALANCE, freq="1h", direction="longonly", size_type="amount",
    )  # fmt: skip


def drawn() -> list[float]:
    return [*(random.randint(LOW[i], HIGH[i]) for i in range(3)), random.uniform(LOW[3], HIGH[3])]


def mutated(genes: list[float]) -> tuple[list[float]]:
    """Step every fourth gene by a tenth of its range, within bounds."""
    for i in range(4):
        if random.random() < 0.25:
            stepped = min(max(genes[i] + random.gauss(0, (HIGH[i] - LOW[i]) / 10), LOW[i]), HIGH[i])
            genes[i] = stepped if i == 3 else round(stepped)
    return (genes,)


def main() -> None:
    bars, population, generations = (int(text) for text in sys.argv[1:4])
    world, index = prices(bars), pd.date_range("2010-01-04", periods=bars, freq="1h")
    close, open_ = pd.Series(world["close"], index), pd.Series(world["open"], index)
    known: dict[tuple[float, ...], tuple[float]] = {}

    def evaluate(genes: list[float]) -> tuple[float]:
        key = tuple(genes)
        if key not in known:
            known[key] = (float(traded(close, open_, genes).total_return()),)
        return known[key]

    creator.create("Best", base.Fitness, weights=(1.0,))
    creator.create("Individual", list, fitness=creator.Best)
    box = base.Toolbox()
    box.register("individual", tools.initIterate, creator.Individual, drawn)
    box.register("evaluate", evaluate)
    box.register("mate", tools.cxUniform, indpb=0.5)
    box.register("mutate", mutated)
    box.register("select", tools.selBest)
    random.seed(7)
    traded(close, open_, drawn()).total_return()  # compiles
    began = time.perf_counter()
    start = [box.individual() for _ in range(population)]
    words = {"mu": population, "lambda_": population, "cxpb": CROSSED, "mutpb": MUTATED, "ngen": generations - 1}
    algorithms.eaMuPlusLambda(start, box, **words, verbose=False)
    seconds = time.perf_counter() - began
    some = list(known)[:: max(1, len(known) // 20)][:20]
    figures = []
    for genes in some:
        portfolio = traded(close, open_, list(genes))
        figures.append(
            [float(portfolio.total_return()), float(portfolio.max_drawdown()), int(portfolio.trades.count())]
        )
    say(
        seconds=seconds, evaluated=len(known), asked=population * generations, best=max(known.values())[0],
        some=some, figures=figures, peak_mb=peak_mb(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
