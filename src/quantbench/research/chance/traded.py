"""Paths that are traded anew: other bars, other params, other luck at the broker's, another start."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import as_ns
from quantbench.core.errors import ParamsError, QuantbenchError
from quantbench.core.results import Backtest, day_ends
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine import metrics
from quantbench.engine.backtest import backtest, traded_from
from quantbench.research.chance.permutation import permuted_bars
from quantbench.research.chance.worlds import noisy, placed_at_random, redrawn, unlucky
from quantbench.research.crew import worked
from quantbench.research.stress import Decided

__all__ = ["FIGURES", "TRADED", "Chances", "figures_of", "near", "retraded"]

FloatArray = npt.NDArray[np.float64]
Rng = np.random.Generator

FIGURES: Final = ("total_return", "max_drawdown", "sharpe", "trades")
_TRIES: Final = 100


class Chances(NamedTuple):
    """How much is left to chance; each method uses its own.

    Attributes
    ----------
    block : float
        Mean length of a block of weeks (`prices`).
    noise : float
        Deviation of the error of a price, as a share of ATR (`noise`).
    jitter : float
        How far a param may be off, as a share of it (`params`).
    missed, late : float
        Shares of episodes that are missed, or come a bar late (`execution`).
    slippage : float
        How many times its slippage an order may suffer, at most (`execution`).
    """

    block: float = 4.0
    noise: float = 0.2
    jitter: float = 0.1
    missed: float = 0.1
    late: float = 0.1
    slippage: float = 3.0


def retraded(
    result: Backtest, method: str, chances: Chances, *, paths: int, seed: int, workers: int | None = None
) -> dict[str, FloatArray]:
    """Trade a result again along each path; return one value a path of every figure, NaN where it cannot be traded."""
    seeds, world = np.random.SeedSequence(seed).spawn(paths), TRADED[method]

    def path(child: np.random.SeedSequence) -> tuple[float, ...]:
        try:
            return figures_of(world(result, np.random.default_rng(child), chances))
        except QuantbenchError:
            return (math.nan,) * len(FIGURES)

    rows = np.array(list(worked(path, seeds, workers or os.cpu_count() or 1)))
    return dict(zip(FIGURES, rows.T, strict=True))


def figures_of(result: Backtest) -> tuple[float, ...]:
    """Return the figures of one path; Sharpe and trades of the bars that were traded."""
    daily, first = result.daily.to_numpy(np.float64), 0
    if result.trade_from is not None:
        days = day_ends(result.bars)[1]
        first = int(np.searchsorted(days, int(np.searchsorted(result.bars.time_ns, as_ns(result.trade_from)))))
    equity, balance = result.path.equity, result.account.balance
    return (
        float(equity[-1]) / balance - 1.0,
        float(metrics.max_drawdown(equity, balance=balance)),
        float(metrics.sharpe(daily[first:], periods=result.bars.instrument.trading_calendar.days_per_year)),
        float(len(result.path.trades)),
    )


def _again(result: Backtest, strategy: Strategy, bars: Bars, **other: Any) -> Backtest:
    words: Mapping[str, Any] = {
        "account": result.account,
        "costs": result.costs,
        "sizing": result.sizing,
        "limits": result.limits,
        "rates": result.rates,
        "trade_from": result.trade_from,
        **other,
    }
    return backtest(strategy, bars, **words)


def _prices(result: Backtest, rng: Rng, chances: Chances) -> Backtest:
    return _again(result, result.strategy, redrawn(result.bars, rng, block=chances.block))


def _permute(result: Backtest, rng: Rng, chances: Chances) -> Backtest:  # noqa: ARG001  (one signature for all)
    return _again(result, result.strategy, permuted_bars(result.bars, rng))


def _noise(result: Backtest, rng: Rng, chances: Chances) -> Backtest:
    return _again(result, result.strategy, noisy(result.bars, rng, share=chances.noise))


def _params(result: Backtest, rng: Rng, chances: Chances) -> Backtest:
    return _again(result, near(result.strategy, rng, chances.jitter), result.bars)


def near(strategy: Strategy, rng: Rng, jitter: float) -> Strategy:
    """Return the strategy with every searched number off by up to a share of it, a whole one by up to 1 at least.

    Raises
    ------
    ParamsError
        When it refuses every try, or has no numbers.
    """
    space, params = type(strategy).space(), dict(strategy.params)
    numbers = [name for name in space if isinstance(params[name], int | float) and not isinstance(params[name], bool)]
    if not numbers:
        raise ParamsError(f"{type(strategy).__name__} has no searched number that could be a little off")
    fault: ParamsError | None = None
    for _ in range(_TRIES):
        moved = {name: _off(params[name], rng, jitter) for name in numbers}
        try:
            return type(strategy).from_params({**params, **moved})
        except ParamsError as refused:
            fault = refused
    raise ParamsError(f"{type(strategy).__name__} refuses everything near {params}: {fault}")


def _off(value: float, rng: Rng, jitter: float) -> float:
    if isinstance(value, int):
        reach = max(1, round(abs(value) * jitter))
        return int(value + rng.integers(-reach, reach + 1))
    return float(value * (1.0 + jitter * rng.uniform(-1.0, 1.0)))


def _signals(result: Backtest) -> Signals:
    return traded_from(result.strategy.signals(result.bars), result.bars, result.trade_from)


def _execution(result: Backtest, rng: Rng, chances: Chances) -> Backtest:
    signals = _signals(result).spread_over(len(result.bars))
    signals, bars = unlucky(signals, result.bars, rng, missed=chances.missed, late=chances.late)
    declared = result.costs.resolved(result.bars.instrument).slippage_points or 0.0
    slippage = max(declared, 1.0) * rng.uniform(1.0, chances.slippage)
    costs = replace(result.costs, slippage_points=slippage)
    return _again(result, Decided(signals), bars, costs=costs, trade_from=None)


def _start(result: Backtest, rng: Rng, chances: Chances) -> Backtest:  # noqa: ARG001  (one signature for all)
    """Begin anywhere in the first half."""
    first = int(rng.integers(0, max(len(result.bars) // 2, 1)))
    start = str(np.datetime_as_string(result.bars.time[first]))
    cut = max(0, first - max(result.strategy.warmup, 0))
    return _again(result, result.strategy, result.bars[cut:], trade_from=start)


def _random_entry(result: Backtest, rng: Rng, chances: Chances) -> Backtest:  # noqa: ARG001  (one signature for all)
    first = min(max(result.strategy.warmup, 0), len(result.bars))
    target = placed_at_random(result.path.trades, len(result.bars), first, rng)
    signals = _signals(result).spread_over(len(result.bars))
    levels = {name: getattr(signals, name) for name in ("stop", "trail")}
    return _again(result, Decided(Signals(target, **levels)), result.bars, trade_from=None)


TRADED: Final[Mapping[str, Callable[[Backtest, Rng, Chances], Backtest]]] = {
    "prices": _prices,
    "permute": _permute,
    "noise": _noise,
    "params": _params,
    "execution": _execution,
    "start": _start,
    "random_entry": _random_entry,
}
"""How each method makes the path that is traded."""
