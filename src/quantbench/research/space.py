"""The space a search was asked for, and the combinations of it a strategy accepts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.space import Choice, Dimension, Range, Space, Values
from quantbench.core.strategy import Strategy, check_names

__all__ = ["Grid", "Wanted", "grid_of", "near_order", "space_of"]

Wanted = Mapping[str, Iterable[Any] | Range]

_TILE: Final = 8  # values of each param


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
    choices: list[Choice]
    refused: int


def space_of(strategy: type[Strategy], space: Wanted | None) -> Space:
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
    if isinstance(space, Space):
        return space
    defaults = {part.name: None if part.default is MISSING else part.default for part in fields(strategy)}
    conditions = {part.name: part.when for part in strategy.space().dimensions}
    found = []
    for name, among in space.items():
        if name not in defaults:
            raise ParamsError(f"{strategy.__name__} has no param {name!r}: {did_you_mean(name, defaults)}")
        when = conditions.get(name)
        found.append(Dimension(name, _values(name, among), defaults[name], when if when and when[0] in space else None))
    if not found:
        raise ParamsError("the space is empty: name at least one param and its values")
    return Space(tuple(found))


def _values(name: str, among: Iterable[Any] | Range) -> Values:
    if isinstance(among, Range):
        return among
    values = (among,) if isinstance(among, (str, int, float, bool)) else tuple(among)
    if not values:
        raise ParamsError(f"the space of {name!r} is empty: give at least one value")
    return tuple(v.item() if isinstance(v, np.generic) else v for v in values)


def grid_of(strategy: type[Strategy], space: Space) -> Grid:
    """Return every combination the strategy accepts.

    Raises
    ------
    ParamsError
        When it refuses all of them, needs a param that has no value, or one is any number in a range.
    """
    check_names(strategy, space)
    strategies, choices, refused, why = [], [], 0, ""
    for choice in space.grid():
        try:
            strategies.append(strategy(**choice))
        except ParamsError as fault:
            refused, why = refused + 1, why or str(fault)
            continue
        choices.append(choice)
    if not strategies:
        raise ParamsError(f"{strategy.__name__} refuses all {refused} combinations; the first because {why}")
    return Grid(strategies, choices, refused)


def near_order(choices: Sequence[Choice]) -> npt.NDArray[np.int64]:
    """Return the order in which to try the choices of a grid: tile by tile, each a few values of every param.

    Trials that follow each other then share indicators the processor's caches still hold. Row by row, a long
    history's averages go by once a row, and each comes from memory every time.
    """
    places = []
    for name in choices[0]:
        seen: dict[int, int] = {}  # a grid holds each value once, whatever it is: it need not be hashable
        places.append([seen.setdefault(id(choice[name]), len(seen)) for choice in choices])
    found = np.array(places, np.int64)
    return np.lexsort((*found[::-1], *found[::-1] // _TILE))
