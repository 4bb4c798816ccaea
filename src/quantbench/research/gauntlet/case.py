"""What is put before the gates: the question as it was asked, and what developing the strategy came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.results import Backtest
from quantbench.core.strategy import Strategy
from quantbench.core.study import Study
from quantbench.research.holdout import Holdout
from quantbench.research.pool import Question
from quantbench.research.search import Wish

__all__ = ["Case", "Developed", "Walked"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """What was asked.

    Attributes
    ----------
    strategy : type
    questions : tuple of Question
        One a market; their bars are those to develop on.
    holdouts : tuple of Holdout
        One a market.
    wish : Wish
        How to search.
    select : str
        How to choose.
    train, test : str
        Lengths of the walk-forward.
    seed : int
    hypothesis : str or None
        What was expected beforehand, and why.
    budget : float
        Largest drawdown that may be borne, as a fraction.
    released : mapping of str to Series
        Daily returns of what trades already.
    permutations : int
    """

    strategy: type[Strategy]
    questions: tuple[Question, ...]
    holdouts: tuple[Holdout, ...]
    wish: Wish
    select: str
    train: str
    test: str
    seed: int
    hypothesis: str | None
    budget: float
    released: Mapping[str, Any]
    permutations: int

    @property
    def periods(self) -> float:
        """Trading days a year of the first market."""
        return self.questions[0].bars.instrument.trading_calendar.days_per_year

    def seed_of(self, gate: str) -> int:
        """Return the seed of one gate: gates drawn from one seed are independent."""
        return int(np.random.SeedSequence((self.seed, *gate.encode())).generate_state(1)[0])


@dataclass(frozen=True, eq=False, kw_only=True)
class Walked:
    """A walk-forward over one market or several.

    Attributes
    ----------
    days : int64 array
        Tested trading days, as days since 1970.
    daily : float array
        Their out-of-sample net returns; of several markets, at equal risk and averaged.
    windows : float array
        Net return of each test range.
    trades : int
    trials : int
        Made in all train ranges together.
    efficiency : float
        Mean Sharpe of tests over that of training; NaN where it cannot be said.
    failures : tuple of str
        Why folds traded nothing.
    """

    days: npt.NDArray[np.int64]
    daily: FloatArray
    windows: FloatArray
    trades: int
    trials: int
    efficiency: float
    failures: tuple[str, ...]


@dataclass(frozen=True, eq=False, kw_only=True)
class Developed:
    """What the search on the development bars came to.

    Attributes
    ----------
    study : Study
        Every trial.
    strategy : Strategy
        The choice.
    number : int
        Its trial.
    flags : tuple of str
        What `Study.select` minds about it.
    results : tuple of Backtest
        The choice on each market.
    daily : float array
        Its daily returns, pooled.
    """

    study: Study
    strategy: Strategy
    number: int
    flags: tuple[str, ...]
    results: tuple[Backtest, ...]
    daily: FloatArray

    @property
    def bars(self) -> tuple[Bars, ...]:
        """The development bars, one a market."""
        return tuple(result.bars for result in self.results)
