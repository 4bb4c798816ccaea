"""What the procedure earns on bars it has not seen."""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np

from quantbench.core.errors import ParamsError
from quantbench.core.evidence import Gate
from quantbench.core.results import counted
from quantbench.research.chance.permutation import permuted_together
from quantbench.research.crew import worked
from quantbench.research.folds import t_statistic
from quantbench.research.gauntlet.case import Case, Walked
from quantbench.research.gauntlet.development import walk, walk_by_legs
from quantbench.research.gauntlet.thresholds import above, below, thresholds
from quantbench.research.pool import Question
from quantbench.research.splits import rolling

__all__ = ["matrix", "walk_permutation", "walking"]

_STRETCH = (0.5, 1.0, 2.0)


def walking(case: Case, walked: Walked | None, why: str) -> list[Gate]:
    """Return the gates on the stitched out-of-sample path; `why` there is none, where there is none."""
    held = thresholds()["walk_forward"]
    t, reason = t_statistic(walked.daily) if walked is not None else (math.nan, why)
    colour, words = above(t, green=held["t_green"], red=held["t_red"])
    gates = [
        Gate(
            name="walk-forward",
            value=t,
            threshold=words,
            null="a mean daily return of 0 or less, out of sample",
            colour=colour,
            says=f"t = {t:.2f} of the stitched out-of-sample days." if not reason else f"There is no t: {reason}.",
            hard=True,
            method=f"train {case.train}, test {case.test}, choice by {case.select}",
            seed=case.wish.seed,
        )
    ]
    if walked is None:
        return gates
    return [*gates, _windows(walked), _efficiency(walked)]


def _windows(walked: Walked) -> Gate:
    held, made = thresholds()["walk_forward"], walked.windows
    won = float(np.mean(made > 0)) if len(made) else math.nan
    gains = made[made > 0]
    most = float(gains.max() / made.sum()) if len(gains) and made.sum() > 0 else math.nan
    lean = won < held["windows_green"] or not most <= held["window_share_amber"]
    failed = f"; {counted(len(walked.failures), 'fold')} failed: {walked.failures[0]}" if walked.failures else ""
    return Gate(
        name="windows",
        value=won,
        threshold=f"green from {held['windows_green']:.0%} above 0, none with over "
        f"{held['window_share_amber']:.0%} of the profit",
        null="the profit is one lucky stretch",
        colour="amber" if lean or walked.failures else "green",
        says=f"{won:.0%} of {counted(len(made), 'test range')} earned money"
        + (f", the best one {most:.0%} of the profit" if math.isfinite(most) else ", together nothing")
        + f"{failed}.",
        method="net return of each test range",
    )


def _efficiency(walked: Walked) -> Gate:
    value = walked.efficiency
    return Gate(
        name="efficiency",
        value=value,
        threshold="",
        null="",
        colour="report",
        says=f"Out of sample it keeps {value:.0%} of the Sharpe it had in training."
        if math.isfinite(value)
        else "It cannot be said: training had no Sharpe above 0.",
        method="mean Sharpe of tests over mean Sharpe of choices in training; says less than the t",
    )


def matrix(case: Case, *, progress: bool) -> Gate:
    """Walk with shorter and longer ranges: a result that needs one pair of lengths is luck of the lengths."""
    held, cells = thresholds()["matrix"], list[float]()
    for train in _STRETCH:
        for test in _STRETCH:
            other = replace(case, train=_stretched(case.train, train), test=_stretched(case.test, test))
            try:
                cells.append(t_statistic(walk(other, progress=progress).daily)[0])
            except ParamsError:  # too few bars for these lengths
                continue
    known = [value for value in cells if math.isfinite(value)]
    won = float(np.mean([value > 0 for value in known])) if known else math.nan
    return Gate(
        name="lengths",
        value=won,
        threshold=f"green from {held['positive_green']:.0%}",
        null="the profit belongs to one pair of lengths",
        colour="green" if won >= held["positive_green"] else "amber",
        says=f"{won:.0%} of {counted(len(known), 'pair')} of lengths earn money out of sample."
        if known
        else "The bars are too few for other lengths.",
        method="walk-forward at half, once and twice each length",
    )


def _stretched(length: str, factor: float) -> str:
    return f"{max(1, round(int(length.removesuffix('D')) * factor))}D"


def walk_permutation(case: Case, walked: Walked | None) -> Gate:
    """Walk over bars whose order after the first train range is destroyed, and see how often that is as good."""
    held, seed, times = thresholds()["permutation"], case.seed_of("walk permutation"), case.permutations
    observed, better = math.nan, 0
    if walked is not None and math.isfinite(t_statistic(walked.daily)[0]):
        plain = replace(case, wish=case.wish._replace(resume=False, workers=1))
        observed = t_statistic(walk_by_legs(plain, kind=None).daily)[0]
        seeds = np.random.SeedSequence(seed).spawn(times)
        found = worked(lambda child: _shuffled_t(plain, child), seeds, os.cpu_count() or 1)
        better = sum(not t < observed for t in found)  # a walk that never traded is as good as any
    p = (1 + better) / (1 + times) if math.isfinite(observed) else math.nan
    colour, words = below(p, green=held["walk_p_green"], red=held["walk_p_red"])
    return Gate(
        name="walk permutation",
        value=p,
        threshold=words,
        null="the order of bars after the first train range carries nothing",
        colour=colour,
        says=f"p = {p:.3f}: of {times:,} walks over shuffled bars {better:,} did as well."
        if math.isfinite(p)
        else "No test can be made: the walk-forward has no t.",
        method=f"{times:,} permutations within hour-of-week strata, searched again on each",
        seed=seed,
    )


def _shuffled_t(case: Case, seed: np.random.SeedSequence) -> float:
    """Return the t of one walk over bars shuffled after the first train range, every market by the same moment."""
    first = case.questions[0].bars
    start = first.time[rolling(first, train=case.train, test=case.test)[0].test[0].begin]
    every = tuple(q.bars for q in case.questions)
    after = tuple(max(int(np.searchsorted(bars.time, start)) - 1, 0) for bars in every)
    shuffled = permuted_together(every, np.random.default_rng(seed), after=after)
    questions = tuple(
        Question(bars, q.account, q.costs, q.sizing, q.limits, q.rates)
        for bars, q in zip(shuffled, case.questions, strict=True)
    )
    return t_statistic(walk_by_legs(replace(case, questions=questions), kind=None).daily)[0]
