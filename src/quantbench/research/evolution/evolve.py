"""`evolve`: rules found by selection instead of by hand, every one of them kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Final

from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError
from quantbench.core.limits import Limits
from quantbench.core.study import Study
from quantbench.research.evaluation import Bench
from quantbench.research.evolution.generations import evolution
from quantbench.research.logbook import Logbook
from quantbench.research.objectives import Bound, constraints_of, objectives_of
from quantbench.research.pool import Question
from quantbench.research.search import Terms, carried_out, markets_of
from quantbench.strategies.rule import Rule

__all__ = ["evolve"]

_OWN: Final = ("complexity",)
_ENOUGH: Final[Mapping[str, Bound]] = {"trades": 30}


def evolve(
    bars: Bars | Sequence[Bars],
    *,
    trials: int,
    seed: int,
    objectives: str | Sequence[str] = ("sharpe", "complexity"),
    constraints: Mapping[str, Bound] | None = None,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    rates: Bars | None = None,
    trade_from: str | datetime | None = None,
    workers: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Study:
    """Evolve rules (`Rule`) on bars and keep every one that was tried.

    Parameters
    ----------
    bars : Bars or sequence of Bars
        What to trade. Of several markets, daily returns are pooled at equal risk.
    trials : int
        Distinct rules to try; a thirtieth of them make a generation (20 to 200).
    seed : int
        The same seed gives the same table for any number of workers.
    objectives : str or sequence of str
        Metrics of a trial, and ``"complexity"``: the words of a rule, of which fewer are better.
    constraints : mapping, optional
        As in `search`; at least 30 trades, if not given.
    account, costs, sizing, limits, rates, trade_from
        As in `backtest`.
    workers : int, optional
        Cores to use; all where it pays, if not given.
    resume : bool
        Keep trials as they are made, and go on where an evolution of the same terms was stopped, even killed.
    progress : bool
        Show trials, best score and time left in a terminal or a notebook.

    Returns
    -------
    Study
        Every rule tried, also appended to the trial ledger as ``"evolve"``; ``study.batch`` is the generation,
        ``study.front`` the rules that no simpler one beats.

    Raises
    ------
    ParamsError
        For trials, a seed, an objective or a constraint that make no sense.
    ExecutionError
        When there are no bars.
    StoreError
        When the ledger cannot be written; nothing has been tried then.

    Notes
    -----
    More rules tried are more luck to be mistaken for skill: what comes out fits these bars. Judge it on others.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> study = qb.evolve(bars, trials=60, seed=7)
    >>> len(study), study.objectives
    (60, ('sharpe', 'complexity'))
    >>> isinstance(study.best_strategy, qb.Rule)
    True
    """
    markets = markets_of(bars)
    if trials < 1 or seed < 0:
        raise ParamsError(f"trials must be at least 1 and seed at least 0 ({trials=}, {seed=})")
    traded = (account or Account(), costs or Costs(), sizing or PercentEquity(1.0), limits or Limits())
    pooled = len(markets) > 1
    terms = Terms(
        Rule.space(),
        objectives_of(objectives, pooled=pooled, own=_OWN),
        constraints_of(_ENOUGH if constraints is None else constraints, pooled=pooled),
        "evolve",
        seed,
        "evolve",
    )
    questions = tuple(Question(one, *traded, rates, None, trade_from) for one in markets)
    logbook = Logbook(Bench(Rule, questions, workers, resume), terms.objectives, terms.constraints, trials, _OWN)
    return carried_out(evolution(logbook.daily), logbook, terms, size=inf, progress=progress)
