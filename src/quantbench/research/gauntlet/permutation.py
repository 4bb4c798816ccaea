"""The gate on the search itself: what it finds in these prices, beside the same bars in random order."""

from __future__ import annotations

import math

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Gate
from quantbench.research.gauntlet.case import Case, Developed
from quantbench.research.gauntlet.thresholds import below, thresholds
from quantbench.research.overfit.permutation import search_permuted

__all__ = ["permutation"]


def permutation(case: Case, made: Developed) -> Gate:
    """Search again on shuffled bars, many times, and compare best with best."""
    held, seed = thresholds()["permutation"], case.seed_of("permutation")
    try:
        found = search_permuted(case.strategy, case.questions, case.wish, seed=seed, permutations=case.permutations)
        p, better = found.p_value, int((found.permuted >= found.observed).sum())
        says = f"p = {p:.3f}: of {case.permutations:,} searches on shuffled bars {better:,} found as much."
    except QuantbenchError as fault:
        p, says = math.nan, f"No test can be made: {fault}."
    colour, words = below(p, green=held["p_green"], red=held["p_red"])
    return Gate(
        name="permutation",
        value=p,
        threshold=words,
        null="the order of bars carries nothing a search could find",
        colour=colour,
        says=says,
        method=f"{case.permutations:,} permutations within hour-of-week strata, the whole search on each "
        f"({made.study.score}, {len(made.study):,} trials)",
        seed=seed,
    )
