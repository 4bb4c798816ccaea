"""Money and what trading takes: the account, the costs, the position size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from quantbench.core.errors import check
from quantbench.core.instrument import Instrument

__all__ = ["Account", "Costs", "FixedLots", "PercentEquity", "PercentRisk", "Sizing", "VolatilityTarget"]


@dataclass(frozen=True)
class Account:
    """The money a backtest starts with.

    Parameters
    ----------
    currency : str
        ISO code; every amount of money is in it.
    balance : float
        Starting balance, above 0.
    stop_out_level : float
        Equity as a fraction of required margin at which the broker closes (0.5 is 50 %).

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.Account(balance=25_000)
    Account(currency='USD', balance=25000, stop_out_level=0.5)
    """

    currency: str = "USD"
    balance: float = 10_000.0
    stop_out_level: float = 0.5

    def __post_init__(self) -> None:
        """Refuse an account that cannot trade."""
        check(
            math.isfinite(self.balance) and self.balance > 0,
            "the starting balance must be above 0",
            balance=self.balance,
        )
        check(
            0 <= self.stop_out_level < math.inf,
            "the stop-out level must be a fraction of margin, 0 or more",
            stop_out_level=self.stop_out_level,
        )


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What trading takes. ``None`` means the instrument's declared figure; 0 is legal and means 0.

    Parameters
    ----------
    commission_per_lot : float, optional
        Account currency, per side.
    commission_percent : float, optional
        **Fraction** of notional, per side: 0.0001 is one basis point.
    slippage_points : float, optional
        Points lost on every market fill and every stop.
    spread_points : float, optional
        Used where the bars carry no spread.
    swap : bool
        Whether positions held over 17:00 New York pay or earn swap.
    spread_factor : float
        Multiplies the spread the bars carry.
    declared_factor : float
        Multiplies whatever is taken from the instrument, and swaps paid. Set by `times`.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.Costs(commission_per_lot=3.5, slippage_points=1).times(2).commission_per_lot
    7.0
    """

    commission_per_lot: float | None = None
    commission_percent: float | None = None
    slippage_points: float | None = None
    spread_points: float | None = None
    swap: bool = True
    spread_factor: float = 1.0
    declared_factor: float = 1.0

    def __post_init__(self) -> None:
        """Refuse costs that pay the trader."""
        for name in (
            "commission_per_lot",
            "commission_percent",
            "slippage_points",
            "spread_points",
            "spread_factor",
            "declared_factor",
        ):
            value = getattr(self, name)
            check(value is None or (math.isfinite(value) and value >= 0), f"{name} must be 0 or more", found=value)
        percent = self.commission_percent
        check(
            percent is None or percent < 1,
            "commission_percent is a fraction of notional: write 0.001 for 0.1 %",
            commission_percent=percent,
        )

    def times(self, k: float) -> Self:
        """Return costs `k` times as high: commissions, slippage, spread and swaps paid, never swaps earned."""

        def scaled(value: float | None) -> float | None:
            return None if value is None else value * k

        return replace(
            self,
            commission_per_lot=scaled(self.commission_per_lot),
            commission_percent=scaled(self.commission_percent),
            slippage_points=scaled(self.slippage_points),
            spread_points=scaled(self.spread_points),
            spread_factor=self.spread_factor * k,
            declared_factor=self.declared_factor * k,
        )

    def resolved(self, instrument: Instrument) -> Self:
        """Return the costs with every ``None`` replaced by the instrument's declared figure."""

        def or_declared(own: float | None, declared: float) -> float:
            return own if own is not None else declared * self.declared_factor

        return replace(
            self,
            commission_per_lot=or_declared(self.commission_per_lot, instrument.commission_per_lot),
            commission_percent=or_declared(self.commission_percent, instrument.commission_percent),
            slippage_points=or_declared(self.slippage_points, instrument.slippage_points),
            spread_points=or_declared(self.spread_points, instrument.typical_spread_points),
        )


def _positive(name: str, value: float) -> None:
    check(math.isfinite(value) and value > 0, f"{name} must be above 0", found=value)


@dataclass(frozen=True)
class FixedLots:
    """Trade the same number of lots every time."""

    lots: float

    def __post_init__(self) -> None:
        """Refuse no lots."""
        _positive("lots", self.lots)


@dataclass(frozen=True)
class PercentRisk:
    """Lose this fraction of equity if the stop is hit; needs a stop or a trail (0.01 is 1 %)."""

    fraction: float

    def __post_init__(self) -> None:
        """Refuse no risk."""
        _positive("fraction", self.fraction)


@dataclass(frozen=True)
class PercentEquity:
    """Hold this multiple of equity as notional (1.0 is unlevered)."""

    fraction: float

    def __post_init__(self) -> None:
        """Refuse nothing held."""
        _positive("fraction", self.fraction)


@dataclass(frozen=True)
class VolatilityTarget:
    """Hold as much notional as makes the yearly volatility `annual`, measured over `lookback` closes."""

    annual: float
    lookback: int = 20

    def __post_init__(self) -> None:
        """Refuse a target that cannot be measured."""
        _positive("annual", self.annual)
        check(self.lookback >= 2, "lookback must be at least 2 returns", lookback=self.lookback)


Sizing = FixedLots | PercentRisk | PercentEquity | VolatilityTarget
