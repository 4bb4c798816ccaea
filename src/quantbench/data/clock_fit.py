"""How well each clock explains what a file shows, and the likeliest clocks one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, server_offset
from quantbench.data.market_week import Kind, Sightings

__all__ = ["Fit", "Stretch", "fit"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_PREFERRED: Final = (
    *("UTC", "America/New_York+7", "America/New_York", "Europe/Athens", "Europe/Berlin", "Europe/London"),
    *("Etc/GMT+5", "Etc/GMT-2", "Etc/GMT-3", "Etc/GMT-1"),
)
"""Clocks that sources are on, the commonest first: of clocks that agree on every row, the first is taken."""

_CLOCKS: Final = tuple(
    dict.fromkeys(
        (
            *_PREFERRED,
            *(f"America/New_York{hours:+d}" for hours in range(-3, 19) if hours),
            *("Europe/Moscow", "Atlantic/Azores"),
            *(f"Etc/GMT{-hours:+d}" for hours in range(-12, 15) if hours),
        )
    )
)
_WEIGHTS: Final = {Kind.CLOSE: 1.0, Kind.OPEN: 1.0, Kind.RHYTHM: 3.0}
_SWITCH: Final = 8.0
"""How much must speak for a change of clock before it is believed."""

_NEAR: Final = 3
"""Sightings around a change of clock among which its weekend is sought."""


@dataclass(frozen=True)
class Stretch:
    """Consecutive sightings on one clock.

    Parameters
    ----------
    clock : str
        The clock.
    low, high : int
        Its sightings are ``low`` to ``high``, not included.
    share : float
        Of the weight of its sightings that fit.
    rival : str or None
        The other clock that comes closest.
    wins, losses : float
        Weight of the sightings, where the two differ, that fit the clock, and that fit the rival.
    """

    clock: str
    low: int
    high: int
    share: float
    rival: str | None
    wins: float
    losses: float

    @property
    def confidence(self) -> float:
        """0 to 1; less when sightings are few or a rival explains nearly as much."""
        few = 1.0 - 0.5 ** (self.high - self.low)
        if self.rival is None:
            return self.share * few
        clear = max(1.0 - self.losses / self.wins, 0.0) if self.wins else 0.0
        return self.share * few * clear


@dataclass(frozen=True)
class Fit:
    """The likeliest clocks of a file.

    Parameters
    ----------
    seen : Sightings
        What they explain.
    stretches : tuple of Stretch
        In order of time.
    same : dict of str to tuple of str
        For each clock taken, those that agree with it on every row.
    matches : bool array
        Which sightings fit the clock of their stretch.
    misses : float
        Weight of what is not explained, changes of clock included; infinite without sightings.
    """

    seen: Sightings
    stretches: tuple[Stretch, ...]
    same: dict[str, tuple[str, ...]]
    matches: Flags
    misses: float

    @property
    def confidence(self) -> float:
        """That of the least sure stretch."""
        return min((stretch.confidence for stretch in self.stretches), default=0.0)


def fit(time: IntArray, seen: Sightings) -> Fit:
    """Return the clocks that explain the most of what is seen.

    Parameters
    ----------
    time : int64 array
        Nanoseconds on the source's clock, increasing.
    seen : Sightings
        What bounds the offset of the clock.
    """
    if not len(seen):
        return Fit(seen, (), {}, np.zeros(0, np.bool_), float("inf"))
    clocks, same = _distinct(time)
    offsets = np.stack([server_offset(seen.utc, clock) for clock in clocks])
    matches: Flags = (offsets >= seen.lowest) & (offsets <= seen.highest)
    weights = np.array([_WEIGHTS[Kind(kind)] for kind in seen.kinds])
    path = _to_weekends(_likeliest(matches, weights), matches, seen)
    bounds = [0, *(np.flatnonzero(np.diff(path)) + 1).tolist(), len(path)]
    stretches = tuple(
        _stretch(clocks, matches, weights, int(path[low]), slice(low, high)) for low, high in pairwise(bounds)
    )
    explained = matches[path, np.arange(len(path))]
    misses = float(weights[~explained].sum()) + _SWITCH * (len(stretches) - 1)
    return Fit(seen, stretches, same, explained, misses)


def _distinct(time: IntArray) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Return clocks that differ on some day of the file, each with those that do not."""
    days = np.unique(time // DAY_NS) * DAY_NS
    hours = np.concatenate((days - DAY_NS, days, days + DAY_NS))
    groups: dict[bytes, list[str]] = {}
    for clock in _CLOCKS:
        groups.setdefault(server_offset(hours, clock).tobytes(), []).append(clock)
    return tuple(names[0] for names in groups.values()), {names[0]: tuple(names[1:]) for names in groups.values()}


def _likeliest(matches: Flags, weights: FloatArray) -> IntArray:
    """Return the clock of each sighting that leaves the least unexplained (Viterbi's path)."""
    many, length = matches.shape
    cost = np.zeros(many)
    came_from = np.zeros((length, many), np.int64)
    for at in range(length):
        best = int(np.argmin(cost))
        switched = cost[best] + _SWITCH < cost
        came_from[at] = np.where(switched, best, np.arange(many))
        cost = np.where(switched, cost[best] + _SWITCH, cost) + weights[at] * ~matches[:, at]
    path = np.zeros(length, np.int64)
    path[-1] = int(np.argmin(cost))
    for at in range(length - 1, 0, -1):
        path[at - 1] = came_from[at, path[at]]
    return path


def _to_weekends(path: IntArray, matches: Flags, seen: Sightings) -> IntArray:
    """Move each change of clock to the weekend next to it that leaves the least unexplained.

    Brokers change their clock at weekends. A close is an event, a week's rhythm only an estimate:
    here it counts half a close.
    """
    moved, trust = path.copy(), np.where(seen.kinds == Kind.RHYTHM, 1.0, 2.0)
    for at in (np.flatnonzero(np.diff(path)) + 1).tolist():
        before, after = moved[at - 1], moved[at]
        low, high = max(at - _NEAR, 0), min(at + _NEAR + 1, len(path))
        weekends = [row for row in range(low + 1, high) if seen.kinds[row] == Kind.OPEN]
        if weekends and bool((moved[low:at] == before).all()) and bool((moved[at:high] == after).all()):
            rows = np.arange(low, high)
            chosen = np.array([np.where(rows < weekend, before, after) for weekend in weekends])
            missed = (~matches[chosen, rows] * trust[low:high]).sum(axis=1)
            moved[low:high] = chosen[int(np.argmin(missed))]
    return moved


def _stretch(clocks: tuple[str, ...], matches: Flags, weights: FloatArray, chosen: int, where: slice) -> Stretch:
    ours, theirs, weight = matches[chosen, where], matches[:, where], weights[where]
    wins, losses = (ours & ~theirs) @ weight, (~ours & theirs) @ weight
    margin = wins - losses
    margin[chosen] = np.inf
    rival = int(np.argmin(margin))
    named = clocks[rival] if np.isfinite(margin[rival]) else None
    share = float(weight[ours].sum() / weight.sum())
    return Stretch(clocks[chosen], where.start, where.stop, share, named, float(wins[rival]), float(losses[rival]))
