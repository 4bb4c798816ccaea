"""Times of a source's clock as UTC, with hours that come twice or never handled and reported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, HOUR_NS, as_ns, server_offset
from quantbench.core.errors import DataError
from quantbench.data.parquet import pl

__all__ = ["Segment", "declared", "to_utc"]

IntArray = npt.NDArray[np.int64]

_CHUNK = 1 << 18
"""Rows converted at once: what is worked out on the way stays small beside a long history."""


@dataclass(frozen=True)
class Segment:
    """A stretch of a file on one clock.

    Parameters
    ----------
    clock : str
        As `core.clock.server_offset` takes it.
    first : datetime or None
        Naive, on the source's clock: the first row of the stretch; None from the beginning.
    """

    clock: str
    first: datetime | None = None


def declared(words: str) -> tuple[Segment, ...]:
    """Return the clock that was declared, or the clocks one after the other.

    Parameters
    ----------
    words : str
        A clock, or clocks with the moments between them: ``"CLOCK until MOMENT then CLOCK ..."``. A
        moment is a date or a date and a time on the source's clock: the first row of the clock after it.

    Raises
    ------
    DataError
        For a clock that does not exist, a moment that is none, or moments out of order.

    Examples
    --------
    >>> declared("Europe/Athens")
    (Segment(clock='Europe/Athens', first=None),)
    >>> [str(part.first) for part in declared("UTC until 2017-09-22T17:00 then America/New_York")]
    ['None', '2017-09-22 17:00:00']
    """
    clocks, moments = [], []
    *before, last = words.split(" then ")
    for part in before:
        clock, until, moment = part.partition(" until ")
        if not until:
            raise DataError(f"{words!r}: {part!r} does not say how long it lasts; {_DECLARE}")
        clocks.append(clock.strip())
        moments.append(_moment(moment.strip()))
    clocks.append(last.strip())
    if " " in clocks[-1]:
        raise DataError(f"{words!r}: nothing follows {clocks[-1]!r}; {_DECLARE}")
    if any(two <= one for one, two in pairwise(moments)):
        raise DataError(f"{words!r}: the moments must be in order of time")
    for clock in clocks:
        _offset(np.zeros(1, np.int64), clock)
    return tuple(map(Segment, clocks, [None, *moments]))


_DECLARE = "declare clocks that follow each other as 'UTC until 2017-09-22 then America/New_York'"


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as fault:
        raise DataError(f"{text!r} is no moment, such as 2017-09-22 or 2017-09-22T17:00") from fault


def to_utc(frame: pl.DataFrame, clock: str | Sequence[Segment]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the frame with ``time`` in UTC, and notes on hours that come twice or never.

    When a clock is set back, an hour comes twice: rows that go back in time, or repeat, are the
    second. Rows of such an hour that do not tell are taken as the first. When it is set forward, an
    hour never comes: rows in it are read with the offset before, as if the clock had not been set yet.

    Parameters
    ----------
    frame : polars.DataFrame
        With naive ``time`` on the source's clock; rows in any order.
    clock : str or sequence of Segment
        The clock, or the clocks one after the other.

    Returns
    -------
    frame : polars.DataFrame
        ``time`` naive in UTC, everything else as it was, rows in the same order.
    notes : tuple of str
        One sentence for each kind of hour met.

    Raises
    ------
    DataError
        For a clock that does not exist, or segments that are not in order of time.

    Examples
    --------
    >>> local = pl.Series("time", [datetime(2017, 1, 2, 2), datetime(2017, 7, 3, 3)]).cast(pl.Datetime("ns"))
    >>> to_utc(local.to_frame(), "Europe/Athens")[0]["time"].to_list()
    [datetime.datetime(2017, 1, 2, 0, 0), datetime.datetime(2017, 7, 3, 0, 0)]
    """
    segments = [Segment(clock)] if isinstance(clock, str) else list(clock)
    starts = [as_ns(segment.first) if segment.first else None for segment in segments]
    if not segments or starts[0] is not None or None in starts[1:] or starts[1:] != sorted(starts[1:], key=_key):
        raise DataError("the segments of a clock must be in order of time, the first from the beginning")
    if [segment.clock for segment in segments] == ["UTC"]:
        return frame, ()
    local = frame["time"].cast(pl.Int64).to_numpy()
    if len(segments) == 1:
        utc, twice, never = _converted(local, segments[0].clock)
        return frame.with_columns(time=pl.Series(utc).cast(pl.Datetime("ns"))), _notes(twice, never)
    utc, twice, never = np.empty_like(local), 0, 0
    limits = [np.iinfo(np.int64).min, *(start for start in starts[1:] if start is not None), np.iinfo(np.int64).max]
    for segment, low, high in zip(segments, limits[:-1], limits[1:], strict=True):
        rows = np.flatnonzero((local >= low) & (local < high))
        utc[rows], more_twice, more_never = _converted(local[rows], segment.clock)
        twice, never = twice + more_twice, never + more_never
    time = pl.Series("time", utc).cast(pl.Datetime("ns"))
    return frame.with_columns(time), _notes(twice, never)


