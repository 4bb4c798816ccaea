"""Where the wall clocks of New York, brokers and exchanges stand, as arrays of UTC nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt

__all__ = ["DAY_NS", "HOUR_NS", "MINUTE_NS", "SECOND_NS", "as_ns", "server_offset", "utc_offset"]

SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
HOUR_NS: Final = 60 * MINUTE_NS
DAY_NS: Final = 24 * HOUR_NS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

IntArray = npt.NDArray[np.int64]


def as_ns(moment: str | datetime | np.datetime64) -> int:
    """Return a moment as UTC nanoseconds; text and naive datetimes are read as UTC.

    Examples
    --------
    >>> as_ns("1970-01-02")
    86400000000000
    """
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return ((aware - _EPOCH) // timedelta(microseconds=1)) * 1_000
    if isinstance(moment, str):
        return as_ns(datetime.fromisoformat(moment if len(moment) > 7 else _padded(moment)))
    return int(moment.astype("datetime64[ns]").astype(np.int64))


def _padded(text: str) -> str:
    """Complete a bare year or month: ``2017`` and ``2017-03`` mean their first day."""
    return f"{text}-01-01" if len(text) == 4 else f"{text}-01"


@lru_cache(maxsize=64)
def _transitions(zone: str, first_year: int, last_year: int) -> tuple[IntArray, IntArray]:
    """Return when the zone's offset changes (UTC ns) and the offset (ns) from then on."""
    where = ZoneInfo(zone)
    day = datetime(first_year, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 1, 1, 1, tzinfo=UTC)
    offset = _offset_at(where, day)
    starts, offsets = [as_ns(day)], [offset]
    while day < end:
        later = day + timedelta(days=1)
        if _offset_at(where, later) != offset:
            change = _bisect(where, day, later)
            offset = _offset_at(where, later)
            starts.append(as_ns(change))
            offsets.append(offset)
        day = later
    return np.array(starts, np.int64), np.array(offsets, np.int64)


def _offset_at(where: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(where).utcoffset() or timedelta(0)
    return int(offset / timedelta(microseconds=1)) * 1_000


def _bisect(where: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """Return the first minute of the new offset between two moments that differ."""
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        middle = middle.replace(second=0, microsecond=0)
        if _offset_at(where, middle) == _offset_at(where, before):
            before = middle
        else:
            after = middle
    return after


def utc_offset(time_ns: IntArray, zone: str) -> IntArray:
    """Return each moment's offset from UTC in the zone, in nanoseconds (local = UTC + offset)."""
    if not len(time_ns):
        return np.zeros(0, np.int64)
    low, high = int(time_ns.min()), int(time_ns.max())
    first = (_EPOCH + timedelta(microseconds=low // 1_000 - 86_400_000_000)).year
    last = (_EPOCH + timedelta(microseconds=high // 1_000 + 86_400_000_000)).year
    starts, offsets = _transitions(zone, first, last)
    start, stop = np.searchsorted(starts, [low, high], side="right") - 1
    if start == stop:  # the clock is not set meanwhile
        return np.full(len(time_ns), offsets[start])
    return offsets[np.searchsorted(starts, time_ns, side="right") - 1]


def server_offset(time_ns: IntArray, server_clock: str) -> IntArray:
    """Return each moment's offset from UTC on a broker's server clock, in nanoseconds.

    A server clock is a zone (``"Europe/Athens"``, ``"UTC"``) or a zone plus hours: the common
    ``"America/New_York+7"`` keeps midnight at 17:00 New York all year.
    """
    zone, hours = _zone_and_hours(server_clock)
    return utc_offset(time_ns, zone) + int(hours * HOUR_NS)


@lru_cache(maxsize=64)
def _zone_and_hours(server_clock: str) -> tuple[str, float]:
    """Split ``zone+hours``; a zone whose own name ends in hours (``Etc/GMT-2``) is that zone."""
    for mark, sign in (("+", 1.0), ("-", -1.0)):
        zone, _, hours = server_clock.rpartition(mark)
        if zone and hours.replace(".", "", 1).isdigit() and not _is_zone(server_clock):
            return zone, sign * float(hours)
    return server_clock, 0.0


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True
