"""Optuna's samplers as methods that ask: batches of a fixed size, told in the order asked.

Told in order, a sampler draws the same whatever the number of workers; with answers as they come in it
would not (Optuna's own ``n_jobs``).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.core.errors import ParamsError
from quantbench.core.space import Choice, Dimension, Range, Space
from quantbench.research.asking import Asking, Told

if TYPE_CHECKING:
    from optuna import Study as OptunaStudy
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial as OptunaTrial

__all__ = ["cmaes", "nsga2", "nsga3", "tpe"]

_BATCH: Final = 10
_POPULATION: Final = 50


def tpe(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001
    """Ask as a tree-structured Parzen estimator does (Bergstra et al. 2011): good for up to about 500 dear trials."""
    from optuna.samplers import TPESampler

    conditional = any(part.when for part in space.dimensions)
    with _quietly():  # with conditions, params that only sometimes apply are modelled in groups
        sampler = TPESampler(seed=seed, multivariate=True, group=True) if conditional else TPESampler(seed=seed)
    return _asking(space, sampler, objectives, _BATCH)


def cmaes(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001
    """Ask as CMA-ES does (Hansen 2016): for numbers and one objective; what has no order is drawn at random.

    It knows no constraints: what misses them is worse than the worst that does not, the further the
    worse (Deb 2000).

    Raises
    ------
    ParamsError
        For more than one objective.
    """
    from optuna.samplers import CmaEsSampler

    if objectives > 1:
        raise ParamsError(f"cmaes takes one objective, found {objectives}; nsga2 takes two or three, nsga3 more")
    return _feasible_first(_asking(space, CmaEsSampler(seed=seed, warn_independent_sampling=False), 1, _BATCH))


def _feasible_first(asking: Asking) -> Asking:
    """Tell a method that knows no constraints how good a trial is with them."""
    choices, worst = next(asking), 0.0
    while True:
        points, missed = yield choices
        good = points[(missed == 0) & np.isfinite(points[:, 0])]
        worst = min(worst, float(good.min(initial=worst)))
        points = np.where(missed[:, None] > 0, worst - np.minimum(missed, 1e6)[:, None], points)
        choices = asking.send(Told(points, np.zeros(len(points))))


def nsga2(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:
    """Ask as NSGA-II does (Deb et al. 2002): a population that spreads along the front of 2 or 3 objectives."""
    from optuna.samplers import NSGAIISampler

    size = _population(trials)
    return _asking(space, NSGAIISampler(seed=seed, population_size=size), objectives, size)


def nsga3(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:
    """Ask as NSGA-III does (Deb & Jain 2014): by reference points, for 4 objectives and more."""
    from optuna.samplers import NSGAIIISampler

    size = _population(trials)
    with _quietly():
        sampler = NSGAIIISampler(seed=seed, population_size=size)
    return _asking(space, sampler, objectives, size)


@contextmanager
def _quietly() -> Iterator[None]:
    """Let Optuna call nothing experimental: what these draw is pinned by our own tests."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _population(trials: int) -> int:
    """Return how many make a generation, so that there are at least five of them."""
    return max(4, min(_POPULATION, trials // 5))


def _asking(space: Space, sampler: BaseSampler, objectives: int, size: int) -> Asking:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(directions=["maximize"] * objectives, sampler=sampler)
    while True:
        asked = []
        for _ in range(size):
            trial = study.ask()
            asked.append((trial, _suggested(trial, space)))
        told = yield [choice for _, choice in asked]
        _tell(study, [trial for trial, _ in asked], told)


def _tell(study: OptunaStudy, trials: list[OptunaTrial], told: Told) -> None:
    from optuna.trial import TrialState

    constrained = bool((told.missed > 0).any())
    for trial, point, missed in zip(trials, told.points, told.missed.tolist(), strict=True):
        if np.isnan(point).any():
            study.tell(trial, state=TrialState.FAIL)
            continue
        if constrained:
            trial.set_constraint("missed", min(missed, 1e300))
        study.tell(trial, point.tolist())


def _suggested(trial: OptunaTrial, space: Space) -> Choice:
    choice: Choice = {}
    for part in space.dimensions:
        choice[part.name] = _value(trial, part) if part.applies(choice) else part.default
    return choice


def _value(trial: OptunaTrial, part: Dimension) -> Any:
    if not part.is_ordered:
        listed = part.listed()
        return listed[trial.suggest_categorical(part.name, range(len(listed)))]
    values = part.values
    if not isinstance(values, Range):  # their places are whole numbers in order, whatever their distances are
        return values[trial.suggest_int(part.name, 0, len(values) - 1)]
    if values.log and values.is_whole:
        return trial.suggest_int(part.name, int(values.low), int(values.high), log=True)
    if values.many is None:
        return trial.suggest_float(part.name, values.low, values.high, log=values.log)
    return values.nth(trial.suggest_int(part.name, 0, values.many - 1))
