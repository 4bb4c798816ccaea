"""Why a bar went as it did: what was decided, what was filled or skipped, by which numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from quantbench.core.account import FixedLots, PercentRisk
from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError
from quantbench.core.path import SKIPS
from quantbench.core.results import Backtest
from quantbench.core.rules import REASONS, lots_of, sign, wanted_steps
from quantbench.core.signals import Signals
from quantbench.engine.backtest import traded_from
from quantbench.engine.market import spread_points
from quantbench.engine.setting import Venue, at_bar, venue_of, wanted_lots

__all__ = ["Why", "why"]


@dataclass(frozen=True)
class Why:
    """What happened on one bar and why, line by line; print it.

    Attributes
    ----------
    bar : int
        Position of the bar.
    lines : tuple of str
        The explanation, in the order of events.
    """

    bar: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines)

    __repr__ = __str__


def why(result: Backtest, time: str | datetime | np.datetime64) -> Why:
    """Explain the bar that holds a moment: target, episode, lots arithmetic, limits, levels, spread.

    Parameters
    ----------
    result : Backtest
        What was traded.
    time : str, datetime or datetime64
        Any moment inside the bar; text is read as UTC.

    Raises
    ------
    DataError
        When no bar holds the moment.

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> print(result.why(result.trades.entry_time[0]))  # doctest: +ELLIPSIS
    bar ...
    """
    bars = result.bars
    k = int(np.searchsorted(bars.time_ns, as_ns(time), side="right")) - 1
    if k < 0:
        raise DataError(f"{bars.symbol}: no bar holds {time}; the first opens at {bars.time[0]}")
    venue = venue_of(
        bars,
        account=result.account,
        costs=result.costs,
        sizing=result.sizing,
        limits=result.limits,
        rates=result.rates,
        intrabar=result.intrabar,
    )
    signals = traded_from(result.strategy.signals(bars), bars, result.trade_from)
    lines = [*_bar(result, venue, k), *_decided_before(result, signals, k)]
    lines += [*_filled(result, venue, signals, k), *_left(result, k), *_held(result, k), *_decided(result, signals, k)]
    return Why(k, tuple(lines))


def _bar(result: Backtest, venue: Venue, k: int) -> Iterator[str]:
    bars, market = result.bars, venue.market
    stamp = np.datetime_as_string(bars.time[k], unit="m").replace("T", " ")
    points = float(spread_points(bars, result.costs.resolved(bars.instrument))[k])
    yield (
        f"bar {k}, {stamp} UTC: bid {bars.open[k]:g} {bars.high[k]:g} {bars.low[k]:g} {bars.close[k]:g}, "
        f"spread {points:g} points (ask {market.ask_open[k]:g} at the open)"
    )


def _decided_before(result: Backtest, signals: Signals, k: int) -> Iterator[str]:
    """Say what the open had to act on."""
    if k == 0:
        yield "the first bar: nothing was decided before it"
        return
    now, before = float(signals.target[k - 1]), float(signals.target[k - 2]) if k > 1 else 0.0
    if k - 1 < result.strategy.warmup:
        yield f"decided at the close of bar {k - 1}: flat, warming up ({result.strategy.warmup} bars)"
    elif sign(now) != sign(before):
        yield f"decided at the close of bar {k - 1}: target from {before:g} to {now:g}"
    else:
        yield f"decided at the close of bar {k - 1}: target stays {now:g}"


def _filled(result: Backtest, venue: Venue, signals: Signals, k: int) -> Iterator[str]:
    """Say what opened at the open of bar k, or why it did not, with the arithmetic."""
    opened = result.path.trades[result.path.trades["entry_bar"] == k]
    skipped = [SKIPS[int(code)] for bar, code in result.path.skipped if bar == k]
    if k > 0 and (len(opened) or skipped):
        yield _arithmetic(result, venue, signals, k - 1)
    for trade in opened:
        side = "bought" if trade["side"] > 0 else "sold"
        levels = "".join(f", {name} {trade[name]:g}" for name in ("stop", "take") if not math.isnan(float(trade[name])))
        yield f"{side} {trade['lots']:g} lots at {trade['entry_price']:g} (episode {trade['episode']}{levels})"
    for reason in skipped:
        yield f"skipped: {reason}"


def _arithmetic(result: Backtest, venue: Venue, signals: Signals, t: int) -> str:
    """Return the lots a decision asks for, as a sum a person can follow."""
    equity, instrument, sizing = float(result.path.equity[t]), result.bars.instrument, result.sizing
    lots = wanted_lots(venue, signals, t, equity)
    target = abs(float(signals.target[t]))
    if lots is None:
        return f"lots: {sizing!r} needs a stop or a trail, and the strategy gives none on bar {t}"
    size, contract = float(venue.size[t]), instrument.contract_size
    if isinstance(sizing, FixedLots):
        source = f"{target:g} x {size:g}"
    elif isinstance(sizing, PercentRisk):
        distance = at_bar(signals.stop, t)
        distance = at_bar(signals.trail, t) if math.isnan(distance) else distance
        source = f"{target:g} x equity {equity:,.2f} x {size:g} / value({distance:g} x {contract:g})"
    else:
        source = f"{target:g} x equity {equity:,.2f} x {size:g} / value({result.bars.close[t]:g} x {contract:g})"
    steps = wanted_steps(lots, instrument)
    whole = lots_of(steps, instrument.volume_step)
    return f"lots: {source} = {lots:.4f}, in steps of {instrument.volume_step:g}: {whole:g}"


def _left(result: Backtest, k: int) -> Iterator[str]:
    closed = result.path.trades[result.path.trades["exit_bar"] == k]
    for trade in closed:
        note = " (a take was in reach too: ambiguous)" if trade["ambiguous"] else ""
        yield (
            f"closed {trade['lots']:g} lots at {trade['exit_price']:g} by {REASONS[trade['reason']]}{note}: "
            f"{trade['profit']:+,.2f} {result.account.currency} net"
        )


def _held(result: Backtest, k: int) -> Iterator[str]:
    lots, equity = float(result.path.position[k]), float(result.path.equity[k])
    yield f"at the close: {lots:+g} lots, equity {equity:,.2f} {result.account.currency}"


def _decided(result: Backtest, signals: Signals, k: int) -> Iterator[str]:
    """Say what the close of bar k decides."""
    if k == len(result.bars) - 1:
        yield "the last bar: what it decides is never filled"
        return
    distances = ((name, at_bar(getattr(signals, name), k)) for name in ("stop", "take", "trail", "breakeven", "hold"))
    known = "".join(f", {name} {value:g}" for name, value in distances if not math.isnan(value))
    again = " (enter)" if signals.enter is not None and signals.enter[k] else ""
    yield f"decides for the next open: target {float(signals.target[k]):g}{again}{known}"
