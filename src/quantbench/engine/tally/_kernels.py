"""The account as a search needs it: what each day ends with and the worst drawdown, without marking every bar.

Bars come in blocks with their extremes known. A block that makes neither a new peak nor a new worst drawdown is
passed at once, by all its bars where only some are held: what is left is what bar by bar would leave, to the bit.
"""

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.engine.book import BALANCE, DAY, HEAD, P_PRICE, P_STEPS, TOP, WORST
from quantbench.engine.fills._kernels import factor_at, inlined, lots_of, merged, unit_profit
from quantbench.engine.levels._kernels import ADVERSE, CLOSE, FAVOURABLE, rate_at

BLOCK = 16  # bars
SLACK = 1.0 + 1e-15
SIDES = 2  # rows of Desk.blocks: the first four for longs, then for shorts
ROWS = 4
OUTERMOST, INNERMOST = 2, 3  # after ADVERSE and FAVOURABLE less one: the worst and the best close of the block


@compiles()
def blocks_of(quotes, swap):
    """Return the extremes of each block of bars as each side sees them: adverse, favourable, worst and best close.

    A block that holds a rollover has no end to its adverse extreme: it is looked at bar by bar.
    """
    bars = quotes.shape[1]
    blocks = np.empty((SIDES * ROWS, -(-bars // BLOCK)))
    for row in range(SIDES):
        side, rows, found = 1 - 2 * row, quotes[ROWS * row : ROWS * row + ROWS], blocks[ROWS * row : ROWS * row + ROWS]
        for b in range(found.shape[1]):
            adverse = worst = np.inf
            favourable = best = -np.inf
            for k in range(b * BLOCK, min((b + 1) * BLOCK, bars)):
                adverse, favourable = min(adverse, side * rows[ADVERSE, k]), max(favourable, side * rows[FAVOURABLE, k])
                worst, best = min(worst, side * rows[CLOSE, k]), max(best, side * rows[CLOSE, k])
                if swap.shape[1] and swap[row, k] != 0:
                    adverse = -np.inf
            found[0, b], found[1, b], found[OUTERMOST, b], found[INNERMOST, b] = (
                side * adverse,
                side * favourable,
                side * worst,
                side * best,
            )
    return blocks


@inlined
def _tally(book, equity):
    """Take the equity of one bar into the peak and the worst drawdown."""
    money = book.money
    money[TOP] = max(money[TOP], equity)
    if equity < money[WORST] * SLACK * money[TOP]:  # divided only where it may be a new worst; rounding can hide none
        money[WORST] = min(money[WORST], equity / money[TOP])


@inlined
def tally_bar(book, ends, k, equity, days):
    """Take in bar k; note its equity if it ends a trading day."""
    _tally(book, equity)
    if ends[book.state[DAY]] == k:
        days[book.state[DAY]] = equity
        book.state[DAY] += 1


@merged
def tally_flat(book, ends, end, days):
    """Take in the bars before `end` on which nothing is held."""
    balance, day = book.money[BALANCE], book.state[DAY]
    while ends[day] < end:
        days[day] = balance
        day += 1
    book.state[DAY] = day
    _tally(book, balance)


@merged
def tally_held(desk, book, rows, blocks, side, k, end, days):
    """Take in bars on which one part is held; return the equity of the last of them."""
    i, terms, balance, closes = book.state[HEAD], desk.terms, book.money[BALANCE], rows[CLOSE]
    entry, lots, day = book.part[i, P_PRICE], lots_of(book.part[i, P_STEPS], terms), book.state[DAY]
    while desk.ends[day] < end:
        t = desk.ends[day]
        days[day] = _worth(desk, balance, side, entry, lots, closes[t], t)
        day += 1
    book.state[DAY] = day
    while k < end:
        b = k // BLOCK
        after = min((b + 1) * BLOCK, end)
        if terms.conversion == 0:
            # Equity rises with the price, rounding included: the best and the worst close tell all.
            best = balance + unit_profit(side, entry, blocks[INNERMOST, b], terms, 1.0) * lots
            worst = balance + unit_profit(side, entry, blocks[OUTERMOST, b], terms, 1.0) * lots
            if best <= book.money[TOP] and not worst < book.money[WORST] * SLACK * book.money[TOP]:
                k = after
                continue
        while k < after:
            _tally(book, _worth(desk, balance, side, entry, lots, closes[k], k))
            k += 1
    return _worth(desk, balance, side, entry, lots, closes[end - 1], end - 1)


@inlined
def _worth(desk, balance, side, entry, lots, close, t):
    """Return the equity at the close of bar t."""
    terms = desk.terms
    factor = 1.0 if terms.conversion == 0 else factor_at(terms, close, rate_at(desk.rate, 1, t))
    return balance + unit_profit(side, entry, close, terms, factor) * lots
