"""The compiled engine: the reference's rules over arrays, with quiet stretches run through at once.

The `quiet` kernels mark the bars on which nothing can happen; every other bar goes through `_bar`, the same
steps in the same order and arithmetic as reference.py. Numbers in brackets are its sections.
"""

from typing import NamedTuple

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.engine.book import (
    BALANCE,
    BROKEN,
    DAY_START,
    END,
    ENTRY_BAR,
    EPISODES,
    FILLS,
    HEAD,
    HELD,
    HOLD,
    LIMIT,
    LOSSES,
    LOST_DAY,
    NOW,
    OUT_IS_OLD,
    P_PRICE,
    P_STEPS,
    P_SWAP,
    PEAK,
    REVERSAL,
    SIDE,
    SIGNAL,
    SKIPS,
    STARTING,
    STREAK,
    TAIL,
    TIME,
    WANT_ENTER,
    WANT_EXITS,
    WANT_TARGET,
    Distances,
    Fill,
    Terms,
)
from quantbench.engine.fills._kernels import (
    close_steps,
    compiled,
    day_is_lost,
    enter,
    factor_at,
    inlined,
    is_broken,
    lots_of,
    resize,
    sign,
    unit_profit,
)
from quantbench.engine.levels._kernels import (
    ADVERSE,
    CLOSE,
    FAVOURABLE,
    OPEN,
    excursion,
    follow,
    rate_at,
    reached_at_open,
    reached_inside,
    stop_out_price,
)
from quantbench.engine.quiet._kernels import mark_flat, quiet_held
from quantbench.engine.tally._kernels import tally_bar, tally_flat


class Desk(NamedTuple):
    """All that is read. `swap, rate, blocked, fine` have no columns where not used."""

    terms: Terms
    quotes: np.ndarray  # (8, bars)
    turns: np.ndarray  # bars whose decision is news (`news`), then the number of bars
    wanted: np.ndarray  # (news, WANT_CELLS): what is decided on each
    size: np.ndarray
    swap: np.ndarray  # (2, bars): long, short; quote currency per lot
    rate: np.ndarray  # (2, bars): at the open, at the close
    blocked: np.ndarray
    day: np.ndarray
    time_ns: np.ndarray
    fine: np.ndarray  # (8, finer bars)
    fine_range: np.ndarray  # (2, bars)
    ends: np.ndarray  # last bar of each trading day; empty where every bar is marked
    blocks: np.ndarray  # tally.blocks_of the quotes


@compiled
def run(desk, book, equity, money, record):
    """Trade the signals bar by bar; fills `book` and `equity`.

    With `record`, `equity` has a cell a bar and `money` takes lots held and balance; else `equity` has one a day.
    """
    n, state, turns = desk.quotes.shape[1], book.state, desk.turns
    k, j = 0, 0  # turns[j]: the next news, bar k's or later
    while k < n:
        while turns[j] < k:
            j += 1
        _bar(desk, book, k, n, j, equity, money, record)
        k += 1
        # Nothing is to be done at the open of bar k, and nothing in it if no level is reached: run on.
        while k > 1 and k < n - 1 and not desk.terms.guarded and state[STARTING] == 0:
            began = k
            while turns[j] < k:
                j += 1
            if state[HELD] == 0:
                while turns[j] < n and desk.wanted[j, WANT_TARGET] == 0:
                    j += 1
                k = min(turns[j] + 1, n - 1)
                if record:
                    mark_flat(equity, book.money[BALANCE], began, k, money)
                elif k > began:
                    tally_flat(book, desk.ends, k, equity)
                book.money[NOW] = book.money[BALANCE]
            elif state[TAIL] - state[HEAD] == 1 and turns[j - 1] != k - 1:
                k = quiet_held(desk, book, k, min(turns[j] + 1, n - 1), equity, money, record)
            if k == began:
                break
            if turns[j] == k - 1:
                _decide(desk, book, j)


@inlined
def _bar(desk, book, k, n, j, equity, money, record):
    state, terms, first = book.state, desk.terms, 0
    if k > 0:
        rate = rate_at(desk.rate, 0, k)
        if terms.guarded and desk.day[k] != desk.day[k - 1]:
            _new_day(book)
        if state[HELD]:
            _roll_over(desk, book, k, rate)
        # Three moments at which a bar can close the position: its open, the decision, inside.
        for moment in range(3):
            if moment == 2 and state[HELD] == 0:
                break
            reason, price, slips, ambiguous = _leaves(desk, book, k, j - 1, rate, moment)
            if reason >= 0:
                close_steps(terms, book, k, reason, price, slips, state[HELD], ambiguous, rate)
            if moment == 1:
                _open(desk, book, k, j - 1, rate)
        if state[HELD]:
            first = 0 if state[SIDE] > 0 else 4
            follow(terms, book, desk.quotes[first + FAVOURABLE, k], desk.quotes[first + CLOSE, k])
    first, rate = 0 if state[SIDE] > 0 else 4, rate_at(desk.rate, 1, k)
    if k == n - 1 and state[HELD]:
        close_steps(terms, book, k, END, desk.quotes[first + CLOSE, k], False, state[HELD], False, rate)
    now = book.money[NOW] = _mark(desk, book, k, first, rate, record)
    if record:
        equity[k], money[0, k], money[1, k] = now, state[SIDE] * lots_of(state[HELD], terms), book.money[BALANCE]
    else:
        tally_bar(book, desk.ends, k, now, equity)
    if terms.guarded:
        _remember(terms, book, now)
    state[STARTING] = 0
    if desk.turns[j] == k:
        _decide(desk, book, j)


