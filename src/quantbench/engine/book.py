"""What the kernels read and write: the terms of trading, the book of an account, and where its numbers stand."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Book.money; NOW: equity at the last close; TOP, WORST: its peak and the worst ratio to it, of a search alone
BALANCE, QUOTE, STOP, TAKE, STOP0, TAKE0, TRAIL, BREAKEVEN, HOLD, MADE, DAY_START, PEAK, OUT = range(13)
NOW, TOP, WORST = range(13, 16)
# Book.state
SIDE, HEAD, TAIL, STARTING, EPISODES, EPISODE, ENTRY_BAR, HELD, TRADES, SKIPS = range(10)
FILLS, LAST_FILL, LOSSES, LOST_DAY, STREAK, BROKEN, OUT_IS_OLD, DAY = range(10, 18)
MONEY_CELLS, STATE_CELLS = 16, 18
# Columns of Book.part
P_STEPS, P_BAR, P_PRICE, P_COMMISSION, P_SWAP, P_WORST, P_BEST = range(7)
# Columns of Desk.wanted: target, enter, then stop, take, trail, breakeven and hold
WANT_TARGET, WANT_ENTER, WANT_EXITS, WANT_CELLS = 0, 1, 2, 7
# Codes of rules.REASONS and path.SKIPS
SIGNAL, REVERSAL, TIME, RESIZE, HIT_STOP, HIT_TAKE, HIT_TRAIL, LIMIT, STOP_OUT, END = range(10)
NOTHING, NO_STOP, VOLUME, MARGIN, RUIN, FIRST_LIMIT = -1, 0, 1, 2, 3, 4
MAX_TRADES, MAX_DAILY_LOSS, MAX_LOSSES, COOLDOWN, MAX_DRAWDOWN = 9, 10, 11, 12, 13
FIXED_LOTS, PERCENT_RISK = 0, 1


class Terms(NamedTuple):
    """The numbers that do not change: contract, costs, account, sizing, limits."""

    balance: float
    scale: float
    contract: float
    leverage: float
    step: float
    min_steps: int
    max_steps: int
    conversion: int
    slippage: float
    nearest: float
    commission_per_lot: float
    commission_fraction: float
    stop_out_level: float
    sizing: int
    max_trades: int
    max_losses: int
    cooldown: int
    max_daily_loss: float
    max_drawdown: float
    flatten: bool
    guarded: bool


class Book(NamedTuple):
    """What the account holds and has done; the only thing that changes."""

    money: npt.NDArray[np.float64]
    state: npt.NDArray[np.int64]
    part: npt.NDArray[np.float64]
    trade: npt.NDArray[np.float64]  # in the order of path.TRADE
    skip: npt.NDArray[np.int64]  # bar, reason


class Fill(NamedTuple):
    """What is known where an entry or a resize would fill: the decision's bar, and the open."""

    bar: int
    time_ns: int
    blocked: int
    target: float
    size: float
    close: float  # bid, of the decision's bar
    own_close: float
    bid: float  # at the open
    ask: float
    rate_close: float
    rate_open: float
    equity: float  # at the close of the decision's bar


class Distances(NamedTuple):
    """What the decision's bar says of exits; NaN for none."""

    stop: float
    take: float
    trail: float
    breakeven: float
    hold: float
