"""The readable engine: EXECUTION in plain Python, rule by rule, the truth the kernel must equal.

Numbers in brackets are sections of docs/execution.md.
"""

from __future__ import annotations

import math

import numpy as np

from quantbench.core import guards, rules
from quantbench.core.guards import Memory
from quantbench.core.limits import STATELESS
from quantbench.core.path import SKIPS, Path
from quantbench.core.rules import REASONS, Conversion, Distances, Exit, Levels, Own
from quantbench.engine.holding import Part, State
from quantbench.engine.market import commission_of, conversion_at, own_side, unit_profit
from quantbench.engine.setting import Setting, at_bar, wanted_lots

__all__ = ["run"]


def run(setting: Setting) -> Path:
    """Trade the signals bar by bar and return the account's path."""
    venue, n = setting.venue, len(setting.venue.time_ns)
    state = State(venue, setting.signals, venue.account.balance, Memory(venue.account.balance, venue.account.balance))
    equity, balance, position = np.empty(n), np.empty(n), np.empty(n)
    for k in range(n):
        if k > 0:
            if venue.day[k] != venue.day[k - 1]:
                state.memory = guards.new_day(state.memory, equity[k - 1])
            _roll_over(state, k)
            _gap(state, k)
            _act(state, k, equity[k - 1])
            _reach_levels(state, k)
            _follow(state, k)
        if k == n - 1 and state.parts:
            _close(state, k, Exit("end_of_data", _own(state, k).close, slips=False))
        equity[k] = _mark(state, k)
        balance[k], position[k] = state.balance, state.side * _lots(state)
        state.memory = guards.after_mark(state.memory, venue.limits, equity[k])
        _decide(state, k)
    return Path.of(equity, position, trades=state.trades, skipped=state.skipped, balance=balance)


def _decide(state: State, t: int) -> None:
    """[2] At the close of bar t, see whether an episode starts."""
    target = state.signals.target
    enter = state.signals.enter is not None and bool(state.signals.enter[t])
    before = target[t - 1] if t > 0 else 0.0
    state.starting = rules.starts_episode(target[t], before, enter=enter, is_flat=not state.parts)
    state.episodes += state.starting


def _roll_over(state: State, k: int) -> None:
    """[3.1] Parts held into the bar earn or pay swap for each 17:00 New York it crosses."""
    market = state.venue.market
    swaps = market.swap_long if state.side > 0 else market.swap_short
    if state.parts and len(swaps) and swaps[k]:
        factor = conversion_at(market, k).factor(market.bid_open[k])
        for part in state.parts:
            earned = swaps[k] * _lots_of(state, part.steps) * factor
            part.swap += earned
            state.balance += earned


def _gap(state: State, k: int) -> None:
    """[3.2] A position held into a bar that opens beyond a level is closed at that open."""
    if state.parts:
        reached = rules.exit_at_open(state.side, _own(state, k).open, _levels(state, k))
        if reached:
            _close(state, k, reached)


def _act(state: State, k: int, equity: float) -> None:
    """[3.3] The decision of bar k-1: exits first, then the entry, else a resize."""
    target = float(state.signals.target[k - 1])
    leaving = _leaving(state, k, target) if state.parts else ""
    if leaving:
        _close(state, k, Exit(leaving, _own(state, k).open, slips=True))
    reason = ""
    if state.starting:
        reason = _enter(state, k, equity)
    elif state.parts and k > 1 and abs(target) != abs(state.signals.target[k - 2]):
        reason = _resize(state, k, equity)
    if reason:
        state.skipped.append((k, SKIPS.index(reason)))


def _leaving(state: State, k: int, target: float) -> str:
    """[3.3] Return why the position leaves at this open, or an empty text."""
    if state.venue.limits.flatten and state.memory.broken:
        return "limit"
    if rules.sign(target) != state.side:
        return "reversal" if target else "signal"
    return "time" if k - state.entry_bar >= state.distances.hold else ""


def _enter(state: State, k: int, equity: float) -> str:
    """[3.3] Open the episode's position at the open of bar k; return why not, or an empty text."""
    t, venue = k - 1, state.venue
    if state.balance <= 0:
        return "ruin"
    lots = wanted_lots(state.venue, state.signals, t, equity)
    if lots is None:
        return "no stop"
    steps = rules.wanted_steps(lots, venue.instrument)
    if not steps:
        return "volume"
    state.side = rules.sign(state.signals.target[t])
    reason = _open_part(state, k, steps, free=equity)
    if reason:
        return reason
    signals, bid, ask = state.signals, venue.market.bid_open[k], venue.market.ask_open[k]
    state.distances = Distances(*(at_bar(getattr(signals, name), t) for name in Distances._fields))
    state.at_entry = state.stop, state.take = rules.entry_levels(
        state.side,
        bid=bid,
        ask=ask,
        nearest=venue.market.nearest,
        distances=state.distances,
        digits=venue.instrument.digits,
    )
    state.quote, state.entry_bar = (ask if state.side > 0 else bid), k
    state.episode, state.made = state.episodes - 1, 0.0
    return ""


def _resize(state: State, k: int, equity: float) -> str:
    """[2] The size of the target changed: add a part, or close the oldest lots."""
    t, instrument = k - 1, state.venue.instrument
    lots = wanted_lots(state.venue, state.signals, t, equity)
    if lots is None:
        return "no stop"
    steps, held = rules.wanted_steps(lots, instrument), sum(part.steps for part in state.parts)
    if steps < held:
        _close(state, k, Exit("resize", _own(state, k).open, slips=True), held - steps)
        return "" if steps else "volume"
    if steps == held:
        return ""
    if not rules.wanted_steps(_lots_of(state, steps - held), instrument):
        return "volume"
    convert = conversion_at(state.venue.market, t, at_close=True)
    bound = rules.required_margin(_lots(state), _own(state, t).close, instrument, convert)
    return _open_part(state, k, steps - held, free=equity - bound)


