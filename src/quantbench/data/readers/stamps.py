"""Times as text: which format they have, and a whole column of them as naive nanoseconds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeVar, cast

from quantbench.core.errors import DataError
from quantbench.data.parquet import UNREADABLE, pl

__all__ = ["Stamp", "as_moment", "as_time", "in_nanoseconds", "stamp_of"]

Column = TypeVar("Column", pl.Series, pl.Expr)

_DATES: Final = (
    (r"\d{4}-\d{1,2}-\d{1,2}", ("%Y-%m-%d",)),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", ("%Y.%m.%d",)),
    (r"\d{4}/\d{1,2}/\d{1,2}", ("%Y/%m/%d",)),
    (r"\d{8}", ("%Y%m%d",)),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", ("%d.%m.%Y",)),
    (r"\d{1,2}/\d{1,2}/\d{4}", ("%d/%m/%Y", "%m/%d/%Y")),
    (r"\d{1,2}-\d{1,2}-\d{4}", ("%d-%m-%Y", "%m-%d-%Y")),
)
_TIMES: Final = (
    (r"\d{1,2}:\d{2}", "%H:%M"),
    (r"\d{1,2}:\d{2}:\d{2}", "%H:%M:%S"),
    (r"\d{1,2}:\d{2}:\d{2}\.\d{1,9}", "%H:%M:%S%.f"),
    (r"\d{1,2}:\d{2} [AP]M", "%I:%M %p"),
    (r"\d{1,2}:\d{2}:\d{2} [AP]M", "%I:%M:%S %p"),
    (r"\d{2}-[AP]M", "%I-%p"),
    (r"\d{6}", "%H%M%S"),
    (r"\d{9}", "%H%M%S%3f"),
    (r"\d{4}", "%H%M"),
)
_ZONES: Final = (
    (r"", "", False),
    (r"Z", "Z", True),
    (r" ?(?:UTC|GMT)", "", True),
    (r" ?(?:UTC|GMT)?[+-]\d{2}:?\d{2}", "%z", True),
)
_EPOCHS: Final = ((9, 10, "s"), (12, 13, "ms"), (15, 16, "us"), (18, 19, "ns"))
_EARLIEST, _LATEST = 1900, 2200


@dataclass(frozen=True)
class Stamp:
    """How a file writes its times.

    Parameters
    ----------
    formats : tuple of str
        strftime formats that fit what was seen; more than one where day and month may be swapped.
    epoch : str
        Unit of a count since 1970, empty for text.
    utc : bool
        Whether each time says its offset from UTC.
    whole_days : bool
        Whether there is no time of day.
    fine : bool
        Whether fractions go below a microsecond.
    """

    formats: tuple[str, ...] = ()
    epoch: str = ""
    utc: bool = False
    whole_days: bool = False
    fine: bool = False


def stamp_of(samples: Iterable[str]) -> Stamp | None:
    """Return how these times are written, None when they are no times.

    Examples
    --------
    >>> stamp_of(["2017.01.02 07:00:00"]).formats
    ('%Y.%m.%d %H:%M:%S',)
    >>> stamp_of(["1/4/1999"]).formats
    ('%d/%m/%Y', '%m/%d/%Y')
    >>> stamp_of(["1483315200"]).epoch
    's'
    """
    found = {_stamp(text.strip()) for text in samples}
    if len(found) > 1:  # a fraction of zero is often left away
        found = {stamp for stamp in found if stamp and any("%.f" in one for one in stamp.formats)}
    if len({stamp.formats for stamp in found if stamp}) > 1:
        return None
    return max(found, key=lambda stamp: bool(stamp and stamp.fine), default=None)


def _stamp(text: str) -> Stamp | None:
    if re.fullmatch(r"\d{9,19}", text):
        unit = next((unit for low, high, unit in _EPOCHS if low <= len(text) <= high), None)
        return Stamp(epoch=unit) if unit else None
    for zone, zone_format, utc in _ZONES:
        for date, dates in _DATES:
            if not zone and re.fullmatch(date, text):
                return Stamp(dates, whole_days=True)
            for time, time_format in _TIMES:
                if match := re.fullmatch(f"{date}([ T]){time}{zone}", text):
                    prefix = re.search(r"( ?(?:UTC|GMT)?)(?:[+-]\d{2}:?\d{2})?$", text) if utc else None
                    tail = (prefix[1] if prefix and zone_format != "Z" else "") + zone_format
                    fine = bool(re.search(r"\.\d{7,9}(?!\d)", text))
                    formats = tuple(f"{day}{match[1]}{time_format}{tail}" for day in dates)
                    return Stamp(formats, utc=utc, fine=fine)
    return None


def as_time(column: pl.Series, stamp: Stamp, format_: str) -> pl.Series:
    """Return a column of text as naive nanoseconds; on UTC where every time says its offset.

    Raises
    ------
    DataError
        For one that is not written so, and for a year before 1900 or after 2200.
    """
    try:
        in_range = in_nanoseconds(as_moment(column, stamp, format_))
        return _parsed(column, format_, "ns") if stamp.fine else in_range
    except UNREADABLE as fault:
        raise DataError(f"a time is not written like {format_ or 'a count since 1970'}") from fault


def as_moment(column: Column, stamp: Stamp, format_: str) -> Column:
    """Return text as naive times of any year, to the microsecond; polars raises where it is not written so."""
    if stamp.epoch:
        return _since_1970(column.cast(pl.Int64, strict=True), stamp.epoch)
    if format_.endswith("%I-%p"):  # polars asks for minutes
        column, format_ = column.str.replace("-([AP]M)$", ":00 ${1}"), format_.replace("%I-%p", "%I:%M %p")
    if stamp.whole_days:
        return column.str.to_date(format_, strict=True, cache=False).cast(pl.Datetime("us"))
    return _parsed(column, format_, "us")


def in_nanoseconds(times: pl.Series) -> pl.Series:
    """Return naive times in nanoseconds.

    Raises
    ------
    DataError
        For a year before 1900 or after 2200.
    """
    for moment in (times.min(), times.max()):
        if isinstance(moment, datetime) and not _EARLIEST <= moment.year <= _LATEST:
            raise DataError(f"there is a time in the year {moment.year}, which no history has")
    return times.cast(pl.Datetime("ns"))


def _parsed(column: Column, format_: str, unit: Literal["us", "ns"]) -> Column:
    times = column.str.to_datetime(format_, time_unit=unit, strict=True, cache=False)
    return times.dt.replace_time_zone(None)


def _since_1970(counts: Column, unit: str) -> Column:
    if unit == "s":
        return (counts * 1_000_000).cast(pl.Datetime("us"))
    return counts.cast(pl.Datetime(cast("Literal['ms', 'us', 'ns']", unit)))
