"""The other side: stops and takes as columns of one from_signals. Arguments: steps bars rounds columns.

Some columns are measured and scaled to steps ** 3: the cost of a column hardly depends on its levels.
"""

from __future__ import annotations

import sys
from itertools import product

import numpy as np
import pandas as pd
import vectorbt as vbt
from sweep_vectorbt import UNITS
from worlds import BALANCE, FEE, peak_mb, prices, repeat, say


def main() -> None:
    steps, bars, rounds, columns = (int(text) for text in sys.argv[1:5])
    world, index = prices(bars), pd.date_range("2010-01-04", periods=bars, freq="1h")
    frame = pd.DataFrame(world, index=index)
    fast, slow = vbt.MA.run(frame.close, 20), vbt.MA.run(frame.close, 100)
    entries = fast.ma_crossed_above(slow).vbt.signals.fshift(1)
    exits = fast.ma_crossed_below(slow).vbt.signals.fshift(1)
    levels = np.linspace(0.002, 0.02, steps)
    grid = [(stop, take, trails) for stop, take, trails in product(levels, 2 * levels, (False, True))]
    grid = [grid[i] for i in np.linspace(0, len(grid) - 1, min(columns, len(grid))).astype(int)]
    stop, take, trails = (np.array(values) for values in zip(*grid, strict=True))
    names = pd.Index(range(len(grid)), name="choice")
    close, into, out = (part.vbt.tile(len(grid), keys=names) for part in (frame.close, entries, exits))
    trades = []

    def work() -> None:
        portfolio = vbt.Portfolio.from_signals(
            close, into, out, price=frame.open, open=frame.open, high=frame.high, low=frame.low,
            sl_stop=stop, tp_stop=take, sl_trail=trails, stop_entry_price="fillprice",
            size=UNITS, fees=FEE, init_cash=BALANCE, freq="1h", direction="longonly", size_type="amount",
        )  # fmt: skip
        portfolio.total_return(), portfolio.max_drawdown(), portfolio.sharpe_ratio(), portfolio.trades.win_rate()
        trades[:] = [portfolio.trades.count()]

    seconds = repeat(work, rounds=rounds)
    scale = steps**3 / len(grid)
    say(seconds=[s * scale for s in seconds], measured=len(grid), trades=float(trades[0].median()), peak_mb=peak_mb())


if __name__ == "__main__":
    main()