@inlined
def _target(desk, j):
    """Return the target decided on news j, 0 before the first."""
    return desk.wanted[j, WANT_TARGET] if j >= 0 else 0.0


@inlined
def _decide(desk, book, j):
    """[2] At the close of the bar of news j, see whether an episode starts."""
    target = desk.wanted[j, WANT_TARGET]
    again = desk.wanted[j, WANT_ENTER] != 0 and book.state[HELD] == 0
    starts = target != 0 and (sign(target) != sign(_target(desk, j - 1)) or again)
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
        book.state[OUT_IS_OLD] = 1


@inlined
def _leaves(desk, book, k, news, rate, moment):
    """Return (reason, price, slips, ambiguous) of what closes the position at a moment; reason -1 for none."""
    state, side = book.state, book.state[SIDE]
    first = 0 if side > 0 else 4
    quote = desk.quotes[first + OPEN, k]
    if state[HELD] == 0:
        return -1, quote, True, False
    if moment == 1:
        reason, target = -1, _target(desk, news)
        if desk.terms.flatten and state[BROKEN]:
            reason = LIMIT
        elif sign(target) != side:
            reason = REVERSAL if target != 0 else SIGNAL
        elif k - state[ENTRY_BAR] >= book.money[HOLD]:
            reason = TIME
        return reason, quote, True, False
    stop_out = stop_out_price(desk.terms, book, rate)
    if moment == 0:
        return reached_at_open(book, side, quote, stop_out)
    reached = reached_inside(
        book, side, quote, desk.quotes[first + ADVERSE, k], desk.quotes[first + FAVOURABLE, k], stop_out
    )
    if reached[3] and desk.fine_range.shape[1]:
        for j in range(desk.fine_range[0, k], desk.fine_range[1, k]):  # [3.4] steps 2 and 4 over the finer bars
            finer = (-1, quote, True, False)
            if j > desk.fine_range[0, k] or state[ENTRY_BAR] != k:
                finer = reached_at_open(book, side, desk.fine[first + OPEN, j], stop_out)
            if finer[0] < 0:
                adverse, favourable = desk.fine[first + ADVERSE, j], desk.fine[first + FAVOURABLE, j]
                finer = reached_inside(book, side, desk.fine[first + OPEN, j], adverse, favourable, stop_out)
            if finer[0] >= 0:
                return finer
    return reached


@inlined
def _open(desk, book, k, news, rate):
    """[3.3] The entry of an episode that started on the bar before, else a resize."""
    t, state = k - 1, book.state
    target, is_news = _target(desk, news), news >= 0 and desk.turns[news] == t
    resizes = state[HELD] > 0 and is_news and abs(target) != abs(_target(desk, news - 1))
    if state[STARTING] == 0 and not resizes:
        return
    cells = desk.wanted[news, WANT_EXITS:]
    distances = Distances(cells[0], cells[1], cells[2], cells[3], cells[4])
    fill = Fill(
        k,
        desk.time_ns[k],
        desk.blocked[k] if len(desk.blocked) else 0,
        target,
        desk.size[t],
        desk.quotes[CLOSE, t],
        desk.quotes[CLOSE if state[SIDE] > 0 else 4 + CLOSE, t],
        desk.quotes[OPEN, k],
        desk.quotes[4 + OPEN, k],
        rate_at(desk.rate, 1, t),
        rate,
        book.money[NOW],
    )
    reason = enter(desk.terms, book, fill, distances) if state[STARTING] else resize(desk.terms, book, fill, distances)
    if reason >= 0:
        book.skip[state[SKIPS], 0], book.skip[state[SKIPS], 1] = k, reason
        state[SKIPS] += 1


@inlined
def _mark(desk, book, k, first, rate, record):
    """[3.6] Equity at the close; with `record` the excursions of what is open too."""
    state, terms, equity = book.state, desk.terms, book.money[BALANCE]
    close = desk.quotes[first + CLOSE, k]
    for i in range(state[HEAD], state[TAIL]):
        entry = book.part[i, P_PRICE]
        if record:
            adverse, favourable = desk.quotes[first + ADVERSE, k], desk.quotes[first + FAVOURABLE, k]
            excursion(terms, book, i, entry, adverse, favourable, rate_at(desk.rate, 0, k))
        unit = unit_profit(state[SIDE], entry, close, terms, factor_at(terms, close, rate))
        equity += unit * lots_of(book.part[i, P_STEPS], terms)
    return equity


@inlined
def _new_day(book):
    """[7] The daily counters begin anew, from the equity at the last close."""
    if book.state[STREAK]:
        book.state[LOSSES] = 0
    book.money[DAY_START] = book.money[NOW]
    book.state[FILLS] = book.state[LOST_DAY] = book.state[STREAK] = 0


@inlined
def _remember(terms, book, equity):
    """[7] What the close of a bar latches."""
    book.money[PEAK] = max(book.money[PEAK], equity)
    if day_is_lost(terms, book, equity):
        book.state[LOST_DAY] = 1
    if is_broken(terms, book, equity):
        book.state[BROKEN] = 1


@compiles()
def room_for(news):
    """Return how many parts, trades and skips so many bars of news can make at the most."""
    parts = 1 + news
    return parts, parts + news, parts
