"""How large to trade, given how little a sample says: Kelly, its lower bound, optimal f, and a drawdown budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.results import Backtest
from quantbench.engine.metrics import growth_kelly, optimal_f
from quantbench.research.chance.monte_carlo import trade_returns
from quantbench.research.chance.paths import draw
from quantbench.research.overfit.resampling import block_length, resampled_counts

__all__ = ["SizeAdvice", "advise_size", "size_for_drawdown"]

FloatArray = npt.NDArray[np.float64]

_MOST: Final = 64.0
_SURE: Final = 0.95


@dataclass(frozen=True)
class SizeAdvice:
    """Multiples of the size a result was traded with.

    Attributes
    ----------
    kelly : float
        What grows these days fastest. Of a sample: most often too much.
    kelly_lower : float
        Kelly at the 5 % lower bound of the mean day; 0 where that is not above 0.
    quarter : float
        A quarter of the lower bound: where to begin.
    optimal_f : float
        Vince's f of its trades, as a fraction of the money at risk of the worst loss: a ceiling.
    for_budget : float
        At which 95 % of paths stay within the drawdown budget.
    budget : float
    """

    kelly: float
    kelly_lower: float
    quarter: float
    optimal_f: float
    for_budget: float
    budget: float

    @property
    def advised(self) -> float:
        """The smaller of a quarter of the lower bound and what the budget allows."""
        return min(self.quarter, self.for_budget)


def advise_size(result: Backtest, *, budget: float = 0.2, seed: int, paths: int = 2_000) -> SizeAdvice:
    """Return how many times its size a result may be traded.

    Parameters
    ----------
    result : Backtest
        Its size is 1.
    budget : float
        Largest drawdown that may be borne, as a fraction.
    seed : int
        Of the paths.
    paths : int

    Raises
    ------
    ExecutionError
        When there are too few days, or nothing was traded.

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> qb.advise_size(result, seed=7).advised
    0.0
    """
    if not len(result.path.trades):
        raise ExecutionError(f"{type(result.strategy).__name__} never traded: there is nothing to size")
    daily = np.asarray(result.daily, np.float64)
    block = block_length(daily)
    lower = _lower(daily, seed=seed, paths=paths, block=block)
    full = growth_kelly(daily)
    bound = growth_kelly(daily - daily.mean() + lower) if lower > 0 else 0.0
    bound = 0.0 if math.isnan(bound) else bound
    return SizeAdvice(
        full,
        bound,
        bound / 4.0,
        optimal_f(trade_returns(result)).f,
        size_for_drawdown(daily, budget=budget, seed=seed, paths=paths, block=block),
        budget,
    )


def _lower(daily: FloatArray, *, seed: int, paths: int, block: float) -> float:
    counts = resampled_counts(len(daily), paths, np.random.default_rng(seed), block=block)
    means = counts @ daily / len(daily)
    return float(2.0 * daily.mean() - np.quantile(means, _SURE))  # the basic interval: it covers better


def size_for_drawdown(
    daily: npt.ArrayLike, *, budget: float, seed: int, paths: int = 2_000, block: float | None = None
) -> float:
    """Return the multiple of these returns at which 95 % of paths as long stay within a drawdown.

    Parameters
    ----------
    daily : float array
        Simple returns at size 1.
    budget : float
        A fraction.
    seed, paths
        Of the stationary bootstrap; every size is tried on the same paths.
    block : float, optional
        Mean length of a block; by `block_length` if not given.
    """
    if not 0 < budget < 1:
        raise ParamsError(f"a drawdown budget is a fraction between 0 and 1 (budget={budget!r})")
    values = np.asarray(daily, np.float64)
    length = block_length(values) if block is None else block

    def fall(size: float) -> float:
        made = draw(size * values, method="block", paths=paths, seed=seed, block=length)
        return float(np.quantile(made.max_drawdown, 1.0 - _SURE))

    if fall(_MOST) >= -budget:
        return _MOST
    low, high = 0.0, _MOST
    while high - low > 1e-3 * max(low, 1e-3):
        middle = (low + high) / 2.0
        low, high = (middle, high) if fall(middle) >= -budget else (low, middle)
    return low
