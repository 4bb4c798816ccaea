"""How often the gauntlet is wrong: its hard statistical gates put to worlds whose truth is known."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError, QuantbenchError
from quantbench.research.calibration.rates import Rate, rate
from quantbench.research.calibration.worlds import DAYS_A_YEAR, planted_returns, returns_of_many
from quantbench.research.folds import t_statistic
from quantbench.research.gauntlet.last_gates import predictive_band
from quantbench.research.gauntlet.thresholds import thresholds
from quantbench.research.overfit import pbo, spa

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["GATES", "NOT_RUN", "Calibration", "Outcome", "calibrate", "judged", "over_worlds"]

FloatArray = npt.NDArray[np.float64]

GATES: Final = ("superior", "overfit", "walk-forward", "holdout")
"""The hard statistical gates, in the order of an outcome."""

NOT_RUN: Final = (
    "permutation",
    "walk permutation",
    "lengths",
    "neighbourhood",
    "noise",
    "execution",
    "risk",
    "economics",
    "amount",
    "integrity",
)
"""Gates that a calibration leaves out: too dear for so many worlds, or not about luck. Each can only refuse more."""

_HOLDOUT: Final = 1 / 6
_FOLDS, _TRAIN_IN_TESTS = 12, 4
_RESAMPLES: Final = 500


class Outcome(NamedTuple):
    """Which hard gates a world passed (amber is no pass, save the holdout's), and the numbers behind them."""

    superior: bool
    overfit: bool
    walk_forward: bool
    holdout: bool
    p: float
    pbo: float
    t: float

    @property
    def promoted(self) -> bool:
        """Whether it passed them all."""
        return self.superior and self.overfit and self.walk_forward and self.holdout


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Calibration:
    """Error rates of the hard gates.

    Attributes
    ----------
    outcomes : mapping of float to tuple of Outcome
        By the true Sharpe a year of what is planted; 0 is a world without any edge.
    years, strategies, carrying, correlation, seed
        What the worlds were made of; `years` with the holdout.
    kind : str
        ``"returns"``: daily returns of all configurations; ``"prices"``: bars put through the real search.
    """

    outcomes: dict[float, tuple[Outcome, ...]]
    years: float
    strategies: int
    carrying: int
    correlation: float
    seed: int
    kind: str

    def promoted(self, sharpe: float) -> Rate:
        """Return how often the hard gates pass worlds of a true Sharpe; of 0 that is the false promotion rate."""
        worlds = self.outcomes[sharpe]
        return rate(sum(one.promoted for one in worlds), len(worlds))

    def table(self) -> pd.DataFrame:
        """Return one row a true Sharpe: worlds, the share that passes each gate and all of them, its 95 % interval."""
        import pandas as pd

        rows = []
        for sharpe, worlds in self.outcomes.items():
            found = self.promoted(sharpe)
            each = {name: float(np.mean([one[at] for one in worlds])) for at, name in enumerate(GATES)}
            rows.append(
                {
                    "sharpe": sharpe,
                    "worlds": len(worlds),
                    **each,
                    "all": found.share,
                    "low": found.low,
                    "high": found.high,
                }
            )
        return pd.DataFrame(rows).set_index("sharpe")

    def trade_off(self, sharpe: float, bars: Sequence[float] = (0.5, 1.0, 1.282, 1.645, 2.0, 2.326)) -> pd.DataFrame:
        """Return false promotions and misses for other bars on the t of the walk-forward, all else as it is."""
        import pandas as pd

        def passed(worlds: tuple[Outcome, ...], bar: float) -> float:
            return float(np.mean([one.superior and one.overfit and one.holdout and one.t >= bar for one in worlds]))

        rows = [
            {"t": bar, "false": passed(self.outcomes[0.0], bar), "missed": 1.0 - passed(self.outcomes[sharpe], bar)}
            for bar in bars
        ]
        return pd.DataFrame(rows).set_index("t")

    def __repr__(self) -> str:
        head = (
            f"Calibration on {self.kind}: {self.years:g} years, {self.strategies} configurations of which "
            f"{self.carrying} carry the edge, seed {self.seed}"
        )
        lines = [
            f"  true Sharpe {sharpe:g}: promoted {self.promoted(sharpe)}"
            + (" - each of them an error" if sharpe == 0 else "")
            for sharpe in self.outcomes
        ]
        return "\n".join([head, *lines, f"  not run: {', '.join(NOT_RUN)}"])


def calibrate(
    *,
    years: float = 6.0,
    trials: int = 200,
    worlds: int = 200,
    sharpes: Sequence[float] = (0.0, 1.0, 1.5, 2.0),
    carrying: int = 20,
    correlation: float = 0.6,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Estimate how often the hard gates promote luck, and how often they miss skill, for your amount of data.

    Parameters
    ----------
    years : float
        Of daily returns; the last sixth is the holdout.
    trials : int
        Configurations of one search.
    worlds : int
        Worlds a true Sharpe; 1,000 give an interval of under half a percent around a small rate.
    sharpes : sequence of float
        True net Sharpe ratios a year of what is planted; 0 plants nothing.
    carrying : int
        How many of the configurations carry it.
    correlation : float
        Of any two configurations.
    seed : int
        The same seed gives the same rates for any number of workers.
    workers : int, optional
        Processes.
    progress : bool
        Show how far it is.

    Returns
    -------
    Calibration
        `table`, `promoted`, `trade_off`.

    Notes
    -----
    Heavy tails and clustered volatility; no drift of the edge, no change of regime: real rates of missing
    are higher (notes/statistics.md 4.3). The other gates can only refuse more.

    Examples
    --------
    >>> import quantbench as qb
    >>> found = qb.calibrate(worlds=4, trials=20, carrying=4, sharpes=(0.0, 3.0), seed=1, progress=False)
    >>> found.promoted(0.0).share <= found.promoted(3.0).share
    True
    """
    if worlds < 1 or not 1 <= carrying <= trials or not years >= 1:
        raise ParamsError(
            f"worlds and years are at least 1, carrying at most trials ({worlds=}, {years=}, {carrying=})"
        )
    days = round(years * DAYS_A_YEAR)
    outcomes = {}
    for at, sharpe in enumerate(sharpes):
        world = _World(days, trials, correlation, float(sharpe), carrying)
        outcomes[float(sharpe)] = over_worlds(world, worlds, (seed, at), workers=workers, progress=progress)
    return Calibration(
        outcomes=outcomes,
        years=years,
        strategies=trials,
        carrying=carrying,
        correlation=correlation,
        seed=seed,
        kind="returns",
    )


@dataclass(frozen=True)
class _World:
    """Makes a world of returns and judges it."""

    days: int
    strategies: int
    correlation: float
    sharpe: float
    carrying: int

    def __call__(self, seed: np.random.SeedSequence) -> Outcome:
        rng = np.random.default_rng(seed)
        size: dict[str, Any] = {"days": self.days, "strategies": self.strategies, "correlation": self.correlation}
        if self.sharpe:
            returns = planted_returns(rng, sharpe=self.sharpe, carrying=self.carrying, **size)
        else:
            returns = returns_of_many(rng, **size)
        return judged(returns, seed=int(seed.generate_state(1)[0]))


def over_worlds(
    world: Callable[[np.random.SeedSequence], Outcome],
    worlds: int,
    entropy: tuple[int, ...],
    *,
    workers: int | None,
    progress: bool,
) -> tuple[Outcome, ...]:
    """Return the outcome of each world, in order, worked on by processes."""
    from joblib import Parallel, delayed

    from quantbench.research.progress import Told, watched

    seeds = np.random.SeedSequence(entropy).spawn(worlds)
    cores, done = workers or os.cpu_count() or 1, list[Outcome]()
    pool = Parallel(n_jobs=cores, return_as="generator") if cores > 1 else None
    made = pool(delayed(world)(one) for one in seeds) if pool is not None else map(world, seeds)
    with watched(worlds, "", on=progress) as show:
        for outcome in made:
            done.append(outcome)
            show(Told(len(done), math.nan, len(done), 0))
    return tuple(done)


def judged(returns: FloatArray, *, seed: int) -> Outcome:
    """Put a matrix of daily returns, shape (days, configurations), to the hard gates, as `validate` would.

    The first five sixths are searched and walked; the choice in every train range, and for the holdout, is the
    configuration with the highest Sharpe ratio there.
    """
    end = round(len(returns) * (1.0 - _HOLDOUT))
    inside, held = returns[:end], thresholds()
    outside = _stitched(inside)
    try:
        p, overfit = spa(inside, seed=seed, resamples=_RESAMPLES).p_value, pbo(inside).probability
    except QuantbenchError:
        p, overfit = math.nan, math.nan
    t = t_statistic(outside)[0]
    low, _ = predictive_band(outside, len(returns) - end, seed=seed)
    total = float(returns[end:, _best(inside)].sum())
    return Outcome(
        p <= held["superior"]["p_green"],
        overfit <= held["overfit"]["pbo_green"],
        t >= held["walk_forward"]["t_green"],
        total >= low,
        p,
        overfit,
        t,
    )


def _best(returns: FloatArray) -> int:
    deviation = returns.std(axis=0)
    return int(
        np.argmax(np.where(deviation > 0, returns.mean(axis=0) / np.where(deviation > 0, deviation, 1.0), -np.inf))
    )


def _stitched(returns: FloatArray) -> FloatArray:
    """Return the out-of-sample days of a walk over about twelve folds, each trained on four times what it tests."""
    test = max(1, len(returns) // (_FOLDS + _TRAIN_IN_TESTS))
    train = _TRAIN_IN_TESTS * test
    parts = [returns[at : at + test, _best(returns[at - train : at])] for at in range(train, len(returns), test)]
    return np.concatenate(parts)
