"""What a walk-forward gives back: every fold, and one out-of-sample path stitched from their tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account
from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS
from quantbench.core.results import Backtest, counted, daily_returns, day_ends
from quantbench.core.strategy import Strategy
from quantbench.core.study import Study
from quantbench.core.views import with_views
from quantbench.engine.metrics.ratios import sharpe
from quantbench.research.splits import Split, Splits

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Fold", "WalkForward", "efficiency", "t_statistic"]

FloatArray = npt.NDArray[np.float64]

_FEWEST_DAYS: Final = 30


def t_statistic(daily: npt.ArrayLike) -> tuple[float, str]:
    """Return the t-statistic of the mean daily return, and why it is NaN if it is.

    ``mean / deviation * sqrt(n)`` with ddof 1: the null hypothesis is a mean of 0 or less, days taken as
    independent.
    """
    values = np.asarray(daily, np.float64)
    if not np.isfinite(values).all():
        return math.nan, "some daily returns are not finite"
    if len(values) < _FEWEST_DAYS:
        return math.nan, f"{len(values)} days are too few, at least {_FEWEST_DAYS} are needed"
    deviation = float(values.std(ddof=1))
    if float(np.ptp(values)) <= 1e-9 * float(np.abs(values).max(initial=0.0)):
        return math.nan, "all daily returns are the same" if values.any() else "nothing was traded"
    return float(values.mean()) / deviation * math.sqrt(len(values)), ""


def efficiency(trained: npt.ArrayLike, tested: npt.ArrayLike) -> float:
    """Return the mean of what the tests made over the mean of what training made; NaN if that is not above 0."""
    before, after = np.asarray(trained, np.float64), np.asarray(tested, np.float64)
    mean = float(before.mean()) if len(before) else math.nan
    return float(after.mean()) / mean if mean > 0 else math.nan


@dataclass(frozen=True, eq=False)
class Fold:
    """One train range searched, and its choice traded on the test range.

    Attributes
    ----------
    number : int
    split : Split
        Positions in the bars of the walk-forward.
    study : Study or None
        The search on the train range; None where it could not be made.
    params : mapping or None
        What was chosen; None where nothing was.
    test : Backtest or None
        The choice traded on the test range after warming up on all bars before it; None if it failed, or
        where positions are carried from fold to fold.
    failure : str or None
        Why the fold traded nothing.
    """

    number: int
    split: Split
    study: Study | None
    params: Mapping[str, Any] | None
    test: Backtest | None
    failure: str | None


@with_views
@dataclass(frozen=True, eq=False, repr=False)
class WalkForward:
    """A strategy searched again and again, and traded each time on bars the search had not seen. Read-only.

    Attributes
    ----------
    strategy : type
    bars : Bars
        All of them.
    account : Account
        As the first test range found it; each later one begins with what the one before left.
    splits : Splits
    folds : tuple of Fold
        Every one, the failed ones too.
    selected : str
        How each choice was made: ``"plateau"`` or ``"best"``.
    carried : Backtest or None
        The one path over all tests, where positions are carried over the boundaries.
    """

    strategy: type[Strategy]
    bars: Bars
    account: Account
    splits: Splits
    folds: tuple[Fold, ...]
    selected: str
    carried: Backtest | None = None

    if TYPE_CHECKING:  # given by the table in core.views

        def plot(self) -> Any:
            """Return the figure of the stitched path and of the choices."""

    @property
    def tested(self) -> Bars:
        """The bars of all test ranges; each appears once."""
        return self.bars[self.splits[0].test[0].begin : self.splits[-1].test[0].end]

    @cached_property
    def equity_array(self) -> FloatArray:
        """Account currency at the close of each tested bar; a failed fold stays flat."""
        first = self.splits[0].test[0].begin
        if self.carried is not None:
            return self.carried.path.equity[first:]
        parts, balance = [], self.account.balance
        for fold in self.folds:
            begin, end = fold.split.test[0]
            parts.append(np.full(end - begin, balance) if fold.test is None else fold.test.path.equity[begin:end])
            balance = float(parts[-1][-1])
        return np.concatenate(parts)

    @cached_property
    def equity(self) -> pd.Series[float]:
        """The stitched equity over the tested bars."""
        import pandas as pd

        index = pd.DatetimeIndex(self.tested.time, tz="UTC", name="time")
        return pd.Series(self.equity_array, index=index, name="equity")

    @cached_property
    def daily(self) -> pd.Series[float]:
        """Net return of each tested trading day, out of sample."""
        import pandas as pd

        days, ends = day_ends(self.tested)
        index = pd.DatetimeIndex((days * DAY_NS).astype("datetime64[ns]"), name="day")
        return pd.Series(daily_returns(self.equity_array, ends, self.account.balance), index=index, name="return")

    @cached_property
    def trades(self) -> pd.DataFrame:
        """All trades, in order, with the fold they belong to (that of their entry); see `Backtest.trades`."""
        import pandas as pd

        if self.carried is not None:
            made = self.carried.trades
            starts = [self.bars.time[fold.split.test[0].begin] for fold in self.folds]
            number = np.searchsorted(starts, made["entry_time"].dt.tz_localize(None).to_numpy(), side="right") - 1
            return made.assign(fold=number)
        each = [fold.test.trades.assign(fold=fold.number) for fold in self.folds if fold.test is not None]
        return pd.concat(each, ignore_index=True) if each else pd.DataFrame()

    @property
    def t_statistic(self) -> float:
        """Of the stitched daily returns, the number that counts; NaN where `why_no_t` says why."""
        return t_statistic(self.daily.to_numpy())[0]

    @property
    def why_no_t(self) -> str:
        """Why the t-statistic is NaN; empty if it is not."""
        return t_statistic(self.daily.to_numpy())[1]

    @cached_property
    def returns(self) -> FloatArray:
        """Net return of each test range."""
        edges = [fold.split.test[0].end - self.splits[0].test[0].begin - 1 for fold in self.folds]
        at = np.append(self.account.balance, self.equity_array[edges])
        made: FloatArray = at[1:] / at[:-1] - 1.0
        return made

    @property
    def efficiency(self) -> float:
        """Mean Sharpe of the tests over mean Sharpe of the chosen trials in training; NaN if that is not above 0.

        A report, no gate: it says less about the future than the t-statistic does.
        """
        both = self.table()[["train_sharpe", "test_sharpe"]].dropna()
        return efficiency(both["train_sharpe"], both["test_sharpe"])

    def table(self) -> pd.DataFrame:
        """Return one row a fold: its ranges, trials, choice, Sharpe in training and in the test, return, failure."""
        import pandas as pd

        tests = _by_fold(self)
        rows = [
            {
                "train_from": self.bars.time[fold.split.train[0].begin],
                "test_from": self.bars.time[fold.split.test[0].begin],
                "test_bars": fold.split.test[0].end - fold.split.test[0].begin,
                "trials": 0 if fold.study is None else len(fold.study),
                **(fold.params or {}),
                "train_sharpe": _trained(fold),
                "test_sharpe": tests[fold.number],
                "test_return": self.returns[fold.number],
                "failure": fold.failure or "",
            }
            for fold in self.folds
        ]
        return pd.DataFrame(rows, index=pd.RangeIndex(len(rows), name="fold"))

    @property
    def drift(self) -> pd.Series[float]:
        """How far each numeric param moves from fold to fold: mean absolute change over the width of its tried values.

        0 never moves, 1 jumps from end to end every time; a choice that jumps is a choice among noise.
        """
        import pandas as pd

        chosen = [fold.params for fold in self.folds if fold.params is not None]
        studies = [fold.study for fold in self.folds if fold.study is not None]
        moved = {}
        for name in chosen[0] if chosen else ():
            tried = [choice[name] for study in studies for choice in study.params]
            if len(chosen) > 1 and _numeric(tried) and max(tried) > min(tried):
                path = np.array([choice[name] for choice in chosen], np.float64)
                moved[name] = float(np.abs(np.diff(path)).mean()) / (max(tried) - min(tried))
        return pd.Series(moved, name="drift", dtype=np.float64)

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        failed = sum(fold.failure is not None for fold in self.folds)
        trials = sum(len(fold.study) for fold in self.folds if fold.study is not None)
        note = f" ({failed} failed)" if failed else ""
        return f"{counted(len(self.folds), 'fold')}{note}, {counted(trials, 'trial')}, net, out-of-sample"

    def __repr__(self) -> str:
        t, why = t_statistic(self.daily.to_numpy())
        says = f"t {t:.2f}" if not why else f"no t-statistic: {why}"
        won = float(np.mean(self.returns > 0))
        return (
            f"WalkForward of {self.strategy.__name__} on {self.bars!r}\n{self.headline}\n"
            f"{says}; return {self.equity_array[-1] / self.account.balance - 1:+.1%}; {won:.0%} of folds above 0"
        )


def _by_fold(found: WalkForward) -> list[float]:
    """Return the annual Sharpe of each test range, NaN where it cannot be said."""
    ends = day_ends(found.tested)[1]
    daily = daily_returns(found.equity_array, ends, found.account.balance)
    edges = np.array([fold.split.test[0].begin for fold in found.folds]) - found.splits[0].test[0].begin
    fold_of = np.searchsorted(edges, ends, side="right") - 1
    periods = found.bars.instrument.trading_calendar.days_per_year
    return [float(sharpe(daily[fold_of == fold.number], periods=periods)) for fold in found.folds]


def _trained(fold: Fold) -> float:
    if fold.study is None or fold.params is None:
        return math.nan
    row = next(i for i, choice in enumerate(fold.study.params) if choice == fold.params)
    return fold.study.trial(row).metrics["sharpe"]


def _numeric(values: list[Any]) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
