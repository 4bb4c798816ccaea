"""One trial from signals to figures, compiled: trade, then measure. The figures are those of engine.metrics."""

from typing import NamedTuple

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.engine._kernels import Desk, room_for, run
from quantbench.engine.book import (
    BALANCE,
    DAY_START,
    END,
    HIT_TAKE,
    LAST_FILL,
    MONEY_CELLS,
    PEAK,
    STATE_CELLS,
    TOP,
    TRADES,
    WORST,
    Book,
)
from quantbench.engine.levels._kernels import OPEN
from quantbench.engine.news._kernels import fill_in, find_news

NAN = np.nan
NEVER = -(2**62)
# Columns of Book.trade
SIDE_OF, LOTS, ENTRY_BAR, EXIT_BAR, ENTRY_PRICE, EXIT_PRICE = range(1, 7)
REASON, COMMISSION, SWAP, PROFIT = range(9, 13)


class Lot(NamedTuple):
    """What some strategies decided, one after the other: the news of trial i stand at ``begin[i] : end[i]``."""

    turns: np.ndarray  # bars of news; at each `end`, the number of bars
    wanted: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    row: np.ndarray  # where the figures of each go


class Held(NamedTuple):
    """What some strategies want, one byte a bar and one distance an exit; the news among it is still to be found."""

    target: np.ndarray  # (trials, bars), int8
    exits: np.ndarray  # (trials, exits): NaN for none
    warm: np.ndarray  # bars that may hold anything
    first: np.ndarray  # bars before it count as target 0
    row: np.ndarray  # where the figures of each go


@compiles()
def trade_each(desk, lot, periods, values, daily):
    """Trade and measure every trial of a lot; its figures and days go to its row."""
    at_ends, returns = np.empty(len(desk.ends)), np.empty(len(desk.ends))
    room, book = 0, _empty_book(0)
    for i in range(len(lot.row)):
        begin, end, row = lot.begin[i], lot.end[i], lot.row[i]
        if end - begin > room:
            room = 2 * (end - begin)
            book = _empty_book(room)
        its = _with_news(desk, lot.turns[begin : end + 1], lot.wanted[begin:end])
        trade_and_measure(its, book, at_ends, periods, returns, values[row])
        _round_to(returns, daily[row])


@compiles()
def trade_held(desk, held, turns, wanted, periods, values, daily):
    """Trade and measure every trial held, as `trade_each`; note in `row` with -1 - row those with faulty signals."""
    at_ends, returns, no_flags = np.empty(len(desk.ends)), np.empty(len(desk.ends)), np.empty(0, np.bool_)
    room, book = 0, _empty_book(0)
    for i in range(len(held.row)):
        row, target, cells = held.row[i], held.target[i], held.exits[i]
        news = find_news(target, no_flags, held.first[i], turns)
        its = _with_news(desk, turns[: news + 1], wanted[:news])
        exits = (cells[0:1], cells[1:2], cells[2:3], cells[3:4], cells[4:5])
        if not fill_in(target, no_flags, exits, held.warm[i], held.first[i], its.turns, its.wanted):
            held.row[i] = -1 - row
            continue
        if news > room:
            room = 2 * news
            book = _empty_book(room)
        trade_and_measure(its, book, at_ends, periods, returns, values[row])
        _round_to(returns, daily[row])


@compiles(inline="always")
def _with_news(desk, turns, wanted):
    return Desk(
        desk.terms, desk.quotes, turns, wanted, desk.size, desk.swap, desk.rate, desk.blocked, desk.day,
        desk.time_ns, desk.fine, desk.fine_range, desk.ends, desk.blocks,
    )  # fmt: skip


@compiles(inline="always")
def _round_to(returns, daily):
    for day in range(len(returns)):
        daily[day] = returns[day]


@compiles()
def _empty_book(news):
    parts, trades, skips = room_for(news)
    return Book(
        np.empty(MONEY_CELLS),
        np.empty(STATE_CELLS, np.int64),
        np.empty((parts, 7)),
        np.empty((trades, 16)),
        np.empty((skips, 2), np.int64),
    )


