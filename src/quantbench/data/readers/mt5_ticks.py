"""MetaTrader 5 "Export Ticks": a field that did not change is left empty."""

from __future__ import annotations

from typing import Final

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_ticks
from quantbench.data.readers.sheet import sheet, sheet_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "MetaTrader 5 ticks"


def sniff(first: bytes) -> int:
    """Return how sure it is that these are ticks exported by MetaTrader 5, 0 to 100."""
    found = sheet(first)
    return 95 if found and {"<BID>", "<ASK>", "<FLAGS>"} <= set(found.header) else 0


def read(source: Source, request: Request) -> Raw:
    """Return bid and ask, each carried on until it changes; what comes before the first of both is left out."""
    found = sheet_of(source)
    names = [name if name in {"date", "time", "bid", "ask"} else "" for name in found.names]
    layout = lay_out(source, found, names=names, request=request, blank=frozenset(("bid", "ask")))
    frame = table(source, layout).with_columns(pl.col("bid", "ask").forward_fill())
    if not frame.height or frame["bid"].null_count() == frame.height or frame["ask"].null_count() == frame.height:
        raise DataError(f"{source.name} has no bid and ask, only last trades; ticks need both")
    quoted = frame.drop_nulls()
    notes = ["an empty bid or ask is the one before; LAST, VOLUME and FLAGS are left out"]
    if early := frame.height - quoted.height:
        notes.append(f"{early} ticks before the first bid and ask are left out")
    return as_ticks(quoted, source, request, reader=NAME, notes=tuple(notes))
