"""EXECUTION as pure functions of numbers: episodes, lots, levels, exits, margin.

The reference engine, the simulated terminal and the live runner all call these; the compiled
kernel repeats them and is proved equal. Sides are +1 and -1, prices are in quote currency,
money is in account currency. The numbers in brackets are sections of docs/execution.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

from quantbench.core.account import FixedLots, PercentRisk, Sizing
from quantbench.core.instrument import Instrument

__all__ = [
    "BASE_IS_ACCOUNT",
    "BY_RATE",
    "QUOTE_IS_ACCOUNT",
    "REASONS",
    "Conversion",
    "Distances",
    "Exit",
    "Levels",
    "Own",
    "entry_levels",
    "exit_at_open",
    "exit_inside",
    "fill_price",
    "followed_stop",
    "lots_of",
    "raw_lots",
    "required_margin",
    "round_price",
    "sign",
    "starts_episode",
    "stop_out_price",
    "wanted_steps",
]

NAN: Final = math.nan

REASONS: Final = ("signal", "reversal", "time", "resize", "stop", "take", "trail", "limit", "stop_out", "end_of_data")
"""Why a part was closed, in the order of the kernel's codes."""

_STEP_SLACK: Final = 1e-9  # 0.3 / 0.1 is 2.9999999999999996: it is three steps all the same


def round_price(price: float, digits: int) -> float:
    """Return the price on the instrument's grid [head of the page]."""
    if not math.isfinite(price):
        return price
    scale = 10.0**digits
    return round(price * scale) / scale


def fill_price(price: float, digits: int) -> float:
    """Return a fill on the grid, at least one step of it: nothing is sold for less than that."""
    return max(round_price(price, digits), 1.0 / 10.0**digits)


class Conversion(NamedTuple):
    """How quote currency becomes account currency [4]: 1, 1 / price, or a rate."""

    kind: int
    rate: float = 1.0

    def factor(self, price: float) -> float:
        """Return account currency per unit of quote currency at that price."""
        if self.kind == QUOTE_IS_ACCOUNT:
            return 1.0
        if self.kind == BASE_IS_ACCOUNT:
            return 1.0 / price
        return self.rate


QUOTE_IS_ACCOUNT: Final = 0
BASE_IS_ACCOUNT: Final = 1
BY_RATE: Final = 2


def starts_episode(target: float, before: float, *, enter: bool, is_flat: bool) -> bool:
    """Return whether an episode starts on a bar [2], from its target and the bar before's."""
    if target == 0:
        return False
    return sign(target) != sign(before) or (enter and is_flat)


def sign(value: float) -> int:
    """Return -1, 0 or +1."""
    return int(value > 0) - int(value < 0)


def lots_of(steps: int, step: float) -> float:
    """Return whole volume steps as lots, on the decimal grid (3 x 0.1 is 0.3)."""
    return round(steps * step * 1e8) / 1e8


def wanted_steps(lots: float, instrument: Instrument) -> int:
    """Return lots as whole volume steps, at most volume_max; 0 below volume_min [2]."""
    if not lots > 0:
        return 0
    step = instrument.volume_step
    most = math.floor(instrument.volume_max / step + _STEP_SLACK)
    steps = min(math.floor(min(lots / step, 1e15) + _STEP_SLACK), most)
    return steps if steps >= math.ceil(instrument.volume_min / step - _STEP_SLACK) else 0


def raw_lots(
    sizing: Sizing, amount: float, *, equity: float, close: float, distance: float, contract: float, convert: Conversion
) -> float:
    """Return the lots a full target asks for, before rounding [2]; NaN where they are not known.

    `amount` is the sizing's number on this bar: lots, or a fraction of equity.
    """
    if isinstance(sizing, FixedLots):
        return amount
    price = distance if isinstance(sizing, PercentRisk) else close
    return equity * amount / (price * contract * convert.factor(close))


def required_margin(lots: float, price: float, instrument: Instrument, convert: Conversion) -> float:
    """Return the margin lots bind at a price [4], in account currency."""
    return lots * instrument.contract_size * price / instrument.leverage * convert.factor(price)


class Own(NamedTuple):
    """A bar as one side sees it: bid prices for a long, ask prices for a short."""

    open: float
    adverse: float
    favourable: float
    close: float


class Levels(NamedTuple):
    """Where a position ends: prices on its own side, NaN for none; `moved` once the stop has followed."""

    stop_out: float
    stop: float
    take: float
    moved: bool = False


