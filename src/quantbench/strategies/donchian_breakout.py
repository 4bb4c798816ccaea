"""Donchian breakout: go with a new high or low, as the Turtles did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy, param
from quantbench.indicators import atr, donchian
from quantbench.indicators.events import bar_before, bars_since

__all__ = ["DonchianBreakout"]


@dataclass(frozen=True)
class DonchianBreakout(Strategy):
    """Buy a close above the last highs, sell a close below the last lows, leave at a shorter channel.

    Without a new breakout for `patience` bars the trend counts as over. That makes the memory
    finite: who starts today wants the same as who has been running for years.
    """

    entry: int = param(40, among=(20, 40, 60, 80, 120))  # bars of the channel broken on the way in
    exit: int = param(20, among=(10, 20, 30))  # and of the one on the way out
    stop_atr: float = param(2.0, among=(2.0, 3.0))  # average true ranges of 14 bars
    trail_atr: float = param(4.0, among=(3.0, 4.0, 6.0))
    patience: int = 240

    def __post_init__(self) -> None:
        """Refuse channels that would leave before they enter."""
        check(1 <= self.exit < self.entry, "exit must be shorter than entry", exit=self.exit, entry=self.entry)
        stops = {"stop_atr": self.stop_atr, "trail_atr": self.trail_atr}
        check(min(stops.values()) > 0, "stop_atr and trail_atr must be above 0", **stops)
        check(self.patience >= 1, "patience must be 1 bar or more", patience=self.patience)

    @property
    def warmup(self) -> int:
        """A breakout may be `patience` bars old, and its channel is `entry` bars before it."""
        return max(self.patience + self.entry, 20 * 14)

    def decide(self, bars: Bars) -> Signals:
        """Follow the last breakout until the exit channel breaks or patience ends."""
        broken, left = donchian(bars, self.entry), donchian(bars, self.exit)
        up, down = bars.close > bar_before(broken.upper), bars.close < bar_before(broken.lower)
        is_long = bars_since(up) < np.minimum(self.patience, bars_since(bars.close < bar_before(left.lower)))
        is_short = bars_since(down) < np.minimum(self.patience, bars_since(bars.close > bar_before(left.upper)))
        distance = atr(bars, 14)
        return Signals.when(
            long=is_long,
            short=is_short,
            enter=up | down,
            stop=self.stop_atr * distance,
            trail=self.trail_atr * distance,
        )
