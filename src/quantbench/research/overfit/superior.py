"""Is any of many strategies better than not trading? Superior predictive ability, studentised."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.research.overfit.resampling import block_length, long_run_deviation, resampled_counts, varying

__all__ = ["Spa", "spa", "stepm"]

FloatArray = npt.NDArray[np.float64]

_FEWEST = 30
_LEADERS = 5  # the best columns by t, whose memory sets the block length


@dataclass(frozen=True)
class Spa:
    """What the test says.

    Attributes
    ----------
    p_value : float
        Consistent p-value: how often luck alone gives a best this good. Never 0.
    p_lower, p_upper : float
        Its bounds: poor columns left out, or all of them counted in full (White's reality check, studentised).
    statistic : float
        The largest t of any column.
    best : int
        The column it belongs to.
    block : float
        Mean length of a block, in days.
    resamples : int
    """

    p_value: float
    p_lower: float
    p_upper: float
    statistic: float
    best: int
    block: float
    resamples: int


def spa(returns: npt.ArrayLike, *, seed: int, resamples: int = 1_000, block: float | None = None) -> Spa:
    """Test whether the best of many strategies is better than not trading, given that the best was picked.

    Parameters
    ----------
    returns : float array of shape (days, strategies)
        Net returns of every configuration that was tried, over the same days.
    seed : int
        Of the resamples.
    resamples : int
    block : float, optional
        Mean length of a block in days; `block_length` of the best columns if not given.

    Returns
    -------
    Spa
        ``p_value`` small: not luck. The null hypothesis is that no column has a mean above 0.

    Raises
    ------
    ExecutionError
        When there are under 30 days, a value is not finite, or no column ever varies.

    Notes
    -----
    Hansen (2005), each column divided by its own long-run deviation, so that no column speaks louder by
    being larger; `arch` 8.0 leaves that out (notes/statistics.md 0.1). A column that never traded says
    nothing and is left out.

    Examples
    --------
    >>> import numpy as np
    >>> luck = np.random.default_rng(1).normal(0, 0.01, (500, 50))
    >>> spa(luck, seed=1).p_value > 0.05
    True
    >>> luck[:, 7] += 0.002
    >>> spa(luck, seed=1).p_value < 0.05, spa(luck, seed=1).best
    (True, 7)
    """
    values, columns = _checked(returns)
    n, length = len(values), _block(values, block)
    scaled = values / long_run_deviation(values, block=length)
    t = math.sqrt(n) * scaled.mean(axis=0)
    luck = math.sqrt(n) * (_means(scaled, seed, resamples, length) - scaled.mean(axis=0))
    statistic = max(float(t.max()), 0.0)
    far = -math.sqrt(2.0 * math.log(math.log(n)))
    drops = {"lower": np.minimum(t, 0.0), "value": np.where(t < far, t, 0.0), "upper": np.zeros_like(t)}
    p = {name: _share(np.maximum((luck + drop).max(axis=1), 0.0) >= statistic) for name, drop in drops.items()}
    best = int(columns[int(np.argmax(t))])
    return Spa(p["value"], p["lower"], p["upper"], float(t.max()), best, length, resamples)


def stepm(
    returns: npt.ArrayLike, *, seed: int, level: float = 0.05, resamples: int = 1_000, block: float | None = None
) -> tuple[int, ...]:
    """Return the columns that are better than not trading, with at most `level` chance that any of them is not.

    Romano and Wolf (2005), studentised as in `spa`: whatever is found better is taken out, and the rest is
    asked again.

    Parameters
    ----------
    returns, seed, resamples, block
        As in `spa`.
    level : float
        Chance of one false find or more.
    """
    if not 0 < level < 1:
        raise ParamsError(f"a level is between 0 and 1 (level={level!r})")
    values, columns = _checked(returns)
    n, length = len(values), _block(values, block)
    scaled = values / long_run_deviation(values, block=length)
    t = math.sqrt(n) * scaled.mean(axis=0)
    luck = math.sqrt(n) * (_means(scaled, seed, resamples, length) - scaled.mean(axis=0))
    left = np.ones(len(t), np.bool_)
    while left.any():
        bar = float(np.quantile(luck[:, left].max(axis=1), 1.0 - level))
        found = left & (t > bar)
        if not found.any():
            break
        left &= ~found
    return tuple(int(column) for column in columns[~left])


def _checked(returns: npt.ArrayLike) -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Return the columns that vary, and where they stood."""
    values = np.asarray(returns, np.float64)
    if values.ndim != 2:
        raise ParamsError(f"returns are days by strategies, found an array of shape {values.shape}")
    if len(values) < _FEWEST:
        raise ExecutionError(f"{len(values)} days are too few, at least {_FEWEST} are needed")
    if not np.isfinite(values).all():
        raise ExecutionError("some daily returns are not finite")
    columns = np.flatnonzero(varying(values))
    if not len(columns):
        raise ExecutionError("no trial has daily returns that vary")
    return values[:, columns], columns


def _block(values: FloatArray, block: float | None) -> float:
    if block is not None:
        if not block >= 1:
            raise ParamsError(f"a block holds at least 1 day (block={block!r})")
        return float(block)
    leaders = np.argsort(-values.mean(axis=0) / values.std(axis=0), kind="stable")[:_LEADERS]
    return float(np.median([block_length(values[:, column]) for column in leaders]))


def _means(values: FloatArray, seed: int, resamples: int, block: float) -> FloatArray:
    """Return the mean of every column in every resample: one product of matrices."""
    if resamples < 1:
        raise ParamsError(f"at least one resample (resamples={resamples!r})")
    counts = resampled_counts(len(values), resamples, np.random.default_rng(seed), block=block)
    means: FloatArray = counts @ values / len(values)
    return means


def _share(happened: npt.NDArray[np.bool_]) -> float:
    return (1.0 + int(happened.sum())) / (1.0 + len(happened))
