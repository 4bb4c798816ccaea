"""Genetic search: islands of choices that select, cross and mutate, one generation a batch.

The loop is our own, for DEAP's keeps random state of its own and has no hook between generations;
DEAP ranks (non-dominated sorting, crowding, reference points).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from quantbench.core.space import Choice, Space
from quantbench.research.asking import Asking, Told

__all__ = ["Pointed", "genetic", "ranked"]

FloatArray = npt.NDArray[np.float64]
_GENERATIONS: Final = 30  # among which the trials are spread
_LEAST, _MOST = 20, 200  # choices in a generation
_ISLAND: Final = 50  # choices on an island; fewer do not make two
_CROSSED: Final = 0.9  # share of children of two parents
_REACH: Final = 0.1  # deviation of a mutation, as a share of the range
_IMMIGRANTS: Final = 0.05  # share of each generation that is drawn anew
_MIGRATION: Final = 5  # generations between two
_MIGRANTS: Final = 2
_TOURNAMENT: Final = 3
_AGAIN: Final = 8  # mutations of a child whose choice was tried before, at most
_PATIENCE: Final = 12  # generations without a better one after which the search has settled


@dataclass(frozen=True)
class Individual:
    """One choice as genes, and what came of it.

    Attributes
    ----------
    genes : tuple of float
        A share of each dimension, 0 (included) to 1 (not); those that do not apply are carried along.
    choice : dict
    point : tuple of float
        Objectives, more is better; NaN where it failed.
    missed : float
        How far the constraints are missed.
    """

    genes: tuple[float, ...]
    choice: Choice
    point: tuple[float, ...] = ()
    missed: float = np.inf

    @cached_property
    def is_feasible(self) -> bool:
        """Whether its objectives count."""
        return self.missed == 0 and not any(map(isnan, self.point))


def genetic(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001  (the points say it)
    """Ask as a genetic algorithm does: mu + lambda with one objective, NSGA-II with two or three, NSGA-III with more.

    Children come of two parents chosen by tournament, each gene of one, of the other, or between them;
    about one gene a child mutates. The best of parents and children live on, feasible before infeasible
    (Deb 2000). Every fifth generation the best of each island also go to the next one. The search ends
    when no island found a better one for twelve generations.

    Notes
    -----
    Deb, Pratap, Agarwal & Meyarivan (2002), NSGA-II; Deb & Jain (2014), NSGA-III.
    """
    size = max(_LEAST, min(_MOST, trials // _GENERATIONS))
    islands: list[list[Individual]] = [[] for _ in range(max(1, size // _ISLAND))]
    random = np.random.default_rng(seed)
    counts = [size // len(islands)] * len(islands)
    children = [_drawn(space, count, random) for count in counts]
    seen = set[tuple[Any, ...]]()
    generation, waited, mark = 0, 0, _mark(islands)
    while waited < _PATIENCE:
        told = yield [child.choice for island in children for child in island]
        answered = iter(_answered([child for island in children for child in island], told))
        born = [[next(answered) for _ in island] for island in children]
        islands = [
            _survivors([*old, *new], count, random) for old, new, count in zip(islands, born, counts, strict=True)
        ]
        generation += 1
        if generation % _MIGRATION == 0 and len(islands) > 1:
            islands = _migrated(islands)
        waited = 0 if _mark(islands) != mark else waited + 1
        mark = _mark(islands)
        seen.update(tuple(child.choice.values()) for island in children for child in island)
        children = [
            _children(space, island, count, random, seen) for island, count in zip(islands, counts, strict=True)
        ]


def _answered(children: Sequence[Individual], told: Told) -> list[Individual]:
    return [
        Individual(child.genes, child.choice, tuple(point), missed)
        for child, point, missed in zip(children, told.points.tolist(), told.missed.tolist(), strict=True)
    ]


def _mark(islands: Sequence[Sequence[Individual]]) -> tuple[Any, ...]:
    """Return what changes when something better was found: each island's best point or, of many objectives, points."""
    found = []
    for island in islands:
        points = sorted((one.point for one in island if one.is_feasible), reverse=True)
        found.append(tuple(points[:1] if points and len(points[0]) == 1 else points))
    return tuple(found)


def _drawn(space: Space, count: int, random: np.random.Generator) -> list[Individual]:
    return _individuals(space, random.random((count, len(space))))


def _individuals(space: Space, genes: FloatArray) -> list[Individual]:
    return [Individual(tuple(row), space.at(row)) for row in genes.tolist()]


