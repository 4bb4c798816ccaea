"""Choosing among trials by more than the score: what lies on a plateau, holds in every window, or balances objectives.

Among the same trials, the winner of a neighbourhood's median or of the worst window does better out of
sample than the winner of the score itself: the highest score is mostly the luckiest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError, did_you_mean
from quantbench.core.space import Range
from quantbench.core.strategy import Strategy
from quantbench.core.study import Study, Trial, direction
from quantbench.research.plateau import plateau_scores

__all__ = [
    "CHOICES",
    "Selection",
    "chosen",
    "local_maxima",
    "neighbourhoods",
    "require_choice",
    "select",
    "window_scores",
]

FloatArray = npt.NDArray[np.float64]
_NEAR: Final = 0.05
"""Of a param's range: how far neighbours may be where values are close together."""

_ENOUGH: Final = 3  # neighbours that make a neighbourhood
_WINDOWS: Final = 3
_PEAK: Final = 0.5  # a trial whose neighbours' median is below this share of its own lead over the study's median


@dataclass(frozen=True)
class Selection:
    """The trial chosen, by what, and what to be wary of.

    Attributes
    ----------
    trial : Trial
        The trial.
    strategy : Strategy
        Ready to trade.
    how : str
        By what it was chosen.
    score : float
        The number it was chosen by, in the unit of the study's score (for the knee: distance to the ideal, 0 to 1).
    flags : tuple of str
        Plain sentences; none is a good sign.
    """

    trial: Trial
    strategy: Strategy
    how: str
    score: float
    flags: tuple[str, ...]

    def __repr__(self) -> str:
        warn = "".join(f"\n  mind: {flag}" for flag in self.flags)
        return f"{self.strategy!r}, trial {self.trial.number}, chosen by {self.how} ({self.score:.3g}){warn}"


def select(study: Study, how: str = "plateau") -> Selection:
    """Return the trial to go on with.

    Parameters
    ----------
    study : Study
        With at least one feasible trial.
    how : {"plateau", "worst_window", "pareto_knee", "best"}
        The highest median score of a trial and its nearest neighbours (`plateau_scores`); the highest
        score in its worst third of time; the point of the front closest to the best of every objective;
        or the highest score.

    Raises
    ------
    ParamsError
        For another `how`.
    ExecutionError
        When nothing can be chosen that way, with the reason.

    Examples
    --------
    >>> import quantbench as qb
    >>> space = {"fast": range(5, 45, 5), "slow": range(60, 220, 20)}
    >>> study = qb.sweep(qb.MaCross, qb.load("EURUSD", "H1"), space=space)
    >>> study.select("plateau").how
    'plateau'
    """
    row, score = chosen(study, how)
    trial = study.trial(row)
    shown = score * (direction(study.score) if how != "pareto_knee" else 1)
    return Selection(trial, study.strategy.from_params(trial.params), how, shown, _flags(study, row))


def chosen(study: Study, how: str) -> tuple[int, float]:
    """Return the trial `select` chooses and the number it is chosen by, more is better.

    Raises
    ------
    ParamsError, ExecutionError
        As `select`.
    """
    require_choice(how)
    _ = study.best  # says why where there is none
    scores = np.where(study.feasible, CHOICES[how](study), np.nan)
    if not np.isfinite(scores).any():
        raise ExecutionError(f"nothing can be chosen by {how}: {_WHY.get(how, 'there is no score')}")
    row = int(np.nanargmax(scores))
    return row, float(scores[row])


def require_choice(how: str) -> None:
    """Raise `ParamsError` for a way to choose that is none."""
    if how not in CHOICES:
        raise ParamsError(f"cannot select by {how!r}: {did_you_mean(how, CHOICES)}")


def _best(study: Study) -> FloatArray:
    return np.where(study.feasible, study.points[:, 0], np.nan)


def _plateau(study: Study) -> FloatArray:
    """Return the median of each neighbourhood; the trial's own score where no neighbourhood has one."""
    found = plateau_scores(study)
    return found if np.isfinite(found).any() else _best(study)


def _worst_window(study: Study) -> FloatArray:
    return np.where(study.feasible, window_scores(study).min(axis=1), np.nan)


def _knee(study: Study) -> FloatArray:
    """Return one less the distance to the ideal point, every objective scaled to the front's range."""
    found = np.full(len(study), np.nan)
    rows = [trial.number for trial in study.front]
    if len(study.objectives) < 2 or not rows:
        return found
    points = study.points[rows]
    low, high = points.min(axis=0), points.max(axis=0)
    scaled = (points - low) / np.where(high > low, high - low, 1.0)
    found[rows] = 1.0 - np.linalg.norm(1.0 - scaled, axis=1) / np.sqrt(len(study.objectives))
    return found


