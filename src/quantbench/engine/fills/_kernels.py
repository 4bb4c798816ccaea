"""What opening, resizing and closing does to the book: EXECUTION 2, 3.3, 4 and 7, compiled.

The same rules, in the same order and arithmetic, as core.rules and core.guards. Functions take the
numbers of one bar, never whole columns.
"""

from typing import Final

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.engine.book import (
    BALANCE,
    BREAKEVEN,
    BROKEN,
    COOLDOWN,
    DAY_START,
    ENTRY_BAR,
    EPISODE,
    EPISODES,
    FILLS,
    FIRST_LIMIT,
    FIXED_LOTS,
    HEAD,
    HELD,
    HOLD,
    LAST_FILL,
    LOSSES,
    LOST_DAY,
    MADE,
    MARGIN,
    MAX_DAILY_LOSS,
    MAX_DRAWDOWN,
    MAX_LOSSES,
    MAX_TRADES,
    NO_STOP,
    NOTHING,
    OUT_IS_OLD,
    P_BAR,
    P_BEST,
    P_COMMISSION,
    P_PRICE,
    P_STEPS,
    P_SWAP,
    P_WORST,
    PEAK,
    PERCENT_RISK,
    QUOTE,
    RESIZE,
    RUIN,
    SIDE,
    STOP,
    STOP0,
    STREAK,
    TAIL,
    TAKE,
    TAKE0,
    TRADES,
    TRAIL,
    VOLUME,
)

NAN: Final = np.nan

# Nothing here allocates, so compiled functions carry no reference counts: thirty times faster calls.
compiled = compiles(_nrt=False)
inlined = compiles(_nrt=False, inline="always")
# The compiler puts these into their callers: to hand over terms and book, sixty words, takes as long as what they do.
merged = compiles(_nrt=False, forceinline=True)


@inlined
def on_grid(price, scale):
    return np.rint(price * scale) / scale


@inlined
def fill_price(price, scale):
    return max(on_grid(price, scale), 1.0 / scale)


@inlined
def lots_of(steps, terms):
    return np.rint(steps * terms.step * 1e8) / 1e8


@inlined
def factor_at(terms, price, rate):
    return 1.0 if terms.conversion == 0 else (1.0 / price if terms.conversion == 1 else rate)


@inlined
def sign(value):
    return int(value > 0) - int(value < 0)


@inlined
def unit_profit(side, entry, price, terms, factor):
    return (price - entry) * side * terms.contract * factor


@inlined
def _commission(terms, lots, price, factor):
    notional = lots * terms.contract * price * factor
    return terms.commission_per_lot * lots + terms.commission_fraction * notional


@merged
def close_steps(terms, book, k, reason, price, slips, steps, ambiguous, rate):
    """[4] Close the oldest steps and write one trade a part."""
    money, state = book.money, book.state
    side = state[SIDE]
    price = fill_price(price - side * (terms.slippage if slips else 0.0), terms.scale)
    factor = factor_at(terms, price, rate)
    while steps > 0:
        i, row = state[HEAD], state[TRADES]
        has = book.part[i, P_STEPS]
        closing = min(steps, has)
        share, lots = closing / has, lots_of(closing, terms)
        gross = unit_profit(side, book.part[i, P_PRICE], price, terms, factor) * lots
        paid = _commission(terms, lots, price, factor)
        charged, swap = book.part[i, P_COMMISSION] * share, book.part[i, P_SWAP] * share
        profit = gross - paid - charged + swap
        money[BALANCE] += gross - paid
        money[MADE] += profit
        _write(book, row, i, k, reason, lots, price, ambiguous)
        book.trade[row, 10], book.trade[row, 11], book.trade[row, 12] = 0.0 - (paid + charged), swap, profit
        book.trade[row, 13] = min(book.part[i, P_WORST] * lots, gross, 0.0)
        book.trade[row, 14] = max(book.part[i, P_BEST] * lots, gross, 0.0)
        book.part[i, P_COMMISSION] -= charged
        book.part[i, P_SWAP] -= swap
        book.part[i, P_STEPS] -= closing
        steps -= closing
        state[HELD] -= int(closing)
        state[TRADES] += 1
        state[HEAD] += book.part[i, P_STEPS] == 0
    state[OUT_IS_OLD] = 1
    if state[HELD] == 0:
        state[LOSSES] = state[LOSSES] + 1 if money[MADE] < 0 else 0
        if terms.max_losses and state[LOSSES] >= terms.max_losses:
            state[STREAK] = 1


@inlined
def _write(book, row, i, k, reason, lots, price, ambiguous):
    trade, state, money = book.trade, book.state, book.money
    trade[row, 0], trade[row, 1], trade[row, 2] = state[EPISODE], state[SIDE], lots
    trade[row, 3], trade[row, 4] = book.part[i, P_BAR], k
    trade[row, 5], trade[row, 6] = book.part[i, P_PRICE], price
    trade[row, 7], trade[row, 8], trade[row, 9] = money[STOP0], money[TAKE0], reason
    trade[row, 15] = ambiguous


@inlined
def day_is_lost(terms, book, equity):
    most, start = terms.max_daily_loss, book.money[DAY_START]
    return start - equity >= (most * start if most < 1 else most)


@inlined
def is_broken(terms, book, equity):
    return equity <= book.money[PEAK] * (1.0 - terms.max_drawdown)


