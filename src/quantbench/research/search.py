"""Search a strategy's space by any method: every trial kept, the same answer for any number of workers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np

from quantbench.config import now, settings, writable
from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.limits import Limits
from quantbench.core.space import Space
from quantbench.core.strategy import Strategy
from quantbench.core.study import Constraint, Study
from quantbench.data.ledger import append_study
from quantbench.research.asking import Method, method_named
from quantbench.research.evaluation import Bench
from quantbench.research.logbook import Logbook
from quantbench.research.objectives import Bound, constraints_of, objectives_of
from quantbench.research.pool import Question
from quantbench.research.progress import Told as Shown
from quantbench.research.progress import watched
from quantbench.research.space import Wanted, space_of

__all__ = ["Terms", "Wish", "carried_out", "markets_of", "search", "searched"]

_IN_VAIN: Final = 20
"""Batches in a row without a new choice after which a method has settled, and the search ends."""


def search(
    strategy: type[Strategy],
    bars: Bars | Sequence[Bars],
    *,
    method: str = "tpe",
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
    trade_from: str | datetime | None = None,
    workers: int | None = None,
    trial_seconds: float | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Study:
    """Search the space of a strategy and keep every trial.

    Parameters
    ----------
    strategy : type
        The class; its fields declared with `param` span the space.
    bars : Bars or sequence of Bars
        What to trade. Of several markets, daily returns are pooled at equal risk (`pooling.pooled`).
    method : str
        ``"grid"``, ``"random"``, ``"sobol"``, ``"tpe"``, ``"cmaes"``, ``"nsga2"``, ``"nsga3"``
        or ``"genetic"``.
    objectives : str or sequence of str
        Metrics of a trial, each taken in its own direction; the first is the score of the study.
    constraints : mapping, optional
        What a trial must meet before its objectives count: at least a number (at most, for volatility), or
        ``(low, high)`` with None for no bound, such as ``{"trades": 30, "max_drawdown": -0.2,
        "average_over_cost": 2}``: the average trade makes twice what trading it takes, before that.
    trials : int, optional
        Distinct choices to try; a grid tries all.
    seed : int, optional
        Of every method that draws. The same seed gives the same table for any number of workers.
    space : mapping of str to values or Range, optional
        Try these instead of the declared values; fields left out keep their defaults.
    account, costs, sizing, limits, rates, trade_from
        As in `backtest`.
    workers : int, optional
        Cores to use; all where it pays, if not given.
    trial_seconds : float, optional
        How long a strategy may take to decide; one that takes longer is a failed trial.
    resume : bool
        Keep trials as they are made and take those of the same question (strategy's code, bars, costs and
        the rest) from there: a search that was stopped, even killed, goes on where it was.
    progress : bool
        Show trials, best score and time left in a terminal or a notebook.

    Returns
    -------
    Study
        Every trial, also appended to the trial ledger. `best`, `front`, `select` choose among them.

    Raises
    ------
    ParamsError
        For a method, objective, constraint or space that cannot be searched.
    StoreError
        When the ledger cannot be written; nothing has been tried then.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> study = qb.search(qb.MaCross, bars, method="random", trials=20, seed=7, constraints={"trades": 30})
    >>> len(study), study.method
    (20, 'random')
    """
    markets = markets_of(bars)
    traded = (account or Account(), costs or Costs(), sizing or PercentEquity(1.0), limits or Limits())
    questions = tuple(Question(one, *traded, rates, None, trade_from) for one in markets)
    wish = Wish(method, objectives, constraints, trials, seed, space, workers, resume, trial_seconds)
    return searched(strategy, questions, wish, kind="search", progress=progress)


class Wish(NamedTuple):
    """How to search; see `search`."""

    method: str
    objectives: str | Sequence[str]
    constraints: Mapping[str, Bound] | None
    trials: int | None
    seed: int | None
    space: Wanted | None
    workers: int | None
    resume: bool
    trial_seconds: float | None = None


def searched(
    strategy: type[Strategy], questions: tuple[Question, ...], wish: Wish, *, kind: str | None, progress: bool
) -> Study:
    """Search as wished; `kind` is what the ledger calls it. None leaves the ledger out: on bars that never were."""
    asked = method_named(wish.method)
    trials, seed = _numbers(wish.method, wish.trials, wish.seed)
    pooled = len(questions) > 1
    terms = Terms(
        space_of(strategy, wish.space),
        objectives_of(wish.objectives, pooled=pooled),
        constraints_of(wish.constraints, pooled=pooled),
        wish.method,
        seed,
        kind,
    )
    if wish.trial_seconds is not None and not wish.trial_seconds > 0:
        raise ParamsError(f"trial_seconds must be above 0 (trial_seconds={wish.trial_seconds!r})")
    bench = Bench(strategy, questions, wish.workers, wish.resume, wish.trial_seconds)
    logbook = Logbook(bench, terms.objectives, terms.constraints, trials, size=terms.space.size)
    return carried_out(asked, logbook, terms, size=terms.space.size, progress=progress)


class Terms(NamedTuple):
    """What a search was asked for, beside where it trades."""

    space: Space
    objectives: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    method: str
    seed: int
    kind: str | None


def markets_of(bars: Bars | Sequence[Bars]) -> tuple[Bars, ...]:
    """Return the markets to search on.

    Raises
    ------
    ExecutionError
        When there are none, or one has no bars.
    """
    markets = (bars,) if isinstance(bars, Bars) else tuple(bars)
    if not markets:
        raise ExecutionError("a search needs bars, found an empty list")
    for one in markets:
        if not len(one):
            raise ExecutionError(f"{one.symbol} {one.timeframe}: there are no bars to search on")
    return markets


def _numbers(method: str, trials: int | None, seed: int | None) -> tuple[int, int]:
    """Return how many trials at most, and the seed."""
    if method == "grid":
        return (2**62 if trials is None else trials), 0
    if trials is None or seed is None:
        raise ParamsError(f"{method} draws at random: say how often and from which seed, such as trials=500, seed=7")
    if trials < 1 or seed < 0:
        raise ParamsError(f"trials must be at least 1 and seed at least 0 ({trials=}, {seed=})")
    return trials, seed


def carried_out(method: Method, logbook: Logbook, terms: Terms, *, size: float, progress: bool) -> Study:
    """Ask and answer until the trials are made; whatever stops it, what was tried goes to the ledger.

    Parameters
    ----------
    method : Method
        What asks.
    logbook : Logbook
        What answers, and keeps.
    terms : Terms
        What was asked for.
    size : float
        How many choices there are.
    progress : bool
        Whether to show how far it is.

    Raises
    ------
    ParamsError
        When the strategy refuses every choice.
    """
    ledger = None if terms.kind is None else writable(settings().ledger)
    asking = method(terms.space, objectives=len(terms.objectives), trials=logbook.most, seed=terms.seed)
    total = int(min(logbook.most, size))
    try:
        with suppress(StopIteration), watched(total, terms.objectives[0], on=progress) as show:
            choices, in_vain = next(asking), 0
            while in_vain < _IN_VAIN:
                before = len(logbook)
                told = logbook.answer(choices)
                in_vain = in_vain + 1 if len(logbook) == before else 0
                show(Shown(len(logbook), logbook.best, logbook.feasible, logbook.duplicates))
                if len(logbook) == logbook.most or len(logbook) + len(logbook.refusals) >= size:
                    break
                choices = asking.send(told)
    finally:
        if len(logbook):
            study = _study(logbook, terms)
            if terms.kind is not None:
                append_study(study, kind=terms.kind, now=now(), folder=ledger)
    if not len(logbook):
        why = next(iter(logbook.refusals.values()), "it asked for none")
        name = logbook.bench.strategy.__name__
        raise ParamsError(f"{name} refuses all {len(logbook.refusals)} choices; the first because {why}")
    return study


def _study(logbook: Logbook, terms: Terms) -> Study:
    questions = logbook.bench.questions
    first, values = questions[0], logbook.values
    many = len(values[terms.objectives[0]])
    return Study(
        logbook.bench.strategy,
        first.bars,
        first.account,
        first.costs,
        first.sizing,
        first.limits,
        tuple(logbook.choices[:many]),
        values,
        tuple(failure for part in logbook.made for failure in part.failures),
        np.concatenate([part.daily for part in logbook.made]),
        len(logbook.refusals),
        terms.objectives[0],
        terms.space,
        first.rates,
        None,
        first.trade_from,
        terms.method,
        None if terms.method == "grid" else terms.seed,
        terms.objectives,
        terms.constraints,
        np.array(logbook.batch[:many], np.int64),
        logbook.duplicates,
        tuple(question.bars for question in questions) if len(questions) > 1 else (),
    )
