"""What a portfolio trades, parsed at the door: weights and bars on one clock, costs and rates by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs
from quantbench.core.bars import Bars
from quantbench.core.calendar import Calendar
from quantbench.core.calendar import calendar as calendar_named
from quantbench.core.errors import ExecutionError, did_you_mean
from quantbench.engine.market import Market, market_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Basket", "basket_of"]

FloatArray = npt.NDArray[np.float64]


class Basket(NamedTuple):
    """Everything a portfolio needs, in the order of `bars`.

    Attributes
    ----------
    weights : float array of shape (bars, symbols)
        NaN keeps.
    """

    bars: dict[str, Bars]
    weights: FloatArray
    markets: list[Market]
    account: Account
    costs: dict[str, Costs]
    calendar: Calendar


def basket_of(
    weights: pd.DataFrame,
    bars_by_symbol: Mapping[str, Bars],
    *,
    account: Account,
    costs: Costs | Mapping[str, Costs] | None,
    rates: Mapping[str, Bars],
    missing: str,
    calendar: str | None,
) -> Basket:
    """Return the basket, or say in one sentence what does not fit.

    Raises
    ------
    ExecutionError
        When weights and bars do not fit, or a currency cannot be converted.
    """
    if not bars_by_symbol:
        raise ExecutionError("bars_by_symbol is empty: a portfolio needs bars of at least one symbol")
    bars = _on_one_clock(dict(bars_by_symbol), missing)
    paid = _costs_of(costs, bars)
    return Basket(
        bars,
        _weights_on(weights, bars),
        [market_of(each, account, paid[name], _rate(each, account, rates)) for name, each in bars.items()],
        account,
        paid,
        _calendar_of(bars, calendar),
    )


def _on_one_clock(bars: dict[str, Bars], missing: str) -> dict[str, Bars]:
    if missing not in {"error", "drop"}:
        raise ExecutionError(f"missing={missing!r} is unknown: {did_you_mean(missing, ('error', 'drop'))}")
    timeframes = sorted({each.timeframe for each in bars.values()})
    if len(timeframes) > 1:
        raise ExecutionError(f"a portfolio has one timeframe, found {', '.join(timeframes)}: resample the finer bars")
    clock = reduce(np.intersect1d, (each.time_ns for each in bars.values()))
    if not len(clock):
        raise ExecutionError(f"{', '.join(bars)} have no bar time in common: load ranges that overlap")
    for name, each in bars.items():
        if missing == "error" and len(each) != len(clock):
            other = np.setdiff1d(each.time_ns, clock)
            raise ExecutionError(
                f"{name} has {len(other):,} bars the others have not, the first at {_minute(other[0])} UTC: "
                "pass missing='drop' to trade on common bars only"
            )
    return {name: each if len(each) == len(clock) else _rows(each, clock) for name, each in bars.items()}


def _rows(bars: Bars, clock: npt.NDArray[np.int64]) -> Bars:
    keep = np.isin(bars.time_ns, clock)
    columns = ("time", "open", "high", "low", "close", "volume", "spread")
    return replace(bars, **{name: getattr(bars, name)[keep] for name in columns})


def _weights_on(weights: pd.DataFrame, bars: dict[str, Bars]) -> FloatArray:
    """Return one row of weights a bar, in the order of the bars' symbols."""
    import pandas as pd

    if not isinstance(weights, pd.DataFrame):
        raise ExecutionError(f"weights must be a DataFrame, time x symbol, found {type(weights).__name__}")
    for name in weights.columns:
        if name not in bars:
            raise ExecutionError(f"weights name {name!r}, which has no bars: {did_you_mean(str(name), bars)}")
    if absent := [name for name in bars if name not in weights]:
        raise ExecutionError(f"there are no weights for {', '.join(absent)}: add a column, or leave out the bars")
    if not (weights.columns.is_unique and weights.index.is_unique):
        raise ExecutionError("weights name a time or a symbol twice: keep one row a time and one column a symbol")
    rows = _clock_rows(weights.index, next(iter(bars.values())))
    try:
        values = weights[list(bars)].to_numpy(np.float64)
    except (TypeError, ValueError) as fault:
        raise ExecutionError(f"weights must be numbers: {fault}") from fault
    if np.isinf(values).any():
        raise ExecutionError("a weight is infinite: weights are fractions of equity, NaN keeps what is held")
    found = np.full((len(next(iter(bars.values()))), len(bars)), np.nan)
    found[rows] = values
    return found


def _clock_rows(index: Any, bars: Bars) -> npt.NDArray[np.int64]:
    import pandas as pd

    if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
        found = type(index).__name__ if not isinstance(index, pd.DatetimeIndex) else "no time zone"
        raise ExecutionError(f"weights need a UTC DatetimeIndex of bar times, found {found}; use tz_localize('UTC')")
    times = np.asarray(index.tz_convert("UTC").as_unit("ns").asi8)
    rows: npt.NDArray[np.int64] = np.searchsorted(bars.time_ns, times)
    off = bars.time_ns[np.minimum(rows, len(bars) - 1)] != times
    if off.any():
        raise ExecutionError(
            f"weights have {int(off.sum()):,} times that are no common bar, the first {_minute(times[np.argmax(off)])} "
            "UTC: weights are decided at the close of a bar and stamped with its open"
        )
    return rows


def _costs_of(costs: Costs | Mapping[str, Costs] | None, bars: dict[str, Bars]) -> dict[str, Costs]:
    if costs is None or isinstance(costs, Costs):
        return dict.fromkeys(bars, costs or Costs())
    for name in costs:
        if name not in bars:
            raise ExecutionError(f"costs name {name!r}, which has no bars: {did_you_mean(name, bars)}")
    return {name: costs.get(name, Costs()) for name in bars}


def _rate(bars: Bars, account: Account, rates: Mapping[str, Bars]) -> Bars | None:
    quote, base = bars.instrument.quote_currency, bars.instrument.base_currency
    if account.currency not in {quote, base} and quote not in rates:
        raise ExecutionError(
            f"{bars.symbol} is quoted in {quote}, the account is in {account.currency}: "
            f"pass rates={{{quote!r}: bars whose close is {account.currency} per {quote}}}"
        )
    return rates.get(quote)


def _calendar_of(bars: dict[str, Bars], name: str | None) -> Calendar:
    names = sorted({each.instrument.calendar for each in bars.values()})
    if name is None and len(names) > 1:
        raise ExecutionError(f"the symbols follow different calendars ({', '.join(names)}): pass calendar= to choose")
    return calendar_named(name or names[0])


def _minute(time_ns: Any) -> str:
    return str(np.datetime64(int(time_ns), "ns").astype("datetime64[m]")).replace("T", " ")
