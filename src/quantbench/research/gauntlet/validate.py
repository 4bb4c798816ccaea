"""The front door of the gauntlet: every question a strategy must answer before it gets money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError, ParamsError, QuantbenchError, did_you_mean
from quantbench.core.evidence import Evidence, Gate
from quantbench.core.limits import Limits
from quantbench.core.results import day_ends
from quantbench.core.strategy import Strategy
from quantbench.data.code import code_hash
from quantbench.data.ledger import count_distinct
from quantbench.research.gauntlet.case import Case, Developed, Walked
from quantbench.research.gauntlet.development import develop, walk
from quantbench.research.gauntlet.economics import amount, economics
from quantbench.research.gauntlet.fragility import fragility
from quantbench.research.gauntlet.integrity import certified, integrity
from quantbench.research.gauntlet.kept import Shelf, shelf_of
from quantbench.research.gauntlet.last_gates import holdout_gate, not_run, released_gates
from quantbench.research.gauntlet.risk import risk
from quantbench.research.gauntlet.selection import chosen_among_many, is_prior, reported
from quantbench.research.gauntlet.thresholds import thresholds
from quantbench.research.gauntlet.walking import matrix, walk_permutation, walking
from quantbench.research.holdout import hold_out
from quantbench.research.objectives import Bound
from quantbench.research.pool import Question
from quantbench.research.robust import require_choice
from quantbench.research.search import Wish, markets_of
from quantbench.research.space import Wanted

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["validate"]

Profile = Literal["fast", "full"]

_PERMUTATIONS: Final = 200
_FOLDS: Final = 12
_TRAIN_IN_TESTS: Final = 4
_DEAR: Final = (
    ("permutation", "Not part of the fast profile: searched again on shuffled bars."),
    ("walk permutation", "Not part of the fast profile: walked again over shuffled bars."),
    ("lengths", "Not part of the fast profile: other train and test lengths."),
    ("neighbourhood", "Not part of the fast profile: params 10 % to either side."),
    ("noise", "Not part of the fast profile: prices with noise."),
    ("execution", "Not part of the fast profile: slippage, missed trades, wide spreads."),
    ("risk", "Not part of the fast profile: drawdown and ruin at this size."),
)


def validate(
    strategy: type[Strategy],
    bars: Bars | Sequence[Bars],
    *,
    profile: Profile = "fast",
    holdout: float | str | None = None,
    train: str | None = None,
    test: str | None = None,
    select: str = "plateau",
    method: str = "grid",
    objectives: str | Sequence[str] = ("sharpe",),
    constraints: Mapping[str, Bound] | None = None,
    trials: int | None = None,
    seed: int = 0,
    space: Wanted | None = None,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    rates: Bars | None = None,
    hypothesis: str | None = None,
    budget: float = 0.2,
    released: Mapping[str, pd.Series[float]] | None = None,
    permutations: int = _PERMUTATIONS,
    workers: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> Evidence:
    """Put a strategy through the gauntlet: search it, choose, walk it forward, and try to break it.

    Parameters
    ----------
    strategy : type
        The class; its fields declared with `param` span the space.
    bars : Bars or sequence of Bars
        All there is. The last stretch is held out; all else is done on the bars before it. Several markets
        are pooled at equal risk, with one choice for all: more power than any threshold gives.
    profile : {"fast", "full"}
        The fast one takes seconds and leaves the dear gates and the holdout; promotion needs the full one.
    holdout : float or str, optional
        As in `hold_out`. Opened by the full profile only, and only when no gate before it is red.
    train, test : str, optional
        Trading days of the walk-forward, such as ``"360D"``; without them about twelve folds, each trained
        on four times what it tests.
    select : str
        How a choice is made from every search; see `Study.select`.
    method, objectives, constraints, trials, space
        Of every search, as in `search`.
    seed : int
        Of everything that is drawn.
    account, costs, sizing, limits, rates
        As in `backtest`.
    hypothesis : str, optional
        What was expected before anything was tried, and why. With at most three trials it is judged by a
        bootstrap test instead of SPA and PBO.
    budget : float
        The drawdown that may be borne, as a fraction.
    released : mapping of str to Series, optional
        Daily returns of strategies that trade already.
    permutations : int
        How often bars are shuffled and searched again, in the full profile; 1,000 before real money.
    workers : int, optional
        Cores to use; the answer does not depend on it.
    resume : bool
        Take trials and gates from what was kept: a validation that was stopped goes on where it was.
    progress : bool
        Show the progress of searches, and each gate as it is passed.

    Returns
    -------
    Evidence
        Gate by gate; ``print`` it, or take `table`, `colour`, `verdict`, `promotable`.

    Raises
    ------
    ParamsError
        For a profile, length or search that cannot be.
    StoreError
        When the ledger cannot be written.

    Notes
    -----
    The gates and their thresholds: notes/statistics.md 4.2. How often they are wrong: docs/error-rates.md,
    or `calibrate` for your own length of data and number of trials.

    Examples
    --------
    >>> import quantbench as qb
    >>> space = {"fast": (10, 20, 30), "slow": (60, 100, 150)}
    >>> evidence = qb.validate(qb.MaCross, qb.load("EURUSD", "H1"), space=space, progress=False)
    >>> evidence["certificate"].colour, evidence.promotable
    ('green', False)
    """
    _require(profile, select)
    held = tuple(hold_out(one, holdout) for one in markets_of(bars))
    traded = (account or Account(), costs or Costs(), sizing or PercentEquity(1.0), limits or Limits())
    questions = tuple(Question(one.development, *traded, rates) for one in held)
    wish = Wish(method, objectives, constraints, trials, seed, space, workers, resume)
    others: dict[str, Any] = {"select": select, "seed": seed, "budget": budget, "hypothesis": hypothesis}
    others |= {"permutations": permutations, "released": released or {}}
    others |= _lengths(held[0].development, train, test)
    case = Case(strategy=strategy, questions=questions, holdouts=held, wish=wish, **others)
    return _judged(case, profile, progress=progress)


def _require(profile: str, select: str) -> None:
    if profile not in ("fast", "full"):
        raise ParamsError(f"no profile {profile!r}: {did_you_mean(profile, ('fast', 'full'))}")
    require_choice(select)


def _lengths(bars: Bars, train: str | None, test: str | None) -> dict[str, str]:
    """Return train and test lengths; those not given make about twelve folds."""
    days = max(1, len(day_ends(bars)[0]) // (_FOLDS + _TRAIN_IN_TESTS))
    return {"train": train or f"{_TRAIN_IN_TESTS * days}D", "test": test or f"{days}D"}


def _judged(case: Case, profile: Profile, *, progress: bool) -> Evidence:
    try:
        made = develop(case, progress=progress)
    except ExecutionError as fault:
        gate = Gate(
            name="choice",
            value=float("nan"),
            threshold="a trial that can be chosen",
            null="",
            colour="red",
            says=f"Nothing can be judged: {fault}.",
            hard=True,
        )
        return _evidence(case, profile, None, [gate], tried=0)
    family = case.strategy.__name__
    tried = max(len(made.study), count_distinct(family=family, data_version=made.bars[0].version))
    shelf = shelf_of(case, profile, tried, keeps=case.wish.resume)
    gates = list[Gate]()
    for gate in _asked(case, made, profile, shelf, tried, progress=progress):
        gates.append(gate)
        if progress:
            _show(gate)
    return _evidence(case, profile, made, gates, tried=tried)


def _asked(
    case: Case, made: Developed, profile: Profile, shelf: Shelf, tried: int, *, progress: bool
) -> Iterator[Gate]:
    """Yield the gates, cheap before dear; the holdout last, and only when nothing before it is red."""
    first = integrity(case, made, profile)
    yield from first
    if not certified(first):
        yield not_run("the rest", "What fails integrity is a mistake, not a strategy: mend it first.", hard=True)
        return
    red = any(gate.colour == "red" for gate in first)
    walked, why = _walked(case, progress=progress)
    yield from (cheap := _cheap(case, made, walked, why, tried))
    red = red or any(gate.colour == "red" for gate in cheap)
    if profile == "fast":
        yield from (not_run(name, said) for name, said in _DEAR)
        yield not_run("holdout", "Stays shut in the fast profile.", hard=True)
        return
    for gate in _dear(case, made, walked, shelf, progress=progress):
        red = red or gate.colour == "red"
        yield gate
    if red or walked is None:
        yield not_run("holdout", "Stays shut: a gate before it is red, and it can be opened only once.", hard=True)
    else:
        yield shelf.kept("holdout", lambda: holdout_gate(case, made, walked))


def _walked(case: Case, *, progress: bool) -> tuple[Walked | None, str]:
    try:
        return walk(case, progress=progress), ""
    except QuantbenchError as fault:
        return None, str(fault)


def _cheap(case: Case, made: Developed, walked: Walked | None, why: str, tried: int) -> list[Gate]:
    return [
        *amount(case, made, walked, tried=tried),
        *economics(case, made),
        *walking(case, walked, why),
        *chosen_among_many(case, made),
        *reported(made, tried=tried),
        *released_gates(case, made),
    ]


def _dear(case: Case, made: Developed, walked: Walked | None, shelf: Shelf, *, progress: bool) -> Iterator[Gate]:
    from quantbench.research.gauntlet.permutation import permutation

    yield shelf.kept("permutation", lambda: permutation(case, made))
    if not is_prior(case, made):
        yield shelf.kept("walk permutation", lambda: walk_permutation(case, walked))
        yield shelf.kept("lengths", lambda: matrix(case, progress=progress))
    for name, ask in fragility(case, made):
        yield shelf.kept(name, ask)
    for name, ask in risk(case, made):
        yield shelf.kept(name, ask)


def _show(gate: Gate) -> None:
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_terminal:
        console.print(f"  {gate.colour:7} {gate.name}: {gate.says}", highlight=False, markup=False)


def _evidence(case: Case, profile: Profile, made: Developed | None, gates: list[Gate], *, tried: int) -> Evidence:
    from quantbench import __version__

    return Evidence(
        strategy=case.strategy.__name__,
        params={} if made is None else dict(made.strategy.params),
        markets=tuple(repr(q.bars) for q in case.questions),
        profile=profile,
        gates=tuple(gates),
        facts={
            "code": code_hash(case.strategy),
            "data": [q.bars.version for q in case.questions],
            "thresholds": thresholds()["version"],
            "quantbench": __version__,
            "seed": case.seed,
            "trials": 0 if made is None else len(made.study),
            "distinct_trials": tried,
            "select": case.select,
            "train": case.train,
            "test": case.test,
            "notes": [] if made is None else list(made.flags),
            "holdout": [repr(held) for held in case.holdouts],
        },
    )
