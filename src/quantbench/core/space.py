"""What a search may try: one dimension a param, read from the strategy's fields and shared by every method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError

__all__ = ["Choice", "Dimension", "Range", "Space", "Values"]

Choice = dict[str, Any]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Parameters
    ----------
    low, high : int or float
        Whole numbers give whole numbers.
    step : int or float, optional
        Between neighbouring values; 1 for whole numbers, none for others.
    log : bool
        Spread evenly over orders of magnitude.

    Raises
    ------
    ParamsError
        When there is nothing between them.
    """

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        """Refuse what holds no number."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise ParamsError(f"low must not be above high (low={self.low!r}, high={self.high!r})")
        if self.step is not None and not self.step > 0:
            raise ParamsError(f"step must be above 0 (step={self.step!r})")
        if self.log and (self.low <= 0 or self.step is not None):
            raise ParamsError(f"a log range begins above 0 and has no step (low={self.low!r}, step={self.step!r})")

    @cached_property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        return all(isinstance(end, int) for end in (self.low, self.high)) and isinstance(self.step, int | None)

    @cached_property
    def many(self) -> int | None:
        """How many values there are, or None where there are too many to say: numbers without a step."""
        step = 1 if self.is_whole and self.step is None else self.step
        return None if step is None else math.floor((self.high - self.low) / step + 1e-9) + 1

    def nth(self, number: int) -> float:
        """Return one of the values, counted from 0; worked out, for a search asks this far more often than for all."""
        found = self.low + (self.step or 1) * number
        return int(found) if self.is_whole else float(round(found, 12))

    def values(self) -> tuple[float, ...] | None:
        """Return every value, or None where there are too many to say: numbers without a step."""
        return None if self.many is None else tuple(map(self.nth, range(self.many)))

    def at(self, share: float) -> float:
        """Return the number a share of the way up, 0 (included) to 1 (not)."""
        if self.log:
            top = self.high + 1 if self.is_whole else self.high
            found = math.exp(math.log(self.low) + share * (math.log(top) - math.log(self.low)))
            return min(int(found), int(self.high)) if self.is_whole else min(found, self.high)
        many = self.many
        return self.low + share * (self.high - self.low) if many is None else self.nth(int(share * many))


Values = tuple[Any, ...] | Range
_NEAR: Final = 0.05  # of its range: how far the neighbours of a number without a step are


@dataclass(frozen=True)
class Dimension:
    """One param and what a search may try for it.

    Parameters
    ----------
    name : str
        Of the field.
    values : tuple or Range
        In order.
    default : object
        The value where it does not apply.
    when : (str, tuple), optional
        It applies only where that other param has one of these values.
    """

    name: str
    values: Values
    default: Any
    when: tuple[str, tuple[Any, ...]] | None = None

    def applies(self, choice: Mapping[str, Any]) -> bool:
        """Whether the param matters beside these."""
        return self.when is None or choice.get(self.when[0]) in self.when[1]

    @cached_property
    def is_ordered(self) -> bool:
        """Whether its values are numbers in order, so that neighbours mean something."""
        if isinstance(self.values, Range):
            return True
        numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)
        return numbers and list(self.values) == sorted(self.values)

    def listed(self) -> tuple[Any, ...]:
        """Return all values.

        Raises
        ------
        ParamsError
            For numbers without a step.
        """
        values = self.values.values() if isinstance(self.values, Range) else self.values
        if values is None:
            raise ParamsError(
                f"{self.name} may be any number from {self.values.low} to {self.values.high}: "  # type: ignore[union-attr]
                "a grid needs a step, or its values listed"
            )
        return values

    def at(self, share: float) -> Any:
        """Return the value a share of the way up, 0 (included) to 1 (not)."""
        if isinstance(self.values, Range):
            return self.values.at(share)
        return self.values[int(share * len(self.values))]

    def beside(self, value: Any) -> tuple[Any, ...]:
        """Return the values next to one: up to two numbers, every other value of what has no order."""
        if not self.is_ordered:
            return tuple(other for other in self.listed() if other != value)
        values = self.values.values() if isinstance(self.values, Range) else self.values
        if values is None:
            return self._around(value)
        at = values.index(value) if value in values else int(np.searchsorted(values, value))
        return tuple(values[i] for i in (at - 1, at + 1) if 0 <= i < len(values) and values[i] != value)

    def _around(self, value: float) -> tuple[float, ...]:
        span: Range = self.values  # type: ignore[assignment]
        reach = _NEAR * (math.log(span.high / span.low) if span.log else span.high - span.low)
        both = (value * math.exp(-reach), value * math.exp(reach)) if span.log else (value - reach, value + reach)
        return tuple(other for other in both if span.low <= other <= span.high)


@dataclass(frozen=True, eq=False)
class Space(Mapping[str, Values]):
    """What a search may try: a mapping of param to its values, with the conditions between them.

    Examples
    --------
    >>> import quantbench as qb
    >>> space = qb.MaCross.space()
    >>> space["stop_atr"], space.size
    ((2.0, 3.0, 4.0), 462)
    """

    dimensions: tuple[Dimension, ...]

    def __post_init__(self) -> None:
        """Refuse conditions on what comes later or does not exist."""
        seen: set[str] = set()
        for part in self.dimensions:
            if part.when is not None and part.when[0] not in seen:
                raise ParamsError(
                    f"{part.name} applies only for some {part.when[0]!r}: declare that param before it, with values"
                )
            seen.add(part.name)

    def __getitem__(self, name: str) -> Values:
        for part in self.dimensions:
            if part.name == name:
                return part.values
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (part.name for part in self.dimensions)

    def __len__(self) -> int:
        return len(self.dimensions)

    def __repr__(self) -> str:
        return f"Space({', '.join(f'{name}={values!r}' for name, values in self.items())})"

    @cached_property
    def ordered(self) -> npt.NDArray[np.bool_]:
        """Which dimensions are numbers in order."""
        return np.array([part.is_ordered for part in self.dimensions])

    @cached_property
    def is_conditional(self) -> bool:
        """Whether some param only sometimes applies."""
        return any(part.when for part in self.dimensions)

    @cached_property
    def size(self) -> float:
        """How many combinations there are, conditions left aside; infinite with numbers without a step."""
        counts = [_count(part.values) for part in self.dimensions]
        return math.prod(counts) if math.inf not in counts else math.inf

    def settled(self, choice: Mapping[str, Any]) -> Choice:
        """Return a choice with the params that do not apply at their defaults: equal trials become equal choices."""
        found: Choice = {}
        for part in self.dimensions:
            found[part.name] = choice[part.name] if part.applies(found) else part.default
        return found

    def grid(self) -> Iterator[Choice]:
        """Return every combination once, in the order of the space, the last param fastest."""
        names = tuple(self)
        choices = (dict(zip(names, values)) for values in product(*(part.listed() for part in self.dimensions)))  # noqa: B905  (a search of 20,000 makes as many)
        return self._settled_once(choices) if self.is_conditional else choices

    def _settled_once(self, choices: Iterable[Choice]) -> Iterator[Choice]:
        seen = set[tuple[Any, ...]]()
        for choice in map(self.settled, choices):
            key = tuple(choice.values())
            if key not in seen:
                seen.add(key)
                yield choice

    def at(self, shares: Sequence[float]) -> Choice:
        """Return the choice at a point of the unit cube, one share a dimension."""
        choice = {part.name: part.at(share) for part, share in zip(self.dimensions, shares, strict=True)}
        return self.settled(choice) if self.is_conditional else choice

    def neighbours(self, choice: Mapping[str, Any]) -> list[Choice]:
        """Return the choices that differ in one param, by one value."""
        found = []
        for part in self.dimensions:
            if part.applies(choice):
                found += [self.settled({**choice, part.name: value}) for value in part.beside(choice[part.name])]
        return found


def _count(values: Values) -> float:
    many = values.many if isinstance(values, Range) else len(values)
    return math.inf if many is None else many
