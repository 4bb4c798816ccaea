"""What a strategy returns: a wanted exposure per bar, and how far away its exits stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import SignalError

__all__ = ["Signals"]

FloatArray = npt.NDArray[np.float64]
_DISTANCES = ("stop", "take", "trail", "breakeven")
_COLUMNS = ("target", *_DISTANCES, "enter", "hold")
_DECIDED = ("target", "enter")
_SIDES = "_sides"  # long 1, short -1, flat 0
_UNSAID = np.zeros(0)
_FLOAT, _BOOL, _BYTE = np.dtype(np.float64), np.dtype(np.bool_), np.dtype(np.int8)


@dataclass(frozen=True, eq=False)
class Signals:
    """What a strategy wants, decided at the close of each bar and acted on at the next open.

    Parameters
    ----------
    target : array of float in [-1, 1], or a scalar
        Wanted exposure: +1 fully long, -1 fully short, 0 flat. A change of its sign starts or
        ends an episode; a change of its size resizes the position.
    stop, take, trail, breakeven : array of float, scalar, or None
        Positive **price distances** from the entry quote, NaN where none. They are read at the
        bar on which the episode starts.
    enter : array of bool, scalar, or None
        True starts a new episode where nothing is open although `target` did not change.
    hold : array of float, scalar, or None
        Close after this many bars, NaN for never.

    Notes
    -----
    Arrays and pandas Series are taken by position; scalars are broadcast over the bars.

    Examples
    --------
    >>> import numpy as np, quantbench as qb
    >>> qb.Signals(np.array([0.0, 1.0, -1.0]), stop=0.002).target
    array([ 0.,  1., -1.])
    """

    target: FloatArray
    stop: FloatArray | None = None
    take: FloatArray | None = None
    trail: FloatArray | None = None
    breakeven: FloatArray | None = None
    enter: npt.NDArray[np.bool_] | None = None
    hold: FloatArray | None = None

    if not TYPE_CHECKING:  # else any name would do

        def __getattr__(self, name: str) -> FloatArray:
            """Return the target of signals made of flags, written out as floats the first time it is asked for."""
            own = self.__dict__
            if name != "target" or ((sides := own.get(_SIDES)) is None and name not in own):
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if sides is not None:
                own.setdefault(name, sides.astype(np.float64))
                own.pop(_SIDES, None)  # from here on the floats count: they can be written to
            return own[name]

    @property
    def narrow_target(self) -> npt.NDArray[Any]:
        """The target, one byte a bar where it was made of flags: a search then reads an eighth of the memory."""
        sides: npt.NDArray[np.int8] | None = self.__dict__.get(_SIDES)
        return self.target if sides is None else sides

    def __post_init__(self) -> None:
        """Turn whatever array-like was given into NumPy; lengths are checked against the bars later."""
        for name, value in tuple(self.__dict__.items()):  # a search makes thousands of these
            if value is not None and not (type(value) is np.ndarray and value.dtype == _FLOAT):
                object.__setattr__(self, name, _as_array(value, name))

    @classmethod
    def when(cls, *, long: Any = False, short: Any = False, **exits: Any) -> Self:
        """Return signals that are long where `long` holds, short where `short` holds, else flat.

        Parameters
        ----------
        long, short : array of bool
            Where both hold the target is 0. NaN comparisons are False, so warm-up is flat.
        **exits
            ``stop, take, trail, breakeven, enter, hold`` as in `Signals`.

        Examples
        --------
        >>> import numpy as np, quantbench as qb
        >>> gap = np.array([np.nan, 1.0, -1.0])
        >>> qb.Signals.when(long=gap > 0, short=gap < 0).target
        array([ 0.,  1., -1.])
        """
        found = cls(_UNSAID, **exits)
        own, sides = found.__dict__, _flags(long, "long")
        own[_SIDES] = sides.copy() if short is False else sides - _flags(short, "short")
        del own["target"]
        return found

    @classmethod
    def from_entries(
        cls, entries: Any, exits: Any = False, short_entries: Any = False, short_exits: Any = False, **levels: Any
    ) -> Self:
        """Return signals from entry and exit events, each True at the close of its bar.

        Long from an entry until its exit or an opposite entry; the same for shorts. An exit and
        an entry of the same side on one bar cancel; opposite entries on one bar cancel too.

        Parameters
        ----------
        entries, exits, short_entries, short_exits : array of bool
            Events.
        **levels
            ``stop, take, trail, breakeven, enter, hold`` as in `Signals`.

        Examples
        --------
        >>> import quantbench as qb
        >>> qb.Signals.from_entries([False, True, False, False], [False, False, False, True]).target
        array([0., 1., 1., 0.])
        """
        into_long, out_long, into_short, out_short = np.broadcast_arrays(
            *(_flags(v, "an event").astype(bool) for v in (entries, exits, short_entries, short_exits))
        )
        last_buy = _last(into_long & ~out_long & ~into_short)
        last_sell = _last(into_short & ~out_short & ~into_long)
        is_long = (last_buy > last_sell) & (last_buy > _last(out_long & ~into_long))
        is_short = (last_sell > last_buy) & (last_sell > _last(out_short & ~into_short))
        return cls.when(long=is_long, short=is_short, **levels)

    def over(self, length: int, warmup: int) -> Self:
        """Return the signals as one checked value per bar, with the warm-up bars flat.

        Raises
        ------
        SignalError
            As in `checked`.
        """
        return self.checked(length, warmup).flat_before(min(max(warmup, 0), length))

    def checked(self, length: int, warmup: int) -> Self:
        """Return the signals as one value per bar; warm-up bars may hold anything.

        Raises
        ------
        SignalError
            When a length differs, the target is not finite or leaves [-1, 1], or a distance is
            not positive where something is wanted.
        """
        spread = self.spread_over(length)
        warm = min(max(warmup, 0), length)
        _check_target(spread.target, warm)
        for name in (*_DISTANCES, "hold"):
            _check_distance(spread, name, warm)
        return spread

    def spread_over(self, length: int, *, exits: bool = True) -> Self:
        """Return the signals with scalars broadcast over the bars; those of exits stay if `exits` is False.

        Raises
        ------
        SignalError
            When a length differs.
        """
        found: dict[str, Any] = {}
        for name in _COLUMNS:
            value = self.narrow_target if name == "target" else getattr(self, name)
            if value is not None and value.shape != (length,) and (exits or value.shape or name in _DECIDED):
                found[name] = _spread_out(getattr(self, name), length, name)
        return replace(self, **found) if found else self

    def flat_before(self, row: int) -> Self:
        """Return the signals with target 0 and `enter` False on all bars before `row`."""
        if row <= 0:
            return self
        target = self.target.copy()
        target[:row] = 0.0
        enter = self.enter
        if enter is not None:
            enter = enter.copy()
            enter[:row] = False
        return replace(self, target=target, enter=enter)


def _as_array(value: Any, name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(value, dtype=np.bool_ if name == "enter" else np.float64)
    except (TypeError, ValueError) as fault:
        raise SignalError(f"{name} must be numbers, found {type(value).__name__}: {fault}") from fault


def _last(event: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Return the bar of the latest event up to each bar, -1 before the first."""
    return np.maximum.accumulate(np.where(event, np.arange(event.size), -1))


