"""What may happen at this size: drawdown, ruin, and whether its own limits would halt it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import numpy as np

from quantbench.core.errors import QuantbenchError
from quantbench.core.evidence import Gate
from quantbench.research.chance.paths import Paths, draw
from quantbench.research.gauntlet.case import Case, Developed
from quantbench.research.gauntlet.thresholds import below, thresholds
from quantbench.research.overfit import block_length

__all__ = ["risk"]

_PATHS: Final = 10_000


def risk(case: Case, made: Developed) -> Iterator[tuple[str, Callable[[], Gate]]]:
    """Yield the gates by name, each to be asked when it is its turn."""
    yield "risk", partial(_drawdown, case, made)
    yield "ruin", partial(_ruin, case, made)
    yield "halt", partial(_halt, case, made)


def _drawn(case: Case, made: Developed, days: int | None = None) -> tuple[Paths | None, str]:
    try:
        block = block_length(made.daily)
        seed = case.seed_of("risk")
        return draw(made.daily, method="block", paths=_PATHS, seed=seed, block=block, steps=days), ""
    except QuantbenchError as fault:
        return None, str(fault)


def _drawdown(case: Case, made: Developed) -> Gate:
    paths, why = _drawn(case, made)
    deep = -float(np.quantile(paths.max_drawdown, 0.05)) if paths is not None else math.nan
    worst = case.budget * thresholds()["risk"]["budget_red"] / thresholds()["risk"]["budget"]
    colour, words = below(deep, green=case.budget, red=worst)
    return Gate(
        name="risk",
        value=deep,
        threshold=words,
        null="the drawdown that was seen is the worst there is",
        colour=colour,
        says=f"One path in twenty falls more than {deep:.0%} from its highest point."
        if paths is not None
        else f"It cannot be said: {why}.",
        method=f"stationary bootstrap of the development days at this size, {_PATHS:,} paths as long",
        seed=case.seed_of("risk"),
    )


def _ruin(case: Case, made: Developed) -> Gate:
    held = thresholds()["risk"]
    paths, why = _drawn(case, made)
    share = float(np.mean(paths.lowest <= -held["ruin_loss"])) if paths is not None else math.nan
    colour, words = below(share, green=held["ruin_green"], red=held["ruin_green"])
    return Gate(
        name="ruin",
        value=share,
        threshold=words,
        null="the account cannot be halved",
        colour=colour,
        says=f"{share:.1%} of paths lose {held['ruin_loss']:.0%} of the money at some point."
        if paths is not None
        else f"It cannot be said: {why}.",
        method=f"stationary bootstrap of the development days at this size, {_PATHS:,} paths as long",
        seed=case.seed_of("risk"),
    )


def _halt(case: Case, made: Developed) -> Gate:
    """Ask how likely its own latched drawdown limit halts it within a year."""
    held, allowed = thresholds()["risk"], case.questions[0].limits.max_drawdown
    if allowed is None:
        return Gate(
            name="halt",
            value=math.nan,
            threshold="",
            null="",
            colour="not run",
            says="Its limits name no drawdown at which it halts for good.",
        )
    paths, why = _drawn(case, made, round(case.periods))
    share = float(np.mean(paths.max_drawdown <= -allowed)) if paths is not None else math.nan
    colour, words = below(share, green=held["halt_amber"], red=held["halt_red"])
    return Gate(
        name="halt",
        value=share,
        threshold=words,
        null="its limits never stop it",
        colour=colour,
        says=f"Its limit of {allowed:.0%} halts it within a year in {share:.0%} of paths."
        if paths is not None
        else f"It cannot be said: {why}.",
        method=f"stationary bootstrap of the development days, {_PATHS:,} paths of a year",
        seed=case.seed_of("risk"),
    )
