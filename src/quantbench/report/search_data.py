"""What the figures of a search draw, and what luck alone would give, as plain arrays."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError
from quantbench.core.study import Study
from quantbench.engine import metrics

__all__ = [
    "Parallel",
    "Surface",
    "expected_best",
    "has_score",
    "luck_sharpe",
    "neutral_score",
    "parallel",
    "surface",
    "trial_sharpes",
    "varied",
    "widest_pair",
]

FloatArray = npt.NDArray[np.float64]

_LINES: Final = 600
_NEUTRAL: Final = {"profit_factor": 1.0, "win_rate": 0.5}


class Surface(NamedTuple):
    """The score over two params, the others held at the best trial's values.

    Attributes
    ----------
    x_name, y_name : str
    x, y : tuple
        Values tried, in the order of the space.
    score : float array of shape (len(y), len(x))
        NaN where the strategy refused the pair or the trial failed.
    best : tuple of (int, int)
        Column and row of the best trial.
    held : dict
        The other varied params at the best trial's values.
    """

    x_name: str
    y_name: str
    x: tuple[Any, ...]
    y: tuple[Any, ...]
    score: FloatArray
    best: tuple[int, int]
    held: dict[str, Any]


class Parallel(NamedTuple):
    """Trials as lines over axes, worst first.

    Attributes
    ----------
    names : tuple of str
        The varied params, then the score.
    height : float array of shape (trials, axes)
        Where a line crosses an axis, 0 to 1.
    strength : float array
        The score's distance from what says nothing, -1 to 1.
    ticks : tuple of tuples of (height, text), one an axis
    """

    names: tuple[str, ...]
    height: FloatArray
    strength: FloatArray
    ticks: tuple[tuple[tuple[float, str], ...], ...]


def varied(study: Study) -> dict[str, tuple[Any, ...]]:
    """Return the params that took more than one value, with their values in order of first trial (numbers sorted)."""
    found: dict[str, tuple[Any, ...]] = {}
    for name in study.params[0] if study.params else ():
        values = tuple(dict.fromkeys(choice[name] for choice in study.params))
        if all(isinstance(value, int | float) for value in values):
            values = tuple(sorted(values))
        if len(values) > 1:
            found[name] = values
    return found


def widest_pair(study: Study) -> tuple[str, str]:
    """Return the two varied params with the most values, the first of equals first."""
    names = sorted(varied(study).items(), key=lambda item: -len(item[1]))
    if len(names) < 2:
        raise ExecutionError(f"a surface needs two params that vary, found {len(names)}; draw a line instead")
    first, second = (name for name, _ in names[:2])
    return first, second


def surface(study: Study, x_name: str, y_name: str) -> Surface:
    """Return the score over two params, sliced through the best trial.

    A slice, not the best over what is hidden: the latter would show every cell at its luckiest.
    """
    values, best = varied(study), study.best.params
    x, y = values[x_name], values[y_name]
    held = {name: best[name] for name in values if name not in {x_name, y_name}}
    score = np.full((len(y), len(x)), np.nan)
    for choice, value in zip(study.params, study.values[study.score], strict=True):
        if all(choice[name] == held[name] for name in held):
            score[y.index(choice[y_name]), x.index(choice[x_name])] = value
    return Surface(x_name, y_name, x, y, score, (x.index(best[x_name]), y.index(best[y_name])), held)


def parallel(study: Study, *, at_most: int = _LINES) -> Parallel:
    """Return every scored trial as a line, worst first; of very many, the best half and an even sample of the rest.

    Trials that share a value are spread a little around it by their score, so that the better ones lie higher.
    """
    score, values = study.values[study.score], varied(study)
    order = np.flatnonzero(np.isfinite(score))
    order = order[np.argsort(score[order], kind="stable")]
    if len(order) > at_most:
        rest = order[: -(at_most // 2)]
        order = np.append(rest[:: -(-2 * len(rest) // at_most)], order[-(at_most // 2) :])
    kept = score[order]
    low, reach = float(kept.min()), float(np.ptp(kept)) or 1.0
    rank = (kept - low) / reach
    columns = [
        (np.array([choices.index(study.params[i][name]) for i in order]) + 0.2 + 0.6 * rank) / len(choices)
        for name, choices in values.items()
    ]
    ticks = [_ticks(choices) for choices in values.values()]
    ticks.append(tuple((at, f"{low + at * reach:.2f}") for at in (0.0, 0.25, 0.5, 0.75, 1.0)))
    middle = neutral_score(study.score)
    strength = (kept - middle) / (float(np.abs(kept - middle).max()) or 1.0)
    return Parallel((*values, study.score), np.column_stack((*columns, rank)), strength, tuple(ticks))


def _ticks(choices: tuple[Any, ...]) -> tuple[tuple[float, str], ...]:
    step = math.ceil(len(choices) / 12)
    return tuple(((i + 0.5) / len(choices), str(choices[i])) for i in range(0, len(choices), step))


def has_score(study: Study) -> bool:
    """Whether any trial has a finite score, so that there is a best one."""
    return bool(len(study)) and bool(np.isfinite(study.values[study.score]).any())


def neutral_score(score: str) -> float:
    """Return the value of a score that says nothing, where the colours of a surface meet."""
    return _NEUTRAL.get(score, 0.0)


def trial_sharpes(study: Study) -> FloatArray:
    """Return the annualised Sharpe of every trial from its daily returns; NaN for failures and for no movement."""
    periods = study.bars.instrument.trading_calendar.days_per_year
    return np.array([metrics.sharpe(days, periods=periods) for days in study.daily.astype(np.float64)], np.float64)


def expected_best(n: int) -> float:
    """Return the expected maximum of `n` independent standard normal numbers, by quadrature.

    The usual approximation by Euler's constant is 8 % low at 2 and 2.5 % high at 5.
    """
    if n < 2:
        return 0.0
    normal, z = NormalDist(), np.linspace(-9.0, 9.0, 1_801)
    density, below = (np.array([of(value) for value in z]) for of in (normal.pdf, normal.cdf))
    return float(np.trapezoid(z * n * density * below ** (n - 1), z))


def luck_sharpe(study: Study, *, tried: int = 0) -> float:
    """Return the annualised Sharpe the best of these trials would show on average if none had any skill.

    With more trials `tried` than the study holds (those in the ledger), the best of those. The spread
    of the trials' Sharpes times the expected maximum (Bailey & Lopez de Prado 2014, eq. 1), NaN with fewer
    than two trials. Trials that resemble each other spread less, so they count less.
    """
    sharpes = trial_sharpes(study)
    sharpes = sharpes[np.isfinite(sharpes)]
    if len(sharpes) < 2:
        return math.nan
    return float(sharpes.std(ddof=1)) * expected_best(tried if tried > len(study) else len(sharpes))
