"""The clock a file's times are on: found by when the market's week opens and closes, never guessed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import HOUR_NS, utc_offset
from quantbench.core.errors import DataError
from quantbench.core.instrument import Instrument
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.clock_conversion import Segment, to_utc
from quantbench.data.clock_fit import Fit, Stretch, fit
from quantbench.data.daily_rhythm import activity, rhythm_sightings
from quantbench.data.market_week import Kind, Week, sessions_of, sightings
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw

__all__ = ["ClockEvidence", "Segment", "detect", "to_utc"]

IntArray = npt.NDArray[np.int64]

_ENOUGH: Final = 0.7
_LONG: Final = 100
"""Weekly opens and closes of a stretch whose rhythm may speak for the rest of the file."""

_TAUGHT: Final = 0.8
"""The least share of it that must fit."""

_LESSONS: Final = 3

_ASK: Final = (
    "say which clock it is on: clock='UTC', 'America/New_York+7', 'Europe/Athens', 'Etc/GMT+5', ..; "
    "or which one after the other: 'UTC until 2017-09-22 then America/New_York'"
)


@dataclass(frozen=True)
class ClockEvidence:
    """The clock found, how sure it is, and why.

    Parameters
    ----------
    segments : tuple of Segment
        In order of time; more than one where the clock changes within the file.
    confidence : float
        0 to 1: the share of what was seen that fits, less when it is little or another clock fits
        nearly as well.
    evidence : tuple of str
        Plain sentences.
    """

    segments: tuple[Segment, ...]
    confidence: float
    evidence: tuple[str, ...]

    @property
    def clock(self) -> str:
        """The clock, or the clocks in order of time, as `clock_conversion.declared` reads them."""
        first, *later = self.segments
        return first.clock + "".join(f" until {segment.first:%Y-%m-%dT%H:%M} then {segment.clock}" for segment in later)


def detect(raw: Raw, instrument: Instrument | None = None) -> ClockEvidence:
    """Find the clock a file's times are on.

    The week of currencies opens on Sunday and closes on Friday at 17:00 New York time (metals open at
    18:00), whatever clock a file is on. Each weekend in the file bounds the offset of its clock; a
    clock fits when it lies within the bounds in every regime of summer time. In files of a year or
    more the rhythm of the day is a second witness, where weekends mislead (Sundays cut off, a broker
    with hours of its own): the busy hours of each week against those of the longest stretch.

    Parameters
    ----------
    raw : Raw
        Bars up to H4, or ticks, of more than a weekend.
    instrument : Instrument, optional
        Says what trades all week.

    Returns
    -------
    ClockEvidence
        With ``confidence`` of at least 0.7.

    Raises
    ------
    DataError
        When the format does not fix the clock and the rows do not show it: days, crypto, too few
        weekends, or two clocks that fit equally and differ. The message asks for ``clock=``.
    """
    if raw.clock is not None:
        return ClockEvidence((Segment(raw.clock),), 1.0, (f"{raw.reader}: the format says {raw.clock}",))
    name = " ".join(part for part in (raw.symbol or "the symbol", raw.timeframe) if part)
    weeks = sessions_of(raw.symbol, instrument)
    if not weeks:
        raise DataError(f"{name} trades all week, so its rows do not show their clock; {_ASK}")
    length = _length(raw)
    if length > 4 * HOUR_NS:
        raise DataError(f"{name}: bars longer than 4 hours do not show their clock; {_ASK}")
    rows = raw.frame.unique("time", keep="first").sort("time")
    time = rows["time"].cast(pl.Int64).to_numpy()
    week, found = min(((week, fit(time, sightings(time, length, week))) for week in weeks), key=_misses)
    if not len(found.seen):
        raise DataError(
            f"{name} has no weekend of currencies or metals in it, so its rows do not show their clock; {_ASK}"
        )
    if raw.kind == "bars" and length <= HOUR_NS:
        found = _with_rhythm(time, rows, found)
    return _judged(name, found, time, week if len(weeks) > 1 else None)


def _misses(pair: tuple[Week, Fit]) -> float:
    return pair[1].misses


def _length(raw: Raw) -> int:
    if raw.kind == "ticks":
        return 0
    if raw.timeframe is not None:
        return timeframe_ns(raw.timeframe)
    steps = np.diff(raw.frame["time"].cast(pl.Int64).to_numpy())
    return int(np.median(np.abs(steps))) if len(steps) else 0


def _with_rhythm(time: IntArray, rows: pl.DataFrame, weekends: Fit) -> Fit:
    """Return the fit to weekends and rhythm together, where some stretch is long enough to learn it from.

    What the rhythm corrects is learnt again: a stretch taken too long at first blurs it.
    """
    found, busy = weekends, activity(rows)
    for _ in range(_LESSONS):
        longest = max(found.stretches, key=lambda stretch: stretch.high - stretch.low)
        known = slice(int(found.seen.rows[longest.low]), int(found.seen.rows[longest.high - 1]))
        if longest.high - longest.low < _LONG or longest.share < _TAUGHT:
            break
        weeks = rhythm_sightings(time, busy, known, longest.clock)
        before, found = found, fit(time, weekends.seen.joined(weeks))
        if [stretch.clock for stretch in found.stretches] == [stretch.clock for stretch in before.stretches]:
            break
    return found


def _judged(name: str, found: Fit, time: IntArray, week: Week | None) -> ClockEvidence:
    if found.confidence < _ENOUGH:
        weakest = min(found.stretches, key=lambda stretch: stretch.confidence)
        raise DataError(f"the clock of {name} is not sure ({_fits(found, weakest)}; {_rival(weakest)}); {_ASK}")
    segments, sentences = [], [f"the week of {week.name} fits best"] if week else []
    for stretch in found.stretches:
        first = _moment(int(time[found.seen.rows[stretch.low]])) if stretch.low else None
        if first is not None and found.seen.kinds[stretch.low] != Kind.OPEN:
            raise DataError(
                f"the clock of {name} changes to {stretch.clock} in the week of {first:%Y-%m-%d}, its rows do not "
                f"show when; declare it: clock='.. until {first:%Y-%m-%d} then {stretch.clock}', with the right moment"
            )
        segments.append(Segment(stretch.clock, first))
        sentences += [_fits(found, stretch), *_regimes(found, stretch), _rival(stretch), *_same(found, stretch)]
        sentences += _against(found, stretch)
    return ClockEvidence(tuple(segments), found.confidence, tuple(filter(None, sentences)))


def _fits(found: Fit, stretch: Stretch) -> str:
    rows = slice(stretch.low, stretch.high)
    rhythm = found.seen.kinds[rows] == Kind.RHYTHM
    fits = found.matches[rows]
    text = f"{stretch.clock}: {int(fits[~rhythm].sum())} of {int((~rhythm).sum())} weekly opens and closes fit"
    if rhythm.any():
        text += f", and the daily rhythm of {int(fits[rhythm].sum())} of {int(rhythm.sum())} weeks"
    return text


def _rival(stretch: Stretch) -> str:
    if stretch.rival is None:
        return ""
    return (
        f"next is {stretch.rival}: where the two differ {stretch.wins:g} speak for {stretch.clock}, "
        f"{stretch.losses:g} for {stretch.rival}"
    )


def _same(found: Fit, stretch: Stretch) -> list[str]:
    same = found.same[stretch.clock]
    return [f"the same on every row here: {', '.join(same[:4])}"] if same else []


def _against(found: Fit, stretch: Stretch) -> list[str]:
    """Return the weeks whose rhythm shows another offset: the rows there may be off."""
    rows = np.arange(stretch.low, stretch.high)
    bad = rows[(found.seen.kinds[rows] == Kind.RHYTHM) & ~found.matches[rows]]
    if not len(bad):
        return []
    weeks = ", ".join(f"{_moment(int(found.seen.local[row])):%Y-%m-%d}" for row in bad[:8])
    return [f"against it speaks the rhythm of the weeks around {weeks}{', ..' if len(bad) > 8 else ''}: check them"]


def _regimes(found: Fit, stretch: Stretch) -> list[str]:
    """Return the usual time of the first and last row of the week in each regime of summer time."""
    seen, inside = found.seen, np.arange(stretch.low, stretch.high)
    us = utc_offset(seen.utc[inside], "America/New_York") != -5 * HOUR_NS
    eu = utc_offset(seen.utc[inside], "Europe/Berlin") != HOUR_NS
    lines = []
    for american, european in ((False, False), (True, False), (True, True), (False, True)):
        rows = inside[(us == american) & (eu == european)]
        if len(rows):
            last, first = (_usual(seen.local[rows[seen.kinds[rows] == kind]]) for kind in (Kind.CLOSE, Kind.OPEN))
            when = f"{_half(american)} in the US, {_half(european)} in the EU"
            lines.append(f"{when}: the week's last row is {last}, its first {first}")
    return lines


def _half(summer: bool) -> str:  # noqa: FBT001
    return "summer" if summer else "winter"


def _usual(local: IntArray) -> str:
    if not len(local):
        return "not seen"
    (text, many), *_ = Counter(f"{_moment(int(stamp)):%a %H:%M}" for stamp in local).most_common(1)
    return f"{text} ({many} of {len(local)})"


def _moment(ns: int) -> datetime:
    return datetime.fromtimestamp(ns // 10**9, UTC).replace(tzinfo=None)
