"""Contract facts of what is traded: points, lots, currencies, swaps, clocks."""

from __future__ import annotations

import math
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Self

from quantbench.core.calendar import Calendar, calendar
from quantbench.core.errors import DataError

__all__ = ["Instrument", "SwapRow"]

SwapRow = tuple[str, float, float]


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """Contract facts of one symbol, as the broker's specification gives them.

    Parameters
    ----------
    symbol : str
        The broker's name.
    digits : int
        Decimals of a price; every fill and level is rounded to them.
    point : float
        The smallest price step in which spread, swap and slippage are counted (``10**-digits``).
    contract_size : float
        Units of the base currency (or of the index, ounce, coin) in one lot.
    volume_min, volume_step, volume_max : float
        Lots.
    base_currency, quote_currency : str
        ISO codes; prices are in quote currency.
    leverage : float
        Required margin is notional / leverage.
    stops_level_points : float
        How far from the market a stop or take must be, in points.
    swap_long_points, swap_short_points : float
        Earned (negative: paid) per lot and night, in points.
    swap_multipliers : tuple of 7 floats
        Nights charged at the Monday..Sunday rollovers.
    swap_schedule : tuple of (date, long, short), optional
        Swap points in force from each ISO date on; replaces the two constants.
    typical_spread_points, slippage_points : float
        What trading takes where neither the bars nor the costs say.
    commission_per_lot : float
        Account currency, per side.
    commission_percent : float
        Fraction of notional, per side (0.0001 is one basis point).
    calendar : str
        When the trading day ends: ``"fx"``, ``"crypto"`` or ``"us_equity"``.
    server_clock : str
        The broker's clock: a zone, or a zone and hours.

    Raises
    ------
    DataError
        When a fact is impossible.

    Examples
    --------
    >>> import quantbench as qb
    >>> eurusd = qb.Instrument(symbol="EURUSD", digits=5, point=1e-5, contract_size=100_000,
    ...                        volume_min=0.01, volume_step=0.01, volume_max=100.0,
    ...                        base_currency="EUR", quote_currency="USD", leverage=30)
    >>> eurusd.trading_calendar.days_per_year
    260.0
    """

    symbol: str
    digits: int
    point: float
    contract_size: float
    volume_min: float
    volume_step: float
    volume_max: float
    base_currency: str
    quote_currency: str
    leverage: float
    stops_level_points: float = 0.0
    swap_long_points: float = 0.0
    swap_short_points: float = 0.0
    swap_multipliers: tuple[float, ...] = (1, 1, 3, 1, 1, 0, 0)
    swap_schedule: tuple[SwapRow, ...] | None = None
    typical_spread_points: float = 0.0
    slippage_points: float = 0.0
    commission_per_lot: float = 0.0
    commission_percent: float = 0.0
    calendar: str = "fx"
    server_clock: str = field(default="America/New_York+7")

    def __post_init__(self) -> None:
        """Refuse facts that cannot be."""
        object.__setattr__(self, "swap_multipliers", tuple(self.swap_multipliers))
        if self.swap_schedule is not None:
            rows = sorted((str(day), float(long), float(short)) for day, long, short in self.swap_schedule)
            object.__setattr__(self, "swap_schedule", tuple(rows))
        calendar(self.calendar)
        for name in ("point", "contract_size", "volume_min", "volume_step", "volume_max", "leverage"):
            self._require(math.isfinite(getattr(self, name)) and getattr(self, name) > 0, name, "above 0")
        for name in ("stops_level_points", "typical_spread_points", "slippage_points"):
            self._require(math.isfinite(getattr(self, name)) and getattr(self, name) >= 0, name, "0 or more")
        self._require(0 <= self.digits <= 10, "digits", "between 0 and 10")
        self._require(self.volume_max >= self.volume_min, "volume_max", "at least volume_min")
        self._require(len(self.swap_multipliers) == 7, "swap_multipliers", "seven numbers, Monday to Sunday")
        for day, _, _ in self.swap_schedule or ():
            self._require(_is_date(day), "swap_schedule", "rows of (ISO date, long points, short points)")

    def _require(self, holds: bool, name: str, what: str) -> None:  # noqa: FBT001
        if not holds:
            found = getattr(self, name)
            raise DataError(f"{self.symbol}: {name} must be {what}, found {found!r}")

    @property
    def trading_calendar(self) -> Calendar:
        """The calendar by whose days results are counted."""
        return calendar(self.calendar)

    @classmethod
    def from_dict(cls, facts: dict[str, object]) -> Self:
        """Build an instrument from plain values, refusing names it does not have.

        Raises
        ------
        DataError
            For an unknown or missing fact.
        """
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(facts) - known):
            raise DataError(f"unknown instrument facts: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
        needed = [part.name for part in fields(cls) if part.default is MISSING]
        if missing := [name for name in needed if name not in facts]:
            raise DataError(f"instrument {facts.get('symbol', '?')} lacks {', '.join(missing)}: none is assumed")
        whole = {part.name for part in fields(cls) if part.type == "float"}
        facts = {name: float(v) if name in whole and isinstance(v, int) else v for name, v in facts.items()}
        try:
            return cls(**facts)  # type: ignore[arg-type]
        except TypeError as fault:
            raise DataError(f"instrument {facts.get('symbol', '?')}: {fault}") from fault


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
