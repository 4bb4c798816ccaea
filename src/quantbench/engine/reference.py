"""The readable engine: EXECUTION in plain Python, rule by rule, the truth the kernel must equal.

Numbers in brackets are sections of docs/execution.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from quantbench.core import guards, rules
from quantbench.core.account import PercentRisk
from quantbench.core.guards import Memory
from quantbench.core.limits import STATELESS
from quantbench.core.path import SKIPS, Path
from quantbench.core.rules import NAN, REASONS, Conversion, Distances, Exit, Levels, Own
from quantbench.engine.market import commission_of, conversion_at, own_side, unit_profit
from quantbench.engine.setting import Setting

__all__ = ["run"]


@dataclass
class Part:
    """Lots opened by one fill; the parts of an episode share its levels."""

    steps: int
    bar: int
    price: float
    commission: float  # of the entry, still to be charged to a trade
    swap: float = 0.0
    worst: float = 0.0  # open profit per lot, never above 0
    best: float = 0.0


@dataclass
class State:
    """What the account holds while the bars go by."""

    balance: float
    memory: Memory
    side: int = 0
    parts: list[Part] = field(default_factory=list)
    starting: bool = False  # an episode started on the bar before: enter at this open
    episodes: int = 0
    episode: int = 0  # of what is open
    entry_bar: int = 0
    quote: float = NAN  # entry quote, before slippage
    distances: Distances = Distances()
    at_entry: tuple[float, float] = (NAN, NAN)  # stop and take
    stop: float = NAN
    take: float = NAN
    made: float = 0.0  # net profit of the position so far
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    skipped: list[tuple[int, int]] = field(default_factory=list)


def run(setting: Setting) -> Path:
    """Trade the signals bar by bar and return the account's path."""
    venue, n = setting.venue, len(setting.venue.time_ns)
    state = State(venue.account.balance, Memory(venue.account.balance, venue.account.balance))
    equity, position = np.empty(n), np.zeros(n)
    for k in range(n):
        if k > 0:
            if venue.day[k] != venue.day[k - 1]:
                state.memory = guards.new_day(state.memory, equity[k - 1])
            _roll_over(setting, state, k)
            _gap(setting, state, k)
            _act(setting, state, k, equity[k - 1])
            _reach_levels(setting, state, k)
            _follow(setting, state, k)
        if k == n - 1 and state.parts:
            _close(setting, state, k, Exit("end_of_data", _own(setting, state, k).close, slips=False))
        equity[k] = _mark(setting, state, k)
        position[k] = state.side * _lots(setting, state)
        state.memory = guards.after_mark(state.memory, venue.limits, equity[k])
        _decide(setting, state, k)
    return Path.of(equity, position, trades=state.trades, skipped=state.skipped)


def _decide(setting: Setting, state: State, t: int) -> None:
    """[2] At the close of bar t: does an episode start?"""
    target = setting.signals.target
    enter = setting.signals.enter is not None and bool(setting.signals.enter[t])
    before = target[t - 1] if t > 0 else 0.0
    state.starting = rules.starts_episode(target[t], before, enter=enter, is_flat=not state.parts)
    state.episodes += state.starting


def _roll_over(setting: Setting, state: State, k: int) -> None:
    """[3.1] Parts held into the bar earn or pay swap for each 17:00 New York it crosses."""
    market = setting.venue.market
    swaps = market.swap_long if state.side > 0 else market.swap_short
    if state.parts and len(swaps) and swaps[k]:
        factor = conversion_at(market, k).factor(market.bid_open[k])
        for part in state.parts:
            earned = swaps[k] * _lots_of(setting, part.steps) * factor
            part.swap += earned
            state.balance += earned


def _gap(setting: Setting, state: State, k: int) -> None:
    """[3.2] A position held into a bar that opens beyond a level is closed at that open."""
    if state.parts:
        reached = rules.exit_at_open(state.side, _own(setting, state, k).open, _levels(setting, state, k))
        if reached:
            _close(setting, state, k, reached)


def _act(setting: Setting, state: State, k: int, equity: float) -> None:
    """[3.3] The decision of bar k-1: exits first, then the entry, else a resize."""
    target = setting.signals.target[k - 1]
    if state.parts:
        leaving = ""
        if setting.venue.limits.flatten and state.memory.broken:
            leaving = "limit"
        elif rules.sign(target) != state.side:
            leaving = "reversal" if target else "signal"
        elif k - state.entry_bar >= state.distances.hold:
            leaving = "time"
        if leaving:
            _close(setting, state, k, Exit(leaving, _own(setting, state, k).open, slips=True))
    if state.starting:
        reason = _enter(setting, state, k, equity)
    elif state.parts and k > 1 and abs(target) != abs(setting.signals.target[k - 2]):
        reason = _resize(setting, state, k, equity)
    else:
        return
    if reason:
        state.skipped.append((k, SKIPS.index(reason)))


