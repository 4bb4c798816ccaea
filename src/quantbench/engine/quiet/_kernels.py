"""Bars on which nothing can happen, run through at once. What they mark is what the slow way would mark."""

import numpy as np

from quantbench.engine.fills._kernels import (
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
    compiled,
    factor_at,
    lots_of,
    on_grid,
    unit_profit,
)
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


@compiled
def quiet_flat(target, enter_, balance, k, equity, position, record):
    """Mark flat bars until an episode starts; return the bar that wants attention."""
    while k < len(equity) - 1 and (target[k] == 0 or (target[k] == target[k - 1] and not (len(enter_) and enter_[k]))):
        equity[k] = balance
        if record:
            position[k] = 0.0
        k += 1
    return k


@compiled
def quiet_held(terms, book, quotes, target, swap, rate, k, equity, position, record):
    """Mark bars of one held part until target, level, swap or time wants attention; return that bar."""
    side, money, i = book.state[SIDE], book.money, book.state[HEAD]
    entry, lots, balance = book.part[i, P_PRICE], lots_of(book.part[i, P_STEPS], terms), money[BALANCE]
    stop_out, take, stop, trail = (
        stop_out_price(terms, book, rate_at(rate, 0, k)),
        money[TAKE],
        money[STOP],
        money[TRAIL],
    )
    worst, even = nearer(side, stop_out, stop), on_grid(money[QUOTE] + side * money[BREAKEVEN], terms.scale)
    follows, last = not (np.isnan(trail) and np.isnan(even)), len(equity) - 1
    if money[HOLD] < last - book.state[ENTRY_BAR]:
        last = max(k, book.state[ENTRY_BAR] + int(np.ceil(money[HOLD])))
    if rate.shape[1]:
        last = min(last, k + 1)  # the stop-out price moves with the rate
    while k < last and target[k] == target[k - 1] and not (len(swap) and swap[k] != 0):
        adverse, favourable, close = quotes[ADVERSE, k], quotes[FAVOURABLE, k], quotes[CLOSE, k]
        if side * (adverse - worst) <= 0 or side * (favourable - take) >= 0:
            break
        if follows:
            outermost = close - side * terms.nearest
            if side * (favourable - even) >= 0:
                stop = tightened(side, stop, money[QUOTE], outermost, terms.scale)
            if not np.isnan(trail):
                stop = tightened(side, stop, favourable - side * trail, outermost, terms.scale)
            worst = nearer(side, stop_out, stop)
        equity[k] = (
            balance + unit_profit(side, entry, close, terms, factor_at(terms, close, rate_at(rate, 1, k))) * lots
        )
        if record:
            position[k] = side * lots
            excursion(terms, book, i, entry, adverse, favourable, rate_at(rate, 0, k))
        k += 1
    money[STOP] = stop
    return k
