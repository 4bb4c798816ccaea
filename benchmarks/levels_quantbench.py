"""One side: a grid over stop, take and trail, the same entries. Arguments: steps bars rounds workers (0: free)."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, repeat, say

import quantbench as qb

SCALES = {"stop": 1.0, "take": 2.0, "trail": 1.0}


def distances(steps: int) -> dict[str, list[float]]:
    """Return the price distances tried: 0.2 % of the price up to 2 %, double for the take."""
    return {name: [float(d) for d in np.linspace(0.002, 0.02, steps) * scale] for name, scale in SCALES.items()}


@dataclass(frozen=True)
class Levels(qb.Strategy):
    """Long while the fast average is above the slow one, with three exits."""

    stop: float = 0.004
    take: float = 0.008
    trail: float = 0.004

    @property
    def warmup(self) -> int:
        return 99

    def decide(self, bars: qb.Bars) -> qb.Signals:
        above = qb.sma(bars.close, 20) > qb.sma(bars.close, 100)
        return qb.Signals.when(long=above, stop=self.stop, take=self.take, trail=self.trail)


def main() -> None:
    steps, bars, rounds, workers = (int(text) for text in sys.argv[1:5])
    world, kept = qb_bars(bars), []
    setting = {
        "account": qb.Account(balance=BALANCE),
        "costs": qb.Costs(commission_percent=FEE),
        "sizing": qb.FixedLots(LOTS),
    }

    def work() -> None:
        asked = {"space": distances(steps), "progress": False, "resume": False, "workers": workers or None}
        kept[:] = [qb.sweep(Levels, world, **asked, **setting)]

    seconds = repeat(work, rounds=rounds)
    table = kept[0].table()
    worst = 0.0
    few = qb_bars(min(bars, 4_000))
    for row in (0, len(table) // 2, len(table) - 1):
        params = {name: float(table[name].iloc[row]) for name in SCALES}
        ways = [qb.backtest(Levels(**params), few, **setting, engine=engine) for engine in ("kernel", "reference")]
        worst = max(worst, float(np.abs(ways[0].equity.to_numpy() - ways[1].equity.to_numpy()).max() / BALANCE))
        assert len(ways[0].trades) == len(ways[1].trades)
    say(
        seconds=seconds,
        trials=len(table),
        against_reference=worst,
        trades=float(table.trades.median()),
        peak_mb=peak_mb(),
    )


if __name__ == "__main__":
    main()