def _enter(setting: Setting, state: State, k: int, equity: float) -> str:
    """[3.3] Open the episode's position at the open of bar k; return why not, or an empty text."""
    t, venue = k - 1, setting.venue
    if state.balance <= 0:
        return "ruin"
    lots = _wanted_lots(setting, t, equity)
    if lots is None:
        return "no stop"
    steps = rules.wanted_steps(lots, venue.instrument)
    if not steps:
        return "volume"
    state.side = rules.sign(setting.signals.target[t])
    reason = _open_part(setting, state, k, steps, free=equity)
    if reason:
        return reason
    signals, bid, ask = setting.signals, venue.market.bid_open[k], venue.market.ask_open[k]
    state.distances = Distances(*(_at(getattr(signals, name), t) for name in Distances._fields))
    state.at_entry = state.stop, state.take = rules.entry_levels(
        state.side, bid=bid, ask=ask, nearest=venue.market.nearest, distances=state.distances, digits=venue.instrument.digits
    )
    state.quote, state.entry_bar = (ask if state.side > 0 else bid), k
    state.episode, state.made = state.episodes - 1, 0.0
    return ""


def _resize(setting: Setting, state: State, k: int, equity: float) -> str:
    """[2] The size of the target changed: add a part, or close the oldest lots."""
    t, instrument = k - 1, setting.venue.instrument
    lots = _wanted_lots(setting, t, equity)
    if lots is None:
        return "no stop"
    steps, held = rules.wanted_steps(lots, instrument), sum(part.steps for part in state.parts)
    if steps < held:
        _close(setting, state, k, Exit("resize", _own(setting, state, k).open, slips=True), held - steps)
        return "" if steps else "volume"
    if steps == held:
        return ""
    if not rules.wanted_steps(_lots_of(setting, steps - held), instrument):
        return "volume"
    convert = conversion_at(setting.venue.market, t, at_close=True)
    bound = rules.required_margin(_lots(setting, state), _own(setting, state, t).close, instrument, convert)
    return _open_part(setting, state, k, steps - held, free=equity - bound)


def _wanted_lots(setting: Setting, t: int, equity: float) -> float | None:
    """[2] Lots the target of bar t asks for at its close; None where a needed stop is missing."""
    venue, stop = setting.venue, _at(setting.signals.stop, t)
    distance = _at(setting.signals.trail, t) if math.isnan(stop) else stop
    if isinstance(venue.sizing, PercentRisk) and math.isnan(distance):
        return None
    lots = rules.raw_lots(
        venue.sizing,
        float(venue.size[t]),
        equity=equity,
        close=float(venue.market.bid_close[t]),
        distance=distance,
        contract=venue.instrument.contract_size,
        convert=conversion_at(venue.market, t, at_close=True),
    )
    return abs(float(setting.signals.target[t])) * lots


def _open_part(setting: Setting, state: State, k: int, steps: int, *, free: float) -> str:
    """[3.3] Fill at the open and pay commission, unless a limit [7] or the margin forbids it."""
    venue, market, lots = setting.venue, setting.venue.market, _lots_of(setting, steps)
    own = _own(setting, state, k)
    if venue.blocked[k]:
        return STATELESS[venue.blocked[k] - 1]
    now = state.balance
    for part in state.parts:
        now += _open_profit(setting, state, part, own.open, conversion_at(market, k)) * _lots_of(setting, part.steps)
    blocked = guards.remembered_block(state.memory, venue.limits, time_ns=int(venue.time_ns[k]), equity=now)
    if blocked:
        return blocked
    quote = market.ask_open[k] if state.side > 0 else market.bid_open[k]
    price = rules.round_price(quote + state.side * market.slippage, venue.instrument.digits)
    convert = conversion_at(market, k)
    if rules.required_margin(lots, price, venue.instrument, convert) > free:
        return "margin"
    commission = commission_of(market, venue.instrument, lots, price, convert)
    state.balance -= commission
    state.parts.append(Part(steps, k, price, commission))
    state.memory = guards.after_fill(state.memory, int(venue.time_ns[k]))
    return ""


def _reach_levels(setting: Setting, state: State, k: int) -> None:
    """[3.4] Stop-out, stop and take inside the bar; finer bars decide where both are in reach."""
    if not state.parts:
        return
    levels = _levels(setting, state, k)
    reached = rules.exit_inside(state.side, _own(setting, state, k), levels)
    if reached and reached.ambiguous:
        reached = _replay(setting, state, k, levels) or reached
    if reached:
        _close(setting, state, k, reached)