def _key(start: int | None) -> int:
    return start or 0


def _notes(twice: int, never: int) -> tuple[str, ...]:
    notes = []
    if twice:
        notes.append(f"{twice} rows lie in an hour that came twice: the second pass goes back in time, else the first")
    if never:
        notes.append(
            f"{never} rows lie in an hour that never came: read with the offset before; is it the right clock?"
        )
    return tuple(notes)


def _converted(local: IntArray, clock: str) -> tuple[IntArray, int, int]:
    """Return UTC times, and how many rows lie in an hour that comes twice, and in one that never comes."""
    utc, twice, never = np.empty_like(local), np.zeros(len(local), np.bool_), 0
    for start in range(0, len(local), _CHUNK):
        rows = slice(start, start + _CHUNK)
        utc[rows], twice[rows], more = _first_pass(local[rows], clock)
        never += more
    if twice.any():
        second = np.flatnonzero(twice & _second_pass(local, twice))
        utc[second] = local[second] - _offset(local[second] + DAY_NS, clock)
    return utc, int(twice.sum()), never


def _first_pass(local: IntArray, clock: str) -> tuple[IntArray, npt.NDArray[np.bool_], int]:
    """Return UTC times with hours that come twice read as the first, which those are, and how many never come."""
    before, after = _offset(local - DAY_NS, clock), _offset(local + DAY_NS, clock)
    early, late = local - before, local - after
    is_early = _offset(early, clock) == before
    is_late = _offset(late, clock) == after
    never = ~is_early & ~is_late
    utc = np.where(is_early | never, early, late)
    return utc, is_early & is_late & (before != after), int(never.sum())


def _second_pass(local: IntArray, twice: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return which rows of hours that come twice are of the second time, by their order in the file."""
    forward = len(local) < 2 or np.count_nonzero(np.diff(local) < 0) <= len(local) // 2
    ordered, doubtful = (local, twice) if forward else (local[::-1], twice[::-1])
    second = np.zeros(len(local), np.bool_)
    latest, passed = np.iinfo(np.int64).min, False
    for row in np.flatnonzero(doubtful):
        stamp = int(ordered[row])
        if stamp - latest > DAY_NS or latest - stamp > HOUR_NS * 3:
            passed = False
        elif stamp <= latest:
            passed = True
        latest = stamp
        second[row] = passed
    return second if forward else second[::-1]


def _offset(utc: IntArray, clock: str) -> IntArray:
    try:
        return server_offset(utc, clock)
    except (KeyError, ValueError, OSError) as fault:
        raise DataError(
            f"unknown clock {clock!r}; a clock is a zone ('UTC', 'Europe/Athens', 'Etc/GMT+5') or a zone and hours "
            "('America/New_York+7')"
        ) from fault
