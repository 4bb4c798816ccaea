"""Dukascopy's JForex CSV: ``DD.MM.YYYY HH:MM:SS.mmm``, one side of bars a file, or ticks with the ask first."""

from __future__ import annotations

from typing import Final

from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out, moments
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.readers.stamps import stamp_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "JForex CSV"

_BARS: Final = ("time", "open", "high", "low", "close", "volume")
_TICKS: Final = {
    "ask": "ask",
    "bid": "bid",
    "askvolume": "ask_volume",
    "bidvolume": "bid_volume",
    "ask volume": "ask_volume",
    "bid volume": "bid_volume",
}
_UTC_HEADERS: Final = ("gmt time", "time (utc)", "time (gmt)", "utc time")


def sniff(first: bytes) -> int:
    """Return how sure it is that JForex wrote it, 0 to 100."""
    found = sheet(first)
    if found is None or not found.header or not found.names[0].endswith(("time", ")")):
        return 0
    if not (found.names[1:] == _BARS[1:] or set(found.names[1:]) <= set(_TICKS)):
        return 0
    stamp = stamp_of(moments(found, ["time"])[:50])
    return 85 if stamp and stamp.formats[0].startswith("%d.%m.%Y ") else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars or ticks, in UTC where the file says each time's offset."""
    found = sheet_of(source)
    ticks = "ask" in found.names
    names = ["time", *(_TICKS[name] for name in found.names[1:])] if ticks else list(_BARS)
    layout = lay_out(source, found, names=names, request=request)
    clock, notes = _clock(found, utc=layout.stamp.utc)
    frame = table(source, layout)
    if ticks:
        return as_ticks(frame, source, request, reader=f"{NAME} ticks", clock=clock, notes=notes)
    return as_bars(frame, source, request, reader=f"{NAME} bars", clock=clock, notes=notes)


def _clock(found: Sheet, *, utc: bool) -> tuple[str | None, tuple[str, ...]]:
    if utc:
        return "UTC", ("each time says its offset from UTC: converted",)
    return ("UTC", ()) if found.names[0] in _UTC_HEADERS else (None, ())