def _open_part(state: State, k: int, steps: int, *, free: float) -> str:
    """[3.3] Fill at the open and pay commission, unless a limit [7] or the margin forbids it."""
    venue, market, lots = state.venue, state.venue.market, _lots_of(state, steps)
    own = _own(state, k)
    if venue.blocked[k]:
        return STATELESS[venue.blocked[k] - 1]
    now = state.balance
    for part in state.parts:
        now += _open_profit(state, part, own.open, conversion_at(market, k)) * _lots_of(state, part.steps)
    blocked = guards.remembered_block(state.memory, venue.limits, time_ns=int(venue.time_ns[k]), equity=now)
    if blocked:
        return blocked
    quote = market.ask_open[k] if state.side > 0 else market.bid_open[k]
    price = rules.fill_price(quote + state.side * market.slippage, venue.instrument.digits)
    convert = conversion_at(market, k)
    if rules.required_margin(lots, price, venue.instrument, convert) > free:
        return "margin"
    commission = commission_of(market, venue.instrument, lots, price, convert)
    state.balance -= commission
    state.parts.append(Part(steps, k, price, commission))
    state.memory = guards.after_fill(state.memory, int(venue.time_ns[k]))
    return ""


def _reach_levels(state: State, k: int) -> None:
    """[3.4] Stop-out, stop and take inside the bar; finer bars decide where both are in reach."""
    if not state.parts:
        return
    levels = _levels(state, k)
    reached = rules.exit_inside(state.side, _own(state, k), levels)
    if reached and reached.ambiguous:
        reached = _replay(state, k, levels) or reached
    if reached:
        _close(state, k, reached)


def _replay(state: State, k: int, levels: Levels) -> Exit | None:
    """[3.4] Steps 2 and 4 over the finer bars inside bar k."""
    fine = state.venue.fine
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


def _follow(state: State, k: int) -> None:
    """[3.5] Break-even and trailing stop, acting from the next bar."""
    if state.parts:
        state.stop = rules.followed_stop(
            state.side,
            _own(state, k),
            stop=state.stop,
            quote=state.quote,
            distances=state.distances,
            nearest=state.venue.market.nearest,
            digits=state.venue.instrument.digits,
        )


def _close(state: State, k: int, how: Exit, steps: int | None = None) -> None:
    """[4] Close the oldest steps (all by default) and write one trade a part."""
    market, instrument = state.venue.market, state.venue.instrument
    slip = market.slippage if how.slips else 0.0
    price = rules.fill_price(how.price - state.side * slip, instrument.digits)
    convert = conversion_at(market, k, at_close=how.reason == "end_of_data")
    left = sum(part.steps for part in state.parts) if steps is None else steps
    while left > 0:
        part = state.parts[0]
        closing = min(left, part.steps)
        share, lots = closing / part.steps, _lots_of(state, closing)
        gross = unit_profit(state.side, part.price, price, instrument, convert) * lots
        paid = commission_of(market, instrument, lots, price, convert)
        charged, swap = part.commission * share, part.swap * share
        profit = gross - paid - charged + swap
        state.balance += gross - paid
        state.made += profit
        worst, best = min(part.worst * lots, gross, 0.0), max(part.best * lots, gross, 0.0)
        trade = (
            state.episode,
            state.side,
            lots,
            part.bar,
            k,
            part.price,
            price,
            *state.at_entry,
            REASONS.index(how.reason),
        )
        state.trades.append((*trade, 0.0 - (paid + charged), swap, profit, worst, best, how.ambiguous))
        part.commission, part.swap = part.commission - charged, part.swap - swap
        part.steps, left = part.steps - closing, left - closing
        if not part.steps:
            state.parts.pop(0)
    if not state.parts:
        state.memory = guards.after_close(state.memory, state.venue.limits, state.made)


def _mark(state: State, k: int) -> float:
    """[3.6] Equity at the close, and the excursions of the parts still open."""
    if not state.parts:
        return state.balance
    market, own, equity = state.venue.market, _own(state, k), state.balance
    for part in state.parts:
        adverse = _open_profit(state, part, own.adverse, conversion_at(market, k))
        favourable = _open_profit(state, part, own.favourable, conversion_at(market, k))
        part.worst, part.best = min(part.worst, adverse), max(part.best, favourable)
        unit = _open_profit(state, part, own.close, conversion_at(market, k, at_close=True))
        equity += unit * _lots_of(state, part.steps)
    return equity


def _levels(state: State, k: int) -> Levels:
    """[3.4] The levels of what is open, the broker's stop-out price among them."""
    moved = not math.isnan(state.stop) and state.stop != state.at_entry[0]
    stop_out = rules.stop_out_price(
        state.side,
        balance=state.balance,
        lots=_lots(state),
        lots_entry=sum(_lots_of(state, part.steps) * part.price for part in state.parts),
        level=state.venue.account.stop_out_level,
        instrument=state.venue.instrument,
        convert=conversion_at(state.venue.market, k),
    )
    return Levels(stop_out, state.stop, state.take, moved)


def _own(state: State, k: int) -> Own:
    return own_side(state.venue.market, state.side, k)


def _open_profit(state: State, part: Part, price: float, convert: Conversion) -> float:
    """[4] Account currency a lot of the part makes at a price."""
    return unit_profit(state.side, part.price, price, state.venue.instrument, convert)


def _lots_of(state: State, steps: int) -> float:
    return rules.lots_of(steps, state.venue.instrument.volume_step)


def _lots(state: State) -> float:
    return _lots_of(state, sum(part.steps for part in state.parts))
