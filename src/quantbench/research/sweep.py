"""Try every combination of a strategy's declared values."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from quantbench.config import now, settings, writable
from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError, ParamsError, did_you_mean
from quantbench.core.limits import Limits
from quantbench.core.space import Space
from quantbench.core.strategy import Strategy
from quantbench.core.study import Study
from quantbench.data.ledger import append_study
from quantbench.engine.trials import METRICS
from quantbench.research.evaluation import Bench, answered
from quantbench.research.pool import Gathered, Question
from quantbench.research.progress import shown
from quantbench.research.space import Grid, Wanted, grid_of, near_order, space_of

__all__ = ["sweep"]

_DEAR: Final = 0.002
"""Seconds a trial must take to be kept: to write and read one takes a tenth of that."""


def sweep(
    strategy: type[Strategy],
    bars: Bars,
    *,
    space: Wanted | None = None,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    rates: Bars | None = None,
    intrabar: Bars | None = None,
    trade_from: str | datetime | None = None,
    score: str = "sharpe",
    workers: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Study:
    """Trade every combination of the declared values and keep every trial.

    Parameters
    ----------
    strategy : type
        The class; its fields declared with `param` span the space.
    bars : Bars
        What to trade.
    space : mapping of str to values, optional
        Try these instead of the declared values; fields left out keep their defaults.
    account, costs, sizing, limits, rates, intrabar, trade_from
        As in `backtest`.
    score : str
        The metric `study.best` maximises.
    workers : int, optional
        How many trade at once: threads, or processes where a strategy holds Python's lock; all cores where it
        pays, if not given. The answer does not depend on it.
    resume : bool
        Take trials of the same question (strategy's code, bars, costs and the rest) that were kept by an earlier
        search or sweep from there, and keep those that took longer than reading them would.
    progress : bool
        Show a progress bar in a terminal or a notebook.

    Returns
    -------
    Study
        Every trial, the failed ones too, also appended to the trial ledger.

    Raises
    ------
    ParamsError
        For a name or a space that cannot be searched.
    StoreError
        When the ledger cannot be written; nothing has been tried then.

    Examples
    --------
    >>> import quantbench as qb
    >>> study = qb.sweep(qb.MaCross, qb.load("EURUSD", "H1"), space={"fast": (10, 20), "slow": (50, 100)})
    >>> len(study)
    4
    """
    if score not in METRICS:
        raise ParamsError(f"unknown score {score!r}: {did_you_mean(score, METRICS)}")
    if not len(bars):
        raise ExecutionError(f"{bars.symbol} {bars.timeframe}: there are no bars to search on")
    found = space_of(strategy, space)
    traded = (account or Account(), costs or Costs(), sizing or PercentEquity(1.0), limits or Limits())
    question = Question(bars, *traded, rates, intrabar, trade_from)
    asked = Asked(strategy, question, grid_of(strategy, found), found, score)
    return _swept(asked, Bench(strategy, (question,), workers, resume, dear=_DEAR), progress=progress)


def _swept(asked: Asked, bench: Bench, *, progress: bool) -> Study:
    """Trade what was asked for and write it to the ledger."""
    ledger, (strategies, choices, _) = writable(settings().ledger), asked.grid
    order = near_order(choices)
    done = Gathered(order)
    tried = answered(bench, [strategies[row] for row in order], [choices[row] for row in order])
    try:
        for batch in shown(tried, len(strategies), on=progress):
            done.add(batch)
    finally:  # Ctrl-C too: what was tried is never forgotten
        if len(done):
            study = _study(asked, done)
            append_study(study, kind="sweep", now=now(), folder=ledger)
    return study


class Asked(NamedTuple):
    """What a search was asked for."""

    strategy: type[Strategy]
    question: Question
    grid: Grid
    space: Space
    score: str


def _study(asked: Asked, done: Gathered) -> Study:
    """Return the study of the trials that were done."""
    question, choices, (values, daily, failures) = asked.question, asked.grid.choices, done.batch
    return Study(
        asked.strategy,
        question.bars,
        question.account,
        question.costs,
        question.sizing,
        question.limits,
        tuple([choices[row] for row in done.rows]),
        {name: values[:, i] for i, name in enumerate(METRICS)},
        tuple(failures),
        daily,
        asked.grid.refused,
        asked.score,
        asked.space,
        question.rates,
        question.intrabar,
        question.trade_from,
    )