def _replay(setting: Setting, state: State, k: int, levels: Levels) -> Exit | None:
    """[3.4] Steps 2 and 4 over the finer bars inside bar k."""
    fine = setting.venue.fine
    if fine.market is None:
        return None
    for j in range(fine.first[k], fine.last[k]):
        bar = own_side(fine.market, state.side, j)
        born = j == fine.first[k] and state.entry_bar == k
        reached = None if born else rules.exit_at_open(state.side, bar.open, levels)
        reached = reached or rules.exit_inside(state.side, bar, levels)
        if reached:
            return reached
    return None


def _follow(setting: Setting, state: State, k: int) -> None:
    """[3.5] Break-even and trailing stop, acting from the next bar."""
    if state.parts:
        state.stop = rules.followed_stop(
            state.side,
            _own(setting, state, k),
            stop=state.stop,
            quote=state.quote,
            distances=state.distances,
            nearest=setting.venue.market.nearest,
            digits=setting.venue.instrument.digits,
        )


def _close(setting: Setting, state: State, k: int, how: Exit, steps: int | None = None) -> None:
    """[4] Close the oldest steps (all by default) and write one trade a part."""
    market, instrument = setting.venue.market, setting.venue.instrument
    slip = market.slippage if how.slips else 0.0
    price = rules.round_price(how.price - state.side * slip, instrument.digits)
    convert = conversion_at(market, k, at_close=how.reason == "end_of_data")
    left = sum(part.steps for part in state.parts) if steps is None else steps
    while left > 0:
        part = state.parts[0]
        closing = min(left, part.steps)
        share, lots = closing / part.steps, _lots_of(setting, closing)
        gross = unit_profit(state.side, part.price, price, instrument, convert) * lots
        paid = commission_of(market, instrument, lots, price, convert)
        charged, swap = part.commission * share, part.swap * share
        profit = gross - paid - charged + swap
        state.balance += gross - paid
        state.made += profit
        worst, best = min(part.worst * lots, gross, 0.0), max(part.best * lots, gross, 0.0)
        trade = (state.episode, state.side, lots, part.bar, k, part.price, price, *state.at_entry, REASONS.index(how.reason))
        state.trades.append((*trade, 0.0 - (paid + charged), swap, profit, worst, best, how.ambiguous))
        part.commission, part.swap, part.steps, left = part.commission - charged, part.swap - swap, part.steps - closing, left - closing
        if not part.steps:
            state.parts.pop(0)
    if not state.parts:
        state.memory = guards.after_close(state.memory, setting.venue.limits, state.made)


def _mark(setting: Setting, state: State, k: int) -> float:
    """[3.6] Equity at the close, and the excursions of the parts still open."""
    if not state.parts:
        return state.balance
    market, own, equity = setting.venue.market, _own(setting, state, k), state.balance
    for part in state.parts:
        adverse = _open_profit(setting, state, part, own.adverse, conversion_at(market, k))
        favourable = _open_profit(setting, state, part, own.favourable, conversion_at(market, k))
        part.worst, part.best = min(part.worst, adverse), max(part.best, favourable)
        unit = _open_profit(setting, state, part, own.close, conversion_at(market, k, at_close=True))
        equity += unit * _lots_of(setting, part.steps)
    return equity


def _levels(setting: Setting, state: State, k: int) -> Levels:
    """[3.4] The levels of what is open, the broker's stop-out price among them."""
    moved = not math.isnan(state.stop) and state.stop != state.at_entry[0]
    stop_out = rules.stop_out_price(
        state.side,
        balance=state.balance,
        lots=_lots(setting, state),
        lots_entry=sum(_lots_of(setting, part.steps) * part.price for part in state.parts),
        level=setting.venue.account.stop_out_level,
        instrument=setting.venue.instrument,
        convert=conversion_at(setting.venue.market, k),
    )
    return Levels(stop_out, state.stop, state.take, moved)


def _own(setting: Setting, state: State, k: int) -> Own:
    return own_side(setting.venue.market, state.side, k)


def _open_profit(setting: Setting, state: State, part: Part, price: float, convert: Conversion) -> float:
    """[4] Account currency a lot of the part makes at a price."""
    return unit_profit(state.side, part.price, price, setting.venue.instrument, convert)


def _lots_of(setting: Setting, steps: int) -> float:
    return rules.lots_of(steps, setting.venue.instrument.volume_step)


def _lots(setting: Setting, state: State) -> float:
    return _lots_of(setting, sum(part.steps for part in state.parts))


def _at(values: npt.NDArray[Any] | None, t: int) -> float:
    return NAN if values is None else float(values[t])
