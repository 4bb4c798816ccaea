"""What a search finds in prices, beside what it finds in the same bars in random order."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError, QuantbenchError
from quantbench.core.strategy import Strategy
from quantbench.core.study import direction
from quantbench.research.chance.permutation import permuted_together
from quantbench.research.crew import worked
from quantbench.research.overfit.families import permutation_p
from quantbench.research.pool import Question
from quantbench.research.search import Wish, searched

__all__ = ["PermutationTest", "search_permuted"]

FloatArray = npt.NDArray[np.float64]

_WORST: Final = -math.inf


@dataclass(frozen=True, eq=False)
class PermutationTest:
    """The best of the search on the bars as they were, beside the best on bars in random order.

    Attributes
    ----------
    p_value : float
        Share of orders in which the search finds as much or more, that of the bars counted among them; never 0.
    observed : float
        The best score on the bars as they were, more is better.
    permuted : float array
        The best score of each permutation; minus infinity where nothing had a score.
    seed : int
    """

    p_value: float
    observed: float
    permuted: FloatArray
    seed: int


def search_permuted(
    strategy: type[Strategy],
    questions: Sequence[Question],
    wish: Wish,
    *,
    seed: int,
    permutations: int = 200,
) -> PermutationTest:
    """Search again on bars in random order, many times, and compare best with best.

    Everything is searched anew on every permutation: keeping the params that were tuned on the real bars
    calls 42 % of strategies without skill significant at 5 % (notes/statistics.md 0.5).

    Parameters
    ----------
    strategy : type
    questions : sequence of Question
        One a market; all are shuffled by the same order.
    wish : Wish
        How to search.
    seed : int
        Of the permutations.
    permutations : int
        200 for a look, whose smallest p-value is 0.005; 1,000 before promotion.

    Returns
    -------
    PermutationTest
        Nothing of it goes to the ledger: these bars never were.

    Raises
    ------
    ParamsError
        For under 1 permutation.
    ExecutionError
        When the search finds nothing with a score on the bars as they were, or on most permutations.
    """
    if permutations < 1:
        raise ParamsError(f"at least one permutation (permutations={permutations!r})")
    quick = wish._replace(resume=False, workers=1)
    study = searched(strategy, tuple(questions), quick, kind=None, progress=False)
    observed = direction(study.score) * study.best.metrics[study.score]

    refused = list[str]()

    def best(child: np.random.SeedSequence) -> float:
        bars = permuted_together(tuple(q.bars for q in questions), np.random.default_rng(child))
        shuffled = tuple(
            Question(one, q.account, q.costs, q.sizing, q.limits, q.rates)
            for one, q in zip(bars, questions, strict=True)
        )
        try:
            found = searched(strategy, shuffled, quick, kind=None, progress=False)
            return float(direction(found.score) * found.best.metrics[found.score])
        except QuantbenchError as fault:  # nothing traded on these: no better than anything
            refused.append(str(fault))
            return _WORST

    seeds = np.random.SeedSequence(seed).spawn(permutations)
    permuted = np.array(list(worked(best, seeds, wish.workers or os.cpu_count() or 1)))
    if len(refused) > permutations / 2:  # a search that fails on other bars says nothing of luck
        raise ExecutionError(
            f"on {len(refused)} of {permutations} permutations nothing could be searched: {refused[0]}"
        )
    p = permutation_p(int((permuted >= observed).sum()), permutations=permutations)
    return PermutationTest(p, float(observed), permuted, seed)
