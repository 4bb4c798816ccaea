"""Is there enough of it, and does it pay? Trades, length of history, costs, delay."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Gate
from quantbench.core.results import Backtest, counted
from quantbench.engine import metrics
from quantbench.research.gauntlet.case import Case, Developed, Walked
from quantbench.research.gauntlet.development import pooled_path
from quantbench.research.gauntlet.thresholds import above, thresholds
from quantbench.research.overfit import min_backtest
from quantbench.research.stress import at_costs, break_even, delayed

__all__ = ["amount", "economics"]


def amount(case: Case, made: Developed, walked: Walked | None, *, tried: int) -> list[Gate]:
    """Return the gates of quantity: trades out of sample, and history for so many trials."""
    limits = thresholds()["amount"]
    trades = 0 if walked is None else walked.trades
    colour, held = above(trades, green=limits["trades_green"], red=limits["trades_red"])
    return [
        Gate(
            name="trades",
            value=float(trades),
            threshold=held,
            null="there are too few trades to tell",
            colour=colour,
            says=f"{counted(trades, 'trade')} out of sample.",
            method="trades of all test ranges of the walk-forward",
        ),
        _history(case, made, limits["target_sharpe"], tried),
    ]


def _history(case: Case, made: Developed, target: float, tried: int) -> Gate:
    years, needed = len(made.daily) / case.periods, min_backtest(target, trials=max(tried, 2))
    short = years < needed
    return Gate(
        name="history",
        value=years,
        threshold=f"green from {needed:.1f} years: {tried:,} trials, Sharpe {target:g} wanted",
        null="the history is too short for so many trials",
        colour="amber" if short else "green",
        says=f"{years:.1f} years are too few for {counted(tried, 'trial')}: the best of so many without skill shows "
        f"a Sharpe of {target * math.sqrt(needed / years):.1f}."
        if short
        else f"{years:.1f} years are enough for {counted(tried, 'trial')}.",
        method="MinBTL (Bailey et al. 2014), development bars, distinct trials of the ledger",
    )


def economics(case: Case, made: Developed) -> list[Gate]:
    """Return the gates of money: profit factor, average trade, break-even, half as much cost again, delay."""
    limits: Mapping[str, Any] = thresholds()["economics"]
    return [
        _profit_factor(made, limits),
        _average(made, limits),
        _break_even(made, limits),
        _dearer(case, made),
        _late(case, made, 0.1, hard=True),
        _late(case, made, 1, hard=False),
    ]


def _profits(results: Sequence[Backtest]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([result.path.trades["profit"] for result in results])


def _profit_factor(made: Developed, limits: Mapping[str, Any]) -> Gate:
    value, green = float(metrics.profit_factor(_profits(made.results))), limits["profit_factor_green"]
    lost = not float(_profits(made.results).sum()) > 0
    return Gate(
        name="profit factor",
        value=value,
        threshold=f"green from {green:g}, red where it lost",
        null="it earns nothing after costs",
        colour="red" if lost else "green" if value >= green else "amber",
        says="It lost money after costs, in the very bars it was chosen on."
        if lost
        else f"Winners make {value:.2f} times what losers lose, after costs, in-sample.",
        method="sum of winning over losing net profits, development bars",
    )


def _average(made: Developed, limits: Mapping[str, Any]) -> Gate:
    """Hold the average trade before costs against what a round trip takes."""
    gross = cost = 0.0
    try:
        for result in made.results:
            table = metrics.cost_waterfall(result)
            gross += float(table["gross"])
            cost += float(table["gross"] - table["net"])
    except QuantbenchError as fault:
        value, says = math.nan, f"It cannot be said: {fault}."
    else:
        value = gross / cost if cost > 0 else math.inf if gross > 0 else 0.0
        says = f"The average trade makes {value:.1f} times what trading it takes."
    colour, held = above(value, green=limits["average_over_cost_green"], red=limits["average_over_cost_red"])
    return Gate(
        name="average trade",
        value=value,
        threshold=held,
        null="it earns its costs and no more",
        colour=colour,
        says=says,
        method="gross profit over all costs, development bars",
    )


def _break_even(made: Developed, limits: Mapping[str, Any]) -> Gate:
    found = break_even(made.results)
    colour, held = above(found.multiple, green=limits["break_even_green"], red=limits["break_even_red"])
    words = f": {found.reason}" if found.reason else ""
    return Gate(
        name="break-even",
        value=found.multiple,
        threshold=held,
        null="costs a little higher leave nothing",
        colour=colour,
        says=f"Nothing is left at {found.multiple:.1f} times its costs{words}."
        if math.isfinite(found.multiple)
        else f"It cannot be said{words}.",
        method="bisection over the multiple of all costs, development bars",
    )


def _dearer(case: Case, made: Developed) -> Gate:
    """Trade at twice the costs: what is left of the Sharpe is reported."""
    rows = [at_costs(result, factors=(1.0, 2.0)) for result in made.results]
    value, before = float(np.mean([row.sharpe[1] for row in rows])), metrics.sharpe(made.daily, periods=case.periods)
    return Gate(
        name="costs x 2",
        value=value,
        threshold="",
        null="",
        colour="report",
        says=f"At twice its costs the Sharpe is {value:.2f}, after {before:.2f}."
        if math.isfinite(value)
        else "At twice its costs it has no Sharpe.",
        method="development bars; the mean over markets",
    )


def _late(case: Case, made: Developed, bars: float, *, hard: bool) -> Gate:
    """Fill later: a tenth of a bar is what a real order takes, a whole bar is more than it should."""
    name = f"{bars:g} bar late"
    try:
        results = [delayed(result, bars=bars) for result in made.results]
        value = float(metrics.sharpe(pooled_path(results, case.periods), periods=case.periods))
        kept = sum(float(_profits((result,)).sum()) for result in results) > 0
        says = f"Filled {name} its Sharpe is {value:.2f}."
    except QuantbenchError as fault:
        value, kept, says = math.nan, False, f"It cannot be traded {name}: {fault}."
    return Gate(
        name=name,
        value=value,
        threshold=f"still above 0; {'red' if hard else 'amber'} if not",
        null="the edge is in fills nobody gets",
        colour="green" if kept else "red" if hard else "amber",
        says=says if kept else f"{says} Nothing is left.",
        hard=hard,
        method="the same decisions, filled later",
    )
