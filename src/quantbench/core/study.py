"""What a search gives back: every trial it made, the bad and the failed ones too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError
from quantbench.core.limits import Limits
from quantbench.core.results import counted
from quantbench.core.space import Values
from quantbench.core.strategy import Strategy
from quantbench.core.views import with_views

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MINIMISED", "Constraint", "Study", "Trial", "direction", "non_dominated"]

FloatArray = npt.NDArray[np.float64]

MINIMISED: Final = frozenset({"volatility", "complexity", "max_drawdown_days"})
"""Metrics of which less is better; of all others more is. A drawdown is never above 0: more is less of it."""


def direction(metric: str) -> int:
    """Return +1 where more of the metric is better, -1 where less is."""
    return -1 if metric in MINIMISED else 1


class Constraint(NamedTuple):
    """What a trial must meet before its objectives count.

    Attributes
    ----------
    metric : str
    low, high : float
        Both included; infinite where there is no bound.
    """

    metric: str
    low: float
    high: float

    def missed_by(self, values: FloatArray) -> FloatArray:
        """Return how far each value is outside, as a share of the bound (1 if that is 0); infinite for NaN."""
        below = (self.low - values) / (abs(self.low) or 1.0) if self.low > -math.inf else np.zeros_like(values)
        above = (values - self.high) / (abs(self.high) or 1.0) if self.high < math.inf else np.zeros_like(values)
        return np.where(np.isnan(values), np.inf, np.maximum(np.maximum(below, above), 0.0))

    def __str__(self) -> str:
        low, high = self.low > -math.inf, self.high < math.inf
        if low and high:
            return f"{self.low:g} <= {self.metric} <= {self.high:g}"
        return f"{self.metric} >= {self.low:g}" if low else f"{self.metric} <= {self.high:g}"


def non_dominated(points: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which rows no other row beats: at least as good in everything, better in something; more is better.

    Parameters
    ----------
    points : float array of shape (trials, objectives)
        Finite.
    """
    keep = np.ones(len(points), np.bool_)
    for row in np.argsort(-points[:, 0], kind="stable"):
        if keep[row]:
            beaten = (points <= points[row]).all(axis=1) & (points < points[row]).any(axis=1)
            keep &= ~beaten
    return keep


@dataclass(frozen=True)
class Trial:
    """One choice that was tried.

    Attributes
    ----------
    number : int
        Position in the study.
    params : mapping
        The choice.
    metrics : mapping of str to float
        Empty when it failed.
    failure : str or None
        Why it failed.
    """

    number: int
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    failure: str | None = None


