"""The same question asked of prices: bars without, or with, an edge go through the real search and walk-forward."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, PercentEquity
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.instrument import Instrument
from quantbench.core.limits import Limits
from quantbench.core.results import day_ends
from quantbench.core.strategy import Strategy
from quantbench.engine.backtest import backtest
from quantbench.engine.metrics import sharpe as sharpe_of
from quantbench.research.calibration.calibrate import Calibration, Outcome, over_worlds
from quantbench.research.calibration.echo import Echo
from quantbench.research.calibration.worlds import planted_bars, random_walk
from quantbench.research.chance.permutation import permuted_bars
from quantbench.research.folds import t_statistic
from quantbench.research.gauntlet.case import Case
from quantbench.research.gauntlet.development import pooled_path, traded, walk_by_legs
from quantbench.research.gauntlet.last_gates import predictive_band
from quantbench.research.gauntlet.thresholds import thresholds
from quantbench.research.holdout import hold_out
from quantbench.research.overfit import pbo, spa
from quantbench.research.pool import Question
from quantbench.research.robust import chosen
from quantbench.research.search import Wish, searched
from quantbench.research.space import Wanted

__all__ = ["calibrate_on_prices", "strength_for"]

FloatArray = npt.NDArray[np.float64]

_LAGS: Final = (3, 4)
_LONG: Final = 100.0  # years
_RESAMPLES: Final = 500
_HARDEST: Final = 0.2  # deviations a bar


def calibrate_on_prices(
    instrument: Instrument,
    *,
    years: float = 3.0,
    worlds: int = 100,
    sharpes: tuple[float, ...] = (0.0,),
    strategy: type[Strategy] = Echo,
    space: Wanted | None = None,
    costs: Costs | None = None,
    bars: Bars | None = None,
    seed: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Estimate the same rates by trading: the strategy is searched, chosen and walked forward in every world.

    Parameters
    ----------
    instrument : Instrument
        Whose costs are paid.
    years : float
        Of hourly bars; the last sixth is the holdout.
    worlds : int
    sharpes : tuple of float
        True net Sharpe ratios; 0 is a random walk, or your bars in random order. Above 0 `Echo` is searched,
        whose rule is planted at two of its 20 lags: 20 of 200 configurations carry it.
    strategy, space
        What is searched in worlds without an edge.
    costs : Costs, optional
    bars : Bars, optional
        Real bars: worlds without an edge are these, permuted within their hour of the week.
    seed, workers, progress
        As in `calibrate`.
    """
    costs = costs or Costs()
    outcomes = {}
    for at, sharpe in enumerate(sharpes):
        if sharpe:
            world = _Prices(instrument, years, costs, Echo, None, strength_for(sharpe, instrument, costs, seed), None)
        else:
            world = _Prices(instrument, years, costs, strategy, space, 0.0, bars)
        outcomes[float(sharpe)] = over_worlds(world, worlds, (seed, 7, at), workers=workers, progress=progress)
    return Calibration(
        outcomes=outcomes,
        years=years,
        strategies=int(strategy.space().size) if space is None else int(np.prod([len(v) for v in space.values()])),  # type: ignore[arg-type]
        carrying=20,
        correlation=float("nan"),
        seed=seed,
        kind="prices" if bars is None else f"permuted {bars.symbol} {bars.timeframe}",
    )


@cache
def strength_for(sharpe: float, instrument: Instrument, costs: Costs, seed: int) -> float:
    """Return how hard prices must lean for the true rule to have a net Sharpe ratio over 100 simulated years.

    Raises
    ------
    ParamsError
        When no lean gives it.
    """

    def made(strength: float) -> float:
        rng = np.random.default_rng(np.random.SeedSequence((seed, 11)))
        world = planted_bars(rng, instrument, years=_LONG, strength=strength, lags=_LAGS)
        daily = backtest(Echo(_LAGS[0], 0.0), world, costs=costs).daily
        return float(sharpe_of(np.asarray(daily, np.float64), periods=instrument.trading_calendar.days_per_year))

    low, high = 0.0, 0.02
    while made(high) < sharpe:  # not further than needed: prices that lean too hard run away
        low, high = high, 2.0 * high
        if high > _HARDEST:
            raise ParamsError(f"no lean of prices gives the rule a Sharpe of {sharpe} after these costs")
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if made(middle) < sharpe else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True, eq=False)
class _Prices:
    """Makes a world of bars and judges what the search finds in it."""

    instrument: Instrument
    years: float
    costs: Costs
    strategy: type[Strategy]
    space: Any
    strength: float
    bars: Bars | None

    def __call__(self, seed: np.random.SeedSequence) -> Outcome:
        rng = np.random.default_rng(seed)
        if self.strength:
            bars = planted_bars(rng, self.instrument, years=self.years, strength=self.strength, lags=_LAGS)
        elif self.bars is not None:
            bars = permuted_bars(self.bars, rng)
        else:
            bars = random_walk(rng, self.instrument, years=self.years)
        return _judged(self, bars, int(seed.generate_state(1)[0]))


def _judged(world: _Prices, bars: Bars, seed: int) -> Outcome:
    """Search, choose, walk and open, as `validate` does, without writing any of it down."""
    held, hold = thresholds(), hold_out(bars, 1 / 6)
    question = Question(hold.development, Account(), world.costs, PercentEquity(1.0), Limits())
    wish = Wish("grid", ("sharpe",), None, None, None, world.space, 1, False)  # noqa: FBT003  (as named: nothing is kept)
    test = max(1, len(day_ends(hold.development)[0]) // 16)
    case = Case(
        strategy=world.strategy,
        questions=(question,),
        holdouts=(hold,),
        wish=wish,
        select="plateau",
        train=f"{4 * test}D",
        test=f"{test}D",
        seed=seed,
        hypothesis=None,
        budget=0.2,
        released={},
        permutations=1,
    )
    try:
        study = searched(world.strategy, (question,), wish, kind=None, progress=False)
        best = world.strategy.from_params(study.trial(chosen(study, "plateau")[0]).params)
        returns = study.daily[np.isfinite(study.daily).all(axis=1)].T.astype(np.float64)
        p, overfit = spa(returns, seed=seed, resamples=_RESAMPLES).p_value, pbo(returns).probability
    except ExecutionError:
        return Outcome(False, False, False, False, np.nan, np.nan, np.nan)  # noqa: FBT003
    outside = walk_by_legs(case, kind=None).daily
    whole = Question(bars, question.account, question.costs, question.sizing, question.limits)
    tested = pooled_path((traded(best, whole, begin=hold.begin),), case.periods)[len(study.daily[0]) :]
    low, _ = predictive_band(outside, len(tested), seed=seed)
    t = t_statistic(outside)[0]
    return Outcome(
        p <= held["superior"]["p_green"],
        overfit <= held["overfit"]["pbo_green"],
        t >= held["walk_forward"]["t_green"],
        float(tested.sum()) >= low,
        p,
        overfit,
        t,
    )
