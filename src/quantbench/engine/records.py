"""Our fills as order records: what vectorbt's Portfolio is built from, without simulating again."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from quantbench.core.results import Backtest
from quantbench.engine.metrics.fills import conversion

__all__ = ["fill_records"]

FloatArray = npt.NDArray[np.float64]

_BUY, _SELL = 0, 1  # vectorbt's sides


def fill_records(result: Backtest, dtype: np.dtype[Any]) -> npt.NDArray[np.void]:
    """Return one record per fill, in the order of EXECUTION 3.

    Parameters
    ----------
    result : Backtest
    dtype : numpy dtype
        vectorbt's `order_dt`: id, col, idx, size, price, fees, side.

    Returns
    -------
    structured array
        Bar by bar; on one bar episode by episode, entries before exits. Sizes are units times the account
        currency a unit of quote currency was worth at the exit; fees are commission, and swap at the exit.
    """
    trades = result.path.trades
    size, (entry_fee, exit_fee) = _sizes(result), _fees(result)
    key = np.stack((trades["entry_bar"], trades["episode"]), axis=1)
    first, of = np.unique(key, axis=0, return_index=True, return_inverse=True)[1:]
    entries = np.zeros(len(first), [*_named(dtype), ("episode", np.int64), ("exit", np.bool_)])
    exits = np.zeros(len(trades), entries.dtype)
    for rows, source, name in ((entries, trades[first], "entry"), (exits, trades, "exit")):
        rows["idx"], rows["price"], rows["episode"] = source[f"{name}_bar"], source[f"{name}_price"], source["episode"]
    np.add.at(entries["size"], of, size)  # a part that left in pieces came in one fill
    np.add.at(entries["fees"], of, entry_fee)
    exits["size"], exits["fees"], exits["exit"] = size, exit_fee, True
    entries["side"] = np.where(trades["side"][first] > 0, _BUY, _SELL)
    exits["side"] = np.where(trades["side"] > 0, _SELL, _BUY)
    found = np.concatenate((entries, exits))
    found = found[np.lexsort((found["exit"], found["episode"], found["idx"]))]
    found["id"] = np.arange(len(found))
    records: npt.NDArray[np.void] = np.zeros(len(found), dtype)
    for name, _ in _named(dtype):
        records[name] = found[name]
    return records


def _named(dtype: np.dtype[Any]) -> list[tuple[str, np.dtype[Any]]]:
    return [(name, dtype[name]) for name in dtype.names or ()]


def _sizes(result: Backtest) -> FloatArray:
    trades, instrument = result.path.trades, result.bars.instrument
    rate = conversion(trades, instrument, currency=result.account.currency)
    sizes: FloatArray = trades["lots"] * instrument.contract_size * np.where(np.isnan(rate), 1.0, rate)
    return sizes


def _fees(result: Backtest) -> tuple[FloatArray, FloatArray]:
    """Return what each trade paid at its entry, and at its exit with the swap: commission by lots and notional."""
    trades, instrument = result.path.trades, result.bars.instrument
    paid = result.costs.resolved(instrument)
    flat = np.full(len(trades), paid.commission_per_lot or 0.0)
    in_base = instrument.base_currency == result.account.currency != instrument.quote_currency
    one, other = (
        flat + (paid.commission_percent or 0.0) * instrument.contract_size * (1.0 if in_base else trades[price])
        for price in ("entry_price", "exit_price")
    )
    both = np.where(one + other > 0, one + other, 1.0)
    entry = -trades["commission"] * one / both
    return entry, -trades["commission"] - entry - trades["swap"]
