"""Where a position ends: EXECUTION 3.2, 3.4 and 3.5, compiled. The same arithmetic as core.rules."""

import numpy as np

from quantbench.engine.book import (
    BALANCE,
    BREAKEVEN,
    HEAD,
    HELD,
    HIT_STOP,
    HIT_TAKE,
    HIT_TRAIL,
    OUT,
    OUT_IS_OLD,
    P_BEST,
    P_PRICE,
    P_STEPS,
    P_WORST,
    QUOTE,
    SIDE,
    STOP,
    STOP0,
    STOP_OUT,
    TAIL,
    TAKE,
    TRAIL,
)
from quantbench.engine.fills._kernels import NAN, compiled, factor_at, inlined, lots_of, merged, on_grid, unit_profit

# Rows of Desk.quotes: what a long reads, then what a short reads; open, adverse, favourable, close
OPEN, ADVERSE, FAVOURABLE, CLOSE = range(4)


@inlined
def rate_at(rate, row, k):
    return rate[row, k] if rate.shape[1] else 1.0


@inlined
def excursion(terms, book, i, entry, adverse, favourable, rate):
    side = book.state[SIDE]
    worst = unit_profit(side, entry, adverse, terms, factor_at(terms, adverse, rate))
    best = unit_profit(side, entry, favourable, terms, factor_at(terms, favourable, rate))
    book.part[i, P_WORST] = min(book.part[i, P_WORST], worst)
    book.part[i, P_BEST] = max(book.part[i, P_BEST], best)


@merged
def _stop_out_price(terms, book, rate):
    """[3.4] The own-side price at which equity is the stop-out level times margin; NaN for never."""
    side, balance, lots_entry = book.state[SIDE], book.money[BALANCE], 0.0
    for i in range(book.state[HEAD], book.state[TAIL]):
        lots_entry += lots_of(book.part[i, P_STEPS], terms) * book.part[i, P_PRICE]
    lots, bound, price = lots_of(book.state[HELD], terms), terms.stop_out_level / terms.leverage, NAN
    if terms.conversion == 1:
        left = balance + terms.contract * lots * (side - bound)
        if left * side > 0:
            price = side * terms.contract * lots_entry / left
        elif side > 0:
            return np.inf
    else:
        weight = terms.contract * lots * (side - bound)
        if weight * side > 0:
            price = (side * terms.contract * lots_entry - balance / (rate if terms.conversion == 2 else 1.0)) / weight
    return on_grid(price, terms.scale)


@inlined
def stop_out_price(terms, book, rate):
    """[3.4] The stop-out price, worked out anew only when the balance or what is open has changed."""
    if book.state[OUT_IS_OLD] or terms.conversion == 2:
        book.money[OUT] = _stop_out_price(terms, book, rate)
        book.state[OUT_IS_OLD] = 0
    return book.money[OUT]


@inlined
def reached_at_open(book, side, quote, stop_out):
    """[3.2] The level the open is beyond."""
    money = book.money
    if side * (quote - stop_out) <= 0:
        return STOP_OUT, quote, True, False
    if side * (quote - money[STOP]) <= 0:
        return (HIT_STOP if money[STOP] == money[STOP0] else HIT_TRAIL), quote, True, False
    if side * (quote - money[TAKE]) >= 0:
        return HIT_TAKE, quote, False, False
    return -1, quote, True, False


@inlined
def reached_inside(book, side, quote, adverse, favourable, stop_out):
    """[3.4] The level reached inside a bar; with a stop and a take in reach, the stop."""
    stop, take = book.money[STOP], book.money[TAKE]
    out, stopped = side * (adverse - stop_out) <= 0, side * (adverse - stop) <= 0
    taken = side * (favourable - take) >= 0
    if out and (not stopped or side * (stop_out - stop) >= 0):
        return STOP_OUT, (min(stop_out, quote) if side > 0 else max(stop_out, quote)), True, taken
    if stopped:
        return (HIT_STOP if stop == book.money[STOP0] else HIT_TRAIL), stop, True, taken
    if taken:
        return HIT_TAKE, take, False, False
    return -1, quote, True, False


@inlined
def follow(terms, book, favourable, close):
    """[3.5] Break-even and trailing stop, acting from the next bar."""
    side, money, scale = book.state[SIDE], book.money, terms.scale
    outermost = close - side * terms.nearest
    if side * (favourable - on_grid(money[QUOTE] + side * money[BREAKEVEN], scale)) >= 0:
        money[STOP] = tightened(side, money[STOP], money[QUOTE], outermost, scale)
    if not np.isnan(money[TRAIL]):
        money[STOP] = tightened(side, money[STOP], favourable - side * money[TRAIL], outermost, scale)


@compiled
def tightened(side, stop, wanted, outermost, scale):
    level = min(wanted, outermost) if side > 0 else max(wanted, outermost)
    if side * (level - stop) <= 0:  # rounding keeps the order: nothing to round
        return stop
    level = on_grid(level, scale)
    return stop if side * (level - stop) <= 0 else level


@inlined
def nearer(side, one, other):
    """Return the level that an adverse move reaches first, ignoring NaN."""
    if np.isnan(one):
        return other
    if np.isnan(other):
        return one
    return max(one, other) if side > 0 else min(one, other)
