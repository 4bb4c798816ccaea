"""What a search optimises and what a trial must meet, parsed once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.study import Constraint, direction
from quantbench.engine.trials import METRICS

__all__ = ["Bound", "constraints_of", "objectives_of"]

Bound = float | tuple[float | None, float | None]
"""At least a number (at most, for metrics of which less is better), or (low, high) with None for no bound."""

_POOLED: Final = frozenset({"profit_factor", "expectancy", "average_over_cost"})
"""Figures of trades in money, which mean nothing over several markets."""


def objectives_of(names: str | Sequence[str], *, pooled: bool, own: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the objectives, each a metric of a trial or a number of the strategy's own, the first of them the score.

    Raises
    ------
    ParamsError
        When there are none, or one is no metric, named twice or without meaning over several markets.
    """
    wanted = (names,) if isinstance(names, str) else tuple(names)
    if not wanted:
        raise ParamsError(f"a search needs an objective, such as sharpe; known: {', '.join(METRICS)}")
    for name in wanted:
        if name not in own:
            _known(name, "objective", pooled=pooled)
    if len(set(wanted)) < len(wanted):
        raise ParamsError(f"an objective is named twice (objectives={wanted!r})")
    return wanted


def constraints_of(bounds: Mapping[str, Bound] | None, *, pooled: bool) -> tuple[Constraint, ...]:
    """Return the constraints.

    Raises
    ------
    ParamsError
        When one is no metric, or contradicts itself.

    Examples
    --------
    >>> [str(one) for one in constraints_of({"trades": 30, "max_drawdown": (-0.2, None)}, pooled=False)]
    ['trades >= 30', 'max_drawdown >= -0.2']
    """
    found = []
    for name, bound in (bounds or {}).items():
        _known(name, "constraint", pooled=pooled)
        if isinstance(bound, int | float):
            bound = (bound, None) if direction(name) > 0 else (None, bound)  # noqa: PLW2901  (parsed where it stands)
        low, high = (-math.inf if bound[0] is None else bound[0]), (math.inf if bound[1] is None else bound[1])
        if not low <= high:
            raise ParamsError(f"no {name} is at least {low:g} and at most {high:g}: the constraint contradicts itself")
        found.append(Constraint(name, float(low), float(high)))
    return tuple(found)


def _known(name: str, what: str, *, pooled: bool) -> None:
    if name not in METRICS:
        raise ParamsError(f"unknown {what} {name!r}: {did_you_mean(name, METRICS)}")
    if pooled and name in _POOLED:
        raise ParamsError(
            f"{name} counts money of one market and cannot be a {what} over several; take sharpe or calmar"
        )
