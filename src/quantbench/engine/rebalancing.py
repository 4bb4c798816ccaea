"""Weights as orders: each row sized from equity at its close, in whole lots, filled at the next open.

Numbers in brackets are sections of docs/execution.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError
from quantbench.core.path import TRADE
from quantbench.core.rules import REASONS, lots_of, required_margin, sign, wanted_steps
from quantbench.engine.basket import Basket
from quantbench.engine.market import conversion_at
from quantbench.engine.orders import (
    Book,
    book_of,
    close_parts,
    factors,
    margin_at_close,
    open_part,
    open_profit,
)

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Rebalanced", "rebalanced", "refuse_stop_out", "trade_columns"]

FloatArray = npt.NDArray[np.float64]


@dataclass
class Rebalanced:
    """What the weights come to: a book a symbol, and one balance.

    Attributes
    ----------
    decisions : list of (int, float)
        Bars with weights, and equity at their close.
    skipped : list of (int, int)
        Bars that would have filled, and the symbol that is too small for its lots.
    """

    books: list[Book]
    balance: float
    decisions: list[tuple[int, float]] = field(default_factory=list)
    skipped: list[tuple[int, int]] = field(default_factory=list)


def rebalanced(basket: Basket) -> Rebalanced:
    """Return the orders the weights come to.

    Raises
    ------
    ExecutionError
        When the weights ask for more margin than there is equity, or nothing is left to size from.
    """
    bars, last = list(basket.bars.values()), len(basket.weights) - 1
    books = [book_of(market, each.instrument) for market, each in zip(basket.markets, bars, strict=True)]
    plan = Rebalanced(books, basket.account.balance)
    for t in map(int, np.flatnonzero(np.isfinite(basket.weights).any(axis=1))):
        if t < last:
            _rebalance(plan, basket, t)
    for book in books:
        if book.parts:
            plan.balance += close_parts(book, last, "end_of_data")
    return plan


def refuse_stop_out(basket: Basket, books: list[Book], *, equity: FloatArray, lots: FloatArray) -> None:
    """Refuse an account the broker would have closed: at or below its stop-out level at a close [3.4].

    Raises
    ------
    ExecutionError
        With the first such bar.
    """
    margin = np.zeros(len(equity))
    for book, held in zip(books, lots.T, strict=True):
        price = np.where(held < 0, book.market.ask_close, book.market.bid_close)
        units = np.abs(held) * book.instrument.contract_size
        margin += units * price * factors(book.market, price, at_close=True) / book.instrument.leverage
    gone = (margin > 0) & (equity <= basket.account.stop_out_level * margin)
    if gone.any():
        t = int(np.argmax(gone))
        _closed_by_broker(basket, t, equity=float(equity[t]), margin=float(margin[t]))


def _closed_by_broker(basket: Basket, t: int, *, equity: float, margin: float) -> NoReturn:
    raise ExecutionError(
        f"on bar {_when(basket, t)} UTC the broker would have closed this portfolio: equity {equity:,.2f} "
        f"against a margin of {margin:,.2f} {basket.account.currency}; lower the weights"
    )


def _rebalance(plan: Rebalanced, basket: Basket, t: int) -> None:
    equity = plan.balance + sum(open_profit(book, t) for book in plan.books)
    margin = sum(margin_at_close(book, t) for book in plan.books)
    if equity <= basket.account.stop_out_level * margin:
        _closed_by_broker(basket, t, equity=equity, margin=margin)
    plan.decisions.append((t, equity))
    for symbol, weight in enumerate(basket.weights[t]):
        if np.isnan(weight):
            continue
        book = plan.books[symbol]
        if book.parts and sign(float(weight)) != book.side:
            plan.balance += close_parts(book, t + 1, "reversal" if weight else "signal")
        if weight and not _fill(plan, book, t, _wanted(book, t, float(weight), equity), sign(float(weight))):
            plan.skipped.append((t + 1, symbol))
    bound = sum(_margin_at_open(book, t + 1) for book in plan.books)
    if bound > equity:
        raise ExecutionError(
            f"the weights of bar {_when(basket, t)} UTC need a margin of {bound:,.2f} {basket.account.currency} "
            f"and equity is {equity:,.2f}; lower the weights"
        )


def _wanted(book: Book, t: int, weight: float, equity: float) -> int:
    """[2] Whole volume steps that are worth the weight at the close of bar t."""
    close = float(book.market.bid_close[t])
    worth = close * book.instrument.contract_size * conversion_at(book.market, t, at_close=True).factor(close)
    return wanted_steps(abs(weight) * equity / worth, book.instrument)


def _fill(plan: Rebalanced, book: Book, t: int, steps: int, side: int) -> bool:
    """[2] Open, add or close at the next open; False where the lots are too few to trade."""
    held = sum(part.steps for part in book.parts)
    if steps < held:
        plan.balance += close_parts(book, t + 1, "resize", steps=held - steps)
        return steps > 0
    if steps == held:
        return steps > 0
    if not wanted_steps(lots_of(steps - held, book.instrument.volume_step), book.instrument):
        return False
    book.episode += not held
    plan.balance -= open_part(book, t + 1, steps - held, side)
    return True


def _margin_at_open(book: Book, k: int) -> float:
    """[4] The margin of the open parts at the price the side pays at the open of bar k."""
    if not book.parts:
        return 0.0
    price = float(book.market.ask_open[k] if book.side > 0 else book.market.bid_open[k])
    lots = lots_of(sum(part.steps for part in book.parts), book.instrument.volume_step)
    return required_margin(lots, price, book.instrument, conversion_at(book.market, k))


def _when(basket: Basket, t: int) -> str:
    time = next(iter(basket.bars.values())).time[t]
    return str(time.astype("datetime64[m]")).replace("T", " ")


def trade_columns(plan: Rebalanced, names: list[str], index: pd.DatetimeIndex) -> dict[str, dict[str, Any]]:
    """Return the columns of trades, orders and skipped, as `PortfolioBacktest` describes them."""
    labels = np.asarray(names, dtype=object)
    at = [(row, symbol) for symbol, book in enumerate(plan.books) for row in sorted(book.orders)]
    at.sort()
    orders = [plan.books[symbol].orders[row] for row, symbol in at]
    which = np.array(at, np.int64).reshape(-1, 2)
    skips = np.array(plan.skipped, np.int64).reshape(-1, 2)
    units = np.array([order.units for order in orders])
    size = np.array([plan.books[symbol].instrument.contract_size for _, symbol in at])
    return {
        "trades": _trades(plan, labels, index),
        "orders": {
            "time": index[np.minimum(which[:, 0], len(index) - 1)],
            "symbol": labels[which[:, 1]],
            "side": np.sign(units).astype(np.int8),
            "lots": np.rint(np.abs(units) / size * 1e8) / 1e8,
            "price": np.array([order.price for order in orders]),
            "notional": np.array([abs(order.units) * order.price * order.factor for order in orders]),
        },
        "skipped": {"time": index[skips[:, 0]], "symbol": labels[skips[:, 1]]},
    }


def _trades(plan: Rebalanced, labels: Any, index: pd.DatetimeIndex) -> dict[str, Any]:
    """Return the closed parts by exit, then symbol, then oldest part."""
    import pandas as pd

    rows = [np.array(book.trades, TRADE) for book in plan.books]
    which = np.repeat(np.arange(len(rows)), [len(each) for each in rows])
    found = np.concatenate(rows)
    order = np.lexsort((which, found["exit_bar"]))
    found, which = found[order], which[order]
    return {
        "symbol": labels[which],
        "episode": found["episode"],
        "side": found["side"],
        "lots": found["lots"],
        "entry_time": index[found["entry_bar"]],
        "exit_time": index[found["exit_bar"]],
        "entry_price": found["entry_price"],
        "exit_price": found["exit_price"],
        "reason": pd.array(np.asarray(REASONS, dtype=object)[found["reason"]], dtype="str"),
        **{name: found[name] for name in ("commission", "swap", "profit", "mae", "mfe")},
        "bars": found["exit_bar"] - found["entry_bar"],
    }
