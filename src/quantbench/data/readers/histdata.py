"""HistData.com "Generic ASCII" bars and ticks: no header, times without separators."""

from __future__ import annotations

from typing import Final

from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks, without_idle
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.readers.stamps import stamp_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "HistData ASCII"

_BARS: Final = ("time", "open", "high", "low", "close", "volume")
_TICKS: Final = ("time", "bid", "ask", "")
_CLOCK: Final = "HistData says EST without DST; files have been seen on New York time with DST: detected, not assumed"


def sniff(first: bytes) -> int:
    """Return how sure it is that this is a file of HistData.com, 0 to 100."""
    found = sheet(first)
    return 90 if found and not found.header and not found.skip and _names(found) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars or ticks."""
    found = sheet_of(source)
    names = _names(found)
    frame = table(source, lay_out(source, found, names=names, request=request))
    if names == _TICKS:
        return as_ticks(frame, source, request, reader=f"{NAME} ticks", notes=(_CLOCK,))
    frame, notes = without_idle(frame)
    return as_bars(frame, source, request, reader=f"{NAME} bars", side="bid", notes=(*notes, _CLOCK))


def _names(found: Sheet) -> tuple[str, ...]:
    stamp = stamp_of(found.column(0)[:50])
    formats = stamp.formats if stamp else ()
    if formats == ("%Y%m%d %H%M%S",) and found.width == 6 and found.separator == ";":
        return _BARS
    if formats == ("%Y%m%d %H%M%S%3f",) and found.width == 4 and found.separator == ",":
        return _TICKS
    return ()
