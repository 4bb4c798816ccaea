"""Positions without levels: the orders they take, the trades they become, and the money both make.

What an account simulator that knows only orders (vectorbt) is told, and what its answer is checked
against. A position in EURGBP on a USD account is two legs: euros held, pounds owed. Valued together
they are worth exactly what EXECUTION calls open profit, in every currency, and opening them takes no
cash. Numbers in brackets are sections of docs/execution.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.instrument import Instrument
from quantbench.core.rules import BASE_IS_ACCOUNT, NAN, QUOTE_IS_ACCOUNT, REASONS, lots_of, required_margin, round_price
from quantbench.engine.holding import Part
from quantbench.engine.market import Market, commission_of, conversion_at, own_side, unit_profit

__all__ = [
    "Book",
    "Order",
    "book_of",
    "close_parts",
    "factors",
    "fill_price",
    "held_lots",
    "margin_at_close",
    "open_part",
    "open_profit",
    "swap_earned",
    "units_held",
]

FloatArray = npt.NDArray[np.float64]


class Order(NamedTuple):
    """What one symbol trades on one row, net.

    Attributes
    ----------
    units : float
        Of the base leg, bought (+) or sold (-).
    loan : float
        Quote currency repaid (+) or borrowed (-): the other leg.
    price : float
        Quote currency, with spread and slippage in it.
    factor : float
        Account per quote currency at that price [4].
    lots : float
        Lots that pay commission.
    """

    units: float
    loan: float
    price: float
    factor: float
    lots: float


@dataclass
class Book:
    """One symbol: its open parts, the orders that made them, the trades they became.

    Attributes
    ----------
    swaps : two float arrays
        What a lot held since the first bar has earned by each bar, long and short [3.1].
    orders : dict of int to Order
        By row: the bar whose open fills it; one past the last bar for the close at the end of data.
    trades : list of tuple
        In the order of `quantbench.core.path.TRADE`.
    """

    market: Market
    instrument: Instrument
    swaps: tuple[FloatArray, FloatArray]
    side: int = 0
    parts: list[Part] = field(default_factory=list)
    episode: int = -1
    orders: dict[int, Order] = field(default_factory=dict)
    trades: list[tuple[Any, ...]] = field(default_factory=list)


def book_of(market: Market, instrument: Instrument) -> Book:
    """Return an empty book for one symbol."""
    rate = factors(market, market.bid_open)
    nothing = np.zeros(len(market.bid_open))
    earned = [np.cumsum(swap * rate) if len(swap) else nothing for swap in (market.swap_long, market.swap_short)]
    return Book(market, instrument, (earned[0], earned[1]))


def factors(market: Market, price: FloatArray, *, rows: slice = slice(None), at_close: bool = False) -> FloatArray:
    """Return account per quote currency on each bar at a price of that bar [4]."""
    if market.conversion == QUOTE_IS_ACCOUNT:
        return np.ones(len(price))
    if market.conversion == BASE_IS_ACCOUNT:
        return 1.0 / price
    return (market.rate_close if at_close else market.rate_open)[rows]


def open_part(book: Book, k: int, steps: int, side: int) -> float:
    """Open steps at the open of bar k [3.3] and return the commission paid."""
    price, convert = fill_price(book, k, side), conversion_at(book.market, k)
    lots = lots_of(steps, book.instrument.volume_step)
    commission = commission_of(book.market, book.instrument, lots, price, convert)
    book.side = side
    book.parts.append(Part(steps, k, price, commission))
    units = side * lots * book.instrument.contract_size
    _net(book, k, Order(units, -units * price, price, convert.factor(price), lots))
    return commission


def fill_price(book: Book, k: int, side: int) -> float:
    """Return what buying (+1) pays or selling (-1) gets at the open of bar k: spread and slippage included."""
    market = book.market
    quote = market.ask_open[k] if side > 0 else market.bid_open[k]
    return round_price(float(quote) + side * market.slippage, book.instrument.digits)


def close_parts(book: Book, k: int, reason: str, *, steps: int | None = None) -> float:
    """Close the oldest steps (all by default), write their trades, return what the balance gains [4].

    At the open of bar k; for ``end_of_data`` at its close, on the row after it, without slippage.
    """
    at_end = reason == "end_of_data"
    market, instrument = book.market, book.instrument
    price = own_side(market, book.side, k).close if at_end else fill_price(book, k, -book.side)
    convert = conversion_at(market, k, at_close=at_end)
    left = sum(part.steps for part in book.parts) if steps is None else steps
    gained = 0.0
    while left > 0:
        part = book.parts[0]
        closing = min(left, part.steps)
        lots, charged = lots_of(closing, instrument.volume_step), part.commission * closing / part.steps
        gross = unit_profit(book.side, part.price, price, instrument, convert) * lots
        paid = commission_of(market, instrument, lots, price, convert)
        swap = lots * _earned(book, part.bar, k)
        worst, best = (extreme * lots for extreme in _excursion(book, part, k))
        where = (book.episode, book.side, lots, part.bar, k, part.price, price, NAN, NAN, REASONS.index(reason))
        made = (0.0 - (paid + charged), swap, gross - paid - charged + swap, min(worst, gross), max(best, gross))
        book.trades.append((*where, *made, False))
        units = book.side * lots * instrument.contract_size
        _net(book, k + at_end, Order(-units, units * part.price, price, convert.factor(price), lots))
        gained += gross - paid + swap
        part.commission, part.steps, left = part.commission - charged, part.steps - closing, left - closing
        if not part.steps:
            book.parts.pop(0)
    return gained


def _net(book: Book, row: int, order: Order) -> None:
    """Add an order to what the row trades already: what leaves and enters on one open does so at one price."""
    before = book.orders.get(row)
    if before is not None:
        order = order._replace(
            units=before.units + order.units, loan=before.loan + order.loan, lots=before.lots + order.lots
        )
    book.orders[row] = order


def _excursion(book: Book, part: Part, k: int) -> tuple[float, float]:
    """Return worst and best open profit of a lot before the bar it leaves on [5], from its own side."""
    if k == part.bar:
        return 0.0, 0.0
    market, rows = book.market, slice(part.bar, k)
    long = (market.bid_low, market.bid_high)
    adverse, favourable = long if book.side > 0 else (market.ask_high, market.ask_low)
    made = [
        (price[rows] - part.price) * book.side * book.instrument.contract_size * factors(market, price[rows], rows=rows)
        for price in (adverse, favourable)
    ]
    return min(0.0, float(made[0].min())), max(0.0, float(made[1].max()))


def _earned(book: Book, since: int, k: int) -> float:
    """Return the swap a lot of the open side earned on the bars after `since` up to bar k [3.1]."""
    running = book.swaps[0] if book.side > 0 else book.swaps[1]
    return float(running[k] - running[since])


def open_profit(book: Book, t: int) -> float:
    """Return what the open parts make at the close of bar t [3.6], with the swap earned so far."""
    price = own_side(book.market, book.side, t).close if book.parts else NAN
    convert, total = conversion_at(book.market, t, at_close=True), 0.0
    for part in book.parts:
        unit = unit_profit(book.side, part.price, price, book.instrument, convert) + _earned(book, part.bar, t)
        total += unit * lots_of(part.steps, book.instrument.volume_step)
    return total


def margin_at_close(book: Book, t: int) -> float:
    """Return the margin the open parts bind at the close of bar t [4]."""
    if not book.parts:
        return 0.0
    price, convert = own_side(book.market, book.side, t).close, conversion_at(book.market, t, at_close=True)
    return required_margin(held_lots(book), price, book.instrument, convert)


def held_lots(book: Book) -> float:
    """Return the lots of the open parts, unsigned."""
    return lots_of(sum(part.steps for part in book.parts), book.instrument.volume_step)


def units_held(book: Book, rows: int) -> FloatArray:
    """Return the signed units held after each row's order."""
    traded = np.zeros(rows)
    for row, order in book.orders.items():
        traded[row] = order.units
    lots = np.cumsum(traded) / book.instrument.contract_size
    units: FloatArray = np.rint(lots * 1e8) / 1e8 * book.instrument.contract_size
    return units


def swap_earned(book: Book, lots: FloatArray) -> FloatArray:
    """Return the swap earned by each bar's close, from the signed lots held at each close [3.1]."""
    into = np.append(0.0, lots[:-1])
    long, short = (np.diff(running, prepend=0.0) for running in book.swaps)
    total: FloatArray = np.cumsum(np.abs(into) * np.where(into > 0, long, short))
    return total
