"""The generations: rules that are selected, crossed and changed, one generation a batch; alike ones leave room."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.space import Choice, Space
from quantbench.research.asking import Asking, Method, Told
from quantbench.research.evolution.breeding import Genes, child, drawn
from quantbench.research.genetic import ranked

__all__ = ["alike", "evolution"]

FloatArray = npt.NDArray[np.float64]
Returns = Callable[[Sequence[Choice]], FloatArray]

ALIKE: Final = 0.99  # correlation of daily returns above which two rules are one in all but words
_GENERATIONS: Final = 30  # among which the trials are spread
_LEAST, _MOST = 20, 200  # rules in a generation
_IMMIGRANTS: Final = 0.1  # share of each generation that is drawn anew
_TOURNAMENT: Final = 3
_AGAIN: Final = 8  # more children for one that was tried before
_PATIENCE: Final = 12  # generations without a better one after which evolution has settled


@dataclass(frozen=True)
class Individual:
    """One rule and what came of it: its point (more is better) and how far constraints are missed."""

    genes: Genes
    point: tuple[float, ...]
    missed: float

    @property
    def is_feasible(self) -> bool:
        """Whether its objectives count."""
        return self.missed == 0 and not np.isnan(self.point).any()


def evolution(returns: Returns) -> Method:
    """Return the method that evolves rules.

    Parameters
    ----------
    returns : function
        The daily returns of choices that were answered, one row a choice: by them it sees who is alike.

    Notes
    -----
    mu + lambda: the best of parents and children live on, feasible before infeasible (Deb 2000), of several
    objectives by NSGA-II. Of rules that behave alike only the simplest lives on, so that a generation is not
    one rule in many words. A tenth of each generation is drawn anew. It ends when nothing better was found
    for twelve generations.
    """
    return partial(_evolving, returns=returns)


def _evolving(space: Space, *, objectives: int, trials: int, seed: int, returns: Returns) -> Asking:  # noqa: ARG001
    count, random = max(_LEAST, min(_MOST, trials // _GENERATIONS)), np.random.default_rng(seed)
    parents: list[Individual] = []
    children, seen = [drawn(random) for _ in range(count)], set[Genes]()
    waited, mark = 0, list[tuple[float, ...]]()
    while waited < _PATIENCE:
        told = yield [genes.choice for genes in children]
        parents = _survivors([*parents, *_answered(children, told)], count, returns, random)
        seen.update(children)
        best = _mark(parents)
        waited, mark = (waited + 1, mark) if best == mark else (0, best)
        children = _children(parents, count, random, seen)


def _answered(children: Sequence[Genes], told: Told) -> list[Individual]:
    rows = zip(children, told.points.tolist(), told.missed.tolist(), strict=True)
    return [Individual(genes, tuple(point), missed) for genes, point, missed in rows]


def _mark(parents: Sequence[Individual]) -> list[tuple[float, ...]]:
    """Return what changes when something better was found: the best point or, of several objectives, all."""
    points = sorted((one.point for one in parents if one.is_feasible), reverse=True)
    return points[:1] if points and len(points[0]) == 1 else points


def _children(parents: Sequence[Individual], count: int, random: np.random.Generator, seen: set[Genes]) -> list[Genes]:
    made = [drawn(random) for _ in range(max(1, round(_IMMIGRANTS * count)))]
    while len(made) < count:
        one, two = (parents[int(random.integers(len(parents), size=_TOURNAMENT).min())].genes for _ in range(2))
        for _ in range(_AGAIN):
            new = child(one, two, random)
            if new not in seen:
                break
        made.append(new)
    return made


def _survivors(
    candidates: Sequence[Individual], count: int, returns: Returns, random: np.random.Generator
) -> list[Individual]:
    """Return the best, best first; infeasible ones only where feasible ones are too few."""
    unique = list({one.genes: one for one in candidates}.values())
    good = sorted((one for one in unique if one.is_feasible), key=_plainest)
    if good:
        first = alike(returns([one.genes.choice for one in good]))
        good = [one for row, one in enumerate(good) if first[row] == row]
    rest = sorted((one for one in unique if not one.is_feasible), key=_how_bad)
    return [*ranked(good, min(count, len(good)), random), *rest][:count]


def _plainest(one: Individual) -> tuple[int, float, str]:
    long, short, _ = one.genes.choice.values()
    return len(long) + len(short), -one.point[0], f"{long}|{short}|{one.genes.stop_atr}"


def _how_bad(one: Individual) -> tuple[bool, float]:
    return bool(np.isnan(one.point).any()), one.missed


def alike(returns: FloatArray) -> list[int]:
    """Return for each row the first row it behaves like: itself, or an earlier one it follows above 0.99.

    Parameters
    ----------
    returns : float array of shape (rules, days)
        Rows that never move are like no other.

    Examples
    --------
    >>> import numpy as np
    >>> alike(np.array([[1.0, -1.0, 2.0], [2.0, -2.0, 4.001], [1.0, 2.0, -1.0]]))
    [0, 0, 2]
    """
    centred = returns - returns.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    unit = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    # Rounded, so that the last digit of a matrix product, which differs between machines, decides nothing.
    close = np.round(unit @ unit.T, 9) > ALIKE
    first = list[int]()
    for row in range(len(returns)):
        leaders = [other for other in np.flatnonzero(close[row, :row]) if first[other] == other]
        first.append(int(leaders[0]) if leaders else row)
    return first
