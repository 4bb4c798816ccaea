"""The first portfolio of a process."""

import pandas as pd
import vectorbt as vbt
from worlds import prices

vbt.settings["engine"] = "numba"
close = pd.Series(prices(20_000)["close"], pd.date_range("2010-01-04", periods=20_000, freq="1h"))
fast, slow = vbt.MA.run(close, 20), vbt.MA.run(close, 100)
portfolio = vbt.Portfolio.from_signals(close, fast.ma_crossed_above(slow), fast.ma_crossed_below(slow), freq="1h")
print(portfolio.trades.count(), flush=True)
