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
from quantbench.engine.fills._kernels import compiled, factor_at, inlined, lots_of, merged, on_grid, unit_profit
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
from quantbench.engine.tally._kernels import BLOCK, tally_held


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
    blocks = desk.blocks[first : first + 4]
    if still:
        end = _until_reached(rows, blocks, swap, side, worst, cells[TAKE], k, last)
    else:
        marks = (stop_out, cells[STOP], cells[TAKE], cells[TRAIL], even, cells[QUOTE])
        end, cells[STOP] = _followed(rows, blocks, swap, side, marks, terms.nearest, terms.scale, k, last)
    if record:
        _mark_held(desk, book, rows, side, k, end, equity, money)
    elif end > k:
        cells[NOW] = tally_held(desk, book, rows, blocks, side, k, end, equity)
    return end


@inlined
def _reaches(side, adverse, favourable, worst, take):
    return side * (adverse - worst) <= 0 or side * (favourable - take) >= 0


@inlined
def _is_quiet(blocks, b, side, worst, take):
    """Return whether no bar of a block can end the position; where only some are left, all must be harmless."""
    return not (np.isinf(blocks[0, b]) or _reaches(side, blocks[0, b], blocks[1, b], worst, take))


@inlined
def _none_reaches(adverses, favourables, swap, side, worst, take):
    reached = 0
    for i in range(len(adverses)):
        reached += side * (adverses[i] - worst) <= 0
        reached += side * (favourables[i] - take) >= 0
    for i in range(len(swap)):
        reached += swap[i] != 0
    return reached == 0


@merged
def _until_reached(rows, blocks, swap, side, worst, take, k, last):
    """Return the first bar that reaches a level or holds a rollover, `last` if none does."""
    adverses, favourables, known = rows[ADVERSE], rows[FAVOURABLE], blocks.shape[1] > 0
    while k < last:
        b = k // BLOCK
        end = min((b + 1) * BLOCK, last)
        if known:
            passes = _is_quiet(blocks, b, side, worst, take)
        else:
            passes = _none_reaches(adverses[k:end], favourables[k:end], swap[k:end], side, worst, take)
        if passes:
            k = end
        while k < end:
            if _reaches(side, adverses[k], favourables[k], worst, take) or (len(swap) and swap[k] != 0):
                return k
            k += 1
    return last


@merged
def _followed(rows, blocks, swap, side, marks, nearest, scale, k, last):
    """Move the stop after each bar up to the one that reaches a level or holds a rollover; return bar and stop.

    `marks` are stop-out, stop, take, trail, break-even and the entry quote. A block that no bar of can end the
    position, wherever the stop is taken in it, is followed at once.
    """
    stop_out, stop, take, trail, even, quote = marks
    adverses, favourables, closes = rows[ADVERSE], rows[FAVOURABLE], rows[CLOSE]
    worst, known = nearer(side, stop_out, stop), blocks.shape[1] > 0
    while k < last:
        b = k // BLOCK
        end = min((b + 1) * BLOCK, last)
        if known and not side * (blocks[1, b] - even) >= 0:
            furthest = blocks[1, b] - side * trail  # no bar of the block takes the stop further, but for rounding
            if np.isnan(trail) or side * (furthest - stop) <= 0:
                if _is_quiet(blocks, b, side, worst, take):
                    k = end
            elif _is_quiet(blocks, b, side, nearer(side, worst, furthest + side / scale), take):
                level = _furthest(favourables[k:end], closes[k:end], side, side * trail, side * nearest)
                stop = tightened(side, stop, level, level, scale)
                worst = nearer(side, stop_out, stop)
                k = end
        while k < end:
            favourable = favourables[k]
            if _reaches(side, adverses[k], favourable, worst, take) or (len(swap) and swap[k] != 0):
                return k, stop
            outermost = closes[k] - side * nearest
            if side * (favourable - even) >= 0:
                stop = tightened(side, stop, quote, outermost, scale)
            if not np.isnan(trail):
                stop = tightened(side, stop, favourable - side * trail, outermost, scale)
            worst = nearer(side, stop_out, stop)
            k += 1
    return k, stop


@merged
def _furthest(favourables, closes, side, trail, nearest):
    """Return where the bars of a block take a trailing stop; rounding keeps the order, so it can be done after."""
    found = -np.inf
    if side > 0:
        for i in range(len(favourables)):
            found = max(found, min(favourables[i] - trail, closes[i] - nearest))
        return found
    for i in range(len(favourables)):
        found = max(found, -max(favourables[i] - trail, closes[i] - nearest))
    return -found


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
