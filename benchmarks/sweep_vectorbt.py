"""The other side: vectorbt's ordinary call, MA.run_combs. Arguments: combinations bars rounds pairs (0: all).

With `pairs` a slice is measured and scaled: a grid of 10,000 x 50,000 at once needs about 80 GB.
"""

from __future__ import annotations

import sys
from statistics import median

import numpy as np
import pandas as pd
import vectorbt as vbt
from worlds import BALANCE, FEE, LOTS, peak_mb, prices, repeat, say, windows

UNITS = LOTS * 100_000
vbt.settings["engine"] = "numba"  # vectorbt-rust beside it must not change the ordinary call


def some_of(lengths: list[int], pairs: int) -> list[int]:
    """Return lengths spread evenly over all whose pairs are about as many as wanted (0: all)."""
    if not pairs:
        return lengths
    return [lengths[i] for i in np.unique(np.linspace(0, len(lengths) - 1, len(windows(pairs))).astype(int))]


def run(close: pd.Series, open_: pd.Series, lengths: list[int]) -> pd.DataFrame:
    """Trade every pair of averages: signal at the close, fill at the next open, fees, then the metrics."""
    fast, slow = vbt.MA.run_combs(close, lengths, r=2, short_names=["fast", "slow"])
    entries, exits = fast.ma_crossed_above(slow), fast.ma_crossed_below(slow)
    portfolio = vbt.Portfolio.from_signals(
        close, entries.vbt.signals.fshift(1), exits.vbt.signals.fshift(1), price=open_, size=UNITS, fees=FEE,
        init_cash=BALANCE, freq="1h", direction="longonly", size_type="amount",
    )  # fmt: skip
    trades = portfolio.trades
    return pd.DataFrame(
        {
            "total_return": portfolio.total_return(),
            "max_drawdown": portfolio.max_drawdown(),
            "trades": trades.count(),
            "win_rate": trades.win_rate(),
            "sharpe": portfolio.sharpe_ratio(),
        }
    )


def main() -> None:
    combinations, bars, rounds, pairs = (int(text) for text in sys.argv[1:5])
    world = prices(bars)
    index = pd.date_range("2010-01-04", periods=bars, freq="1h")
    close, open_ = pd.Series(world["close"], index), pd.Series(world["open"], index)
    lengths = windows(combinations)
    whole = len(lengths) * (len(lengths) - 1) // 2
    lengths = some_of(lengths, pairs)
    kept: list[pd.DataFrame] = []

    def work() -> None:
        kept[:] = [run(close, open_, lengths)]

    seconds = repeat(work, rounds=rounds)
    scale, more = whole / len(kept[0]), len(windows(combinations)) / len(lengths)
    prepared = median(
        repeat(lambda: vbt.MA.run(close, lengths), rounds=3)
    )  # averages are made once each, not once a pair
    names = ["total_return", "max_drawdown", "trades", "win_rate"]
    say(
        seconds=[prepared * more + (second - prepared) * scale for second in seconds],
        measured=len(kept[0]),
        peak_mb=peak_mb(),
        figures={
            f"{f},{s}": row for (f, s), row in zip(kept[0].index, kept[0][names].to_numpy().tolist(), strict=True)
        },
    )


if __name__ == "__main__":
    main()
