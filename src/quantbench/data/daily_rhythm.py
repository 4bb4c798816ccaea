"""The rhythm of a market's day, busy in London and New York hours, as a second witness of a file's clock."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS, server_offset, utc_offset
from quantbench.data.market_week import Kind, Sightings
from quantbench.data.parquet import pl

__all__ = ["activity", "rhythm_sightings"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_WEEK: Final = 7 * DAY_NS
_MONDAY: Final = 4 * DAY_NS
"""1970-01-05 was a Monday."""

_HOURS: Final = 80
"""Fewest hours of a week that show a rhythm."""

_AROUND: Final = 3
"""Hours of offset tried on either side of those of the known stretch."""

_LIKE, _CLEARLY = 0.4, 0.02
"""The least correlation that is a rhythm, and the least by which it must beat the next offset."""


def activity(frame: pl.DataFrame) -> FloatArray:
    """Return how busy each bar was, in logs: its volume, or its range where there is no volume."""
    if "volume" in frame.columns:
        volume: FloatArray = np.log1p(np.maximum(frame["volume"].to_numpy(), 0.0))
        return volume
    spans = (frame["high"] - frame["low"]).to_numpy()
    above: FloatArray = np.maximum(spans, 0.0)
    smallest = above[above > 0].min() if (above > 0).any() else 1.0
    logs: FloatArray = np.log(above + smallest)
    return logs


def rhythm_sightings(time: IntArray, busy: FloatArray, known: slice, clock: str) -> Sightings:
    """Return the offset each week's rhythm shows, against that of a stretch whose clock is known.

    Parameters
    ----------
    time : int64 array
        Nanoseconds on the source's clock, increasing.
    busy : float array
        `activity` of the same rows.
    known : slice
        Rows of the stretch whose clock is known.
    clock : str
        That clock.

    Returns
    -------
    Sightings
        One a week that shows a rhythm clearly: the offset at which its hours correlate best with the
        usual hours, half an hour to either side.
    """
    firsts, weeks = _by_week(time, busy)
    monday = time[firsts] - (time[firsts] - _MONDAY) % _WEEK
    middle = monday + _WEEK // 3
    offset = server_offset(middle - server_offset(middle, clock), clock) // HOUR_NS
    seasons = _season(middle)
    inside = (firsts >= known.start) & (firsts < known.stop)
    template = _template(weeks[inside], offset[inside], seasons[inside])
    tried = np.arange(offset[inside].min() - _AROUND, offset[inside].max() + _AROUND + 1)
    likeness = np.stack([_likeness(weeks, template[seasons], hours) for hours in tried], axis=1)
    order = np.sort(likeness, axis=1)
    clear = (order[:, -1] >= _LIKE) & (order[:, -1] - order[:, -2] >= _CLEARLY)
    found = tried[np.argmax(likeness, axis=1)][clear] * HOUR_NS
    half, local = 30 * MINUTE_NS, middle[clear]
    kinds = np.full(len(local), Kind.RHYTHM, np.int64)
    return Sightings(local - found, local, found - half, found + half, kinds, firsts[clear])


def _by_week(time: IntArray, busy: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return the first row of each week, and how busy its 168 hours were beside its mean; NaN without rows."""
    hour = (time - _MONDAY) // HOUR_NS
    starts = np.flatnonzero(np.diff(hour // 168, prepend=-(10**9)))
    week = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(time))))
    cell = week * 168 + hour % 168
    count = np.bincount(cell, minlength=len(starts) * 168).reshape(-1, 168)
    total = np.bincount(cell, busy, minlength=len(starts) * 168).reshape(-1, 168)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    enough = (count > 0).sum(axis=1) >= _HOURS
    kept = mean[enough]
    return starts[enough], kept - np.nanmean(kept, axis=1, keepdims=True)


def _season(moments: IntArray) -> IntArray:
    """Return 0..3: summer time in the US counts 2, in the EU 1."""
    us = utc_offset(moments, "America/New_York") > -5 * HOUR_NS
    eu = utc_offset(moments, "Europe/Berlin") > HOUR_NS
    season: IntArray = us.astype(np.int64) * 2 + eu
    return season


def _template(weeks: FloatArray, offset: IntArray, seasons: IntArray) -> FloatArray:
    """Return how busy each hour of UTC is in each season; NaN in a season that was not seen."""
    hour = (np.arange(168) - offset[:, None]) % 24
    cell = seasons[:, None] * 24 + hour
    seen = ~np.isnan(weeks)
    count = np.bincount(cell[seen], minlength=96)
    total = np.bincount(cell[seen], weeks[seen], minlength=96)
    template: FloatArray = np.where(count > 3, total / np.maximum(count, 1), np.nan).reshape(4, 24)
    return template


def _likeness(weeks: FloatArray, usual: FloatArray, hours: int) -> FloatArray:
    """Return the correlation of each week with its usual hours, were its offset so many hours."""
    expected = usual[:, (np.arange(168) - hours) % 24]
    seen = ~np.isnan(weeks) & ~np.isnan(expected)
    many = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    x, y = np.where(seen, weeks, 0.0), np.where(seen, expected, 0.0)
    x, y = (
        np.where(seen, x - x.sum(axis=1, keepdims=True) / many, 0.0),
        np.where(seen, y - y.sum(axis=1, keepdims=True) / many, 0.0),
    )
    scale = np.sqrt((x * x).sum(axis=1) * (y * y).sum(axis=1))
    likeness: FloatArray = np.where(scale > 1e-9, (x * y).sum(axis=1) / np.maximum(scale, 1e-9), 0.0)
    return likeness
