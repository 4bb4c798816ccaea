"""Was it skill or the search? The statistics of having tried many things."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Gate
from quantbench.core.results import counted
from quantbench.engine import metrics
from quantbench.research.gauntlet.case import Case, Developed
from quantbench.research.gauntlet.thresholds import above, below, thresholds
from quantbench.research.overfit import dsr, effective_trials, pbo, spa

__all__ = ["chosen_among_many", "is_prior", "reported"]

FloatArray = npt.NDArray[np.float64]

_RESAMPLES = 2_000


def is_prior(case: Case, made: Developed) -> bool:
    """Return whether a stated hypothesis with few trials is judged, for which SPA and PBO have nothing to correct."""
    return case.hypothesis is not None and len(made.study) <= thresholds()["prior"]["most_trials"]


def trials_of(made: Developed) -> FloatArray:
    """Return the daily returns of every trial that ran: shape (days, trials)."""
    daily = made.study.daily
    return daily[np.isfinite(daily).all(axis=1)].T.astype(np.float64)


def chosen_among_many(case: Case, made: Developed) -> list[Gate]:
    """Return the gates on luck among all trials: SPA and PBO, or for a prior hypothesis its own test."""
    if is_prior(case, made):
        return [_prior(case, made)]
    return [_superior(case, made), _overfit(made)]


def _prior(case: Case, made: Developed) -> Gate:
    held, seed = thresholds()["prior"], case.seed_of("prior")
    try:  # SPA over one column is the studentised bootstrap test of its mean
        p, why = spa(made.daily[:, np.newaxis], seed=seed, resamples=_RESAMPLES).p_value, ""
    except QuantbenchError as fault:
        p, why = math.nan, str(fault)
    p = min(1.0, p * len(made.study))  # Bonferroni over the few that were tried
    colour, words = below(p, green=held["p_green"], red=held["p_red"])
    return Gate(
        name="prior",
        value=p,
        threshold=words,
        null="a mean daily return of 0 or less",
        colour=colour,
        says=f"p = {p:.3f} for what was expected beforehand: {case.hypothesis}."
        if math.isfinite(p)
        else f"No test can be made: {why}.",
        hard=True,
        method=f"stationary bootstrap of the studentised mean, {_RESAMPLES:,} resamples, times the trials made",
        seed=seed,
    )


def _superior(case: Case, made: Developed) -> Gate:
    held, seed = thresholds()["superior"], case.seed_of("superior")
    returns = trials_of(made)
    try:
        p, says = spa(returns, seed=seed, resamples=_RESAMPLES).p_value, ""
    except QuantbenchError as fault:
        p, says = math.nan, str(fault)
    colour, words = below(p, green=held["p_green"], red=held["p_red"])
    among = counted(returns.shape[1], "trial")
    return Gate(
        name="superior",
        value=p,
        threshold=words,
        null="no trial is better than not trading",
        colour=colour,
        says=f"Luck alone gives a best of {among} this good with p = {p:.3f}."
        if math.isfinite(p)
        else f"No test can be made: {says}.",
        hard=True,
        method=f"studentised SPA (Hansen 2005), stationary bootstrap, {_RESAMPLES:,} resamples",
        seed=seed,
    )


def _overfit(made: Developed) -> Gate:
    held, returns = thresholds()["overfit"], trials_of(made)
    words, value, says = f"green up to {held['pbo_green']:g}, red above {held['pbo_red']:g}", math.nan, ""
    try:
        found = pbo(returns)
        value, distinct = found.probability, found.strategies
    except QuantbenchError as fault:
        distinct, says = 0, str(fault)
    if math.isfinite(value) and distinct >= held["fewest"]:
        colour, _ = below(value, green=held["pbo_green"], red=held["pbo_red"])
        says = f"The best half the time is below the median the other half in {value:.0%} of the splits."
    elif distinct or returns.shape[1] < held["fewest"]:
        colour = "not run"
        says = (
            f"{counted(distinct or returns.shape[1], 'distinct trial')} are too few to say; "
            f"{held['fewest']} are needed, or a hypothesis stated beforehand."
        )
        value = math.nan
    else:
        colour, says = "red", f"No test can be made: {says}."
    return Gate(
        name="overfit",
        value=value,
        threshold=words,
        null="the choice among trials is no better than a draw",
        colour=colour,
        says=says,
        hard=True,
        method="PBO by CSCV, 16 blocks, rank/(N+1), logit <= 0, near-copies removed (Bailey et al. 2017)",
    )


def reported(made: Developed, *, tried: int) -> list[Gate]:
    """Return what is shown beside the gates: the deflated Sharpe and how many trials there really were."""
    returns = trials_of(made)
    sharpes = np.array([metrics.sharpe(column, periods=1.0) for column in returns.T])
    sharpes = sharpes[np.isfinite(sharpes)]
    spread = float(sharpes.var(ddof=1)) if len(sharpes) > 1 else math.nan
    value = float(dsr(made.daily, trials=max(tried, len(made.study)), trials_variance=spread))
    wanted = thresholds()["deflated"]["dsr"]
    colour, _ = above(value, green=wanted, red=wanted)
    return [
        Gate(
            name="deflated Sharpe",
            value=value,
            threshold=f"{wanted:g} is usual",
            null="the Sharpe is the best of so many without skill",
            colour="report",
            says=f"{value:.0%} sure of skill, by a test that also blames a broad plateau"
            f"{'' if colour == 'green' else ': not convincing by itself'}."
            if math.isfinite(value)
            else "It cannot be said.",
            method=f"DSR (Bailey and Lopez de Prado 2014), {max(tried, len(made.study)):,} distinct trials",
        ),
        _effective(returns),
    ]


def _effective(returns: FloatArray) -> Gate:
    value = float(effective_trials(returns))
    return Gate(
        name="effective trials",
        value=value,
        threshold="",
        null="",
        colour="report",
        says=f"The {returns.shape[1]:,} trials move like {value:.0f} independent ones."
        if math.isfinite(value)
        else "It cannot be said.",
        method="effective rank of the correlation matrix",
    )