def _flags(value: Any, name: str) -> npt.NDArray[np.int8]:
    array = np.asarray(value)
    if array.dtype != _BOOL:
        raise SignalError(f"{name} must be True or False per bar, found dtype {array.dtype}")
    return array.view(_BYTE)


def _spread_out(value: npt.NDArray[Any], length: int, name: str) -> npt.NDArray[Any]:
    if value.ndim == 0:
        return np.broadcast_to(value, length)
    raise SignalError(f"{name} has shape {value.shape}, the bars have {length}; give one value per bar or one number")


def _check_target(target: FloatArray, warm: int) -> None:
    decided = target[warm:]
    # NaN fails both comparisons, so one pass finds every fault.
    if decided.size and not (decided.min() >= -1.0 and decided.max() <= 1.0):
        bad = ~(np.abs(decided) <= 1.0)
        row = int(np.argmax(bad)) + warm
        what = "is NaN" if np.isnan(target[row]) else f"is {float(target[row])!r}"
        raise SignalError(
            f"target must be finite and in [-1, 1] after the warm-up; {int(bad.sum())} bars are not, bar {row} {what}"
        )


def _check_distance(signals: Signals, name: str, warm: int) -> None:
    distance: FloatArray | None = getattr(signals, name)
    if distance is None or not distance[warm:].size:
        return
    seen = distance[:1] if distance.strides == (0,) else distance[warm:]  # one number for all bars, or one each
    lowest, highest = np.fmin.reduce(seen), np.fmax.reduce(seen)  # NaN means no level
    if lowest <= 0 or np.isinf(highest):
        # A distance is read only where something is wanted: prices that never move have an ATR of 0.
        bad = ((distance <= 0) | np.isinf(distance)) & (signals.target != 0)
        bad[:warm] = False
        if bad.any():
            row = int(np.argmax(bad))
            unit = "a number of bars" if name == "hold" else "a positive price distance"
            raise SignalError(f"{name} must be {unit} or NaN; bar {row} has {float(distance[row])!r}")
