"""One side: one backtest over many bars, its trades and equity. Arguments: bars rounds file-to-save-to."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from statistics import median

import numpy as np
from sweep_quantbench import Cross
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, say

import quantbench as qb
from quantbench.engine import _kernels
from quantbench.engine.kernel import book_for, desk_of, with_signals
from quantbench.engine.setting import venue_of


@dataclass(frozen=True, eq=False)
class Decided(qb.Strategy):
    """Signals made before: what is timed is the engine."""

    made: qb.Signals | None = None

    def decide(self, bars: qb.Bars) -> qb.Signals:  # noqa: ARG002
        return self.made


def main() -> None:
    bars, rounds = qb_bars(int(sys.argv[1])), int(sys.argv[2])
    setting = {
        "account": qb.Account(balance=BALANCE),
        "costs": qb.Costs(commission_percent=FEE),
        "sizing": qb.FixedLots(LOTS),
    }
    cross = Cross(20, 100)
    ready = Decided(cross.signals(bars))
    took: dict[str, list[float]] = {name: [] for name in ("with decide", "engine", "frames", "kernel")}
    for _ in range(rounds + 1):
        qb.indicators.cache.CACHE.clear()
        clock = [time.perf_counter()]
        qb.backtest(cross, bars, **setting)
        clock.append(time.perf_counter())
        result = qb.backtest(ready, bars, **setting)
        clock.append(time.perf_counter())
        trades, equity = result.trades, result.equity
        clock.append(time.perf_counter())
        took["kernel"].append(alone(bars, ready.made, setting))
        for name, i in (("with decide", 0), ("engine", 1), ("frames", 2)):
            took[name].append(clock[i + 1] - clock[i])
    np.savez(sys.argv[3], equity=equity.to_numpy(), profit=trades.profit.to_numpy())
    say(**{name: median(seconds[1:]) for name, seconds in took.items()}, trades=len(trades), peak_mb=peak_mb())


def alone(bars: qb.Bars, signals: qb.Signals, setting: dict) -> float:
    """Return the seconds of the compiled loop with its record of trades, balance and position."""
    venue = venue_of(bars, **setting, limits=qb.Limits(), rates=None, intrabar=None)
    desk = with_signals(desk_of(venue), signals)
    book, equity, money = book_for(desk), np.zeros(len(bars)), np.zeros((2, len(bars)))
    began = time.perf_counter()
    _kernels.run(desk, book, equity, money, True)  # noqa: FBT003
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
