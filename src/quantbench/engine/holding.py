"""What the reference engine's account holds while the bars go by."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from quantbench.core.guards import Memory
from quantbench.core.rules import NAN, Distances
from quantbench.core.signals import Signals
from quantbench.engine.setting import Venue

__all__ = ["Part", "State"]

NO_DISTANCES = Distances()


@dataclass
class Part:
    """Lots opened by one fill; the parts of an episode share its levels."""

    steps: int
    bar: int
    price: float
    commission: float  # of the entry, still to be charged to a trade
    swap: float = 0.0
    worst: float = 0.0  # open profit per lot, never above 0
    best: float = 0.0


@dataclass
class State:
    """What the account holds while the bars go by."""

    venue: Venue
    signals: Signals
    balance: float
    memory: Memory
    side: int = 0
    parts: list[Part] = field(default_factory=list)
    starting: bool = False  # an episode started on the bar before: enter at this open
    episodes: int = 0
    episode: int = 0  # of what is open
    entry_bar: int = 0
    quote: float = NAN  # entry quote, before slippage
    distances: Distances = NO_DISTANCES
    at_entry: tuple[float, float] = (NAN, NAN)  # stop and take
    stop: float = NAN
    take: float = NAN
    made: float = 0.0  # net profit of the position so far
    trades: list[tuple[Any, ...]] = field(default_factory=list)
    skipped: list[tuple[int, int]] = field(default_factory=list)
