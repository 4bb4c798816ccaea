"""Develop a strategy as it would be lived: search, choose, trade the choice, and walk all of it forward."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS
from quantbench.core.results import Backtest, day_ends
from quantbench.core.strategy import Strategy
from quantbench.engine.backtest import backtest
from quantbench.engine.metrics import sharpe
from quantbench.research.folds import WalkForward, efficiency
from quantbench.research.gauntlet.case import Case, Developed, Walked
from quantbench.research.pool import Question
from quantbench.research.pooling import pooled_days
from quantbench.research.robust import chosen, select
from quantbench.research.search import Wish, searched
from quantbench.research.splits import Split, rolling
from quantbench.research.walk_forward import walk_forward

__all__ = ["develop", "pooled_path", "traded", "walk", "walk_by_legs"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
_ANNUAL = 0.10


def develop(case: Case, *, progress: bool) -> Developed:
    """Search the development bars and trade the choice on them.

    Raises
    ------
    ParamsError, ExecutionError
        When nothing can be searched or chosen.
    """
    study = searched(case.strategy, case.questions, case.wish, kind="validate", progress=progress)
    choice = select(study, case.select)
    results = tuple(traded(choice.strategy, question) for question in case.questions)
    return Developed(
        study=study,
        strategy=choice.strategy,
        number=choice.trial.number,
        flags=choice.flags,
        results=results,
        daily=pooled_path(results, case.periods),
    )


def traded(strategy: Strategy, question: Question, *, begin: int = 0, end: int | None = None) -> Backtest:
    """Return a strategy traded as a question asks, on bars from `begin` up to `end`, warmed up on those before."""
    q, start = question, None if begin == 0 else str(np.datetime_as_string(question.bars.time[begin]))
    words = {"account": q.account, "costs": q.costs, "sizing": q.sizing, "limits": q.limits, "rates": q.rates}
    return backtest(strategy, q.bars[:end], trade_from=start, **words)  # type: ignore[arg-type]


def pooled_path(results: Sequence[Backtest], periods: float) -> FloatArray:
    """Return the daily returns of one result, or of several at equal risk, averaged as `pooling.pooled` does."""
    if len(results) == 1:
        return np.asarray(results[0].daily, np.float64)
    days = pooled_days([result.bars for result in results])
    total = np.zeros(len(days))
    for result in results:
        daily = np.asarray(result.daily, np.float64)
        total[np.searchsorted(days, day_ends(result.bars)[0])] += daily * _scale(daily, periods) / len(results)
    return total


def _scale(daily: FloatArray, periods: float) -> float:
    risk = float(daily.std(ddof=1)) * math.sqrt(periods) if len(daily) > 1 else 0.0
    return _ANNUAL / risk if risk > 0 else 0.0


def walk(case: Case, *, progress: bool) -> Walked:
    """Walk the procedure forward over the development bars, of several markets with one choice for all.

    Raises
    ------
    ParamsError
        When the bars are too few for the lengths.
    """
    if len(case.questions) > 1:
        return walk_by_legs(case, kind="walk_forward")
    q, wish = case.questions[0], case.wish
    found = walk_forward(
        case.strategy,
        q.bars,
        train=case.train,
        test=case.test,
        select=case.select,
        method=wish.method,
        objectives=wish.objectives,
        constraints=wish.constraints,
        trials=wish.trials,
        seed=wish.seed,
        space=wish.space,
        account=q.account,
        costs=q.costs,
        sizing=q.sizing,
        limits=q.limits,
        rates=q.rates,
        workers=wish.workers,
        resume=wish.resume,
        progress=progress,
    )
    return _walked(found)


def _walked(found: WalkForward) -> Walked:
    """Return what the gates need of a walk-forward of one market."""
    return Walked(
        days=day_ends(found.tested)[0],
        daily=np.asarray(found.daily, np.float64),
        windows=found.returns,
        trades=len(found.trades),
        trials=sum(len(fold.study) for fold in found.folds if fold.study is not None),
        efficiency=found.efficiency,
        failures=tuple(fold.failure for fold in found.folds if fold.failure is not None),
    )


class _Leg(NamedTuple):
    """One test range over all markets."""

    days: IntArray
    daily: FloatArray
    trades: int
    trials: int
    trained: float
    failure: str | None


def walk_by_legs(case: Case, *, kind: str | None) -> Walked:
    """Walk over one market or several, each test range with the money it began with; `kind` as in `searched`."""
    first = case.questions[0].bars
    legs = [
        _leg(case, _Range(number, *_moments(first, split)), kind)
        for number, split in enumerate(rolling(first, train=case.train, test=case.test))
    ]
    pairs = [(leg.trained, float(sharpe(leg.daily, periods=case.periods))) for leg in legs if leg.failure is None]
    pairs = [pair for pair in pairs if all(map(math.isfinite, pair))]
    return Walked(
        days=np.concatenate([leg.days for leg in legs]),
        daily=np.concatenate([leg.daily for leg in legs]),
        windows=np.array([np.prod(1.0 + leg.daily) - 1.0 for leg in legs]),
        trades=sum(leg.trades for leg in legs),
        trials=sum(leg.trials for leg in legs),
        efficiency=efficiency([pair[0] for pair in pairs], [pair[1] for pair in pairs]),
        failures=tuple(leg.failure for leg in legs if leg.failure is not None),
    )


class _Range(NamedTuple):
    """A fold as moments, which mean the same in every market."""

    number: int
    train: np.datetime64
    test: np.datetime64
    end: np.datetime64


def _moments(bars: Bars, split: Split) -> tuple[np.datetime64, np.datetime64, np.datetime64]:
    (begin, _), (middle, end) = split.train[0], split.test[0]
    after = bars.time[end] if end < len(bars) else bars.time[-1] + np.timedelta64(1, "ns")
    return bars.time[begin], bars.time[middle], after


def _leg(case: Case, fold: _Range, kind: str | None) -> _Leg:
    """Search all markets on one train range and trade the choice on each in the test range."""
    spans = [np.searchsorted(q.bars.time, fold[1:]).tolist() for q in case.questions]
    tests = [q.bars[b:c] for q, (_, b, c) in zip(case.questions, spans, strict=True)]
    days = pooled_days(tests)
    flat = np.zeros(len(days))
    try:
        inside = [
            Question(q.bars[a:b], q.account, q.costs, q.sizing, q.limits, q.rates)
            for q, (a, b, _) in zip(case.questions, spans, strict=True)
        ]
        study = searched(case.strategy, tuple(inside), _wish(case, fold.number), kind=kind, progress=False)
        trial = study.trial(chosen(study, case.select)[0])
        strategy = case.strategy.from_params(trial.params)
        made, trades = _tested(case, strategy, inside, spans)
    except Exception as fault:  # noqa: BLE001  (a strategy is the user's code: whatever it raises is a result)
        return _Leg(days, flat, 0, 0, math.nan, f"{type(fault).__name__}: {fault}")
    for test, daily in zip(tests, made, strict=True):
        flat[np.searchsorted(days, day_ends(test)[0])] += daily / len(made)
    return _Leg(days, flat, trades, len(study), trial.metrics["sharpe"], None)


def _wish(case: Case, number: int) -> Wish:
    seed = case.wish.seed
    return case.wish if seed is None else case.wish._replace(seed=case.seed_of(f"fold {number}"))


def _tested(
    case: Case, strategy: Strategy, inside: Sequence[Question], spans: Sequence[Sequence[int]]
) -> tuple[list[FloatArray], int]:
    """Return the test's daily returns of each market, scaled by the risk it had in training, and all trades."""
    made, trades = list[FloatArray](), 0
    for q, trained, (_, begin, end) in zip(case.questions, inside, spans, strict=True):
        before = np.asarray(traded(strategy, trained).daily, np.float64)
        result = traded(strategy, q, begin=begin, end=end)
        keep = result.daily.index.to_numpy().astype(np.int64) // DAY_NS >= day_ends(q.bars[begin:end])[0][0]
        scale = _scale(before, case.periods) if len(case.questions) > 1 else 1.0
        made.append(np.asarray(result.daily, np.float64)[keep] * scale)
        trades += len(result.path.trades)
    return made, trades
