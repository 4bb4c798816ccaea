"""MetaTrader 4's History Center CSV and its cousins: no header, a time, four prices, a volume."""

from __future__ import annotations

from typing import Final

from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.readers.stamps import stamp_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "MetaTrader 4 CSV"

_PRICES: Final = ("open", "high", "low", "close")


def sniff(first: bytes) -> int:
    """Return how sure it is that these are bars without a header, 0 to 100."""
    found = sheet(first)
    return 80 if found and not found.header and not found.skip and _names(found) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars."""
    found = sheet_of(source)
    names = _names(found)
    frame = table(source, lay_out(source, found, names=names, request=request))
    note = f"no header: the columns are taken as {', '.join(names)}"
    return as_bars(frame, source, request, reader=NAME, side="bid", notes=(note,))


def _names(found: Sheet) -> tuple[str, ...]:
    """Return the columns when times and prices are where they should be, else none."""
    for names in (("date", "time", *_PRICES, "volume"), ("time", *_PRICES, "volume")):
        start = len(names) - 5
        if found.width == len(names) and _are_times(found, start) and _are_prices(found, start):
            return names
    return ()


def _are_times(found: Sheet, fields: int) -> bool:
    stamp = stamp_of(" ".join(part.strip() for part in row[:fields]) for row in found.rows[:50])
    return stamp is not None and not stamp.epoch and len(stamp.formats) == 1


def _are_prices(found: Sheet, start: int) -> bool:
    """Return whether the second price is always the highest and the third the lowest."""
    try:
        rows = [[float(field.replace(",", ".")) for field in row[start : start + 4]] for row in found.rows]
    except ValueError:
        return False
    return all(high >= max(first, last) and low <= min(first, last) for first, high, low, last in rows)
