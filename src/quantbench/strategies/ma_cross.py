"""Moving-average crossover: the trend by two averages."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy, param
from quantbench.indicators import atr, sma

__all__ = ["MaCross"]


@dataclass(frozen=True)
class MaCross(Strategy):
    """Long while the fast average is above the slow one, else short.

    Parameters
    ----------
    fast, slow : int
        Lookbacks of the two simple averages, in bars.
    stop_atr : float
        Distance of the stop in average true ranges of 14 bars.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.MaCross(20, 100).warmup
    280
    """

    fast: int = param(20, among=range(5, 60, 5))
    slow: int = param(100, among=range(40, 320, 20))
    stop_atr: float = param(3.0, among=(2.0, 3.0, 4.0))

    def __post_init__(self) -> None:
        """Refuse averages that cannot cross as meant."""
        check(1 <= self.fast < self.slow, "fast must be shorter than slow", fast=self.fast, slow=self.slow)
        check(self.stop_atr > 0, "stop_atr must be above 0", stop_atr=self.stop_atr)

    @property
    def warmup(self) -> int:
        """The slow average, and the time Wilder's ATR needs to forget: measured, not guessed."""
        return max(self.slow, 20 * 14)

    def decide(self, bars: Bars) -> Signals:
        """Compare the two averages."""
        gap = sma(bars.close, self.fast) - sma(bars.close, self.slow)
        return Signals.when(long=gap > 0, short=gap < 0, stop=self.stop_atr * atr(bars, 14))
