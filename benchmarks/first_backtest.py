"""The first backtest of a process, as the README shows it."""

import quantbench as qb

print(len(qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1")).trades), flush=True)
