"""The compiled engine's door: from a Setting to plain arrays and back to a Path."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from quantbench.core.account import FixedLots, PercentRisk
from quantbench.core.guards import nanoseconds, off_is_nan
from quantbench.core.path import TRADE, Path
from quantbench.core.signals import Signals
from quantbench.engine import _kernels
from quantbench.engine._kernels import Desk
from quantbench.engine.book import (
    BALANCE,
    DAY_START,
    LAST_FILL,
    MONEY_CELLS,
    PEAK,
    SKIPS,
    STATE_CELLS,
    TRADES,
    WANT_CELLS,
    Book,
    Terms,
)
from quantbench.engine.memory import keep_freed_memory
from quantbench.engine.news._kernels import fill_in, find_news
from quantbench.engine.setting import Setting, Venue
from quantbench.engine.tally._kernels import blocks_of

__all__ = ["book_for", "desk_of", "hold", "in_blocks", "read", "run", "with_signals"]

FloatArray = npt.NDArray[np.float64]
_NO_FLAGS = np.zeros(0, np.bool_)
_NO_NUMBERS = np.zeros(0)
_NO_ROWS = np.zeros(0, np.int64)
_NEVER = -(2**62)
_BYTE = np.dtype(np.int8)


def run(setting: Setting) -> Path:
    """Trade the signals in the compiled kernel and return the account's path."""
    keep_freed_memory()
    desk = with_signals(desk_of(setting.venue), setting.signals)
    book, bars = book_for(desk), len(setting.signals.target)
    equity, money = np.empty(bars), np.empty((2, bars))
    _kernels.run(desk, book, equity, money, True)  # noqa: FBT003  (a kernel takes its arguments by position)
    rows = book.trade[: int(book.state[TRADES])]
    trades = np.zeros(len(rows), TRADE)
    for i, name in enumerate(TRADE.names or ()):
        trades[name] = rows[:, i]
    return Path(equity, money[0], trades, book.skip[: int(book.state[SKIPS])].copy(), money[1])


def desk_of(venue: Venue) -> Desk:
    """Return everything the kernel reads but the signals."""
    market, fine = venue.market, venue.fine
    guarded = _is_guarded(venue)
    return Desk(
        _terms(venue),
        market.quotes,
        _NO_ROWS,
        np.zeros((0, WANT_CELLS)),
        _plain(venue.size),
        np.stack((market.swap_long, market.swap_short)),
        np.stack((market.rate_open, market.rate_close)),
        venue.blocked.astype(np.int64) if venue.blocked.any() else _NO_ROWS,
        venue.day if guarded else _NO_ROWS,
        _plain(venue.time_ns),
        fine.market.quotes if fine.market is not None else np.zeros((8, 0)),
        np.stack((fine.first, fine.last)),
        _NO_ROWS,
        np.zeros((8, 0)),
    )


def in_blocks(desk: Desk, ends: npt.NDArray[np.int64]) -> Desk:
    """Return the desk of a search, which knows the last bar of each day and the extremes of each block of bars."""
    return desk._replace(ends=ends, blocks=blocks_of(desk.quotes, desk.swap))


def with_signals(desk: Desk, signals: Signals) -> Desk:
    """Return the desk with these signals on it."""
    target, enter, exits = _read(signals)
    turns = np.empty(len(target) + 1, np.int64)
    news = find_news(target, enter, 0, turns)
    wanted = np.empty((news, WANT_CELLS))
    fill_in(target, enter, exits, 0, 0, turns, wanted)
    return desk._replace(turns=turns[: news + 1], wanted=wanted)


def read(signals: Signals, warm: int, first: int, turns: npt.NDArray[np.int64], wanted: FloatArray) -> int:
    """Write the news among signals to the arrays; return how many there are, -1 for signals that are faulty."""
    target, enter, exits = _read(signals)
    found: int = find_news(target, enter, first, turns)
    return found if fill_in(target, enter, exits, warm, first, turns, wanted[:found]) else -1


def hold(signals: Signals, target: npt.NDArray[np.int8], exits: FloatArray) -> bool:
    """Copy signals of one byte a bar, one distance an exit and no `enter`; return whether they are of that kind."""
    its = signals.narrow_target
    if its.dtype != _BYTE or signals.enter is not None:
        return False
    exits.fill(math.nan)
    for column, distance in enumerate(_exits(signals)):
        if distance is not None:
            if distance.ndim:
                return False
            exits[column] = distance
    target[:] = its
    return True


def _read(signals: Signals) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_], tuple[FloatArray, ...]]:
    """Return target, `enter` and exits as the kernel reads them."""
    enter = _NO_FLAGS if signals.enter is None else _plain(signals.enter)
    return _plain(signals.narrow_target), enter, tuple([_distances(column) for column in _exits(signals)])


def _exits(signals: Signals) -> tuple[FloatArray | None, ...]:
    return signals.stop, signals.take, signals.trail, signals.breakeven, signals.hold


def _distances(column: FloatArray | None) -> FloatArray:
    """Return distances as the kernel reads them: none, one for all bars, or one each."""
    if column is None:
        return _NO_NUMBERS
    return _plain(column.reshape(1) if column.ndim == 0 else column[:1] if column.strides == (0,) else column)


def _plain(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values contiguous and writable, so that one compiled version serves all."""
    if values.flags.c_contiguous and values.flags.writeable:
        return values
    return np.require(values, requirements=["C", "W"])


def _is_guarded(venue: Venue) -> bool:
    limits = venue.limits
    remembered = (limits.max_trades_per_day, limits.max_daily_loss, limits.max_consecutive_losses)
    return any(limit is not None for limit in (*remembered, limits.cooldown, limits.max_drawdown))


def _terms(venue: Venue) -> Terms:
    instrument, market, limits = venue.instrument, venue.market, venue.limits
    return Terms(
        balance=float(venue.account.balance),
        scale=10.0**instrument.digits,
        contract=float(instrument.contract_size),
        leverage=float(instrument.leverage),
        step=float(instrument.volume_step),
        min_steps=math.ceil(instrument.volume_min / instrument.volume_step - 1e-9),
        max_steps=math.floor(instrument.volume_max / instrument.volume_step + 1e-9),
        conversion=market.conversion,
        slippage=float(market.slippage),
        nearest=float(market.nearest),
        commission_per_lot=float(market.commission_per_lot),
        commission_fraction=float(market.commission_fraction),
        stop_out_level=float(venue.account.stop_out_level),
        sizing=0 if isinstance(venue.sizing, FixedLots) else 1 if isinstance(venue.sizing, PercentRisk) else 2,
        max_trades=limits.max_trades_per_day or 0,
        max_losses=limits.max_consecutive_losses or 0,
        cooldown=nanoseconds(limits.cooldown),
        max_daily_loss=off_is_nan(limits.max_daily_loss),
        max_drawdown=off_is_nan(limits.max_drawdown),
        flatten=bool(limits.flatten),
        guarded=_is_guarded(venue),
    )


def book_for(desk: Desk) -> Book:
    """Return an empty book with room for all these signals can do."""
    parts, trades, skips = _kernels.room_for(len(desk.turns) - 1)
    money, state = np.full(MONEY_CELLS, np.nan), np.zeros(STATE_CELLS, np.int64)
    money[[BALANCE, DAY_START, PEAK]] = desk.terms.balance
    state[LAST_FILL] = _NEVER
    return Book(money, state, np.zeros((parts, 7)), np.zeros((trades, 16)), np.zeros((skips, 2), np.int64))
