"""What every engine reads: quotes on both sides, costs, swaps and currency, as plain arrays."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, FixedLots, Sizing, VolatilityTarget
from quantbench.core.bars import Bars
from quantbench.core.calendar import rollover_nights
from quantbench.core.clock import DAY_NS, as_ns
from quantbench.core.errors import ExecutionError
from quantbench.core.instrument import Instrument
from quantbench.core.rules import BASE_IS_ACCOUNT, BY_RATE, QUOTE_IS_ACCOUNT, Conversion, Own
from quantbench.core.timeframe import timeframe_ns

__all__ = [
    "Market",
    "commission_of",
    "conversion_at",
    "market_of",
    "own_side",
    "size_by_bar",
    "spread_points",
    "unit_profit",
]

FloatArray = npt.NDArray[np.float64]
_EMPTY = np.zeros(0)
_STRETCH: Final = 2**14  # bars


class Market(NamedTuple):
    """The bars as the broker quotes them, and what trading on them takes.

    Attributes
    ----------
    quotes : float array of shape (8, bars)
        What a long reads, then what a short reads: open, adverse, favourable and close; asks on the
        instrument's price grid.
    swap_long, swap_short : float arrays
        Quote currency per lot earned by a position held into the bar; empty where there is none.
    rate_open, rate_close : float arrays
        Account per quote currency known at the open and at the close; empty unless by rate.
    conversion : int
        `QUOTE_IS_ACCOUNT`, `BASE_IS_ACCOUNT` or `BY_RATE`.
    slippage, nearest : float
        Price distance lost on a fill; nearest a level may stand to the market.
    commission_per_lot, commission_fraction : float
        Per side: account currency, fraction of notional.
    """

    quotes: FloatArray
    swap_long: FloatArray
    swap_short: FloatArray
    rate_open: FloatArray
    rate_close: FloatArray
    conversion: int
    slippage: float
    nearest: float
    commission_per_lot: float
    commission_fraction: float

    @property
    def bid_open(self) -> FloatArray:
        """Bid at each open: what a sale gets before slippage."""
        return cast("FloatArray", self.quotes[0])

    @property
    def bid_low(self) -> FloatArray:
        """Lowest bid of each bar."""
        return cast("FloatArray", self.quotes[1])

    @property
    def bid_high(self) -> FloatArray:
        """Highest bid of each bar."""
        return cast("FloatArray", self.quotes[2])

    @property
    def bid_close(self) -> FloatArray:
        """Bid at each close."""
        return cast("FloatArray", self.quotes[3])

    @property
    def ask_open(self) -> FloatArray:
        """Ask at each open: what a purchase pays before slippage."""
        return cast("FloatArray", self.quotes[4])

    @property
    def ask_high(self) -> FloatArray:
        """Highest ask of each bar."""
        return cast("FloatArray", self.quotes[5])

    @property
    def ask_low(self) -> FloatArray:
        """Lowest ask of each bar."""
        return cast("FloatArray", self.quotes[6])

    @property
    def ask_close(self) -> FloatArray:
        """Ask at each close."""
        return cast("FloatArray", self.quotes[7])


@lru_cache(maxsize=2)  # a notebook trades the same bars again and again
def market_of(bars: Bars, account: Account, costs: Costs, rates: Bars | None = None) -> Market:
    """Return the market a strategy trades on these bars; the same one for the same bars and terms.

    Raises
    ------
    ExecutionError
        When quote currency cannot be converted to the account's, or the stop-out level asks for more
        than the position is worth.
    """
    instrument, paid = bars.instrument, costs.resolved(bars.instrument)
    if account.stop_out_level > instrument.leverage:
        raise ExecutionError(
            f"{bars.symbol}: a stop-out level of {account.stop_out_level:g} at leverage {instrument.leverage:g} closes "
            "whatever is opened; lower the level or raise the leverage"
        )
    quotes = _quotes(bars, spread_points(bars, paid) * instrument.point, 10.0**instrument.digits)
    conversion = _conversion(instrument, account)
    at_open, at_close = _rates(bars, account, rates) if conversion == BY_RATE else (_EMPTY, _EMPTY)
    swap_long, swap_short = _swaps(bars, instrument, paid) if paid.swap else (_EMPTY, _EMPTY)
    return Market(
        quotes=quotes,
        swap_long=swap_long,
        swap_short=swap_short,
        rate_open=at_open,
        rate_close=at_close,
        conversion=conversion,
        slippage=(paid.slippage_points or 0.0) * instrument.point,
        nearest=max(instrument.stops_level_points, 1.0) * instrument.point,
        commission_per_lot=paid.commission_per_lot or 0.0,
        commission_fraction=paid.commission_percent or 0.0,
    )


def spread_points(bars: Bars, paid: Costs) -> FloatArray:
    """Return the spread at each open in points: the bars' own times the factor, else what the costs declare."""
    return np.where(np.isnan(bars.spread), paid.spread_points or 0.0, bars.spread * paid.spread_factor)


def _quotes(bars: Bars, spread: FloatArray, scale: float) -> FloatArray:
    """Return bid and ask as the two sides read them; made in stretches that stay in the cache."""
    quotes = np.empty((8, len(bars)))
    for begin in range(0, len(bars), _STRETCH):
        part = slice(begin, begin + _STRETCH)
        for row, price in enumerate((bars.open, bars.low, bars.high, bars.close)):
            quotes[row, part] = price[part]
        for row, price in zip((4, 5, 6, 7), (bars.open, bars.high, bars.low, bars.close), strict=True):
            ask = quotes[row, part]
            np.add(price[part], spread[part], out=ask)
            np.multiply(ask, scale, out=ask)
            np.rint(ask, out=ask)
            np.divide(ask, scale, out=ask)
    return quotes


