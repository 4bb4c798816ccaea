"""MetaTrader 5 "Export Bars" (Ctrl+U > Bars > Export): tab-separated, server time, bid prices."""

from __future__ import annotations

from typing import Final

from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, without_idle
from quantbench.data.readers.sheet import sheet, sheet_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "MetaTrader 5 bars"

_NAMES: Final = {
    **{name: name for name in ("date", "time", "open", "high", "low", "close", "spread")},
    "datetime": "time",
    "tickvol": "volume",
}


def sniff(first: bytes) -> int:
    """Return how sure it is that these are bars exported by MetaTrader 5, 0 to 100."""
    found = sheet(first)
    return 95 if found and {"<OPEN>", "<HIGH>", "<LOW>", "<CLOSE>"} <= set(found.header) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars; the tick count is the volume, the exchange's volume is left out."""
    found = sheet_of(source)
    names = [_NAMES.get(name, "") for name in found.names]
    frame, notes = without_idle(table(source, lay_out(source, found, names=names, request=request)))
    if "vol" in found.names:
        notes = (*notes, "volume is the tick count; the exchange's volume (VOL) is left out")
    return as_bars(frame, source, request, reader=NAME, side="bid", spread_of="minimum", notes=notes)
