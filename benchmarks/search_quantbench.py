"""One side of the searches. Arguments: what to measure (`genetic`, `random`, `dask`, `overhead`), then its sizes."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, say

import quantbench as qb
from quantbench.engine import trials as engine

SETTING = {
    "account": qb.Account(balance=BALANCE),
    "costs": qb.Costs(commission_percent=FEE),
    "sizing": qb.FixedLots(LOTS),
    "progress": False,
}


@dataclass(frozen=True)
class Trend(qb.Strategy):
    """Long while the fast average is above the slow one and the close some way above a third."""

    fast: int = qb.param(10, low=2, high=60)
    slow: int = qb.param(100, low=61, high=300)
    trend: int = qb.param(200, low=50, high=500)
    band: float = qb.param(0.0, low=0.0, high=0.02)

    @property
    def warmup(self) -> int:
        """Bars until all three averages exist."""
        return max(self.slow, self.trend) - 1

    def decide(self, bars: qb.Bars) -> qb.Signals:
        """Compare three simple averages."""
        above = qb.sma(bars.close, self.fast) > qb.sma(bars.close, self.slow)
        return qb.Signals.when(long=above & (bars.close > qb.sma(bars.close, self.trend) * (1.0 + self.band)))


@dataclass(frozen=True)
class Dear(qb.Strategy):
    """Takes some milliseconds to decide."""

    lookback: int = 20
    rounds: int = 1

    def decide(self, bars: qb.Bars) -> qb.Signals:
        """Compare the close with an average, and sort the closes a few times for nothing."""
        for _ in range(self.rounds):
            np.sort(bars.close)
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, 2 + self.lookback % 200))


def searched(strategy: type[qb.Strategy], bars: qb.Bars, **words: Any) -> tuple[float, qb.Study]:
    """Return how long a search took, and what it found."""
    began = time.perf_counter()
    study = qb.search(strategy, bars, **{"objectives": "total_return", "resume": False} | SETTING | words)
    return time.perf_counter() - began, study


def genetic(bars: int, trials: int, rounds: int) -> None:
    """Time a genetic search; say what some of its choices made."""
    world = qb_bars(bars)
    searched(Trend, world, method="genetic", trials=200, seed=1)
    runs = [searched(Trend, world, method="genetic", trials=trials, seed=2 + i) for i in range(rounds)]
    say(
        seconds=[seconds for seconds, _ in runs],
        trials=[len(study) for _, study in runs],
        generations=[int(study.batch[-1]) + 1 for _, study in runs],
        best=[study.best.metrics["total_return"] for _, study in runs],
        peak_mb=peak_mb(),
    )


def again(bars: int, file: str) -> None:
    """Say what each choice in a file makes by itself."""
    world = qb_bars(bars)
    words = {name: value for name, value in SETTING.items() if name != "progress"}
    figures = []
    for fast, slow, trend, band in np.loadtxt(file, ndmin=2).tolist():
        metrics = qb.backtest(Trend(int(fast), int(slow), int(trend), band), world, **words).metrics()
        figures.append([float(metrics[name]) for name in ("total_return", "max_drawdown", "trades")])
    say(figures=figures)


def drawn(bars: int, trials: int, workers: int) -> None:
    """Time a random search by some workers, all of them warm."""
    world = qb_bars(bars)
    searched(Trend, world, method="random", trials=1_000, seed=1, workers=workers)
    seconds, study = searched(Trend, world, method="random", trials=trials, seed=2, workers=workers)
    say(seconds=seconds, trials=len(study), days=study.daily.shape[1], digest=digest(study), peak_mb=peak_mb())


def digest(study: qb.Study) -> str:
    return hashlib.sha256(study.table().to_csv().encode()).hexdigest()[:16]


def spread(bars: int, trials: int, cores: int, rounds: int, method: str) -> None:
    """Time a search of trials of some milliseconds: by one worker, by several, and on a Dask cluster of as many."""
    from quantbench.research.cluster import start_local

    world = qb_bars(bars)
    space = {"lookback": qb.Range(2, 1_000_000), "rounds": (rounds,)}
    words = {"method": method, "trials": trials, "seed": 2, "space": space}
    few = words | {"seed": 1, "trials": 100}
    searched(Dear, world, workers=1, **few)
    alone, study = searched(Dear, world, workers=1, **words)
    searched(Dear, world, workers=cores, **few)
    here, also = searched(Dear, world, workers=cores, **words)
    with start_local(cores) as address, qb.cluster(address):
        searched(Dear, world, **few)
        there, other = searched(Dear, world, **words)
    assert digest(study) == digest(also) == digest(other)
    say(alone=alone, here=here, there=there, trials=len(other))


@contextmanager
def clocked() -> Iterator[list[float]]:
    """Add up the seconds that go to `decide`, to reading what it decided and to the compiled loop."""
    spent, clock = [0.0], time.perf_counter
    real = engine.read, engine.hold, engine.trade_each, engine.trade_held, Trend.decide

    def timed(work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any) -> Any:
            began = clock()
            found = work(*arguments)
            spent[0] += clock() - began
            return found

        return run

    engine.read, engine.hold, engine.trade_each, engine.trade_held, Trend.decide = map(timed, real)
    yield spent
    engine.read, engine.hold, engine.trade_each, engine.trade_held, Trend.decide = real


def overhead(bars: int, trials: int, method: str) -> None:
    """Time what a trial costs beside `decide` and the compiled loop; trials kept on disk as they are by default."""
    world, found = qb_bars(bars), []
    words = {"method": method, "workers": 1, "resume": True}
    searched(Trend, world, seed=1, trials=200, **words)
    for turn in range(5):
        with clocked() as spent, TemporaryDirectory() as place:
            os.environ["QUANTBENCH_HOME"] = place  # nothing is known yet
            seconds, study = searched(Trend, world, seed=2 + turn, trials=trials, **words)
        found.append([seconds / len(study) * 1e6, (seconds - spent[0]) / len(study) * 1e6])
    say(rounds=found, trials=trials)


PARTS = {
    "genetic": lambda words: genetic(*map(int, words)),
    "again": lambda words: again(int(words[0]), words[1]),
    "drawn": lambda words: drawn(*map(int, words)),
    "spread": lambda words: spread(*map(int, words[:-1]), words[-1]),
    "overhead": lambda words: overhead(*map(int, words[:-1]), words[-1]),
}

if __name__ == "__main__":
    PARTS[sys.argv[1]](sys.argv[2:])