def _conversion(instrument: Instrument, account: Account) -> int:
    if instrument.quote_currency == account.currency:
        return QUOTE_IS_ACCOUNT
    return BASE_IS_ACCOUNT if instrument.base_currency == account.currency else BY_RATE


def _rates(bars: Bars, account: Account, rates: Bars | None) -> tuple[FloatArray, FloatArray]:
    """Return the latest complete rate at each open and each close [4]."""
    quote = bars.instrument.quote_currency
    if rates is None:
        raise ExecutionError(
            f"{bars.symbol} is quoted in {quote}, the account is in {account.currency}: "
            f"pass rates=, bars whose close is {account.currency} per {quote}"
        )
    complete = rates.time_ns + timeframe_ns(rates.timeframe)
    found = []
    for moments in (bars.time_ns, bars.time_ns + timeframe_ns(bars.timeframe)):
        row = np.searchsorted(complete, moments, side="right") - 1
        if len(row) and row[0] < 0:
            raise ExecutionError(
                f"rates {rates.symbol} begin after {bars.symbol}: no complete rate at {bars.time[0]}; "
                "load earlier rates or later bars"
            )
        found.append(rates.close[row])
    return found[0], found[1]


def _swaps(bars: Bars, instrument: Instrument, paid: Costs) -> tuple[FloatArray, FloatArray]:
    """Return the swap a lot earns (negative: pays) on each bar that holds a rollover [3.1]."""
    schedule = instrument.swap_schedule
    if schedule is None:
        schedule = (("0001-01-01", instrument.swap_long_points, instrument.swap_short_points),)
    if not any(long or short for _, long, short in schedule):
        return _EMPTY, _EMPTY
    bar, weekday, moment = rollover_nights(bars.time_ns)
    starts = np.array([_day(day) for day, _, _ in schedule])
    row = np.searchsorted(starts, moment // DAY_NS, side="right") - 1
    nights = np.asarray(instrument.swap_multipliers, dtype=np.float64)[weekday]
    swaps = []
    for side in (1, 2):
        points = np.where(row < 0, 0.0, np.array([float(entry[side]) for entry in schedule])[np.maximum(row, 0)])
        points = np.where(points < 0, points * paid.declared_factor, points)
        column = np.zeros(len(bars))
        np.add.at(column, bar, points * instrument.point * instrument.contract_size * nights)
        swaps.append(column)
    return swaps[0], swaps[1]


@lru_cache(maxsize=1024)
def _day(iso: str) -> int:
    """Return an ISO date as days since 1970; dates before that count as the beginning."""
    return as_ns(iso) // DAY_NS if iso >= "1970" else -(10**6)


def size_by_bar(sizing: Sizing, bars: Bars) -> FloatArray:
    """Return the sizing's number on each bar: lots, or a fraction of equity (NaN: not known yet)."""
    if isinstance(sizing, FixedLots):
        return np.broadcast_to(np.float64(sizing.lots), len(bars))
    if not isinstance(sizing, VolatilityTarget):
        return np.broadcast_to(np.float64(sizing.fraction), len(bars))
    of = bars.instrument.trading_calendar
    hours = timeframe_ns(bars.timeframe) / 3_600e9
    periods = of.days_per_year * max(1.0, of.hours_per_day / hours)
    sigma = np.full(len(bars), np.nan)
    if len(bars) > sizing.lookback:
        returns = bars.close[1:] / bars.close[:-1] - 1.0
        windows = np.lib.stride_tricks.sliding_window_view(returns, sizing.lookback)
        sigma[sizing.lookback :] = windows.std(axis=1, ddof=1)
    with np.errstate(divide="ignore"):
        fraction = sizing.annual / (sigma * np.sqrt(periods))
    return np.where(np.isfinite(fraction), fraction, np.nan)


def own_side(market: Market, side: int, k: int) -> Own:
    """Return bar k as a position's side sees it: bid for longs, ask for shorts."""
    if side > 0:
        return Own(*map(float, (market.bid_open[k], market.bid_low[k], market.bid_high[k], market.bid_close[k])))
    return Own(*map(float, (market.ask_open[k], market.ask_high[k], market.ask_low[k], market.ask_close[k])))


def conversion_at(market: Market, k: int, *, at_close: bool = False) -> Conversion:
    """Return quote to account currency [4], by the rate known at the open of bar k or at its close."""
    rates = market.rate_close if at_close else market.rate_open
    return Conversion(market.conversion, float(rates[k]) if len(rates) else 1.0)


def unit_profit(side: int, entry: float, price: float, instrument: Instrument, convert: Conversion) -> float:
    """Return account currency one lot has made at a price [4]."""
    return (price - entry) * side * instrument.contract_size * convert.factor(price)


def commission_of(market: Market, instrument: Instrument, lots: float, price: float, convert: Conversion) -> float:
    """Return the commission of one side [4]."""
    notional = lots * instrument.contract_size * price * convert.factor(price)
    return market.commission_per_lot * lots + market.commission_fraction * notional
