"""Search on the past, trade what was chosen on the bars that follow, move on: the procedure as it would be lived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError
from quantbench.core.limits import Limits
from quantbench.core.results import Backtest
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.core.study import Study, Trial
from quantbench.engine.backtest import backtest
from quantbench.research.folds import Fold, WalkForward
from quantbench.research.objectives import Bound
from quantbench.research.pool import Question
from quantbench.research.robust import chosen, require_choice
from quantbench.research.search import Wish, searched
from quantbench.research.space import Wanted
from quantbench.research.splits import Split, Splits, anchored, rolling

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["walk_forward", "walk_forward_matrix"]


_COLUMNS: Final = ("target", "stop", "take", "trail", "breakeven", "enter", "hold")


def walk_forward(
    strategy: type[Strategy],
    bars: Bars,
    *,
    train: str | int,
    test: str | int,
    anchor: bool = False,
    select: str = "plateau",
    carry: bool = False,
    method: str = "grid",
    objectives: str | Sequence[str] = ("sharpe",),
    constraints: Mapping[str, Bound] | None = None,
    trials: int | None = None,
    seed: int | None = None,
    space: Wanted | None = None,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    rates: Bars | None = None,
    workers: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> WalkForward:
    """Search each train range, trade the choice on the test range behind it, and stitch the tests together.

    Parameters
    ----------
    strategy : type
        The class; its fields declared with `param` span the space.
    bars : Bars
        What to trade.
    train, test : str or int
        ``"360D"`` is 360 trading days, a number is bars; see `splits.rolling`.
    anchor : bool
        Let every train range begin at the first bar.
    select : {"plateau", "worst_window", "pareto_knee", "best"}
        Choose by the median of the neighbourhood, or by the score alone.
    carry : bool
        Carry positions over the boundaries, as one account that changes its params. Otherwise each test
        range ends by closing what is open, at its cost, and its account begins the next.
    method, objectives, constraints, trials, seed, space
        Of each search, as in `search`.
    account, costs, sizing, limits, rates
        As in `backtest`.
    workers : int, optional
        Cores to use; all where it pays, if not given. The answer does not depend on it.
    resume : bool
        Take trials from what was kept: a walk-forward that was stopped, even killed, goes on where it was.
    progress : bool
        Show the progress of each search.

    Returns
    -------
    WalkForward
        Every fold, the failed ones with their reason, and the out-of-sample path. Every trial of every
        fold is in the ledger.

    Raises
    ------
    ParamsError
        For lengths, a selection or a search that cannot be made.
    StoreError
        When the ledger cannot be written.

    Notes
    -----
    A train range is searched as bars of its own, so its first `warmup` bars trade nothing. A test range is
    decided with all bars before it in sight, and trades from its first decision on. Limits that count
    (a drawdown, losses in a row) begin anew in each fold, unless positions are carried.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> found = qb.walk_forward(qb.MaCross, bars, train="90D", test="30D", space={"fast": (10, 20), "slow": (50, 100)})
    >>> len(found.folds), len(found.equity) == len(found.tested)
    (6, True)
    """
    require_choice(select)
    if not len(bars):
        raise ExecutionError(f"{bars.symbol} {bars.timeframe}: there are no bars to walk over")
    splits = (anchored if anchor else rolling)(bars, train=train, test=test)
    traded = (account or Account(), costs or Costs(), sizing or PercentEquity(1.0), limits or Limits())
    walk = Walk(
        strategy,
        Question(bars, *traded, rates),
        Wish(method, objectives, constraints, trials, seed, space, workers, resume),
        select,
    )
    chosen = [_searched(walk, number, split, progress=progress) for number, split in enumerate(splits)]
    return _carried(walk, splits, chosen) if carry else _closed(walk, splits, chosen)


def walk_forward_matrix(
    strategy: type[Strategy],
    bars: Bars,
    *,
    trains: Sequence[str | int],
    tests: Sequence[str | int],
    **settings: Any,
) -> pd.DataFrame:
    """Return the stitched t-statistic for every pair of lengths: rows train, columns test; NaN where none can be said.

    Parameters
    ----------
    strategy, bars
        As in `walk_forward`.
    trains, tests : sequences of str or int
        Lengths; see `splits.rolling`.
    **settings
        All else of `walk_forward`.

    Notes
    -----
    A result that needs one pair of lengths is luck of the lengths. Every cell's trials count in the ledger.
    """
    import pandas as pd

    cells = [
        [walk_forward(strategy, bars, train=train, test=test, **settings).t_statistic for test in tests]
        for train in trains
    ]
    return pd.DataFrame(cells, index=pd.Index(trains, name="train"), columns=pd.Index(tests, name="test"))


class Walk(NamedTuple):
    """What all folds share."""

    strategy: type[Strategy]
    question: Question
    wish: Wish
    select: str


class Chosen(NamedTuple):
    """What the search of a train range came to."""

    study: Study | None
    trial: Trial | None
    failure: str | None


def _searched(walk: Walk, number: int, split: Split, *, progress: bool) -> Chosen:
    """Search one train range; seeds differ by fold, never by worker."""
    q, wish = walk.question, walk.wish
    begin, end = split.train[0]
    question = Question(q.bars[begin:end], q.account, q.costs, q.sizing, q.limits, q.rates)
    if wish.seed is not None:
        wish = wish._replace(seed=int(np.random.SeedSequence((wish.seed, number)).generate_state(1)[0]))
    study = searched(walk.strategy, (question,), wish, kind="walk_forward", progress=progress)
    try:
        return Chosen(study, study.trial(chosen(study, walk.select)[0]), None)
    except ExecutionError as fault:
        return Chosen(study, None, str(fault))


def _closed(walk: Walk, splits: Splits, chosen: Sequence[Chosen]) -> WalkForward:
    """Trade each test range by itself, with the money the one before left."""
    account, folds = walk.question.account, list[Fold]()
    for number, (split, choice) in enumerate(zip(splits, chosen, strict=True)):
        test, failure = None, choice.failure
        if choice.trial is not None and account.balance <= 0:
            failure = f"the account is empty ({account.balance:,.2f} {account.currency})"
        elif choice.trial is not None:
            test, failure = _tested(walk, choice.trial, split, account)
        if test is not None:
            account = replace(account, balance=float(test.path.equity[-1]))
        params = None if choice.trial is None else choice.trial.params
        folds.append(Fold(number, split, choice.study, params, test, failure))
    q = walk.question
    return WalkForward(walk.strategy, q.bars, q.account, splits, tuple(folds), walk.select)


def _tested(walk: Walk, trial: Trial, split: Split, account: Account) -> tuple[Backtest | None, str | None]:
    q, (begin, end) = walk.question, split.test[0]
    try:
        strategy = walk.strategy.from_params(trial.params)
        return _traded(strategy, q, q.bars[:end], account, begin), None
    except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
        return None, f"{type(fault).__name__}: {fault}"


def _traded(strategy: Strategy, q: Question, bars: Bars, account: Account, begin: int) -> Backtest:
    start = str(np.datetime_as_string(q.bars.time[begin]))
    words = {"costs": q.costs, "sizing": q.sizing, "limits": q.limits, "rates": q.rates, "trade_from": start}
    return backtest(strategy, bars, account=account, **words)  # type: ignore[arg-type]


def _carried(walk: Walk, splits: Splits, chosen: Sequence[Chosen]) -> WalkForward:
    """Trade all test ranges as one account whose strategy changes its params at the boundaries."""
    legs, folds = list[Leg](), list[Fold]()
    for number, (split, choice) in enumerate(zip(splits, chosen, strict=True)):
        signals, failure = None, choice.failure
        params = None if choice.trial is None else choice.trial.params
        if params is not None:
            signals, failure = _decided(walk.strategy, params, walk.question.bars[: split.test[0].end])
        legs.append(Leg(signals, *split.test[0]))
        folds.append(Fold(number, split, choice.study, params, None, failure))
    q = walk.question
    path = _traded(Relay(tuple(legs)), q, q.bars, q.account, splits[0].test[0].begin)
    return WalkForward(walk.strategy, q.bars, q.account, splits, tuple(folds), walk.select, path)


def _decided(strategy: type[Strategy], params: Mapping[str, Any], bars: Bars) -> tuple[Signals | None, str | None]:
    try:
        return strategy.from_params(params).signals(bars), None
    except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
        return None, f"{type(fault).__name__}: {fault}"


class Leg(NamedTuple):
    """What is decided on a range of bars; None stays flat."""

    signals: Signals | None
    begin: int
    end: int


@dataclass(frozen=True)
class Relay(Strategy):
    """Decisions that follow one another, each on its own range of bars."""

    legs: tuple[Leg, ...]

    def decide(self, bars: Bars) -> Signals:
        """Return what was decided on each range, flat elsewhere."""
        parts: dict[str, Any] = {name: np.full(len(bars), np.nan) for name in _COLUMNS}
        parts["target"], parts["enter"] = np.zeros(len(bars)), np.zeros(len(bars), np.bool_)
        for found, begin, end in self.legs:
            for name in _COLUMNS:
                column = None if found is None else getattr(found, name)
                if column is not None:
                    parts[name][begin:end] = column[begin:end]
        return Signals(**parts)
