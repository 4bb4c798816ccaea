"""The other side: backtesting.py's optimize. Arguments: bars fasts slows few combinations.

A grid is timed, then a part of it: the difference is what a combination costs, the rest is what starting costs.
"""

from __future__ import annotations

import sys
import time
import warnings

import numpy as np  # noqa: TC002
import pandas as pd
from backtesting import Backtest, Strategy
from worlds import BALANCE, FEE, LOTS, peak_mb, prices, say

UNITS = round(LOTS * 100_000)


def mean_of(values: np.ndarray, length: int) -> pd.Series:
    return pd.Series(values).rolling(length).mean()


class Cross(Strategy):
    fast = 10
    slow = 50

    def init(self) -> None:
        self.quick = self.I(mean_of, self.data.Close, self.fast)
        self.calm = self.I(mean_of, self.data.Close, self.slow)

    def next(self) -> None:
        above = self.quick[-1] > self.calm[-1]
        if above and not self.position:
            self.buy(size=UNITS)
        elif self.position and not above:
            self.position.close()


def main() -> None:
    warnings.filterwarnings("ignore")
    bars, fasts, slows, few, whole = (int(text) for text in sys.argv[1:6])
    frame = pd.DataFrame({name.title(): column for name, column in prices(bars).items()})
    frame.index = pd.date_range("2010-01-04", periods=bars, freq="1h")
    test = Backtest(frame, Cross, cash=BALANCE, commission=FEE, finalize_trades=True)
    test.run()
    took = []
    for count in (fasts, few):
        began = time.perf_counter()
        _, heat = test.optimize(
            fast=list(range(5, 5 + 2 * count, 2)), slow=list(range(41, 41 + 2 * slows, 2)), maximize="Return [%]",
            return_heatmap=True,
        )  # fmt: skip
        took.append(time.perf_counter() - began)
        if count == fasts:
            figures = {f"{f},{s}": [value / 100] for (f, s), value in heat.items()}
    each = (took[0] - took[1]) / ((fasts - few) * slows)
    starting = max(0.0, took[0] - each * fasts * slows)
    scaled = starting + each * whole
    say(
        seconds=[scaled],
        measured_seconds=took[0],
        measured=fasts * slows,
        each=each,
        peak_mb=peak_mb(),
        figures=figures,
    )


if __name__ == "__main__":
    main()
