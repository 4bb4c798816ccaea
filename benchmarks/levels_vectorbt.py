"""The other side: stops and takes as columns of from_signals. Arguments: steps bars rounds columns chunk.

Some columns are measured and scaled to steps ** 3: the cost of a column hardly depends on its levels. A call takes a
chunk of them; one goes before, uncounted, to compile.
"""

from __future__ import annotations

import sys
import time
from itertools import product

import numpy as np
import pandas as pd
import vectorbt as vbt
from sweep_vectorbt import UNITS
from worlds import BALANCE, FEE, peak_mb, prices, say


def main() -> None:
    steps, bars, rounds, columns, chunk = (int(text) for text in sys.argv[1:6])
    world, index = prices(bars), pd.date_range("2010-01-04", periods=bars, freq="1h")
    frame = pd.DataFrame(world, index=index)
    fast, slow = vbt.MA.run(frame.close, 20), vbt.MA.run(frame.close, 100)
    entries = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
    exits = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
    levels = np.linspace(0.002, 0.02, steps)
    grid = [(stop, take, trails) for stop, take, trails in product(levels, 2 * levels, (False, True))]
    grid = [grid[i] for i in np.linspace(0, len(grid) - 1, min(columns, len(grid))).astype(int)]
    trades = []

    def work(part: list[tuple]) -> None:
        stop, take, trails = (np.array(values) for values in zip(*part, strict=True))
        names = pd.Index(range(len(part)), name="choice")
        close, into, out = (one.vbt.tile(len(part), keys=names) for one in (frame.close, entries, exits))
        portfolio = vbt.Portfolio.from_signals(
            close, into, out, price=frame.open, open=frame.open, high=frame.high, low=frame.low,
            sl_stop=stop, tp_stop=take, sl_trail=trails, stop_entry_price="fillprice",
            size=UNITS, fees=FEE, init_cash=BALANCE, freq="1h", direction="longonly", size_type="amount",
        )  # fmt: skip
        portfolio.total_return(), portfolio.max_drawdown(), portfolio.sharpe_ratio(), portfolio.trades.win_rate()
        trades.extend(portfolio.trades.count())

    parts, seconds = [grid[i : i + chunk] for i in range(0, len(grid), chunk)], []
    work(parts[0])
    for _ in range(rounds):
        trades.clear()
        began = time.perf_counter()
        for part in parts:
            work(part)
        seconds.append(time.perf_counter() - began)
    scale = steps**3 / len(grid)
    say(seconds=[s * scale for s in seconds], measured=len(grid), trades=float(np.median(trades)), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
