"""The last gates: the holdout, opened once, and what the strategy adds to those that trade already."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS
from quantbench.core.evidence import Colour, Gate
from quantbench.core.results import counted, day_ends
from quantbench.engine import metrics
from quantbench.research.gauntlet.case import Case, Developed, Walked
from quantbench.research.gauntlet.thresholds import thresholds
from quantbench.research.holdout import Opened, open_holdout
from quantbench.research.overfit.resampling import block_length, resampled_sums
from quantbench.research.pooling import pooled_days

__all__ = ["holdout_gate", "not_run", "predictive_band", "released_gates"]

FloatArray = npt.NDArray[np.float64]

_DRAWS: Final = 5_000
_ANNUAL: Final = 0.10


def not_run(name: str, why: str, *, hard: bool = False) -> Gate:
    """Return a gate that was not run, and why."""
    return Gate(name=name, value=math.nan, threshold="", null="", colour="not run", says=why, hard=hard)


def predictive_band(daily: FloatArray, days: int, *, seed: int, level: float = 0.90) -> tuple[float, float]:
    """Return the band in which the sum of so many further daily returns falls, if they are like those seen.

    Stationary bootstrap of the days seen, twice: once for the days to come, once for how little the days
    seen tell about their own mean.

    Parameters
    ----------
    daily : float array
        Out-of-sample net returns.
    days : int
        How many are to come.
    seed : int
    level : float
        Share of outcomes inside.
    """
    rng, block = np.random.default_rng(seed), block_length(daily)
    known = resampled_sums(daily, len(daily), _DRAWS, rng, block=block) / len(daily)
    sums = resampled_sums(daily, days, _DRAWS, rng, block=block) + days * (known - daily.mean())
    low, high = np.quantile(sums, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def holdout_gate(case: Case, made: Developed, walked: Walked) -> Gate:
    """Open the holdout of every market and hold it against what the walk-forward leads to expect."""
    opened = [
        open_holdout(
            holdout,
            made.strategy,
            account=q.account,
            costs=q.costs,
            sizing=q.sizing,
            limits=q.limits,
            rates=q.rates,
        )
        for holdout, q in zip(case.holdouts, case.questions, strict=True)
    ]
    daily, seed = _daily(case, made, opened), case.seed_of("holdout")
    low, high = predictive_band(walked.daily, len(daily), seed=seed)
    total = float(daily.sum())
    colour: Colour = "red" if not total >= low else "amber" if total < 0 else "green"
    looked = sum(one.before for one in opened)
    spent = f" It had been opened {counted(looked, 'time')} before." if looked else ""
    return Gate(
        name="holdout",
        value=total,
        threshold=f"red below {low:+.1%}, the 90 % band of the walk-forward ({low:+.1%} to {high:+.1%}); amber below 0",
        null="the future is worse than the walk-forward says",
        colour=colour,
        says=f"The holdout's {counted(len(daily), 'day')} add up to {total:+.1%}.{spent}",
        hard=True,
        method=f"sum of daily returns of the choice, opened once; band by stationary bootstrap, {_DRAWS:,} draws",
        seed=seed,
    )


def _daily(case: Case, made: Developed, opened: Sequence[Opened]) -> FloatArray:
    """Return the daily returns inside the holdout, of several markets at the risk they had in development."""
    parts = []
    for one, holdout in zip(opened, case.holdouts, strict=True):
        first = one.result.bars.trading_day[holdout.begin]
        days, values = day_ends(one.result.bars)[0], one.result.daily.to_numpy(np.float64)
        parts.append((days[days >= first], values[days >= first]))
    if len(parts) == 1:
        alone: FloatArray = parts[0][1]
        return alone
    every = np.unique(np.concatenate([days for days, _ in parts]))
    total = np.zeros(len(every))
    for (days, values), result in zip(parts, made.results, strict=True):
        risk = float(result.daily.std(ddof=1)) * math.sqrt(case.periods)
        total[np.searchsorted(every, days)] += values * (_ANNUAL / risk if risk > 0 else 0.0) / len(parts)
    return total


def released_gates(case: Case, made: Developed) -> list[Gate]:
    """Return how much of it trades already: correlation with each released strategy, and what it adds to all."""
    if not case.released:
        return [not_run("released", "Nothing is released yet to compare it with.")]
    import pandas as pd

    days = pooled_days(made.bars) if len(made.bars) > 1 else day_ends(made.bars[0])[0]
    index = pd.DatetimeIndex((days * DAY_NS).astype("datetime64[ns]"))
    table = pd.DataFrame({"this": pd.Series(made.daily, index=index), **_named(case.released)}).dropna()
    if len(table) < 30:
        return [not_run("released", f"{len(table)} common days with the released strategies are too few.")]
    near = table.corr()["this"].drop("this")
    most, name = float(near.abs().max()), str(near.abs().idxmax())
    amber = thresholds()["released"]["correlation_amber"]
    return [
        Gate(
            name="released",
            value=most,
            threshold=f"amber from {amber:g}",
            null="it trades already under another name",
            colour="amber" if not most < amber else "green",
            says=f"Its daily returns correlate {near[name]:.2f} with those of {name}, the nearest released.",
            method=f"correlation over {len(table):,} common days",
        ),
        _adds(case, table),
    ]


def _named(released: Mapping[str, Any]) -> dict[str, Any]:
    import pandas as pd

    found = {}
    for name, daily in released.items():
        series = pd.Series(daily)
        index = pd.DatetimeIndex(series.index)
        found[name] = series.set_axis(index.tz_localize(None) if index.tz is not None else index)
    return found


def _adds(case: Case, table: Any) -> Gate:
    """Say what an equal share of it does to the Sharpe of what is released."""
    risk = table.std(ddof=1)
    scaled = (table / risk.where(risk > 0)).fillna(0.0)
    before = scaled.drop(columns="this").mean(axis=1).to_numpy()
    after = scaled.mean(axis=1).to_numpy()
    old, new = (float(metrics.sharpe(path, periods=case.periods)) for path in (before, after))
    return Gate(
        name="adds",
        value=new - old,
        threshold="",
        null="",
        colour="report",
        says=f"Beside what is released, at equal risk, the Sharpe goes from {old:.2f} to {new:.2f}.",
        method="equal-risk average of daily returns, with and without it",
    )
