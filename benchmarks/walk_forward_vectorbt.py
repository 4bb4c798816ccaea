"""The other side: the same loop around vectorbt's ordinary calls. Arguments: combinations bars train test rounds."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import vectorbt as vbt
from worlds import BALANCE, FEE, LOTS, peak_mb, prices, repeat, say, windows

vbt.settings["engine"] = "numba"


def traded(close: pd.Series, open_: pd.Series, entries: pd.DataFrame, exits: pd.DataFrame) -> vbt.Portfolio:
    """Signal at the close, fill at the next open."""
    return vbt.Portfolio.from_signals(
        close, entries.vbt.signals.fshift(1), exits.vbt.signals.fshift(1), price=open_, size=LOTS * 100_000, fees=FEE,
        init_cash=BALANCE, freq="1h", direction="longonly", size_type="amount",
    )  # fmt: skip


def fold(close: pd.Series, open_: pd.Series, lengths: list[int], edges: tuple[int, int, int]) -> list[float]:
    """Try all pairs on the train range, trade the best on the test range; return pair, train return, test profit."""
    start, begin, end = edges
    seen = close[start:begin]
    fast, slow = vbt.MA.run_combs(seen, lengths, r=2, short_names=["fast", "slow"])
    made = traded(seen, open_[start:begin], fast.ma_above(slow), fast.ma_below(slow)).total_return()
    short, long = made.idxmax()
    fast, slow = vbt.MA.run(close[:end], short), vbt.MA.run(close[:end], long)
    above = (fast.ma > slow.ma)[begin:]
    test = traded(close[begin:end], open_[begin:end], above, ~above)
    return [int(short), int(long), float(made.max()), float(test.total_profit())]


def main() -> None:
    combinations, bars, train, test, rounds = (int(text) for text in sys.argv[1:6])
    world, index = prices(bars), pd.date_range("2010-01-04", periods=bars, freq="1h")
    close, open_ = pd.Series(world["close"], index), pd.Series(world["open"], index)
    folds = [(begin - train, begin, min(begin + test, bars)) for begin in range(train, bars, test)]
    lengths, kept = windows(combinations), []

    def work() -> None:
        kept[:] = [fold(close, open_, lengths, edges) for edges in folds]

    seconds = repeat(work, rounds=rounds)
    rows = np.array(kept)
    say(seconds=seconds, peak_mb=peak_mb(), folds=rows[:, :3].tolist(), tests=rows[:, 3].tolist())


if __name__ == "__main__":
    main()
