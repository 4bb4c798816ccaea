"""The compiled engine: the reference's rules over arrays, with quiet stretches run through at once.

`_quiet_*` mark the bars on which nothing can happen; every other bar goes through `_bar`, the same
steps in the same order and arithmetic as reference.py. Numbers in brackets are its sections.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from quantbench.engine.fills._kernels import (
    BALANCE,
    BREAKEVEN,
    BROKEN,
    DAY_START,
    END,
    ENTRY_BAR,
    EPISODES,
    FILLS,
    HEAD,
    HELD,
    HIT_STOP,
    HIT_TAKE,
    HIT_TRAIL,
    HOLD,
    LIMIT,
    LOSSES,
    LOST_DAY,
    NAN,
    P_BEST,
    P_PRICE,
    P_STEPS,
    P_SWAP,
    P_WORST,
    PEAK,
    QUOTE,
    REVERSAL,
    SIDE,
    SIGNAL,
    SKIPS,
    STARTING,
    STOP,
    STOP0,
    STOP_OUT,
    STREAK,
    TAIL,
    TAKE,
    TIME,
    TRAIL,
    Distances,
    Fill,
    Terms,
    close_steps,
    compiled,
    day_is_lost,
    enter,
    factor_at,
    inlined,
    is_broken,
    lots_of,
    on_grid,
    resize,
    sign,
    stop_out_price,
    unit_profit,
)

# Rows of Desk.quotes: what a long reads, then what a short reads; open, adverse, favourable, close
OPEN, ADVERSE, FAVOURABLE, CLOSE = range(4)


class Desk(NamedTuple):
    """All that is read. `swap, rate, exits, enter, blocked, fine` have no columns where not used."""

    terms: Terms
    quotes: np.ndarray  # (8, bars)
    target: np.ndarray
    exits: np.ndarray  # (5, bars): stop, take, trail, breakeven, hold
    enter: np.ndarray
    size: np.ndarray
    swap: np.ndarray  # (2, bars): long, short; quote currency per lot
    rate: np.ndarray  # (2, bars): at the open, at the close
    blocked: np.ndarray
    day: np.ndarray
    time_ns: np.ndarray
    fine: np.ndarray  # (8, finer bars)
    fine_range: np.ndarray  # (2, bars)


@compiled
def run(desk, book, equity, position, record):
    """Trade the signals bar by bar; fills `book`, `equity` and, if `record`, `position` and excursions."""
    n, k = len(equity), 0
    while k < n:
        _bar(desk, book, k, n, equity, position, record)
        k += 1
        if k < n - 1 and not desk.terms.guarded and book.state[STARTING] == 0:
            if book.state[HELD] == 0:
                k = _quiet_flat(desk.target, desk.enter, book.money[BALANCE], k, equity, position, record)
            elif book.state[TAIL] - book.state[HEAD] == 1 and k > 1 and desk.target[k - 1] == desk.target[k - 2]:
                side = 0 if book.state[SIDE] > 0 else 1
                swap = desk.swap[side] if desk.swap.shape[1] else desk.swap[0]
                k = _quiet_held(
                    desk.terms, book, desk.quotes[4 * side : 4 * side + 4], desk.target, swap, desk.rate, k, equity, position, record
                )


@inlined
def _bar(desk, book, k, n, equity, position, record):
    state, terms, first = book.state, desk.terms, 0
    if k > 0:
        rate = _rate(desk.rate, 0, k)
        if terms.guarded and desk.day[k] != desk.day[k - 1]:
            _new_day(book, equity[k - 1])
        if state[HELD]:
            _roll_over(desk, book, k, rate)
        # Three moments at which a bar can close the position: its open, the decision, inside.
        for moment in range(3):
            if moment == 2 and state[HELD] == 0:
                break
            reason, price, slips, ambiguous = _leaves(desk, book, k, rate, moment)
            if reason >= 0:
                close_steps(terms, book, k, reason, price, slips, state[HELD], ambiguous, rate)
            if moment == 1:
                _open(desk, book, k, equity[k - 1], rate)
        if state[HELD]:
            first = 0 if state[SIDE] > 0 else 4
            _follow(terms, book, desk.quotes[first + FAVOURABLE, k], desk.quotes[first + CLOSE, k])
    first, rate = 0 if state[SIDE] > 0 else 4, _rate(desk.rate, 1, k)
    if k == n - 1 and state[HELD]:
        close_steps(terms, book, k, END, desk.quotes[first + CLOSE, k], False, state[HELD], False, rate)
    equity[k] = _mark(desk, book, k, first, rate, record)
    if record:
        position[k] = state[SIDE] * lots_of(state[HELD], terms)
    if terms.guarded:
        _remember(terms, book, equity[k])
    _decide(desk.target, desk.enter, book, k)


@inlined
def _rate(rate, row, k):
    return rate[row, k] if rate.shape[1] else 1.0


@inlined
def _decide(target, enter_, book, t):
    """[2] At the close of bar t: does an episode start?"""
    before = target[t - 1] if t > 0 else 0.0
    again = len(enter_) > 0 and enter_[t] and book.state[HELD] == 0
    starts = target[t] != 0 and (sign(target[t]) != sign(before) or again)
    book.state[STARTING] = starts
    book.state[EPISODES] += starts


@inlined
def _roll_over(desk, book, k, rate):
    """[3.1] Swap for each 17:00 New York the bar crosses."""
    row = 0 if book.state[SIDE] > 0 else 1
    if desk.swap.shape[1] and desk.swap[row, k] != 0:
        factor = factor_at(desk.terms, desk.quotes[OPEN, k], rate)
        for i in range(book.state[HEAD], book.state[TAIL]):
            earned = desk.swap[row, k] * lots_of(book.part[i, P_STEPS], desk.terms) * factor
            book.part[i, P_SWAP] += earned
            book.money[BALANCE] += earned


@compiled
def _leaves(desk, book, k, rate, moment):
    """Return (reason, price, slips, ambiguous) of what closes the position at a moment; reason -1 for none."""
    state, side = book.state, book.state[SIDE]
    first = 0 if side > 0 else 4
    quote = desk.quotes[first + OPEN, k]
    if state[HELD] == 0:
        return -1, quote, True, False
    if moment == 1:
        reason, target = -1, desk.target[k - 1]
        if desk.terms.flatten and state[BROKEN]:
            reason = LIMIT
        elif sign(target) != side:
            reason = REVERSAL if target != 0 else SIGNAL
        elif k - state[ENTRY_BAR] >= book.money[HOLD]:
            reason = TIME
        return reason, quote, True, False
    stop_out = stop_out_price(desk.terms, book, rate)
    if moment == 0:
        return _at_open(book, side, quote, stop_out)
    reached = _inside(book, side, quote, desk.quotes[first + ADVERSE, k], desk.quotes[first + FAVOURABLE, k], stop_out)
    if reached[3] and desk.fine_range.shape[1]:
        for j in range(desk.fine_range[0, k], desk.fine_range[1, k]):  # [3.4] steps 2 and 4 over the finer bars
            finer = (-1, quote, True, False)
            if j > desk.fine_range[0, k] or state[ENTRY_BAR] != k:
                finer = _at_open(book, side, desk.fine[first + OPEN, j], stop_out)
            if finer[0] < 0:
                adverse, favourable = desk.fine[first + ADVERSE, j], desk.fine[first + FAVOURABLE, j]
                finer = _inside(book, side, desk.fine[first + OPEN, j], adverse, favourable, stop_out)
            if finer[0] >= 0:
                return finer
    return reached


@inlined
def _at_open(book, side, quote, stop_out):
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
def _inside(book, side, quote, adverse, favourable, stop_out):
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
def _open(desk, book, k, equity, rate):
    """[3.3] The entry of an episode that started on the bar before, else a resize."""
    t, state = k - 1, book.state
    resizes = state[HELD] > 0 and k > 1 and abs(desk.target[t]) != abs(desk.target[t - 1])
    if state[STARTING] == 0 and not resizes:
        return
    distances = Distances(NAN, NAN, NAN, NAN, NAN)
    if desk.exits.shape[1]:
        distances = Distances(desk.exits[0, t], desk.exits[1, t], desk.exits[2, t], desk.exits[3, t], desk.exits[4, t])
    fill = Fill(
        k,
        desk.time_ns[k],
        desk.blocked[k] if len(desk.blocked) else 0,
        desk.target[t],
        desk.size[t],
        desk.quotes[CLOSE, t],
        desk.quotes[CLOSE if state[SIDE] > 0 else 4 + CLOSE, t],
        desk.quotes[OPEN, k],
        desk.quotes[4 + OPEN, k],
        _rate(desk.rate, 1, t),
        rate,
        equity,
    )
    reason = enter(desk.terms, book, fill, distances) if state[STARTING] else resize(desk.terms, book, fill, distances)
    if reason >= 0:
        book.skip[state[SKIPS], 0], book.skip[state[SKIPS], 1] = k, reason
        state[SKIPS] += 1


@inlined
def _follow(terms, book, favourable, close):
    """[3.5] Break-even and trailing stop, acting from the next bar."""
    side, money, scale = book.state[SIDE], book.money, terms.scale
    outermost = close - side * terms.nearest
    if side * (favourable - on_grid(money[QUOTE] + side * money[BREAKEVEN], scale)) >= 0:
        money[STOP] = _tightened(side, money[STOP], money[QUOTE], outermost, scale)
    if not np.isnan(money[TRAIL]):
        money[STOP] = _tightened(side, money[STOP], favourable - side * money[TRAIL], outermost, scale)


@compiled
def _tightened(side, stop, wanted, outermost, scale):
    level = min(wanted, outermost) if side > 0 else max(wanted, outermost)
    if side * (level - stop) <= 0:  # rounding keeps the order: nothing to round
        return stop
    level = on_grid(level, scale)
    return stop if side * (level - stop) <= 0 else level


@inlined
def _mark(desk, book, k, first, rate, record):
    """[3.6] Equity at the close; with `record` the excursions of what is open too."""
    state, terms, equity = book.state, desk.terms, book.money[BALANCE]
    close = desk.quotes[first + CLOSE, k]
    for i in range(state[HEAD], state[TAIL]):
        entry = book.part[i, P_PRICE]
        if record:
            adverse, favourable = desk.quotes[first + ADVERSE, k], desk.quotes[first + FAVOURABLE, k]
            _excursion(terms, book, i, entry, adverse, favourable, _rate(desk.rate, 0, k))
        unit = unit_profit(state[SIDE], entry, close, terms, factor_at(terms, close, rate))
        equity += unit * lots_of(book.part[i, P_STEPS], terms)
    return equity


@inlined
def _excursion(terms, book, i, entry, adverse, favourable, rate):
    side = book.state[SIDE]
    worst = unit_profit(side, entry, adverse, terms, factor_at(terms, adverse, rate))
    best = unit_profit(side, entry, favourable, terms, factor_at(terms, favourable, rate))
    book.part[i, P_WORST] = min(book.part[i, P_WORST], worst)
    book.part[i, P_BEST] = max(book.part[i, P_BEST], best)


@inlined
def _new_day(book, equity):
    """[7] The daily counters begin anew."""
    if book.state[STREAK]:
        book.state[LOSSES] = 0
    book.money[DAY_START] = equity
    book.state[FILLS] = book.state[LOST_DAY] = book.state[STREAK] = 0


@inlined
def _remember(terms, book, equity):
    """[7] What the close of a bar latches."""
    book.money[PEAK] = max(book.money[PEAK], equity)
    if day_is_lost(terms, book, equity):
        book.state[LOST_DAY] = 1
    if is_broken(terms, book, equity):
        book.state[BROKEN] = 1


@compiled
def _quiet_flat(target, enter_, balance, k, equity, position, record):
    """Mark flat bars until an episode starts; return the bar that wants attention."""
    while k < len(equity) - 1 and (target[k] == 0 or (target[k] == target[k - 1] and not (len(enter_) and enter_[k]))):
        equity[k] = balance
        if record:
            position[k] = 0.0
        k += 1
    return k


@compiled
def _quiet_held(terms, book, quotes, target, swap, rate, k, equity, position, record):
    """Mark bars of one held part until target, level, swap or time wants attention; return that bar."""
    side, money, i = book.state[SIDE], book.money, book.state[HEAD]
    entry, lots, balance = book.part[i, P_PRICE], lots_of(book.part[i, P_STEPS], terms), money[BALANCE]
    stop_out, take, stop, trail = stop_out_price(terms, book, _rate(rate, 0, k)), money[TAKE], money[STOP], money[TRAIL]
    worst, even = _nearer(side, stop_out, stop), on_grid(money[QUOTE] + side * money[BREAKEVEN], terms.scale)
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
                stop = _tightened(side, stop, money[QUOTE], outermost, terms.scale)
            if not np.isnan(trail):
                stop = _tightened(side, stop, favourable - side * trail, outermost, terms.scale)
            worst = _nearer(side, stop_out, stop)
        equity[k] = balance + unit_profit(side, entry, close, terms, factor_at(terms, close, _rate(rate, 1, k))) * lots
        if record:
            position[k] = side * lots
            _excursion(terms, book, i, entry, adverse, favourable, _rate(rate, 0, k))
        k += 1
    money[STOP] = stop
    return k


@inlined
def _nearer(side, one, other):
    """Return the level that an adverse move reaches first, ignoring NaN."""
    if np.isnan(one):
        return other
    if np.isnan(other):
        return one
    return max(one, other) if side > 0 else min(one, other)


@njit(nogil=True, cache=True)
def rooms(target, enter_):
    """Return how many parts, trades and skips these signals can make at the most."""
    starts, resizes, before = 0, 0, 0.0
    for t in range(len(target)):
        if target[t] != 0 and (sign(target[t]) != sign(before) or (len(enter_) and enter_[t])):
            starts += 1
        elif abs(target[t]) != abs(before):
            resizes += 1
        before = target[t]
    return 1 + resizes, 1 + starts + 2 * resizes, 1 + starts + resizes