@inlined
def _blocked(terms, book, fill):
    """[7] Return the code of the stateful rule that forbids a fill, NOTHING for none."""
    state, now = book.state, book.money[BALANCE]
    own = fill.bid if state[SIDE] > 0 else fill.ask
    factor = factor_at(terms, own, fill.rate_open)
    for i in range(state[HEAD], state[TAIL]):
        now += unit_profit(state[SIDE], book.part[i, P_PRICE], own, terms, factor) * lots_of(
            book.part[i, P_STEPS], terms
        )
    if terms.max_trades and state[FILLS] >= terms.max_trades:
        return MAX_TRADES
    if state[LOST_DAY] or day_is_lost(terms, book, now):
        return MAX_DAILY_LOSS
    if state[STREAK]:
        return MAX_LOSSES
    if terms.cooldown >= 0 and fill.time_ns - state[LAST_FILL] < terms.cooldown:
        return COOLDOWN
    return MAX_DRAWDOWN if state[BROKEN] or is_broken(terms, book, now) else NOTHING


@merged
def _open_part(terms, book, fill, steps, free):
    """[3.3] Fill at the open; return the code of what forbids it, NOTHING when it is open."""
    state, side = book.state, book.state[SIDE]
    if fill.blocked:
        return FIRST_LIMIT + fill.blocked - 1
    if terms.guarded:
        reason = _blocked(terms, book, fill)
        if reason >= 0:
            return reason
    quote, lots = fill.ask if side > 0 else fill.bid, lots_of(steps, terms)
    price = fill_price(quote + side * terms.slippage, terms.scale)
    factor = factor_at(terms, price, fill.rate_open)
    if lots * terms.contract * price / terms.leverage * factor > free:
        return MARGIN
    commission = _commission(terms, lots, price, factor)
    book.money[BALANCE] -= commission
    if state[HELD] == 0:
        state[HEAD] = state[TAIL] = 0
    i = state[TAIL]
    book.part[i, P_STEPS], book.part[i, P_BAR], book.part[i, P_PRICE] = steps, fill.bar, price
    book.part[i, P_COMMISSION] = commission
    book.part[i, P_SWAP] = book.part[i, P_WORST] = book.part[i, P_BEST] = 0.0
    state[TAIL] += 1
    state[HELD] += steps
    state[FILLS] += 1
    state[OUT_IS_OLD] = 1
    state[LAST_FILL] = fill.time_ns
    return NOTHING


@inlined
def _wanted(terms, fill, distances):
    """[2] Whole steps the decision's bar asks for; -1 where a needed stop is missing."""
    distance = distances.trail if np.isnan(distances.stop) else distances.stop
    if terms.sizing == PERCENT_RISK and np.isnan(distance):
        return -1
    lots = fill.size
    if terms.sizing != FIXED_LOTS:
        price = distance if terms.sizing == PERCENT_RISK else fill.close
        lots = fill.equity * fill.size / (price * terms.contract * factor_at(terms, fill.close, fill.rate_close))
    lots = abs(fill.target) * lots
    if not lots > 0:
        return 0
    steps = min(int(np.floor(min(lots / terms.step, 1e15) + 1e-9)), terms.max_steps)
    return steps if steps >= terms.min_steps else 0


@inlined
def enter(terms, book, fill, distances):
    """[3.3] Open the episode's position; return the code of why not, NOTHING when open."""
    money, state = book.money, book.state
    if money[BALANCE] <= 0:
        return RUIN
    steps = _wanted(terms, fill, distances)
    if steps <= 0:
        return NO_STOP if steps < 0 else VOLUME
    side = sign(fill.target)
    state[SIDE] = side
    reason = _open_part(terms, book, fill, steps, fill.equity)
    if reason >= 0:
        return reason
    money[TRAIL], money[BREAKEVEN], money[HOLD] = distances.trail, distances.breakeven, distances.hold
    distance, m = distances.trail if np.isnan(distances.stop) else distances.stop, terms.nearest
    quote, away = (fill.ask, fill.bid) if side > 0 else (fill.bid, fill.ask)
    stop, take = quote - side * distance, quote + side * distances.take
    if not np.isnan(stop):
        stop = min(stop, away - m) if side > 0 else max(stop, away + m)
    if not np.isnan(take):
        take = max(take, away + m) if side > 0 else min(take, away - m)
    money[STOP] = money[STOP0] = on_grid(stop, terms.scale)
    money[TAKE] = money[TAKE0] = on_grid(take, terms.scale)
    money[QUOTE], money[MADE] = quote, 0.0
    state[ENTRY_BAR], state[EPISODE] = fill.bar, state[EPISODES] - 1
    return NOTHING


@inlined
def resize(terms, book, fill, distances):
    """[2] Add a part or close the oldest lots; return the code of what was skipped, NOTHING for none."""
    side, held = book.state[SIDE], book.state[HELD]
    steps = _wanted(terms, fill, distances)
    if steps < 0:
        return NO_STOP
    if steps < held:
        quote = fill.bid if side > 0 else fill.ask
        close_steps(terms, book, fill.bar, RESIZE, quote, True, held - steps, False, fill.rate_open)
        return NOTHING if steps else VOLUME
    if steps == held:
        return NOTHING
    if steps - held < terms.min_steps:
        return VOLUME
    own = fill.own_close
    bound = lots_of(held, terms) * terms.contract * own / terms.leverage * factor_at(terms, own, fill.rate_close)
    return _open_part(terms, book, fill, steps - held, fill.equity - bound)
