"""One trial from signals to figures, compiled: trade, then measure. The figures are those of engine.metrics."""

import numpy as np
from numba import njit

from quantbench.engine._kernels import run
from quantbench.engine.fills._kernels import BALANCE, DAY_START, LAST_FILL, PEAK, TRADES

NAN = np.nan
NEVER = -(2**62)
SLACK = 1.0 + 1e-15
PROFIT = 12  # column of Book.trade


@njit(nogil=True, cache=True)
def take_in(target, enter_, warm, first, into):
    """Copy a target with its bars before `first` flat; return (bad bar or -1, parts, trades, skips) it can make."""
    changes, before, bad = 0, 0.0, -1
    for t in range(len(target)):
        if t >= warm and not abs(target[t]) <= 1.0 and bad < 0:  # NaN fails too
            bad = t
        now = target[t] if t >= first else 0.0
        changes += now != before
        into[t] = before = now
    for t in range(first, len(enter_)):
        changes += enter_[t]
    return bad, 1 + changes, 1 + 2 * changes, 1 + changes


@njit(nogil=True, cache=True)
def trade_and_measure(desk, book, equity, ends, periods, daily, figures):
    """Trade the signals on the desk; write daily returns and figures (in the order of trials.METRICS)."""
    balance = desk.terms.balance
    book.money[:] = NAN
    book.money[BALANCE] = book.money[DAY_START] = book.money[PEAK] = balance
    book.state[:] = 0
    book.state[LAST_FILL] = NEVER
    run(desk, book, equity, np.empty((2, 0)), False)
    _days(equity, ends, balance, daily)
    _of_trades(book.trade[: book.state[TRADES], PROFIT], figures)
    total = equity[-1] / balance - 1.0
    worst = _max_drawdown(equity, balance)
    growth = _growth(total, len(daily) / periods)
    figures[1], figures[2] = total, growth
    _of_days(daily, periods, figures)
    figures[6] = _ratio(growth, -worst)
    figures[7] = worst


@njit(nogil=True, cache=True)
def _ratio(above, below):
    return above / below if below != 0 and np.isfinite(above / below) else NAN


@njit(nogil=True, cache=True)
def _growth(total, years):
    if years <= 0:
        return NAN
    return (1.0 + total) ** (1.0 / years) - 1.0 if total > -1.0 else -1.0


@njit(nogil=True, cache=True)
def _days(equity, ends, balance, daily):
    before = balance
    for d in range(len(ends)):
        now = equity[ends[d]]
        daily[d] = now / before - 1.0 if before > 0 else 0.0
        before = now


@njit(nogil=True, cache=True)
def _max_drawdown(equity, balance):
    # Divided out only where it may be a new worst; the slack keeps what rounding could hide.
    peak, worst, near = balance, 1.0, SLACK
    for k in range(len(equity)):
        now = equity[k]
        if now > peak:
            peak = now
        elif now < near * peak:
            worst = min(worst, now / peak)
            near = worst * SLACK
    return worst - 1.0


@njit(nogil=True, cache=True)
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


@njit(nogil=True, cache=True)
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