CHOICES: Final[dict[str, Callable[[Study], FloatArray]]] = {
    "plateau": _plateau,
    "worst_window": _worst_window,
    "pareto_knee": _knee,
    "best": _best,
}
"""What a trial may be chosen by; each gives a number a trial, more is better, NaN where it does not apply."""

_WHY: Final = {
    "worst_window": "the trials have too few days",
    "pareto_knee": "a knee needs two objectives",
}


def window_scores(study: Study, windows: int = _WINDOWS) -> FloatArray:
    """Return the annualised Sharpe of every trial in consecutive windows of equal length.

    Parameters
    ----------
    study : Study
        With daily returns.
    windows : int
        How many.

    Returns
    -------
    float array of shape (trials, windows)
        0 where a trial did not trade in a window; NaN where it failed.
    """
    periods = study.bars.instrument.trading_calendar.days_per_year
    parts = np.array_split(study.daily.astype(np.float64), windows, axis=1)
    if parts[-1].shape[1] < 2:
        return np.full((len(study), windows), np.nan)
    columns = []
    for part in parts:
        deviation = part.std(axis=1, ddof=1)
        ratio = part.mean(axis=1) / np.where(deviation > 0, deviation, 1.0) * np.sqrt(periods)
        columns.append(np.where(deviation > 0, ratio, np.where(np.isnan(deviation), np.nan, 0.0)))
    return np.column_stack(columns)


@lru_cache(maxsize=1)
def neighbourhoods(study: Study) -> list[npt.NDArray[np.int64]]:
    """Return the rows near each trial, itself included: one value away in every param, or 5 % of its range."""
    from scipy.spatial import KDTree

    places, reach = _places(study)
    tree = KDTree(places / reach)
    return [np.array(sorted(rows), np.int64) for rows in tree.query_ball_point(tree.data, r=1.0, p=np.inf)]


def _places(study: Study) -> tuple[FloatArray, FloatArray]:
    """Return where each trial is along each param, and how far its neighbours may be."""
    columns, reach = [np.zeros(len(study))], [0.0]
    for name, values in study.space.items():
        tried = [choice[name] for choice in study.params]
        span = values.values() if isinstance(values, Range) else values
        if span is None:
            assert isinstance(values, Range)  # noqa: S101  (only a range has values that are not listed)
            columns.append(_along(values, np.array(tried, np.float64)))
            reach.append(_NEAR)
            continue
        order = {value: place for place, value in enumerate(span)}
        ordered = all(isinstance(value, int | float) and not isinstance(value, bool) for value in span)
        columns.append(np.array([order.get(value, -1) for value in tried], np.float64))
        reach.append(max(1.0, _NEAR * (len(span) - 1)) if ordered else 0.0)
    return np.column_stack(columns), np.array(reach) + 1e-9


def _along(span: Range, tried: FloatArray) -> FloatArray:
    if span.log:
        return np.asarray(np.log(tried / span.low) / (np.log(span.high / span.low) or 1.0))
    return np.asarray((tried - span.low) / ((span.high - span.low) or 1.0))


def local_maxima(study: Study) -> int:
    """Return how many trials are above all of their neighbours: one is a hill, many are noise."""
    points, peaks = np.nan_to_num(_best(study), nan=-np.inf), 0
    for row, rows in enumerate(neighbourhoods(study)):
        around = points[rows]  # of equals the first counts, so that a plateau is one
        peaks += bool(around.max() > around.min() and rows[int(np.argmax(around))] == row)
    return peaks


def _flags(study: Study, row: int) -> tuple[str, ...]:
    flags = [*_edges(study, study.params[row])]
    points, rows = _best(study), neighbourhoods(study)[row]
    middle, around = float(np.nanmedian(points)), float(np.nanmedian(points[rows]))
    lead = float(points[row]) - middle
    if len(rows) > _ENOUGH and lead > 0 and around - middle < _PEAK * lead:
        sign = direction(study.score)
        flags.append(
            f"an isolated peak: its {study.score} is {sign * points[row]:.2f}, the median around it {sign * around:.2f}"
        )
    peaks = local_maxima(study)
    if peaks > max(3, len(study) // 20):
        flags.append(f"{peaks} separate peaks in {len(study)} trials: the surface is mostly noise")
    return tuple(flags)


def _edges(study: Study, choice: Any) -> list[str]:
    found = []
    for name, values in study.space.items():
        ends = (values.low, values.high) if isinstance(values, Range) else (values[0], values[-1])
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
        if numbers and ends[0] != ends[1] and choice[name] in ends:
            side = "lowest" if choice[name] == ends[0] else "highest"
            found.append(f"{name}={choice[name]} is the {side} that was tried: widen the space")
    return found
