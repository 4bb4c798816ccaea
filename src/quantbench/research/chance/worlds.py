"""Other bars a strategy might have met: shuffled, drawn again in blocks, with noise; and other ways to be filled."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import HOUR_NS
from quantbench.core.signals import Signals
from quantbench.indicators import atr

__all__ = ["episodes", "noisy", "placed_at_random", "redrawn", "unlucky"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_WEEK: Final = 7 * 24 * HOUR_NS
_SUNDAY: Final = 3 * 24 * HOUR_NS  # 1970-01-01 was a Thursday: weeks are cut on Sundays
_SPIKE_SHARE, _SPIKE = 0.02, 5.0


def redrawn(bars: Bars, rng: np.random.Generator, *, block: float) -> Bars:
    """Return bars whose weeks are drawn again in blocks: gaps and shapes move together, hour by hour of the week.

    Parameters
    ----------
    bars : Bars
        Daily and longer bars have no hours: there single bars are drawn in blocks.
    rng : numpy Generator
    block : float
        Mean length of a block, in weeks (bars, where they are daily or longer).
    """
    many = len(bars)
    if np.median(np.diff(bars.time_ns)) >= 24 * HOUR_NS:
        return _rebuilt(bars, _blocks(many, many, rng, block))
    week = (bars.time_ns + _SUNDAY) // _WEEK
    slot = (bars.time_ns + _SUNDAY) % _WEEK
    number, slots = np.unique(week, return_inverse=True)[1], np.unique(slot, return_inverse=True)[1]
    at = np.full((number.max() + 1, slots.max() + 1), -1)
    at[number, slots] = np.arange(many)
    source = _blocks(len(at), len(at), rng, block)
    return _rebuilt(bars, at[source[number], slots])


def _blocks(length: int, many: int, rng: np.random.Generator, block: float) -> IntArray:
    begins = rng.random(many) < 1.0 / block
    begins[0] = True
    at = np.arange(many)
    last = np.maximum.accumulate(np.where(begins, at, 0))
    return (rng.integers(0, length, many)[last] + at - last) % length


def _rebuilt(bars: Bars, rows: IntArray) -> Bars:
    """Return bars put together from the gaps and shapes of other rows; -1 is a bar that did not move."""
    there, logs = rows >= 0, {name: np.log(getattr(bars, name)) for name in ("open", "high", "low", "close")}
    gaps = np.append(0.0, logs["open"][1:] - logs["close"][:-1])
    gap = np.where(there, gaps[rows], 0.0)
    body = {name: np.where(there, (logs[name] - logs["open"])[rows], 0.0) for name in ("high", "low", "close")}
    gap[0] = 0.0
    close = logs["open"][0] + np.cumsum(gap + body["close"])
    opened = close - body["close"]
    spread = np.where(there, bars.spread[rows], np.nanmedian(bars.spread) if np.isfinite(bars.spread).any() else np.nan)
    return _sound(bars, opened, {name: opened + part for name, part in body.items()}, spread)


def _sound(bars: Bars, opened: FloatArray, logs: dict[str, FloatArray], spread: FloatArray) -> Bars:
    """Return bars from logarithms, rounded to the instrument's digits, with highs on top and lows below."""
    digits = bars.instrument.digits
    columns = {
        name: np.maximum(np.round(np.exp(values), digits), bars.instrument.point)
        for name, values in {"open": opened, **logs}.items()
    }
    columns["high"] = np.maximum.reduce([columns["high"], columns["open"], columns["close"]])
    columns["low"] = np.minimum.reduce([columns["low"], columns["open"], columns["close"]])
    return replace(bars, **columns, spread=spread)


def noisy(bars: Bars, rng: np.random.Generator, *, share: float) -> Bars:
    """Return bars each of whose prices is off by a normal error, its deviation a share of ATR(14)."""
    size = np.asarray(atr(bars, 14))
    size = np.where(np.isfinite(size), size, np.nanmedian(size)) * share / bars.close
    off = {
        name: np.log(getattr(bars, name)) + size * rng.standard_normal(len(bars)) for name in ("high", "low", "close")
    }
    opened = np.log(bars.open) + size * rng.standard_normal(len(bars))
    return _sound(bars, opened, off, bars.spread)


def episodes(target: FloatArray) -> list[tuple[int, int]]:
    """Return where the target is not 0 and does not change sign: (first, after last)."""
    sign = np.sign(target)
    edges = np.flatnonzero(np.diff(sign) != 0) + 1
    bounds = [0, *edges.tolist(), len(sign)]
    return [(a, b) for a, b in pairwise(bounds) if a < b and sign[a] != 0]


def unlucky(
    signals: Signals, bars: Bars, rng: np.random.Generator, *, missed: float, late: float
) -> tuple[Signals, Bars]:
    """Return decisions some of which were missed or came a bar late, and bars with wide spreads now and then.

    Parameters
    ----------
    signals : Signals
        One value a bar.
    bars : Bars
    rng : numpy Generator
    missed, late : float
        Shares of episodes that are not opened at all, and that open one bar later.
    """
    target = signals.target.copy()
    for first, after in episodes(target):
        luck = rng.random()
        if luck < missed:
            target[first:after] = 0.0
        elif luck < missed + late:
            target[first] = target[first - 1] if first else 0.0
    spread = np.where(np.isfinite(bars.spread), bars.spread, bars.instrument.typical_spread_points)
    spikes = rng.random(len(bars)) < _SPIKE_SHARE
    moved = replace(bars, spread=np.where(spikes, spread * _SPIKE, spread))
    return replace(signals, target=target), moved


def placed_at_random(trades: npt.NDArray[np.void], bars: int, first: int, rng: np.random.Generator) -> FloatArray:
    """Return a target with as many positions, as long, as often long and short, at random places.

    Parameters
    ----------
    trades : array of TRADE
    bars, first : int
        How many bars, and the first that may be traded.
    rng : numpy Generator
    """
    spans = {
        int(row["episode"]): [int(row["entry_bar"]), int(row["exit_bar"]), float(row["side"])] for row in trades[::-1]
    }
    for row in trades:
        span = spans[int(row["episode"])]
        span[0], span[1] = min(span[0], int(row["entry_bar"])), max(span[1], int(row["exit_bar"]))
    held = [(max(int(end - begin), 1), side) for begin, end, side in spans.values()]
    free = max(bars - first - 1 - sum(length for length, _ in held), 0)
    gaps = np.diff(np.sort(rng.integers(0, free + 1, len(held))), prepend=0)
    target, at = np.zeros(bars), first
    for place, gap in zip(rng.permutation(len(held)), gaps, strict=True):
        length, side = held[place]
        at += int(gap)
        target[at : at + length] = side
        at += length
    return target