def _children(
    space: Space,
    parents: Sequence[Individual],
    count: int,
    random: np.random.Generator,
    seen: Collection[tuple[Any, ...]],
) -> list[Individual]:
    """Return the next generation; parents stand best first. A child seen before mutates again, a few times."""
    fresh = max(1, round(_IMMIGRANTS * count))
    pool, born = np.array([one.genes for one in parents]), count - fresh
    one, two = pool[random.integers(len(pool), size=(2, born, _TOURNAMENT)).min(axis=2)]
    genes = np.where(random.random((born, 1)) < _CROSSED, _crossed(one, two, space.ordered, random), one)
    made: dict[int, Individual] = {}
    left = np.arange(born)
    for _ in range(_AGAIN):
        genes[left] = _mutated(genes[left], space.ordered, random)
        made |= zip(left.tolist(), _individuals(space, genes[left]), strict=True)
        left = np.array([row for row in left.tolist() if tuple(made[row].choice.values()) in seen], np.int64)
        if not len(left):
            break
    return [*_drawn(space, fresh, random), *(made[row] for row in range(born))]


def _crossed(
    one: FloatArray, two: FloatArray, ordered: npt.NDArray[np.bool_], random: np.random.Generator
) -> FloatArray:
    """Return genes of one or the other; where values have an order, half of them somewhere between."""
    either = np.where(random.random(one.shape) < 0.5, one, two)
    share = random.random(one.shape)
    return np.where(ordered & (random.random(one.shape) < 0.5), one + share * (two - one), either)


def _mutated(genes: FloatArray, ordered: npt.NDArray[np.bool_], random: np.random.Generator) -> FloatArray:
    """Return the genes with about one a row changed: a step where values have an order, a new draw where not."""
    hit = random.random(genes.shape) < 1.0 / genes.shape[1]
    stepped = np.abs(genes + random.normal(0.0, _REACH, genes.shape))  # mirrored at both ends
    stepped = np.where(stepped >= 1.0, np.maximum(2.0 - stepped, 0.0), stepped)
    stepped = np.minimum(stepped, np.nextafter(1.0, 0.0))
    return np.where(hit, np.where(ordered, stepped, random.random(genes.shape)), genes)


def _survivors(candidates: Sequence[Individual], count: int, random: np.random.Generator) -> list[Individual]:
    """Return the best, best first, each choice once; infeasible ones only where feasible ones are too few."""
    unique = list({tuple(one.choice.values()): one for one in candidates}.values())
    good = [one for one in unique if one.is_feasible]
    rest = sorted((one for one in unique if not one.is_feasible), key=_how_bad)
    return [*ranked(good, min(count, len(good)), random), *rest][:count]


def _how_bad(one: Individual) -> tuple[bool, float]:
    return any(map(isnan, one.point)), one.missed


class Pointed(Protocol):
    """What can be ranked: it has a point, its objectives, of each of which more is better."""

    @property
    def point(self) -> tuple[float, ...]:
        """The objectives, finite."""


P = TypeVar("P", bound=Pointed)


def ranked(good: Sequence[P], count: int, random: np.random.Generator) -> list[P]:
    """Return the best, best first: by the one objective, by NSGA-II of two or three, by NSGA-III of more."""
    if not good:
        return []
    objectives = len(good[0].point)
    if objectives == 1:
        return sorted(good, key=_score, reverse=True)[:count]
    return _non_dominated_first(good, count, objectives, random)


def _score(one: Pointed) -> float:
    return one.point[0]


def _non_dominated_first(good: Sequence[P], count: int, objectives: int, random: np.random.Generator) -> list[P]:
    from deap import base, tools

    fitness: Any = type("Fitness", (base.Fitness,), {"weights": (1.0,) * objectives})
    marked = []
    for one in good:
        mark: Any = _Ranked(one, fitness())
        mark.fitness.values = one.point
        marked.append(mark)
    if objectives < 4:
        chosen = tools.selNSGA2(marked, count)
    else:
        points = tools.uniform_reference_points(objectives, p=4)
        with _global_numpy(random):
            chosen = tools.selNSGA3(marked, count, points)
    return [mark.individual for mark in chosen]


@dataclass
class _Ranked:
    """An individual as DEAP takes it."""

    individual: Any
    fitness: Any


@contextmanager
def _global_numpy(random: np.random.Generator) -> Iterator[None]:
    """Let what draws from NumPy's global state draw from ours, and leave that state as it was."""
    before = np.random.get_state()  # noqa: NPY002  (DEAP's NSGA-III knows no other)
    np.random.seed(int(random.integers(2**32)))  # noqa: NPY002, TID251
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _migrated(islands: Sequence[list[Individual]]) -> list[list[Individual]]:
    """Return the islands, the worst of each replaced by the best of the one before."""
    return [
        [*island[:-_MIGRANTS], *islands[number - 1][:_MIGRANTS]] if len(island) > _MIGRANTS else island
        for number, island in enumerate(islands)
    ]
