"""Is choosing the best any better than drawing lots? The probability of backtest overfitting."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.research.overfit.resampling import varying

__all__ = ["Pbo", "cscv", "distinct_columns", "effective_trials", "pbo"]

FloatArray = npt.NDArray[np.float64]

_ALIKE: Final = 0.99
_ROOM: Final = 2**22  # numbers held at once


@dataclass(frozen=True)
class Pbo:
    """How choosing the best of one half did in the other, over all ways to halve the time.

    Attributes
    ----------
    probability : float
        Share of halvings in which the best of one half is at or below the median of the other.
    logits : float array
        Of its relative rank there, one a halving; 0 is the median, above is better.
    slope : float
        Of the score in the other half on the score in the first: below 0, better there is worse here.
    loses : float
        Share of halvings in which the chosen one has a score below 0 in the other half.
    strategies : int
        Distinct configurations that were compared.
    """

    probability: float
    logits: FloatArray
    slope: float
    loses: float
    strategies: int


def pbo(returns: npt.ArrayLike, *, blocks: int = 16) -> Pbo:
    """Return the probability that choosing the best is overfitting, by combinatorial symmetric cross-validation.

    Parameters
    ----------
    returns : float array of shape (days, strategies)
        Net returns of every configuration that was tried.
    blocks : int
        Even. Time is cut into so many equal pieces (the oldest days that do not fit are dropped); every half
        of them is once the past and once the future: 12,870 halvings of 16.

    Raises
    ------
    ExecutionError
        When there are under two distinct configurations that vary, too few days, or values that are not finite.

    Notes
    -----
    Bailey, Borwein, Lopez de Prado and Zhu (2017); rank over N + 1, a logit of 0 counts as overfit; the
    score is the Sharpe ratio. Of columns that correlate over 0.99 the first is kept: among near-copies the
    rank is noise (notes/statistics.md 1.5).

    Examples
    --------
    >>> import numpy as np
    >>> luck = np.random.default_rng(2).normal(0, 0.01, (480, 30))
    >>> pbo(luck).probability > 0.2
    True
    >>> luck[:, 3] += 0.003
    >>> pbo(luck).probability < 0.05
    True
    """
    values = np.asarray(returns, np.float64)
    if values.ndim != 2:
        raise ParamsError(f"returns are days by strategies, found an array of shape {values.shape}")
    if not np.isfinite(values).all():
        raise ExecutionError("some daily returns are not finite")
    values = values[:, varying(values)]
    return cscv(values[:, distinct_columns(values)], blocks=blocks)


def cscv(values: FloatArray, *, blocks: int, score: Literal["sharpe", "mean"] = "sharpe") -> Pbo:
    """Return the same for columns as they are, near-copies too; see `pbo`."""
    if blocks < 2 or blocks % 2:
        raise ParamsError(f"time is halved: blocks must be even and at least 2 (blocks={blocks!r})")
    values = np.asarray(values, np.float64)
    days, many = values.shape
    if many < 2:
        raise ExecutionError(f"{many} distinct configurations that vary are too few: a choice needs two")
    if days < 2 * blocks:
        raise ExecutionError(f"{days} days are too few for {blocks} blocks of two days and more")
    size = days // blocks
    cut = values[days - size * blocks :].reshape(blocks, size, many)
    sums, squares = cut.sum(axis=1), (cut * cut).sum(axis=1)
    halves = _halves(blocks)
    parts = [
        _tested(halves[at : at + max(1, _ROOM // many)], sums, squares, size * blocks // 2, score)
        for at in range(0, len(halves), max(1, _ROOM // many))
    ]
    rank, inside, outside = (np.concatenate(column) for column in zip(*parts, strict=True))
    share = rank / (many + 1.0)
    logits = np.log(share / (1.0 - share))
    spread = float(inside.var())
    slope = float(np.cov(inside, outside, bias=True)[0, 1]) / spread if spread > 0 else math.nan
    return Pbo(float(np.mean(logits <= 1e-12)), logits, slope, float(np.mean(outside < 0)), many)


def _halves(blocks: int) -> FloatArray:
    """Return every choice of half of the blocks, as rows of 0 and 1."""
    chosen = np.array(list(combinations(range(blocks), blocks // 2)))
    rows = np.zeros((len(chosen), blocks))
    np.put_along_axis(rows, chosen, 1.0, axis=1)
    return rows


def _tested(
    halves: FloatArray, sums: FloatArray, squares: FloatArray, days: int, score: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return, for each halving, the rank of the chosen one in the other half (ties share it) and both its scores."""
    one, two = halves @ sums, halves @ squares
    inside = _scores(one, two, days, score)
    outside = _scores(sums.sum(axis=0) - one, squares.sum(axis=0) - two, days, score)
    best = np.argmax(inside, axis=1)[:, np.newaxis]
    picked = np.take_along_axis(outside, best, axis=1)
    below, level = (outside < picked).sum(axis=1), (outside == picked).sum(axis=1)
    rank = below + (level + 1) / 2
    return rank, np.take_along_axis(inside, best, axis=1)[:, 0], picked[:, 0]


def _scores(sums: FloatArray, squares: FloatArray, days: int, score: str) -> FloatArray:
    mean = sums / days
    if score == "mean":
        return mean
    deviation = np.sqrt(np.maximum(squares / days - mean * mean, 0.0) * days / (days - 1))
    return np.where(deviation > 0, mean / np.where(deviation > 0, deviation, 1.0), 0.0)


def distinct_columns(values: FloatArray, *, alike: float = _ALIKE) -> npt.NDArray[np.intp]:
    """Return the columns that do not correlate over `alike` with one kept before them.

    Parameters
    ----------
    values : float array of shape (days, strategies)
        Columns that vary.
    """
    if not values.shape[1]:
        return np.empty(0, np.intp)
    unit = values - values.mean(axis=0)
    unit /= np.sqrt((unit * unit).sum(axis=0))
    dropped, kept = np.zeros(unit.shape[1], np.bool_), list[int]()
    for column in range(unit.shape[1]):
        if not dropped[column]:
            kept.append(column)
            dropped[column + 1 :] |= unit[:, column] @ unit[:, column + 1 :] > alike
    return np.array(kept, np.intp)


def effective_trials(returns: npt.ArrayLike) -> float:
    """Return how many independent trials move as much as these do: the effective rank of their correlations.

    ``exp`` of the entropy of the eigenvalues (Roy and Vetterli 2007). A report: never put it into `dsr`
    (notes/statistics.md 1.3). NaN where no column varies, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.random.default_rng(1).normal(size=(500, 1))
    >>> round(effective_trials(np.repeat(one, 20, axis=1)), 6)
    1.0
    """
    values = np.asarray(returns, np.float64)
    if values.ndim != 2 or not np.isfinite(values).all():
        return math.nan
    values = values[:, varying(values)]
    if not values.shape[1]:
        return math.nan
    unit = (values - values.mean(axis=0)) / values.std(axis=0)
    wide = unit.shape[1] > unit.shape[0]
    eigen = np.linalg.eigvalsh((unit @ unit.T if wide else unit.T @ unit) / unit.size)
    share = eigen[eigen > 1e-12] / eigen[eigen > 1e-12].sum()
    return float(np.exp(-(share * np.log(share)).sum()))
