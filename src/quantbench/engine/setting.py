"""One backtest as both engines take it: parsed once, nothing left to look up."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, PercentRisk, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError
from quantbench.core.instrument import Instrument
from quantbench.core.limits import Limits, blocked_by
from quantbench.core.rules import NAN, raw_lots
from quantbench.core.signals import Signals
from quantbench.core.timeframe import timeframe_ns
from quantbench.engine.market import Market, conversion_at, market_of, size_by_bar, spread_points

__all__ = ["Fine", "Setting", "Venue", "at_bar", "venue_of", "wanted_lots"]

_NO_ROWS = np.zeros(0, np.int64)


class Fine(NamedTuple):
    """Finer bars for bars in which a stop and a take are both in reach.

    Attributes
    ----------
    market : Market or None
        Their quotes; None where there are none.
    first, last : int64 arrays
        Range of finer bars inside each bar; empty where there are none.
    """

    market: Market | None = None
    first: npt.NDArray[np.int64] = _NO_ROWS
    last: npt.NDArray[np.int64] = _NO_ROWS


class Venue(NamedTuple):
    """Everything but the strategy: shared by all trials of a search."""

    market: Market
    size: npt.NDArray[np.float64]
    instrument: Instrument
    account: Account
    sizing: Sizing
    limits: Limits
    blocked: npt.NDArray[np.int8]
    day: npt.NDArray[np.int64]
    time_ns: npt.NDArray[np.int64]
    fine: Fine


class Setting(NamedTuple):
    """A venue and the signals to trade there."""

    venue: Venue
    signals: Signals


def venue_of(
    bars: Bars,
    *,
    account: Account,
    costs: Costs,
    sizing: Sizing,
    limits: Limits,
    rates: Bars | None,
    intrabar: Bars | None,
) -> Venue:
    """Return what a strategy trades on these bars.

    Raises
    ------
    ExecutionError
        When quote currency cannot be converted, or `intrabar` holds other or coarser bars.
    """
    market = market_of(bars, account, costs, rates)
    return Venue(
        market,
        size_by_bar(sizing, bars),
        bars.instrument,
        account,
        sizing,
        limits,
        _blocked(limits, bars, costs),
        bars.trading_day,
        bars.time_ns,
        _fine(bars, intrabar, account, costs, rates) if intrabar is not None else Fine(),
    )


def _blocked(limits: Limits, bars: Bars, costs: Costs) -> npt.NDArray[np.int8]:
    if limits == Limits():
        return np.zeros(len(bars), np.int8)
    return blocked_by(limits, bars, spread_points(bars, costs.resolved(bars.instrument)))


def _fine(bars: Bars, intrabar: Bars, account: Account, costs: Costs, rates: Bars | None) -> Fine:
    span = timeframe_ns(bars.timeframe)
    if intrabar.symbol != bars.symbol or timeframe_ns(intrabar.timeframe) >= span:
        raise ExecutionError(
            f"intrabar= needs finer bars of {bars.symbol} than {bars.timeframe}, "
            f"found {intrabar.symbol} {intrabar.timeframe}"
        )
    first = np.searchsorted(intrabar.time_ns, bars.time_ns, side="left")
    last = np.searchsorted(intrabar.time_ns, bars.time_ns + span, side="left")
    return Fine(market_of(intrabar, account, costs, rates), first, last)


def wanted_lots(venue: Venue, signals: Signals, t: int, equity: float) -> float | None:
    """[2] Lots the target of bar t asks for at its close; None where a needed stop is missing."""
    stop = at_bar(signals.stop, t)
    distance = at_bar(signals.trail, t) if math.isnan(stop) else stop
    if isinstance(venue.sizing, PercentRisk) and math.isnan(distance):
        return None
    lots = raw_lots(
        venue.sizing,
        float(venue.size[t]),
        equity=equity,
        close=float(venue.market.bid_close[t]),
        distance=distance,
        contract=venue.instrument.contract_size,
        convert=conversion_at(venue.market, t, at_close=True),
    )
    return abs(float(signals.target[t])) * lots


def at_bar(values: npt.NDArray[Any] | None, t: int) -> float:
    """Return what was decided on a bar, NaN where the strategy decides nothing of the kind."""
    return NAN if values is None else float(values[t])
