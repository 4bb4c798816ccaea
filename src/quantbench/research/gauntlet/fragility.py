"""Does it break when touched? Params a little off, prices with noise, orders that go wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Colour, Gate
from quantbench.core.results import Backtest
from quantbench.engine import metrics
from quantbench.research.chance.monte_carlo import METHODS
from quantbench.research.chance.traded import Chances, retraded
from quantbench.research.gauntlet.case import Case, Developed
from quantbench.research.gauntlet.thresholds import thresholds

__all__ = ["fragility"]

FloatArray = npt.NDArray[np.float64]

_PATHS: Final = 200


def fragility(case: Case, made: Developed) -> Iterator[tuple[str, Callable[[], Gate]]]:
    """Yield the gates by name, each to be asked when it is its turn."""
    yield "neighbourhood", partial(_neighbourhood, case, made)
    yield "noise", partial(_shaken, case, made, "noise")
    yield "execution", partial(_shaken, case, made, "execution")


def _sharpes(case: Case, made: Developed, method: str) -> tuple[FloatArray, FloatArray, str]:
    """Return Sharpe and total return of every path, averaged over the markets, and why there are none."""
    seed, rows = case.seed_of(method), list[dict[str, FloatArray]]()
    try:
        rows = [_paths(result, method, seed, case.wish.workers) for result in made.results]
    except QuantbenchError as fault:
        return np.empty(0), np.empty(0), str(fault)
    sharpe, total = (np.mean([row[name] for row in rows], axis=0) for name in ("sharpe", "total_return"))
    if not np.isfinite(total).any():
        return np.empty(0), np.empty(0), "no path could be traded"
    return np.where(np.isfinite(sharpe), sharpe, 0.0), np.where(np.isfinite(total), total, -1.0), ""


def _paths(result: Backtest, method: str, seed: int, workers: int | None) -> dict[str, FloatArray]:
    return retraded(result, method, Chances(), paths=_PATHS, seed=seed, workers=workers)


def _nominal(case: Case, made: Developed) -> float:
    found = [float(metrics.sharpe(result.daily.to_numpy(np.float64), periods=case.periods)) for result in made.results]
    return float(np.mean(found))


def _neighbourhood(case: Case, made: Developed) -> Gate:
    held = thresholds()["neighbourhood"]
    sharpe, total, why = _sharpes(case, made, "params")
    nominal = _nominal(case, made)
    kept, won = math.nan, math.nan
    if not why and nominal > 0:
        kept, won = float(np.median(sharpe)) / nominal, float(np.mean(total > 0))
    colour: Colour = "red"
    if kept >= held["median_green"] and won >= held["profitable_green"]:
        colour = "green"
    elif kept >= held["median_red"] and won >= held["profitable_red"]:
        colour = "amber"
    return Gate(
        name="neighbourhood",
        value=kept,
        threshold=f"green from {held['median_green']:.0%} of its Sharpe, {held['profitable_green']:.0%} profitable, "
        f"red below {held['median_red']:.0%} or {held['profitable_red']:.0%}",
        null="only these very params earn money",
        colour=colour,
        says=f"With params up to 10 % off the median keeps {kept:.0%} of the Sharpe, and {won:.0%} earn money."
        if math.isfinite(kept)
        else f"It cannot be said: {why or 'its own Sharpe is not above 0'}.",
        method=f"{_PATHS} draws, every searched number up to 10 % off",
        seed=case.seed_of("params"),
    )


def _shaken(case: Case, made: Developed, method: str) -> Gate:
    held = thresholds()["noise"]
    sharpe, total, why = _sharpes(case, made, method)
    nominal, kept, worst = _nominal(case, made), math.nan, math.nan
    if not why and nominal > 0:
        kept, worst = float(np.median(sharpe)) / nominal, float(np.quantile(total, 0.05))
    failed = int(not kept >= held["median_green"]) + int(not worst > 0)
    colours: tuple[Colour, ...] = ("green", "amber", "red")
    return Gate(
        name=method,
        value=kept,
        threshold=f"median from {held['median_green']:.0%} of its Sharpe, 95 % of paths above 0; amber if one fails",
        null="the profit is in exact prices and perfect fills",
        colour=colours[failed],
        says=f"The median keeps {kept:.0%} of the Sharpe; 95 % of paths return more than {worst:+.1%}."
        if math.isfinite(kept)
        else f"It cannot be said: {why or 'its own Sharpe is not above 0'}.",
        method=f"{_PATHS} paths. {METHODS[method].question}",
        seed=case.seed_of(method),
    )
