"""Bars on which nothing can happen, run through at once. What they mark is what the slow way would mark."""

import numpy as np

from quantbench.engine.book import (
    BALANCE,
    BREAKEVEN,
    ENTRY_BAR,
    HEAD,
    HOLD,
    P_PRICE,
    P_STEPS,
    QUOTE,
    SIDE,
    STOP,
    TAKE,
    TRAIL,
)
from quantbench.engine.fills._kernels import compiled, factor_at, inlined, lots_of, on_grid, unit_profit
from quantbench.engine.levels._kernels import (
    ADVERSE,
    CLOSE,
    FAVOURABLE,
    excursion,
    nearer,
    rate_at,
    stop_out_price,
    tightened,
)


@inlined
def quiet_flat(target, enter_, balance, k, equity, money, record):
    """Mark flat bars up to the one on which an episode starts; return the bar after the last marked."""
    while k < len(equity) - 1:
        equity[k] = balance
        if record:
            money[0, k], money[1, k] = 0.0, balance
        k += 1
        now = target[k - 1]
        if now != 0 and (now != target[k - 2] or (len(enter_) and enter_[k - 1])):
            break
    return k


@compiled
def _quiet_plain(equity, adverses, favourables, closes, target, swap, k, last, ends):
    """Mark held bars as `quiet_held` does where no stop follows, nothing is recorded, quote is account currency."""
    side, worst, take, contract, entry, lots, balance = ends
    while k < last and not (len(swap) and swap[k] != 0):
        if side * (adverses[k] - worst) <= 0 or side * (favourables[k] - take) >= 0:
            break
        equity[k] = balance + (closes[k] - entry) * side * contract * lots
        k += 1
        if target[k - 1] != target[k - 2]:
            break
    return k


@inlined
def quiet_held(desk, book, k, equity, money, record):
    """Mark bars of one held part up to a level, swap, time or new target; return the bar after the last marked."""
    side, cells, i, terms, target = book.state[SIDE], book.money, book.state[HEAD], desk.terms, desk.target
    row, first = (0, 0) if side > 0 else (1, 4)
    entry, lots, balance = book.part[i, P_PRICE], lots_of(book.part[i, P_STEPS], terms), cells[BALANCE]
    stop_out = stop_out_price(terms, book, rate_at(desk.rate, 0, k))
    take, stop, trail = cells[TAKE], cells[STOP], cells[TRAIL]
    worst, even = nearer(side, stop_out, stop), on_grid(cells[QUOTE] + side * cells[BREAKEVEN], terms.scale)
    follows, last = not (np.isnan(trail) and np.isnan(even)), len(equity) - 1
    if cells[HOLD] < last - book.state[ENTRY_BAR]:
        last = max(k, book.state[ENTRY_BAR] + int(np.ceil(cells[HOLD])))
    if desk.rate.shape[1]:
        last = min(last, k + 1)  # the stop-out price moves with the rate
    swaps, swap = desk.swap.shape[1] > 0, desk.swap[row]
    rows = desk.quotes[first : first + 4]
    adverses, favourables, closes = rows[ADVERSE], rows[FAVOURABLE], rows[CLOSE]
    if not follows and not record and terms.conversion == 0:
        ends = (side, worst, take, terms.contract, entry, lots, balance)
        return _quiet_plain(equity, adverses, favourables, closes, target, swap, k, last, ends)
    while k < last and not (swaps and swap[k] != 0):
        adverse, favourable, close = adverses[k], favourables[k], closes[k]
        if side * (adverse - worst) <= 0 or side * (favourable - take) >= 0:
            break
        if follows:
            outermost = close - side * terms.nearest
            if side * (favourable - even) >= 0:
                stop = tightened(side, stop, cells[QUOTE], outermost, terms.scale)
            if not np.isnan(trail):
                stop = tightened(side, stop, favourable - side * trail, outermost, terms.scale)
            worst = nearer(side, stop_out, stop)
        unit = unit_profit(side, entry, close, terms, factor_at(terms, close, rate_at(desk.rate, 1, k)))
        equity[k] = balance + unit * lots
        if record:
            money[0, k], money[1, k] = side * lots, balance
            excursion(terms, book, i, entry, adverse, favourable, rate_at(desk.rate, 0, k))
        k += 1
        if target[k - 1] != target[k - 2]:
            break
    cells[STOP] = stop
    return k
