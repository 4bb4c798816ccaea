"""The best vectorbt can do: low-level Rust calls on Fortran-ordered NumPy, a few columns at a time.

Arguments: combinations bars rounds pairs (0: all) chunk. Averages are made once and never scaled.
"""

from __future__ import annotations

import sys
import time
from itertools import combinations as pairs_of
from statistics import median

import numpy as np
from sweep_vectorbt import UNITS, some_of
from vectorbt.portfolio import dispatch
from vectorbt_rust import generic, indicators, portfolio, records, returns
from worlds import BALANCE, FEE, peak_mb, prices, say, windows


def column(values: np.ndarray) -> np.ndarray:
    return np.asfortranarray(values.reshape(-1, 1))


def run(averages: dict[int, np.ndarray], pairs: list[tuple[int, int]], world: dict[str, np.ndarray]) -> np.ndarray:
    """Return the figures of some pairs, one row each."""
    shape = (len(world["close"]), len(pairs))
    fast, slow = (np.vstack([averages[pair[side]] for pair in pairs]).T for side in (0, 1))
    entries, exits = np.zeros(shape, bool, order="F"), np.zeros(shape, bool, order="F")
    entries[1:] = generic.crossed_above_rs(fast, slow, 0)[:-1]
    exits[1:] = generic.crossed_above_rs(slow, fast, 0)[:-1]
    cash, ones = np.full(len(pairs), BALANCE), np.ones(len(pairs), np.int64)
    orders, _ = dispatch.simulate_from_signals(
        shape, ones, cash, np.zeros(shape, np.int64, order="F"), entries=entries, exits=exits, direction=np.asarray(0),
        size=np.asarray(UNITS), price=column(world["open"]), fees=np.asarray(FEE), close=column(world["close"]),
        use_stops=False, max_orders=int(entries.sum() + exits.sum()) + 1, engine="rust",
    )  # fmt: skip
    which, lengths = records.col_map_rs(orders["col"].astype(np.int64), len(pairs))
    close = np.asfortranarray(np.broadcast_to(column(world["close"]), shape))
    trades = portfolio.get_exit_trades_rs(orders, close, which, lengths)
    held = portfolio.assets_rs(portfolio.asset_flow_rs(orders, which, lengths, shape, 0))
    flow = portfolio.cash_flow_rs(orders, which, lengths, shape, False)  # noqa: FBT003
    value = portfolio.value_rs(portfolio.cash_rs(flow, cash), portfolio.asset_value_rs(close, held))
    change = returns.returns_rs(value, cash)
    returns.sharpe_ratio_rs(change, 365 * 24.0, 0.0, 1)
    count = np.bincount(trades["col"], minlength=len(pairs)).astype(float)
    wins = np.bincount(trades["col"], weights=trades["pnl"] > 0, minlength=len(pairs))
    with np.errstate(invalid="ignore"):
        return np.column_stack([value[-1] / BALANCE - 1, returns.max_drawdown_rs(change), count, wins / count])


def main() -> None:
    combinations, bars, rounds, wanted, chunk = (int(text) for text in sys.argv[1:6])
    world, lengths = prices(bars), windows(combinations)
    whole = len(lengths) * (len(lengths) - 1) // 2
    pairs = list(pairs_of(some_of(lengths, wanted), 2))
    seconds = []
    for turn in range(rounds + 1):
        began = time.perf_counter()
        close = column(world["close"])
        averages = {length: np.asarray(indicators.ma_rs(close, length, False))[:, 0] for length in lengths}  # noqa: FBT003
        prepared = time.perf_counter()
        rows = np.vstack([run(averages, pairs[i : i + chunk], world) for i in range(0, len(pairs), chunk)])
        ended = time.perf_counter()
        if turn:
            seconds.append(prepared - began + (ended - prepared) * whole / len(pairs))
    figures = {f"{f},{s}": row for (f, s), row in zip(pairs, rows.tolist(), strict=True)}
    say(seconds=seconds, median=median(seconds), measured=len(pairs), peak_mb=peak_mb(), figures=figures)


if __name__ == "__main__":
    main()
