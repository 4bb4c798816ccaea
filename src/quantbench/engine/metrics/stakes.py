"""How much to bet, and how likely that ends badly: Kelly, optimal f, ruin.

All of them take the edge as known. Estimated edges are too high after a search: use a lower
confidence bound, and a fraction of the answer.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import check
from quantbench.engine.metrics.annual import clean, ratio
from quantbench.engine.metrics.outcomes import payoff, win_rate

__all__ = [
    "OptimalF",
    "growth_kelly",
    "kelly",
    "kelly_binary",
    "kelly_continuous",
    "kelly_hit",
    "optimal_f",
    "ruin",
    "ruin_of_edge",
]


class OptimalF(NamedTuple):
    """The fraction with the highest terminal wealth, and that wealth as a multiple of the first."""

    f: float
    twr: float


def kelly_binary(win_chance: float, *, payoff: float) -> float:
    """Return the Kelly fraction of a bet: ``p - (1 - p) / b``; negative means do not bet.

    Source: Kelly (1956), A New Interpretation of Information Rate, Bell Syst. Tech. J. 35.

    Parameters
    ----------
    win_chance : float
        p, between 0 and 1.
    payoff : float
        b, what a win pays for one unit staked.
    """
    return win_chance - ratio(1.0 - win_chance, payoff)


def kelly(profit: npt.ArrayLike) -> float:
    """Return ``W - (1 - W) / payoff`` of trades: `kelly_binary` with their own win rate and payoff.

    A fraction of capital **at risk** a trade, if every loss were the average loss.
    """
    return kelly_binary(win_rate(profit), payoff=payoff(profit))


def kelly_continuous(mean: float, *, deviation: float) -> float:
    """Return the Kelly leverage of a diffusion: ``mu / sigma**2``, both over the same period.

    Source: Merton (1969); Thorp (2006).
    """
    return ratio(mean, deviation**2)


def growth_kelly(returns: npt.ArrayLike) -> float:
    """Return the leverage f that maximises ``mean(log(1 + f r))`` over these returns, >= 0.

    0 where the mean is not above 0; NaN where nothing lost, as no f is then too much.
    """
    kept = clean(returns)
    if not len(kept) or kept.mean() <= 0:
        return 0.0 if len(kept) else math.nan
    if kept.min() >= 0:
        return math.nan
    low, high = 0.0, -1.0 / float(kept.min())
    for _ in range(200):  # the slope mean(r / (1 + f r)) falls in f: halve the bracket around its zero
        middle = (low + high) / 2.0
        if float(np.mean(kept / (1.0 + middle * kept))) > 0:
            low = middle
        else:
            high = middle
    return low


def optimal_f(profit: npt.ArrayLike, *, step: float = 0.01) -> OptimalF:
    """Return Vince's optimal f: the f on a grid that maximises ``prod(1 + f * x / |worst loss|)``.

    It stands on the worst loss **seen**: a ceiling, not a target.

    Parameters
    ----------
    profit : array of float
        Trades, in money or R.
    step : float
        Grid from `step` to 1.

    Returns
    -------
    OptimalF
        NaN without a losing trade; f 0 and wealth 1 where no bet grows.

    Notes
    -----
    Source: Vince (1990), Portfolio Management Formulas.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.optimal_f([9, 18, 7, 1, 10, -5, -3, -17, -7]).f, 2)
    0.24
    """
    made = clean(profit)
    check(0 < step <= 1, "step must be above 0 and at most 1", step=step)
    if not len(made) or made.min() >= 0:
        return OptimalF(math.nan, math.nan)
    f = np.arange(1, round(1.0 / step) + 1) * step
    worst = -float(made.min())
    wealth = np.zeros(len(f))
    inside = f < 1.0  # at f = 1 the worst loss takes everything
    wealth[inside] = np.exp(np.log1p(np.outer(f[inside], made / worst)).sum(axis=1))
    best = int(wealth.argmax())
    return OptimalF(float(f[best]), float(wealth[best])) if wealth[best] > 1 else OptimalF(0.0, 1.0)


def ruin(win_chance: float, *, units: float, target: float | None = None) -> float:
    """Return the chance that a gambler of equal bets loses `units` before reaching `target` units.

    Without a target: ever, ``(q / p)**units`` with an edge and 1 without. Bets pay 1 for 1.
    Source: Feller (1968), An Introduction to Probability Theory, XIV.2. Returns of a real strategy
    are neither equal nor independent: simulate those.

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> round(metrics.ruin(0.6, units=10), 6)
    0.017342
    """
    check(0 < win_chance < 1, "win_chance must be above 0 and below 1", win_chance=win_chance)
    odds = (1.0 - win_chance) / win_chance
    if target is None:
        return min(1.0, math.pow(odds, units))
    if odds == 1:
        return 1.0 - units / target
    all_of_it = math.pow(odds, target)
    return (math.pow(odds, units) - all_of_it) / (1.0 - all_of_it)


def ruin_of_edge(edge: float, *, units: float) -> float:
    """Return ``((1 - edge) / (1 + edge))**units``: `ruin` of a win chance of ``(1 + edge) / 2``."""
    return ruin((1.0 + edge) / 2.0, units=units)


def kelly_hit(fraction: float, *, down: float, up: float | None = None) -> float:
    """Return how likely betting a fraction of Kelly brings wealth to a level.

    Parameters
    ----------
    fraction : float
        Of full Kelly, above 0 and below 2.
    down : float
        Level below the start as a multiple of it: 0.5 is a halving.
    up : float, optional
        Level above. With it, the chance of `up` **before** `down`; without, of ever falling to
        `down`: ``down**(2 / fraction - 1)``, a half for full Kelly, an eighth for half.

    Notes
    -----
    Diffusion limit, parameters known. Source: Thorp (2006), The Kelly Criterion; Chin & Ingenoso (2006).
    """
    check(0 < fraction < 2, "fraction of Kelly must be above 0 and below 2", fraction=fraction)
    power = 2.0 / fraction - 1.0
    if up is None:
        return math.pow(down, power)
    low = math.pow(down, -power)
    return (1.0 - low) / (math.pow(up, -power) - low)