@with_views
@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """**Every** trial of one search, the bad and the failed ones too.

    Attributes
    ----------
    strategy : type
        The class that was searched.
    bars, account, costs, sizing, limits : as given to the search
    params : tuple of mappings
        What was tried: a grid in its own order, else in the order it was first tried.
    values : mapping of str to float array
        One array per metric, one value per trial, NaN where it failed.
    failures : tuple of (str or None)
        Why a trial failed.
    daily : float32 array of shape (trials, days)
        Daily net returns of every trial; NaN rows for failures.
    refused : int
        Combinations the strategy refuses, which are no trials.
    score : str
        The first objective: what `best` is best in.
    space : mapping
        What was searched: a `Space`, or the values by param.
    rates, intrabar, trade_from : as given to the search
    method : str
        Which search it was.
    seed : int or None
        Of the search; None where nothing was drawn.
    objectives : tuple of str
        Metrics, each in its direction (`direction`); the first is the score.
    constraints : tuple of Constraint
        What a trial must meet before its objectives count.
    batch : int array or None
        In which batch (or generation) of the search each trial was made.
    duplicates : int
        How often the search asked for a choice it had already tried: answered from memory, no trials.
    pool : tuple of Bars
        All bars, where one search ran over several; `bars` is the first, `daily` their pooled returns.
    """

    strategy: type[Strategy]
    bars: Bars
    account: Account
    costs: Costs
    sizing: Sizing
    limits: Limits
    params: tuple[Mapping[str, Any], ...]
    values: Mapping[str, FloatArray]
    failures: tuple[str | None, ...]
    daily: npt.NDArray[np.float32]
    refused: int = 0
    score: str = "sharpe"
    space: Mapping[str, Values] = field(default_factory=dict)
    rates: Bars | None = None
    intrabar: Bars | None = None
    trade_from: str | datetime | None = None
    method: str = "grid"
    seed: int | None = None
    objectives: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    batch: npt.NDArray[np.int64] | None = None
    duplicates: int = 0
    pool: tuple[Bars, ...] = ()

    if TYPE_CHECKING:  # given by the table in core.views

        def plot(self) -> Any:
            """Return the figure of this study."""

        def select(self, how: str = "plateau") -> Any:
            """Return the trial chosen for more than its own score."""

        def importance(self, metric: str | None = None) -> pd.Series[float]:
            """Return how much of a metric's variance each param explains."""

        def to_optuna(self, storage: str | None = None) -> Any:
            """Return an `optuna.Study` of these trials."""

    def __post_init__(self) -> None:
        """Name the objectives where only a score was given."""
        if not self.objectives:
            object.__setattr__(self, "objectives", (self.score,))

    def __len__(self) -> int:
        return len(self.params)

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Every trial, in order."""
        return tuple(self.trial(i) for i in range(len(self)))

    def trial(self, number: int) -> Trial:
        """Return one trial."""
        failure = self.failures[number]
        found = {} if failure else {name: float(column[number]) for name, column in self.values.items()}
        return Trial(number, self.params[number], found, failure)

    @property
    def points(self) -> FloatArray:
        """Objectives of every trial, signed so that more is better: shape (trials, objectives)."""
        return np.column_stack([direction(name) * self.values[name] for name in self.objectives])

    @property
    def feasible(self) -> npt.NDArray[np.bool_]:
        """Which trials have all their objectives and meet every constraint."""
        found = np.atleast_1d(np.isfinite(self.points).all(axis=1))
        for one in self.constraints:
            found &= one.missed_by(self.values[one.metric]) == 0
        return found

    @property
    def best(self) -> Trial:
        """The feasible trial that is best in the score; the first of equals.

        Raises
        ------
        ExecutionError
            When no trial has a score, or none meets the constraints.
        """
        sign = direction(self.score)
        column = np.where(self.feasible, sign * self.values[self.score], np.nan)
        if not np.isfinite(column).any():
            raise ExecutionError(self._why_none())
        return self.trial(int(np.nanargmax(column)))

    def _why_none(self) -> str:
        if self.constraints and np.isfinite(self.points).all(axis=1).any():
            wanted = ", ".join(map(str, self.constraints))
            return f"none of {len(self)} trials meets {wanted}; loosen the constraints or widen the space"
        why = next((text for text in self.failures if text), f"{self.score} is NaN for all of them")
        return f"none of {len(self)} trials has a {self.score}: {why}"

    @property
    def best_strategy(self) -> Strategy:
        """The strategy of the best trial, ready to trade."""
        return self.strategy.from_params(self.best.params)

    @property
    def front(self) -> tuple[Trial, ...]:
        """The feasible trials that no other beats in every objective, best score first."""
        rows = np.flatnonzero(self.feasible)
        if not len(rows):
            return ()
        points = self.points[rows]
        kept = np.flatnonzero(non_dominated(points))
        kept = kept[np.argsort(-points[kept, 0], kind="stable")]
        return tuple(self.trial(int(rows[row])) for row in kept)

    def table(self) -> pd.DataFrame:
        """Return one row a trial: params, metrics, failure; the same bytes for any number of workers."""
        import pandas as pd

        names = list(self.params[0]) if self.params else []
        columns: dict[str, Any] = {name: [choice[name] for choice in self.params] for name in names}
        columns |= dict(self.values)
        if self.constraints:
            columns["feasible"] = self.feasible
        if self.batch is not None:
            columns["batch"] = self.batch
        columns["failure"] = pd.array([text or "" for text in self.failures], dtype="str")
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self), name="trial"))

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        failed = sum(text is not None for text in self.failures)
        notes = [f"{failed} failed"] * bool(failed) + [f"{self.refused} refused by the strategy"] * bool(self.refused)
        if self.constraints:
            notes.append(f"{int(self.feasible.sum())} meet the constraints")
        also = f" ({', '.join(notes)})" if notes else ""
        where = f" on {len(self.pool)} markets" if self.pool else ""
        return f"{counted(len(self), 'trial')}{also}{where}, {self.bars.years:.1f} years, net, in-sample"

    def __repr__(self) -> str:
        head = f"Study of {self.strategy.__name__} on {self.bars!r}\n{self.headline}"
        if not len(self) or not self.feasible.any():
            return head
        best = self.best
        return f"{head}\nbest {self.score} {best.metrics[self.score]:.2f}: {dict(best.params)}"
