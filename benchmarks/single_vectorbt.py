"""The other side: one vectorbt portfolio, its value and its readable trades. Arguments: bars rounds file-to-save-to."""

from __future__ import annotations

import sys
import time
from statistics import median

import numpy as np
import pandas as pd
import vectorbt as vbt
from sweep_vectorbt import UNITS
from worlds import BALANCE, FEE, peak_mb, prices, say


def main() -> None:
    bars, rounds = int(sys.argv[1]), int(sys.argv[2])
    world, index = prices(bars), pd.date_range("2010-01-04", periods=bars, freq="1h")
    close, open_ = pd.Series(world["close"], index), pd.Series(world["open"], index)
    took: dict[str, list[float]] = {"with decide": [], "engine": [], "frames": []}
    for _ in range(rounds + 1):
        clock = [time.perf_counter()]
        fast, slow = vbt.MA.run(close, 20), vbt.MA.run(close, 100)
        entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
        entries, exits = entries.vbt.signals.fshift(1), exits.vbt.signals.fshift(1)
        clock.append(time.perf_counter())
        portfolio = vbt.Portfolio.from_signals(
            close, entries, exits, price=open_, size=UNITS, fees=FEE, init_cash=BALANCE, freq="1h",
            direction="longonly", size_type="amount",
        )  # fmt: skip
        equity, trades = portfolio.value(), portfolio.trades.values  # noqa: PD011  (records, not a DataFrame)
        clock.append(time.perf_counter())
        portfolio.trades.records_readable  # noqa: B018
        clock.append(time.perf_counter())
        took["engine"].append(clock[2] - clock[1])
        took["with decide"].append(clock[2] - clock[0])
        took["frames"].append(clock[3] - clock[2])
    np.savez(sys.argv[3], equity=equity.to_numpy(), profit=trades["pnl"])
    say(**{name: median(seconds[1:]) for name, seconds in took.items()}, trades=len(trades), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
