"""Bars on which nothing can happen, run through at once. What they mark is what the slow way would mark.

Loops go over slices from their first element: only then does the compiler use whole vectors.
"""

import numpy as np

from quantbench.engine.book import (
    BALANCE,
    BREAKEVEN,
    ENTRY_BAR,
    HEAD,
    HOLD,
    NOW,
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
from quantbench.engine.tally._kernels import followed, tally_held, until_reached

BLOCK = 64  # bars looked at without a branch between them


@inlined
def mark_flat(equity, balance, k, end, money):
    """Mark bars on which nothing is held."""
    equity[k:end], money[0, k:end], money[1, k:end] = balance, 0.0, balance


@inlined
def quiet_held(desk, book, k, last, equity, money, record):
    """Pass bars of one held part up to a level, rollover, time or `last`; return the first not passed."""
    side, cells, terms = book.state[SIDE], book.money, desk.terms
    row, first = (0, 0) if side > 0 else (1, 4)
    stop_out = stop_out_price(terms, book, rate_at(desk.rate, 0, k))
    even = on_grid(cells[QUOTE] + side * cells[BREAKEVEN], terms.scale)
    if cells[HOLD] < last - book.state[ENTRY_BAR]:
        last = max(k, book.state[ENTRY_BAR] + int(np.ceil(cells[HOLD])))
    if desk.rate.shape[1]:
        last = min(last, k + 1)  # the stop-out price moves with the rate
    rows, swap = desk.quotes[first : first + 4], desk.swap[row]
    still, worst = np.isnan(cells[TRAIL]) and np.isnan(even), nearer(side, stop_out, cells[STOP])
    if record:
        if still:
            end = _until_reached(rows[ADVERSE], rows[FAVOURABLE], swap, side, worst, cells[TAKE], k, last)
        else:
            end = _followed(rows, swap, cells, side, stop_out, even, terms, k, last)
        _mark_held(desk, book, rows, side, k, end, equity, money)
        return end
    blocks = desk.blocks[first : first + 4]
    if still:
        end = until_reached(rows, blocks, swap, side, worst, cells[TAKE], k, last)
    else:
        marks = (stop_out, cells[STOP], cells[TAKE], cells[TRAIL], even, cells[QUOTE])
        end, cells[STOP] = followed(rows, blocks, swap, side, marks, terms.nearest, terms.scale, k, last)
    if end > k:
        cells[NOW] = tally_held(desk, book, rows, blocks, side, k, end, equity)
    return end


@compiled
def _until_reached(adverses, favourables, swap, side, worst, take, k, last):
    """Return the first bar that reaches a level or holds a rollover, `last` if none does."""
    while k < last:
        end, reached = min(k + BLOCK, last), 0
        adverse, favourable, night = adverses[k:end], favourables[k:end], swap[k:end]
        for i in range(len(adverse)):
            reached += side * (adverse[i] - worst) <= 0
            reached += side * (favourable[i] - take) >= 0
        for i in range(len(night)):
            reached += night[i] != 0
        if reached:
            while not (
                side * (adverses[k] - worst) <= 0 or side * (favourables[k] - take) >= 0 or (len(swap) and swap[k] != 0)
            ):
                k += 1
            return k
        k = end
    return last


@compiled
def _followed(rows, swap, cells, side, stop_out, even, terms, k, last):
    """Move the stop after each bar up to the one that reaches a level or holds a rollover; return that bar."""
    adverses, favourables, closes = rows[ADVERSE], rows[FAVOURABLE], rows[CLOSE]
    stop, take, trail, quote = cells[STOP], cells[TAKE], cells[TRAIL], cells[QUOTE]
    worst = nearer(side, stop_out, stop)
    while k < last and not (len(swap) and swap[k] != 0):
        favourable, outermost = favourables[k], closes[k] - side * terms.nearest
        if side * (adverses[k] - worst) <= 0 or side * (favourable - take) >= 0:
            break
        if side * (favourable - even) >= 0:
            stop = tightened(side, stop, quote, outermost, terms.scale)
        if not np.isnan(trail):
            stop = tightened(side, stop, favourable - side * trail, outermost, terms.scale)
        worst = nearer(side, stop_out, stop)
        k += 1
    cells[STOP] = stop
    return k


@compiled
def _mark_held(desk, book, rows, side, k, end, equity, money):
    """Mark bars on which one part is held: equity, lots, balance and excursions."""
    i, terms, balance, closes = book.state[HEAD], desk.terms, book.money[BALANCE], rows[CLOSE]
    entry, lots = book.part[i, P_PRICE], lots_of(book.part[i, P_STEPS], desk.terms)
    to_mark, close = equity[k:end], closes[k:end]
    if terms.conversion == 0:
        for t in range(len(close)):
            to_mark[t] = balance + unit_profit(side, entry, close[t], terms, 1.0) * lots
    else:
        for t in range(len(close)):
            factor = factor_at(terms, close[t], rate_at(desk.rate, 1, k + t))
            to_mark[t] = balance + unit_profit(side, entry, close[t], terms, factor) * lots
    if end > k:
        book.money[NOW] = equity[end - 1]
    money[0, k:end], money[1, k:end] = side * lots, balance
    for t in range(k, end):
        excursion(terms, book, i, entry, rows[ADVERSE, t], rows[FAVOURABLE, t], rate_at(desk.rate, 0, t))
