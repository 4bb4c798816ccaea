"""First gates: is this a result at all, or a mistake? Most spectacular results are mistakes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Colour, Gate
from quantbench.core.results import Backtest, counted
from quantbench.data.ledger import count_distinct
from quantbench.engine.backtest import backtest
from quantbench.research.causality import certify
from quantbench.research.gauntlet.case import Case, Developed
from quantbench.research.gauntlet.development import traded

__all__ = ["integrity"]

_SAME: Final = 1e-9
_CUTS: Final = {"fast": 60, "full": 200}


def integrity(case: Case, made: Developed, profile: str) -> list[Gate]:
    """Return the gates of integrity: certificate, engines, repetition, costs, swap, ledger, holdout untouched."""
    return [
        _certificate(case, made, profile),
        _engines(made),
        _repeats(case, made),
        _costs(made),
        _swap(made),
        _ledger(case, made),
        _sealed(case),
    ]


def _certificate(case: Case, made: Developed, profile: str) -> Gate:
    """Ask whether the choice sees no future, on every market."""
    seed, worst = case.seed_of("certificate"), 0
    says, colour = "It decides from what was known at the time, and is pure.", "green"
    for result in made.results:
        found = certify(made.strategy, result.bars, seed=seed, cuts=_CUTS[profile])
        worst += len(found.faults)
        if found.faults:
            says, colour = f"It cheats on {result.bars.symbol}: {found.faults[0]}", "red"
        elif not found.passed and colour == "green":
            says, colour = f"{result.bars.symbol}: the bars cannot show whether it looks ahead.", "amber"
    return Gate(
        name="certificate",
        value=float(worst),
        threshold="no fault",
        null="the strategy looks ahead, unless truncation and other futures change nothing",
        colour=colour,  # type: ignore[arg-type]
        says=says,
        hard=True,
        method=f"certify, {_CUTS[profile]} cuts",
        seed=seed,
    )


def _engines(made: Developed) -> Gate:
    """Ask whether the readable engine and the compiled one trade alike."""
    apart = 0.0
    try:
        for result in made.results:
            apart = max(apart, _apart(result, _by_reference(result)))
    except QuantbenchError as fault:
        return _of_engines(math.nan, "red", f"The reference engine refuses to trade it: {fault}.")
    if apart <= _SAME:
        return _of_engines(apart, "green", "Two engines trade it alike, bar by bar.")
    return _of_engines(apart, "red", f"Two engines disagree on its equity by up to {apart:.2g} of it.")


def _of_engines(value: float, colour: Colour, says: str) -> Gate:
    return Gate(
        name="engines",
        value=value,
        threshold=f"equity apart by at most {_SAME:g} of it",
        null="the engines disagree",
        colour=colour,
        says=says,
        hard=True,
        method="kernel against reference on all development bars",
    )


def _by_reference(result: Backtest) -> Backtest:
    return backtest(
        result.strategy,
        result.bars,
        account=result.account,
        costs=result.costs,
        sizing=result.sizing,
        limits=result.limits,
        rates=result.rates,
        engine="reference",
    )


def _apart(one: Backtest, other: Backtest) -> float:
    """Return the largest difference of equity as a share of it; infinite where the trades differ in number."""
    if len(one.path.trades) != len(other.path.trades):
        return math.inf
    scale = np.maximum(np.abs(one.path.equity), 1.0)
    return float((np.abs(one.path.equity - other.path.equity) / scale).max(initial=0.0))


def _repeats(case: Case, made: Developed) -> Gate:
    """Ask whether trading the choice again gives the same path, and the one the search measured."""
    again = [traded(made.strategy, question) for question in case.questions]
    same = all(np.array_equal(new.path.equity, old.path.equity) for new, old in zip(again, made.results, strict=True))
    searched = made.study.daily[made.number].astype(np.float64)
    apart = float(np.abs(searched - made.daily).max(initial=0.0)) if len(searched) == len(made.daily) else math.inf
    fits = apart <= 1e-6  # the search keeps daily returns as float32
    if same and fits:
        says = "Traded again it gives the same path, the one the search measured."
    else:
        says = "Traded again it gives another path: something in it is random, or remembers."
    return Gate(
        name="repeats",
        value=apart,
        threshold="the same bytes again, and the search's daily returns to 1e-6",
        null="the result cannot be repeated",
        colour="green" if same and fits else "red",
        says=says,
        hard=True,
        method="traded again; compared with the trial in the study",
    )


def _costs(made: Developed) -> Gate:
    """Ask whether trading takes anything."""
    free = [result.bars.symbol for result in made.results if _is_free(result)]
    return Gate(
        name="costs",
        value=float(len(free)),
        threshold="no market without costs",
        null="trading is free",
        colour="red" if free else "green",
        says=f"Trading {' and '.join(free)} costs nothing here; no broker offers that."
        if free
        else "Spread or commission are paid on every fill.",
        hard=True,
        method="declared costs of the account and instrument, and the spreads of the bars",
    )


def _is_free(result: Backtest) -> bool:
    costs, spread = result.costs.resolved(result.bars.instrument), result.bars.spread
    known = spread[np.isfinite(spread)]
    paid = (costs.spread_points or 0.0) if len(known) < len(spread) else 0.0
    paid = max(paid, float(known.mean()) if len(known) else 0.0) * costs.spread_factor
    return not (paid or costs.commission_per_lot or costs.commission_percent)


def _swap(made: Developed) -> Gate:
    """Ask whether nights cost what they did then."""
    says, colour = "No position is held over a rollover.", "green"
    for result in made.results:
        facts, symbol = result.bars.instrument, result.bars.symbol
        if not _overnight(result):
            continue
        if not result.costs.swap:
            says, colour = f"{symbol}: held overnight without swap, as on a swap-free account.", "amber"
        elif facts.swap_schedule is not None:
            says = "Swaps follow a dated schedule."
        elif facts.swap_long_points or facts.swap_short_points:
            says, colour = f"{symbol}: today's swap is used for all years; give a swap schedule.", "amber"
        else:
            says, colour = f"{symbol} is held overnight and no swap is declared.", "red"
            break
    return Gate(
        name="swap",
        value=float(sum(_overnight(result) for result in made.results)),
        threshold="a dated schedule where positions are held overnight",
        null="nights are free",
        colour=colour,  # type: ignore[arg-type]
        says=says,
        method="trades that span a trading day's end",
    )


def _overnight(result: Backtest) -> bool:
    day, rows = result.bars.trading_day, result.path.trades
    return bool((day[rows["exit_bar"]] > day[rows["entry_bar"]]).any())


def _ledger(case: Case, made: Developed) -> Gate:
    """Ask whether the trials of this search are in the ledger."""
    family, wanted = case.strategy.__name__, len(made.study)
    held = count_distinct(family=family, data_version=made.bars[0].version)
    return Gate(
        name="ledger",
        value=float(held),
        threshold=f"at least the {counted(wanted, 'trial')} of this search",
        null="trials were forgotten",
        colour="green" if held >= wanted else "red",
        says=f"The ledger holds {counted(held, 'distinct trial')} of {family} on these bars."
        if held >= wanted
        else f"The ledger holds {held:,} of {counted(wanted, 'trial')}: what was tried is not known.",
        hard=True,
        method="distinct trials by strategy, code, bars, params and costs",
    )


def _sealed(case: Case) -> Gate:
    """Ask whether anybody has seen the holdout."""
    opened = sum(len(holdout.opened) for holdout in case.holdouts)
    seen = sum(holdout.seen for holdout in case.holdouts)
    return Gate(
        name="sealed",
        value=float(opened + seen),
        threshold="never opened, never searched",
        null="the holdout has been seen",
        colour="amber" if opened or seen else "green",
        says=f"The holdout was opened {counted(opened, 'time')}, and {counted(seen, 'trial')} of the ledger "
        "reach into it: it is no longer unseen."
        if opened or seen
        else "Nobody has traded the holdout.",
        method="openings and trials in the ledger whose range overlaps, of any strategy",
    )


def certified(gates: Sequence[Gate]) -> bool:
    """Return whether integrity leaves anything to judge."""
    return not any(gate.colour == "red" for gate in gates if gate.hard)
