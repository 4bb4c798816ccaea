"""A strategy is a value: a frozen dataclass whose fields are its params and whose one method decides."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from quantbench.core.errors import DataError, ParamsError, SignalError, did_you_mean
from quantbench.core.space import Dimension, Range, Space, Values

if TYPE_CHECKING:
    from quantbench.core.bars import Bars
    from quantbench.core.signals import Signals

__all__ = ["Strategy", "check_names", "param"]

_SEARCHED: Final = "searched"


def param(
    default: Any,
    *,
    among: Iterable[Any] | None = None,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    log: bool = False,
    when: Mapping[str, Iterable[Any]] | None = None,
) -> Any:
    """Declare a field of a strategy together with the values a search may try.

    Parameters
    ----------
    default : object
        The value when none is given, and where the param does not apply.
    among : iterable, optional
        The values a search may try, in order.
    low, high : int or float, optional
        Instead of `among`: the numbers from one to the other; whole ones if both are.
    step : int or float, optional
        Between neighbouring numbers; a grid needs it for numbers that are not whole.
    log : bool
        Spread the numbers evenly over orders of magnitude.
    when : mapping of str to values, optional
        The param matters only where another one, declared before it, has one of these values.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.MaCross.space()["fast"][:3]
    (5, 10, 15)
    >>> field = qb.param(0.02, low=0.001, high=0.1, log=True, when={"exit": ("stop", "both")})
    """
    values: Values
    if low is not None and high is not None and among is None:
        values = Range(low, high, step, log)
    elif among is not None and low is None and high is None:
        values = tuple(v.item() if isinstance(v, np.generic) else v for v in among)
    else:
        raise ParamsError("a param needs the values to try: among=, or low= and high=")
    if values == ():
        raise ParamsError("among must hold at least one value")
    if when is not None and len(when) != 1:
        raise ParamsError(f"when names one other param, found {len(when)}")
    other = next(((name, tuple(of)) for name, of in when.items()), None) if when else None
    return field(default=default, metadata={_SEARCHED: (values, other)})


@dataclass(frozen=True)
class Strategy:
    """Turn bars into signals. Subclass it as a frozen dataclass; its fields are its params.

    `decide` must be pure: it reads nothing but the bars and its own fields, and what it says
    about bar t may depend on bars up to t only.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.MaCross(fast=20, slow=100).params
    {'fast': 20, 'slow': 100, 'stop_atr': 3.0}
    """

    needs: ClassVar[tuple[str, ...]] = ()
    """Other symbols `decide` reads with ``bars.other(symbol)``; ``qb.load(..., others=needs)`` brings them."""

    @property
    def warmup(self) -> int:
        """Bars after which more history changes no decision; they count as target 0."""
        return 0

    def decide(self, bars: Bars) -> Signals:
        """Return what is wanted at the close of each bar."""
        raise NotImplementedError(f"{type(self).__name__} must define decide(self, bars)")

    def signals(self, bars: Bars) -> Signals:
        """Return the decisions over the bars, checked, with the warm-up flat.

        Raises
        ------
        SignalError
            When `decide` gives anything but one finite target in [-1, 1] per bar.
        """
        return self.decided(bars).over(len(bars), self.warmup)

    def decided(self, bars: Bars) -> Signals:
        """Return what `decide` says, which must be Signals.

        Raises
        ------
        SignalError
            When it is anything else.
        DataError
            When the bars lack a symbol it needs.
        """
        if self.needs:
            _require(self, bars)
        found = self.decide(bars)
        if not hasattr(found, "over"):
            raise SignalError(f"{type(self).__name__}.decide must return Signals, found {type(found).__name__}")
        return found

    @property
    def params(self) -> dict[str, Any]:
        """The fields by name: one concrete choice."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @classmethod
    def space(cls) -> Space:
        """Return what a search may try: the fields declared with `param`, in order."""
        found = [(part, part.metadata[_SEARCHED]) for part in fields(cls) if _SEARCHED in part.metadata]
        return Space(tuple(Dimension(part.name, values, part.default, when) for part, (values, when) in found))

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Self:
        """Build the strategy from named params, refusing names it does not have.

        Raises
        ------
        ParamsError
            For an unknown or missing name, or a choice the strategy refuses.
        """
        check_names(cls, params)
        return cls(**params)


def check_names(strategy: type[Strategy], given: Collection[str]) -> None:
    """Refuse names a strategy does not have, and too few: those of all choices of one search are the same.

    Raises
    ------
    ParamsError
        With the first name that is unknown or missing.
    """
    names, needed = _fields_of(strategy)  # type: ignore[arg-type]  # mypy: a type[Self] were not hashable
    if not names.issuperset(given):
        name = next(name for name in given if name not in names)
        raise ParamsError(f"{strategy.__name__} has no param {name!r}: {did_you_mean(name, names)}")
    if not needed.issubset(given):
        name = next(part.name for part in fields(strategy) if part.name in needed and part.name not in given)
        raise ParamsError(f"{strategy.__name__} needs a value for {name!r}")


@cache
def _fields_of(strategy: type[Strategy]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a strategy's fields, and of those without a default."""
    needed = [part for part in fields(strategy) if part.default is MISSING and part.default_factory is MISSING]
    return frozenset(part.name for part in fields(strategy)), frozenset(part.name for part in needed)


def _require(strategy: Strategy, bars: Bars) -> None:
    """Refuse bars without the companions a strategy needs."""
    missing = [name for name in strategy.needs if name not in {companion.symbol for companion in bars.others}]
    if missing:
        raise DataError(
            f"{type(strategy).__name__} needs {', '.join(missing)} beside {bars.symbol}: load them together, "
            f"qb.load({bars.symbol!r}, {bars.timeframe!r}, others={type(strategy).needs!r})"
        )
