"""The rule that carries the planted edge: go where the market went some days before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy, param

__all__ = ["Echo"]

_USUAL = 20  # days that say what a usual move is


@dataclass(frozen=True)
class Echo(Strategy):
    """Long through a day when the day `lag` days before rose by more than a share of the usual move; short if it fell.

    Otherwise the position stays. It exists to be searched in worlds whose truth is known: 20 lags times
    10 sizes are 200 configurations.
    """

    lag: int = param(1, among=range(1, 21))
    size: float = param(0.0, among=tuple(np.round(np.arange(10) * 0.08, 2).tolist()))

    @property
    def warmup(self) -> int:
        """The days looked back on, in hours, and one more."""
        return (self.lag + _USUAL + 2) * 24

    def decide(self, bars: Bars) -> Signals:
        """Return the sign of the last large enough day, `lag` days before the day of each bar."""
        ends = day_ends(bars)[1]
        moves = np.diff(np.log(bars.close[ends]), prepend=np.log(bars.open[:1]))
        held = np.cumsum(np.abs(moves))
        usual = np.append(np.full(_USUAL, 1e9), (held[_USUAL:] - held[:-_USUAL]) / _USUAL)[: len(moves)]
        sign = np.where(np.abs(moves) > self.size * usual, np.sign(moves), 0.0)
        past = np.append(np.zeros(self.lag), sign)[: len(sign)]  # of the day `lag` days before
        last = np.maximum.accumulate(np.where(past != 0, np.arange(len(past)), 0))
        return Signals(past[last][np.searchsorted(ends, np.arange(len(bars)))])
