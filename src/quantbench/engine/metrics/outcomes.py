"""What trades made, one number a trade: their net profit, or their R multiple. Order matters to streaks alone.

Breakeven trades count as trades, and neither as wins nor as losses. Money, R and percent are never
mixed: each function says which it takes.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from quantbench.engine.metrics.annual import clean, ratio

__all__ = [
    "average_loss",
    "average_over_cost",
    "average_win",
    "expectancy",
    "longest_streak",
    "max_consecutive_losses",
    "max_consecutive_wins",
    "payoff",
    "profit_factor",
    "r_multiples",
    "sqn",
    "win_rate",
]

FloatArray = npt.NDArray[np.float64]


def profit_factor(profit: npt.ArrayLike) -> float:
    """Return ``sum(wins) / |sum(losses)|``, >= 0; NaN without a loss, never infinity.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.profit_factor([100.0, -50.0, 100.0, -50.0])
    2.0
    """
    made = clean(profit)
    return ratio(float(made[made > 0].sum()), -float(made[made < 0].sum()))


def win_rate(profit: npt.ArrayLike) -> float:
    """Return the share of trades that made money, between 0 and 1; breakeven ones are in the count."""
    made = clean(profit)
    return float(np.mean(made > 0)) if len(made) else math.nan


def average_win(profit: npt.ArrayLike) -> float:
    """Return the mean of the winning trades, > 0, in the unit of `profit`."""
    won = clean(profit)
    won = won[won > 0]
    return float(won.mean()) if len(won) else math.nan


def average_loss(profit: npt.ArrayLike) -> float:
    """Return the mean of the losing trades, < 0, in the unit of `profit`."""
    lost = clean(profit)
    lost = lost[lost < 0]
    return float(lost.mean()) if len(lost) else math.nan


def payoff(profit: npt.ArrayLike) -> float:
    """Return ``average_win / |average_loss|``, > 0; NaN without a win or without a loss."""
    return ratio(average_win(profit), -average_loss(profit))


def average_over_cost(profit: npt.ArrayLike, *, cost: npt.ArrayLike) -> float:
    """Return the average trade before costs over the average cost of a trade; 1 earns its costs and no more.

    Parameters
    ----------
    profit : array of float
        Net profit of each trade.
    cost : array of float
        What each cost (`trade_costs`).

    Returns
    -------
    float
        NaN where trading cost nothing.

    Examples
    --------
    >>> average_over_cost([30.0, -10.0], cost=[10.0, 10.0])
    2.0
    """
    paid, net = float(np.sum(np.asarray(cost, np.float64))), float(np.sum(np.asarray(profit, np.float64)))
    return ratio(net + paid, paid) if paid > 0 else math.nan


def expectancy(profit: npt.ArrayLike) -> float:
    """Return the mean of all trades, signed, in the unit of `profit`: money a trade, or R a trade."""
    made = clean(profit)
    return float(made.mean()) if len(made) else math.nan


def sqn(r: npt.ArrayLike, *, cap: int | None = 100) -> float:
    """Return the System Quality Number: ``sqrt(min(n, cap)) * mean(R) / sd(R, ddof=1)``, signed.

    Parameters
    ----------
    r : array of float
        R multiples. A common factor cancels: the same risk on every trade makes money do as well.
    cap : int or None
        Trades that count at most; without one the number grows with the square root of n.

    Returns
    -------
    float
        NaN below two trades, or where they do not vary.

    Notes
    -----
    Source: Tharp (2008), The Definitive Guide to Position Sizing.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.sqn([2.0, -1.0, 2.0, -1.0]), 4)
    0.5774
    """
    multiples = clean(r)
    n = len(multiples)
    if n < 2 or not np.ptp(multiples) > 0:
        return math.nan
    counted = n if cap is None else min(n, cap)
    return math.sqrt(counted) * ratio(float(multiples.mean()), float(multiples.std(ddof=1)))


def r_multiples(profit: npt.ArrayLike, *, risk: npt.ArrayLike) -> FloatArray:
    """Return net profit over initial risk, one a trade: -1 is the loss that was planned.

    Parameters
    ----------
    profit, risk : arrays of float
        Account currency. Risk is what hitting the first stop would lose: ``|entry_price - stop|``
        times the position; NaN where the trade had no stop.

    Returns
    -------
    float array
        NaN where there is no risk above 0.
    """
    made, risked = np.asarray(profit, dtype=np.float64), np.asarray(risk, dtype=np.float64)
    known = risked > 0
    return np.where(known, made / np.where(known, risked, 1.0), np.nan)


def longest_streak(happened: npt.ArrayLike) -> int:
    """Return the most in a row that are true."""
    edges = np.diff(np.concatenate(([0], np.asarray(happened, dtype=np.int8), [0])))
    runs = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return int(runs.max()) if len(runs) else 0


def max_consecutive_losses(profit: npt.ArrayLike) -> int:
    """Return the most losing trades in a row, in the order given; a breakeven trade ends a row."""
    return longest_streak(clean(profit) < 0)


def max_consecutive_wins(profit: npt.ArrayLike) -> int:
    """Return the most winning trades in a row, in the order given."""
    return longest_streak(clean(profit) > 0)
