"""RSI reversion: bet that an exhausted move turns back (Wilder 1978, pp. 63-70)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy, param
from quantbench.indicators import atr, rsi
from quantbench.indicators.events import bars_since, crossed_above, crossed_below

__all__ = ["RsiReversion"]


@dataclass(frozen=True)
class RsiReversion(Strategy):
    """Buy when the RSI climbs out of oversold, sell when it falls out of overbought, leave at 50."""

    lookback: int = param(14, among=(7, 10, 14, 21))  # bars of Wilder's RSI
    oversold: float = param(30.0, among=(20.0, 25.0, 30.0))
    overbought: float = param(70.0, among=(70.0, 75.0, 80.0))
    stop_atr: float = param(3.0, among=(2.0, 3.0, 4.0))  # average true ranges of 14 bars
    hold: int = param(24, among=(12, 24, 48))  # bars a signal counts; a new one starts again

    def __post_init__(self) -> None:
        """Refuse levels on the wrong side of 50."""
        ordered = 0 < self.oversold < 50 < self.overbought < 100
        check(
            ordered, "oversold must be below 50, overbought above", oversold=self.oversold, overbought=self.overbought
        )
        check(min(self.lookback - 1, self.hold) >= 1, "too short", lookback=self.lookback, hold=self.hold)
        check(self.stop_atr > 0, "stop_atr must be above 0", stop_atr=self.stop_atr)

    @property
    def warmup(self) -> int:
        """A signal may be `hold` bars old, and its RSI must have forgotten where the history began."""
        return max(20 * self.lookback + self.hold, 20 * 14)

    def decide(self, bars: Bars) -> Signals:
        """Follow the last signal until the RSI is back at 50 or `hold` bars have passed."""
        strength = rsi(bars.close, self.lookback)
        buy, sell = crossed_above(strength, self.oversold), crossed_below(strength, self.overbought)
        is_long = bars_since(buy) < np.minimum(self.hold, bars_since(strength >= 50))
        is_short = bars_since(sell) < np.minimum(self.hold, bars_since(strength <= 50))
        return Signals.when(long=is_long, short=is_short, enter=buy | sell, stop=self.stop_atr * atr(bars, 14))
