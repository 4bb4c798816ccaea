"""Worlds in which the truth is known: markets without any edge, and markets with one of a chosen Sharpe."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.calendar import trading_day
from quantbench.core.instrument import Instrument

__all__ = ["DAYS_A_YEAR", "hours", "planted_bars", "planted_returns", "random_walk", "returns_of_many", "volatility"]

FloatArray = npt.NDArray[np.float64]

DAYS_A_YEAR: Final = 260
_ARCH, _GARCH, _TAIL = 0.06, 0.92, 5.0  # GARCH(1,1) with Student innovations, as fitted to daily FX returns
_DAILY: Final = 0.006  # volatility of a day
_STEPS: Final = 6  # inside a bar
_SESSION: Final = np.array(  # volatility by hour, UTC: Asia quiet, London and New York loud
    [
        0.6,
        0.6,
        0.6,
        0.6,
        0.6,
        0.7,
        0.9,
        1.2,
        1.3,
        1.2,
        1.1,
        1.0,
        1.2,
        1.5,
        1.6,
        1.5,
        1.2,
        1.0,
        0.9,
        0.8,
        0.7,
        0.5,
        0.5,
        0.5,
    ]
)


def volatility(shocks: FloatArray) -> FloatArray:
    """Return the relative volatility of each step, mean square 1, driven by the shocks before it: GARCH(1,1).

    Parameters
    ----------
    shocks : float array
        Of unit variance.
    """
    square, found = 1.0, np.empty(len(shocks))
    rest = 1.0 - _ARCH - _GARCH
    for step, shock in enumerate(shocks.tolist()):
        found[step] = square
        square = rest + square * (_GARCH + _ARCH * shock * shock)
    return np.sqrt(found)


def _tailed(rng: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Return Student shocks of unit variance."""
    return rng.standard_t(_TAIL, shape) * math.sqrt((_TAIL - 2.0) / _TAIL)


def returns_of_many(rng: np.random.Generator, *, days: int, strategies: int, correlation: float) -> FloatArray:
    """Return daily returns of strategies without skill, shape (days, strategies).

    Heavy tails, volatility that comes in clusters and is common to all, every pair correlated alike.
    """
    common, own = _tailed(rng, (days,)), _tailed(rng, (days, strategies))
    mixed = math.sqrt(correlation) * common[:, np.newaxis] + math.sqrt(1.0 - correlation) * own
    found: FloatArray = _DAILY * volatility(common)[:, np.newaxis] * mixed
    return found


def planted_returns(
    rng: np.random.Generator, *, days: int, strategies: int, correlation: float, sharpe: float, carrying: int
) -> FloatArray:
    """Return daily returns of which the first `carrying` columns have a true Sharpe a year.

    The mean that is added comes from the deviation of the same process over 100 simulated years, not from
    the days returned: those keep their luck.
    """
    long = returns_of_many(rng, days=100 * DAYS_A_YEAR, strategies=1, correlation=correlation)
    found = returns_of_many(rng, days=days, strategies=strategies, correlation=correlation)
    found[:, :carrying] += sharpe / math.sqrt(DAYS_A_YEAR) * float(long.std(ddof=1))
    return found


def hours(years: float, *, start: str = "2012-01-01T22:00") -> npt.NDArray[np.datetime64]:
    """Return the opens of the hours a currency trades: Sunday 22:00 to Friday 21:00, UTC."""
    first = np.datetime64(start, "h")
    every = first + np.arange(round(years * 365.25 * 24)).astype("timedelta64[h]")
    weekday = (every.astype("datetime64[D]").astype(np.int64) + 3) % 7  # Monday 0
    hour = every.astype(np.int64) % 24
    is_open = (weekday < 4) | ((weekday == 4) & (hour < 21)) | ((weekday == 6) & (hour >= 22))
    found: npt.NDArray[np.datetime64] = every[is_open].astype("datetime64[ns]")
    return found


def random_walk(rng: np.random.Generator, instrument: Instrument, *, years: float, start: float = 1.1) -> Bars:
    """Return H1 bars of a market nobody can predict: clustered volatility, sessions, heavy tails, no drift."""
    return _bars(rng, instrument, years=years, start=start, drift=None)


def planted_bars(
    rng: np.random.Generator, instrument: Instrument, *, years: float, strength: float, lags: tuple[int, ...]
) -> Bars:
    """Return H1 bars that lean where the days `lags` before went, by `strength` deviations of a bar each."""
    return _bars(rng, instrument, years=years, start=1.1, drift=(strength, lags))


def _bars(
    rng: np.random.Generator,
    instrument: Instrument,
    *,
    years: float,
    start: float,
    drift: tuple[float, tuple[int, ...]] | None,
) -> Bars:
    time = hours(years)
    many, hour = len(time), time.astype("datetime64[h]").astype(np.int64) % 24
    shocks = _tailed(rng, (many, _STEPS)) / math.sqrt(_STEPS)
    scale = _DAILY / math.sqrt(24.0) * volatility(shocks.sum(axis=1)) * _SESSION[hour]
    lean = np.zeros(many)
    if drift is not None:
        strength, lags = drift
        lean = _leaning(
            shocks.sum(axis=1), trading_day(time.astype(np.int64), instrument.trading_calendar), strength, lags
        )
    moves = scale[:, np.newaxis] * (shocks + lean[:, np.newaxis] / _STEPS)
    inside = np.cumsum(moves, axis=1)
    ends = np.cumsum(inside[:, -1])
    opens = np.append(0.0, ends[:-1])
    path = opens[:, np.newaxis] + np.column_stack([np.zeros(many), inside])
    rounded = np.round(start * np.exp(path), instrument.digits)
    return Bars(
        instrument.symbol,
        "H1",
        instrument,
        time,
        rounded[:, 0],
        rounded.max(axis=1),
        rounded.min(axis=1),
        rounded[:, -1],
    )


def _leaning(moves: FloatArray, day: npt.NDArray[np.int64], strength: float, lags: tuple[int, ...]) -> FloatArray:
    """Return the lean of each bar, in deviations: the mean sign of the days so many days before."""
    edges = np.flatnonzero(np.append(True, np.diff(day) != 0))
    lean, came = np.zeros(len(moves)), list[float]()
    for first, last in zip(edges, np.append(edges[1:], len(moves)), strict=True):
        pull = 0.0
        if len(came) >= max(lags):
            pull = strength * float(np.mean([math.copysign(1.0, came[-lag]) for lag in lags]))
        lean[first:last] = pull
        came.append(float((moves[first:last]).sum() + pull * (last - first)))
    return lean