@compiles()
def open_account(desk, book):
    """Set the book back to an account that has done nothing."""
    book.money[:] = NAN
    book.money[BALANCE] = book.money[DAY_START] = book.money[PEAK] = book.money[TOP] = desk.terms.balance
    book.money[WORST] = 1.0
    book.state[:] = 0
    book.state[LAST_FILL] = NEVER


@compiles()
def trade_and_measure(desk, book, at_ends, periods, daily, figures):
    """Trade the signals on the desk; write the equity and the return of each day, and figures (as trials.METRICS)."""
    balance = desk.terms.balance
    open_account(desk, book)
    run(desk, book, at_ends, np.empty((2, 0)), False)
    _days(at_ends, balance, daily)
    _of_trades(book.trade[: book.state[TRADES], PROFIT], figures)
    figures[11] = _average_over_cost(desk, book.trade[: book.state[TRADES]])
    total = at_ends[-1] / balance - 1.0
    worst = book.money[WORST] - 1.0
    growth = _growth(total, len(daily) / periods)
    figures[1], figures[2] = total, growth
    _of_days(daily, periods, figures)
    figures[6] = _ratio(growth, -worst)
    figures[7] = worst


@compiles()
def _ratio(above, below):
    return above / below if below != 0 and np.isfinite(above / below) else NAN


@compiles()
def _growth(total, years):
    if years <= 0:
        return NAN
    return np.expm1(np.log1p(total) / years) if total > -1.0 else -1.0


@compiles()
def _days(at_ends, balance, daily):
    before = balance
    for d in range(len(at_ends)):
        now = at_ends[d]
        daily[d] = now / before - 1.0 if before > 0 else 0.0
        before = now


@compiles()
def _of_days(daily, periods, figures):
    n, mean, square, below = len(daily), 0.0, 0.0, 0.0
    for r in daily:
        mean += r
        below += min(r, 0.0) ** 2
    mean /= max(n, 1)
    varies = False
    for r in daily:
        square += (r - mean) ** 2
        varies = varies or r != daily[0]
    year = np.sqrt(periods)
    deviation = NAN if n < 2 else np.sqrt(square / (n - 1)) if varies else 0.0
    figures[3] = deviation * year
    figures[4] = _ratio(mean, deviation) * year if n > 1 else NAN
    figures[5] = _ratio(mean, np.sqrt(below / n)) * year if n else NAN


@compiles()
def _of_trades(profit, figures):
    n, won, lost, wins = len(profit), 0.0, 0.0, 0
    for p in profit:
        if p > 0:
            won += p
            wins += 1
        elif p < 0:
            lost -= p
    figures[0] = n
    figures[8] = _ratio(won, lost)
    figures[9] = wins / n if n else NAN
    figures[10] = (won - lost) / n if n else NAN


@compiles()
def _average_over_cost(desk, trade):
    """Return the average trade before costs over what it cost; the costs are those of metrics.trade_costs."""
    terms, cost, net, rate = desk.terms, 0.0, 0.0, 0.0
    slippage = np.rint(terms.slippage * terms.scale) / terms.scale  # what a fill loses stands on the grid of prices
    for i in range(len(trade) - 1, -1, -1):  # the first trade that moved says the rate of those before it
        rate = _rate(terms, trade[i], rate)
    for row in trade:
        rate = _rate(terms, row, rate)
        crossed = int(row[ENTRY_BAR] if row[SIDE_OF] > 0 else row[EXIT_BAR])
        slips = 1.0 if row[REASON] == HIT_TAKE or row[REASON] == END else 2.0
        lost = desk.quotes[4 + OPEN, crossed] - desk.quotes[OPEN, crossed] + slips * slippage
        cost += lost * row[LOTS] * terms.contract * rate - row[COMMISSION] - row[SWAP]
        net += row[PROFIT]
    return _ratio(net + cost, cost) if cost > 0 else NAN


@compiles()
def _rate(terms, row, before):
    """Return the account currency a unit of quote currency was worth when the trade closed, as metrics.conversion."""
    if terms.conversion == 0:
        return 1.0
    if terms.conversion == 1:
        return 1.0 / row[EXIT_PRICE]
    quoted = (row[EXIT_PRICE] - row[ENTRY_PRICE]) * row[SIDE_OF] * row[LOTS] * terms.contract
    return (row[PROFIT] - row[COMMISSION] - row[SWAP]) / quoted if quoted != 0 else before
