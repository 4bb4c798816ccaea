"""Any other CSV or TSV with a header, or with a mapping: Yahoo, CryptoDataDownload, FXCM, your own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "columns_by_name", "one_symbol", "read", "sniff", "with_spread"]

NAME: Final = "CSV with a header"

_PRICES: Final = ("open", "high", "low", "close")
_ASKS: Final = tuple(f"ask_{name}" for name in _PRICES)
_FIELDS: Final = (
    "symbol",
    "date",
    "time",
    *_PRICES,
    *_ASKS,
    "volume",
    "spread",
    "bid",
    "ask",
    "bid_volume",
    "ask_volume",
)
_SETTINGS: Final = ("time_format", "decimal", "separator")
_ALIASES: Final = {
    "symbol": ("symbol", "ticker", "<ticker>", "instrument", "pair"),
    "time": (
        *("time", "datetime", "timestamp", "date_time", "date time", "date/time", "gmt time", "time (utc)", "utc time"),
        *("local time", "open time", "open_time", "time_utc", "unix"),
    ),
    "date": ("date", "day", "dtyyyymmdd"),
    **{name: (name, name[0], f"bid_{name}", f"bid{name}", f"bid {name}", f"{name}bid") for name in _PRICES},
    **{f"ask_{name}": (f"ask_{name}", f"ask{name}", f"ask {name}", f"{name}ask") for name in _PRICES},
    "volume": ("volume", "tick_volume", "tickvol", "tickvolume", "tick volume", "vol", "volumefrom", "v"),
    "spread": ("spread",),
    "bid": ("bid", "bid price", "bid_price"),
    "ask": ("ask", "ask price", "ask_price"),
    "bid_volume": ("bidvolume", "bid_volume", "bid volume", "bid_size", "bidsize"),
    "ask_volume": ("askvolume", "ask_volume", "ask volume", "ask_size", "asksize"),
}
_UTC_NAMES: Final = ("gmt time", "time (utc)", "utc time", "time_utc")


def sniff(first: bytes) -> int:
    """Return how sure it is that this is a table with known column names, 0 to 100; the last resort."""
    found = sheet(first)
    return 30 if found and found.header and _kind(columns_by_name(found.names)) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars or ticks by the names of the columns, or by the mapping given.

    Raises
    ------
    DataError
        When no names or mapping say which column is which.
    """
    found = sheet_of(source)
    by_name = _mapped(source, found, request.mapping) if _is_mapped(request) else columns_by_name(found.names)
    kind = _kind(by_name)
    if not kind:
        seen = ", ".join(found.header or found.rows[0])
        raise DataError(
            f"{source.name}: its columns ({seen}) do not say which are time, open, high, low and close, or time, "
            "bid and ask; say so with mapping={'time': 'column', 'open': 'column', ...}"
        )
    names = [by_name.get(position, "") for position in range(found.width)]
    layout = lay_out(source, found, names=names, request=request)
    frame, symbol = one_symbol(source, table(source, layout), request.symbol)
    frame = with_spread(frame)
    clock = "UTC" if layout.stamp.utc or set(found.names) & set(_UTC_NAMES) else None
    notes = (f"columns: {_shown(found, by_name)}", *_left_out(found, by_name))
    if kind == "ticks":
        return as_ticks(frame, source, request, reader=NAME, symbol=symbol, clock=clock, notes=notes)
    both: dict[str, Any] = {"side": "bid", "spread_of": "open"} if "ask_open" in names else {}
    return as_bars(frame, source, request, reader=NAME, symbol=symbol, clock=clock, notes=notes, **both)


def columns_by_name(names: tuple[str, ...]) -> dict[int, str]:
    """Return our name of each column whose own name is known, by position; each of ours at most once.

    Examples
    --------
    >>> columns_by_name(("date", "open", "high", "low", "close", "adj close", "volume"))
    {0: 'date', 1: 'open', 2: 'high', 3: 'low', 4: 'close', 6: 'volume'}
    """
    lowered = [name.lower() for name in names]
    found: dict[int, str] = {}
    for ours, aliases in _ALIASES.items():
        position = next((lowered.index(alias) for alias in aliases if alias in lowered), None)
        if position is not None and position not in found:
            found[position] = ours
    if "date" in found.values() and "time" in found.values() and "timestamp" in lowered:
        found = {position: ours for position, ours in found.items() if ours != "date"}
    return dict(sorted(found.items()))


def one_symbol(source: Source, frame: pl.DataFrame, wanted: str | None) -> tuple[pl.DataFrame, str | None]:
    """Return the rows of one symbol, and the symbol, of a table with a column ``symbol``.

    Raises
    ------
    DataError
        When it holds several and none of them is wanted.
    """
    if "symbol" not in frame.columns:
        return frame, wanted
    column = frame["symbol"].cast(pl.String)
    there = sorted(name for name in column.unique().to_list() if name)
    rows = frame.drop("symbol")
    if len(there) == 1 and wanted in {None, there[0]} and not column.null_count():
        return rows, there[0]
    if wanted not in there:
        found = f"{wanted} is not among them" if wanted else "one import takes one"
        shown = ", ".join(there[:20])
        raise DataError(f"{source.name} holds the symbols {shown}; {found}: say which with symbol=")
    return rows.filter(column == wanted), wanted


def with_spread(frame: pl.DataFrame) -> pl.DataFrame:
    """Return bars of both sides as bid bars with the spread at the open, in price units."""
    if "ask_open" not in frame.columns:
        return frame
    kept = [name for name in frame.columns if name not in {*_ASKS, "spread"}]
    return frame.with_columns(spread_price=pl.col("ask_open") - pl.col("open")).select(*kept, "spread_price")


def _kind(by_name: Mapping[int, str]) -> str:
    names = set(by_name.values())
    if not names & {"time", "date"}:
        return ""
    if set(_PRICES) <= names:
        return "bars"
    return "ticks" if {"bid", "ask"} <= names else ""


def _is_mapped(request: Request) -> bool:
    return any(name not in _SETTINGS for name in request.mapping)


def _mapped(source: Source, found: Sheet, mapping: Mapping[str, str | int]) -> dict[int, str]:
    """Return our name of each column by the mapping given."""
    by_name: dict[int, str] = {}
    for ours, theirs in mapping.items():
        if ours in _SETTINGS:
            continue
        if ours not in _FIELDS:
            raise DataError(f"mapping has {ours!r}; it can have {', '.join((*_FIELDS, *_SETTINGS))}")
        position = _position(found, theirs)
        if position is None:
            seen = ", ".join(found.header) or f"none, but {found.width} columns numbered from 0"
            raise DataError(f"{source.name} has no column {theirs!r}; there are: {seen}")
        by_name[position] = ours
    return by_name


def _position(found: Sheet, theirs: str | int) -> int | None:
    if isinstance(theirs, int):
        return theirs if 0 <= theirs < found.width else None
    if theirs in found.header:
        return found.header.index(theirs)
    return found.names.index(theirs.lower()) if theirs.lower() in found.names else None


def _shown(found: Sheet, by_name: Mapping[int, str]) -> str:
    header = found.header or [f"column {position}" for position in range(found.width)]
    return ", ".join(f"{ours} = {header[position]}" for position, ours in by_name.items())


def _left_out(found: Sheet, by_name: Mapping[int, str]) -> tuple[str, ...]:
    rest = [name for position, name in enumerate(found.header) if position not in by_name]
    return (f"left out: {', '.join(rest)}",) if rest else ()
