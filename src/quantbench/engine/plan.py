"""Targets as orders: EXECUTION's episodes, resizes and lots where no level can end a position.

One pass over the bars on which the target changes. Numbers in brackets are sections of
docs/execution.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from quantbench.core.path import SKIPS
from quantbench.core.rules import lots_of, required_margin, sign, starts_episode, wanted_steps
from quantbench.engine.market import conversion_at
from quantbench.engine.orders import (
    Book,
    book_of,
    close_parts,
    fill_price,
    margin_at_close,
    open_part,
    open_profit,
)
from quantbench.engine.setting import Setting, wanted_lots

__all__ = ["Plan", "plan_of"]


@dataclass
class Plan:
    """What a strategy's targets come to.

    Attributes
    ----------
    book : Book
        Orders and trades.
    balance : float
        Account currency; in the end everything is closed.
    decisions : list of (int, float)
        Bars on which something was decided, and equity at their close.
    skipped : list of (int, int)
        Bars that would have filled, and why not, as in `quantbench.core.path.SKIPS`.
    """

    book: Book
    balance: float
    decisions: list[tuple[int, float]] = field(default_factory=list)
    skipped: list[tuple[int, int]] = field(default_factory=list)


def plan_of(setting: Setting) -> Plan:
    """Return the orders the targets come to, each sized from equity at the close it was decided on."""
    venue, target = setting.venue, setting.signals.target
    plan = Plan(book_of(venue.market, venue.instrument), venue.account.balance)
    before, last, episodes = np.append(0.0, target[:-1]), len(target) - 1, 0
    for t in map(int, np.flatnonzero(target != before)):
        starting = starts_episode(float(target[t]), float(before[t]), enter=False, is_flat=not plan.book.parts)
        episodes += starting
        if t < last:
            _act(plan, setting, t, episode=episodes - 1 if starting else None)
    if plan.book.parts:
        plan.balance += close_parts(plan.book, last, "end_of_data")
    return plan


def _act(plan: Plan, setting: Setting, t: int, *, episode: int | None) -> None:
    """[3.3] Exits first, then the entry of an episode that starts, else a resize."""
    book, target = plan.book, float(setting.signals.target[t])
    equity = plan.balance + open_profit(book, t)
    plan.decisions.append((t, equity))
    if book.parts and sign(target) != book.side:
        plan.balance += close_parts(book, t + 1, "reversal" if target else "signal")
    reason = ""
    if episode is not None:
        reason = _enter(plan, setting, t, equity=equity, episode=episode)
    elif book.parts:
        reason = _resize(plan, setting, t, equity=equity)
    if reason:
        plan.skipped.append((t + 1, SKIPS.index(reason)))


def _enter(plan: Plan, setting: Setting, t: int, *, equity: float, episode: int) -> str:
    """[3.3] Open the episode's position; an account that is ruined never comes here: it was stopped out before."""
    steps = _wanted(setting, t, equity)
    if not steps:
        return "volume"
    plan.book.episode = episode
    return _open(plan, setting, t, steps=steps, free=equity)


def _resize(plan: Plan, setting: Setting, t: int, *, equity: float) -> str:
    """[2] The size of the target changed: add a part, or close the oldest lots."""
    book, instrument = plan.book, setting.venue.instrument
    steps, held = _wanted(setting, t, equity), sum(part.steps for part in book.parts)
    if steps < held:
        plan.balance += close_parts(book, t + 1, "resize", steps=held - steps)
        return "" if steps else "volume"
    if steps == held:
        return ""
    if not wanted_steps(lots_of(steps - held, instrument.volume_step), instrument):
        return "volume"
    return _open(plan, setting, t, steps=steps - held, free=equity - margin_at_close(book, t))


def _wanted(setting: Setting, t: int, equity: float) -> int:
    """[2] Whole volume steps the target asks for; sizings that need a stop never come here."""
    lots = wanted_lots(setting.venue, setting.signals, t, equity)
    return 0 if lots is None else wanted_steps(lots, setting.venue.instrument)


def _open(plan: Plan, setting: Setting, t: int, *, steps: int, free: float) -> str:
    """[3.3] Fill at the next open unless the margin forbids it."""
    book, instrument, side = plan.book, setting.venue.instrument, sign(float(setting.signals.target[t]))
    price, convert = fill_price(book, t + 1, side), conversion_at(book.market, t + 1)
    if required_margin(lots_of(steps, instrument.volume_step), price, instrument, convert) > free:
        return "margin"
    plan.balance -= open_part(book, t + 1, steps, side)
    return ""
