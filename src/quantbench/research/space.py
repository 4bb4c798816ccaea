"""The values a search may try, and the combinations a strategy accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.strategy import Strategy

__all__ = ["Grid", "grid_of", "space_of"]

Space = Mapping[str, tuple[Any, ...]]


class Grid(NamedTuple):
    """Every combination of a space the strategy accepts, in the order of the space.

    Attributes
    ----------
    strategies : list of Strategy
        Ready to trade.
    choices : list of dict
        What each was made from.
    refused : int
        Combinations the strategy refuses: no trials.
    """

    strategies: list[Strategy]
    choices: list[dict[str, Any]]
    refused: int


def space_of(strategy: type[Strategy], space: Mapping[str, Iterable[Any]] | None) -> Space:
    """Return the space to search: the declared one, or the given one with its names checked.

    Raises
    ------
    ParamsError
        When there is nothing to try, or a name is not a param of the strategy.
    """
    if space is None:
        declared = strategy.space()
        if not declared:
            name = strategy.__name__
            raise ParamsError(
                f"{name} declares no values to try: give its fields qb.param(..., among=...), or pass space="
            )
        return declared
    names = [part.name for part in fields(strategy)]
    found: dict[str, tuple[Any, ...]] = {}
    for name, among in space.items():
        if name not in names:
            raise ParamsError(f"{strategy.__name__} has no param {name!r}: {did_you_mean(name, names)}")
        values = (among,) if isinstance(among, (str, int, float, bool)) else tuple(among)
        found[name] = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
        if not found[name]:
            raise ParamsError(f"the space of {name!r} is empty: give at least one value")
    if not found:
        raise ParamsError("the space is empty: name at least one param and its values")
    return found


def grid_of(strategy: type[Strategy], space: Space) -> Grid:
    """Return every combination the strategy accepts.

    Raises
    ------
    ParamsError
        When it refuses all of them.
    """
    strategies, choices, refused, why = [], [], 0, ""
    for values in product(*space.values()):
        choice = dict(zip(space, values, strict=True))
        try:
            strategies.append(strategy.from_params(choice))
        except ParamsError as fault:
            refused, why = refused + 1, why or str(fault)
            continue
        choices.append(choice)
    if not strategies:
        raise ParamsError(f"{strategy.__name__} refuses all {refused} combinations; the first because {why}")
    return Grid(strategies, choices, refused)