class Distances(NamedTuple):
    """What an episode decided at its start: price distances, and bars to hold; NaN for none."""

    stop: float = NAN
    take: float = NAN
    trail: float = NAN
    breakeven: float = NAN
    hold: float = NAN


class Exit(NamedTuple):
    """A close: why, at which price before slippage, and whether a take was in reach of a stop's bar."""

    reason: str
    price: float
    slips: bool
    ambiguous: bool = False


def entry_levels(
    side: int, *, bid: float, ask: float, nearest: float, distances: Distances, digits: int
) -> tuple[float, float]:
    """Return stop and take of a position opened at these quotes [3.3], NaN where none.

    They are measured from the entry quote before slippage and kept `nearest` outside the market.
    """
    wanted = distances.stop if distances.stop == distances.stop else distances.trail
    quote, away = (ask, bid) if side > 0 else (bid, ask)
    stop, take = quote - side * wanted, quote + side * distances.take
    if side > 0:
        stop, take = _or_nan(min, stop, away - nearest), _or_nan(max, take, away + nearest)
    else:
        stop, take = _or_nan(max, stop, away + nearest), _or_nan(min, take, away - nearest)
    return round_price(stop, digits), round_price(take, digits)


def _or_nan(choose: Callable[[float, float], float], level: float, bound: float) -> float:
    return level if math.isnan(level) else choose(level, bound)


def exit_at_open(side: int, quote: float, levels: Levels) -> Exit | None:
    """Return the exit of a position held into a bar that opens beyond a level [3.2]."""
    if side * (quote - levels.stop_out) <= 0:
        return Exit("stop_out", quote, slips=True)
    if side * (quote - levels.stop) <= 0:
        return Exit("trail" if levels.moved else "stop", quote, slips=True)
    if side * (quote - levels.take) >= 0:
        return Exit("take", quote, slips=False)
    return None


def exit_inside(side: int, bar: Own, levels: Levels) -> Exit | None:
    """Return the level reached inside a bar [3.4]; with a stop and a take in reach, the stop."""
    out = side * (bar.adverse - levels.stop_out) <= 0
    stopped = side * (bar.adverse - levels.stop) <= 0
    taken = side * (bar.favourable - levels.take) >= 0
    if out and (not stopped or side * (levels.stop_out - levels.stop) >= 0):
        # A position can be born beyond its stop-out price; nobody closes it better than the market.
        price = min(levels.stop_out, bar.open) if side > 0 else max(levels.stop_out, bar.open)
        return Exit("stop_out", price, slips=True, ambiguous=taken)
    if stopped:
        return Exit("trail" if levels.moved else "stop", levels.stop, slips=True, ambiguous=taken)
    if taken:
        return Exit("take", levels.take, slips=False)
    return None


def followed_stop(
    side: int, bar: Own, *, stop: float, quote: float, distances: Distances, nearest: float, digits: int
) -> float:
    """Return the stop for the next bar [3.5]: break-even, then trail, never loosened.

    `quote` is the entry quote; the stop is kept `nearest` beyond the bar's close.
    """
    outermost = bar.close - side * nearest
    if side * (bar.favourable - round_price(quote + side * distances.breakeven, digits)) >= 0:
        stop = _tightened(side, stop, quote, outermost, digits)
    if not math.isnan(distances.trail):
        stop = _tightened(side, stop, bar.favourable - side * distances.trail, outermost, digits)
    return stop


def _tightened(side: int, stop: float, wanted: float, outermost: float, digits: int) -> float:
    level = round_price(min(wanted, outermost) if side > 0 else max(wanted, outermost), digits)
    return stop if side * (level - stop) <= 0 else level


def stop_out_price(
    side: int,
    *,
    balance: float,
    lots: float,
    lots_entry: float,
    level: float,
    instrument: Instrument,
    convert: Conversion,
) -> float:
    """Return the own-side price at which equity is `level` x required margin [3.4], NaN for never.

    `lots_entry` is the sum of lots x entry price over the open parts.
    """
    size, bound = instrument.contract_size, level / instrument.leverage
    if convert.kind == BASE_IS_ACCOUNT:
        held = side * size * lots_entry
        left = balance + size * lots * (side - bound)
        price = held / left if left * side > 0 else (math.inf if side > 0 else NAN)
    else:
        weight = size * lots * (side - bound)
        price = (side * size * lots_entry - balance / convert.rate) / weight if weight * side > 0 else NAN
    return round_price(price, instrument.digits)
