"""Where to cut a history: at the moments at which calendars, markets and the strategy itself turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.calendar import trading_day
from quantbench.core.clock import DAY_NS, server_offset, utc_offset
from quantbench.core.timeframe import timeframe_ns
from quantbench.research.causality.outputs import Outputs, column_of

__all__ = ["Cut", "chosen_cuts", "turning_bars"]

IntArray = npt.NDArray[np.int64]

_LIVELIEST: Final = 0.02  # this share of the bars counts as spikes and jumps


class Cut(NamedTuple):
    """How many bars are known, and what is special about that moment."""

    bars: int
    why: str


def turning_bars(bars: Bars, outputs: Outputs) -> Mapping[str, IntArray]:
    """Return the bars on which something turns, by what turns; each is the first bar of the new."""
    time = bars.time_ns
    calendar = bars.instrument.trading_calendar
    days = trading_day(time, calendar)
    move = np.abs(bars.open - np.append(bars.open[:1], bars.close[:-1]))
    clock = _clock_changes(bars)
    after = clock[:, None] + np.arange(1, max(2, DAY_NS // timeframe_ns(bars.timeframe)))
    found = {
        "session start": _turns(days),
        "UTC month start": _turns(_months(bars.time)),
        "trading month start": _turns(_months(days.astype("datetime64[D]"))),
        "hole in time": np.flatnonzero(np.diff(time, prepend=time[:1]) > 1.5 * timeframe_ns(bars.timeframe)),
        "price gap": _largest(move),
        "spike": _largest(bars.high - bars.low),
        "clock change": clock,
        "day after a clock change": np.unique(after[after < len(bars)]),
        "decision": np.union1d(
            _turns(column_of(outputs, "target", len(bars))), np.flatnonzero(column_of(outputs, "enter", len(bars)))
        ),
    }
    return {why: rows.astype(np.int64) for why, rows in found.items()}


def chosen_cuts(turning: Mapping[str, IntArray], first: int, end: int, *, count: int, seed: int) -> tuple[Cut, ...]:
    """Return about `count` cuts in ``[first, end)``, every one of them where there are no more.

    A turning bar is cut on both sides: just before it, so that it is the first unknown bar, and just
    after it, so that it is the last known one. The first and the last possible cuts are always taken.
    """
    if end <= first:
        return ()
    if end - first <= count:
        return tuple(Cut(row, "every bar") for row in range(first, end))
    rng = np.random.default_rng([seed, 1])
    taken: dict[int, str] = {end - 1: "last bar", end - 2: "last bar", first: "first bar", first + 1: "first bar"}
    share = max(1, count // (2 * len(turning) + 4))
    for why, rows in turning.items():
        inside = rows[(rows >= first) & (rows < end - 1)]
        for row in rng.choice(inside, min(share, inside.size), replace=False).tolist():
            taken.setdefault(row, why)
            taken.setdefault(row + 1, why)
    others = np.setdiff1d(np.arange(first, end), np.fromiter(taken, np.int64))
    rest = min(max(0, count - len(taken)), others.size)
    taken |= dict.fromkeys(rng.choice(others, rest, replace=False).tolist(), "random")
    return tuple(Cut(row, taken[row]) for row in sorted(taken))


def _turns(values: npt.NDArray[np.float64] | IntArray) -> IntArray:
    """Return the rows whose value is another than the one before; NaN is a value too."""
    now, before = values[1:], values[:-1]
    return np.flatnonzero((now != before) & ~((now != now) & (before != before))) + 1  # noqa: PLR0124  (NaN)


def _months(time: npt.NDArray[np.datetime64]) -> IntArray:
    return time.astype("datetime64[M]").astype(np.int64)


def _largest(sizes: npt.NDArray[np.float64]) -> IntArray:
    return np.argsort(-sizes, kind="stable")[: max(1, int(_LIVELIEST * sizes.size))]


def _clock_changes(bars: Bars) -> IntArray:
    """Return the first bars after a change of the clock in New York, London or at the broker."""
    time = bars.time_ns
    clocks = [utc_offset(time, zone) for zone in ("America/New_York", "Europe/London")]
    clocks.append(server_offset(time, bars.instrument.server_clock))
    return np.unique(np.concatenate([_turns(clock) for clock in clocks]))
