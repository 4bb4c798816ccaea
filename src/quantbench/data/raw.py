"""Raw: what one file held, in one shape, before any check and on the clock of its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl

__all__ = ["BAR_COLUMNS", "TICK_COLUMNS", "Raw"]

Kind = Literal["bars", "ticks"]
Side = Literal["bid", "ask", "last"]

_PRICES: Final = ("open", "high", "low", "close")

BAR_COLUMNS: Final = ("time", *_PRICES, "volume", "spread", "spread_price")
"""Columns of bars in order; the last three are left out where the source has none."""

TICK_COLUMNS: Final = ("time", "bid", "ask", "bid_volume", "ask_volume", "volume")
"""Columns of ticks in order; the last three are left out where the source has none."""

_NEEDED: Final = {"bars": ("time", *_PRICES), "ticks": ("time", "bid", "ask")}
_ALLOWED: Final = {"bars": BAR_COLUMNS, "ticks": TICK_COLUMNS}


@dataclass(frozen=True, kw_only=True, eq=False)
class Raw:
    """What one file held: columns named and typed, values as found, nothing repaired.

    Parameters
    ----------
    kind : {"bars", "ticks"}
        What the rows are.
    symbol, timeframe : str or None
        As found in the file or its name, else None; ``timeframe`` is a MetaTrader name, None for ticks
        and for bars of any other length.
    frame : polars.DataFrame
        ``time`` is naive ``Datetime("ns")``, the bar's **open** on the **source's** clock; every other
        column is Float64 and without nulls, except that a bid or ask not yet quoted is null.
        Rows stand in the order of the file, duplicates and all.

        Bars: ``open, high, low, close`` in quote currency; optional ``volume``; optional spread, as
        ``spread`` in points or ``spread_price`` in quote currency, never both.
        Ticks: ``bid, ask``; optional ``bid_volume, ask_volume`` or ``volume``.
    reader : str
        Name of the format.
    notes : tuple of str
        Plain sentences: what was inferred, scaled or left out.
    clock : str or None
        The clock ``time`` is on, as `core.clock.server_offset` names it, when the format fixes it
        (``"UTC"``); None when it must be declared or detected.
    side : {"bid", "ask", "last"} or None
        Which prices the bars are; None when the format does not say. None for ticks.
    spread_of : {"open", "minimum"} or None
        What the bars' spread is: that at the bar's open, or the smallest within the bar
        (MetaTrader 5). None when there is none, or the source does not say.

    Raises
    ------
    DataError
        When a reader gave another shape: a defect of the reader, never of the file.

    Examples
    --------
    >>> from datetime import datetime
    >>> frame = pl.DataFrame({"time": [datetime(2017, 1, 2)], "bid": [1.05], "ask": [1.06]})
    >>> raw = Raw(kind="ticks", symbol="EURUSD", timeframe=None, reader="example",
    ...           frame=frame.cast({"time": pl.Datetime("ns")}))
    >>> len(raw)
    1
    """

    kind: Kind
    symbol: str | None
    timeframe: str | None
    frame: pl.DataFrame
    reader: str
    notes: tuple[str, ...] = ()
    clock: str | None = None
    side: Side | None = None
    spread_of: Literal["open", "minimum"] | None = None

    def __post_init__(self) -> None:
        """Refuse a frame of another shape."""
        names = tuple(self.frame.columns)
        missing = [name for name in _NEEDED[self.kind] if name not in names]
        unknown = [name for name in names if name not in _ALLOWED[self.kind]]
        if missing or unknown or {"spread", "spread_price"} <= set(names):
            raise DataError(f"{self.reader}: raw {self.kind} cannot have the columns {', '.join(names)}")
        for name, dtype in self.frame.schema.items():
            wanted = pl.Datetime("ns") if name == "time" else pl.Float64()
            if dtype != wanted:
                raise DataError(f"{self.reader}: raw column {name} must be {wanted}, found {dtype}")

    def __len__(self) -> int:
        return self.frame.height

    def __repr__(self) -> str:
        """Return one line: what it is and from when to when."""
        what = " ".join(text for text in (self.symbol, self.timeframe, self.kind) if text)
        if not len(self):
            return f"Raw({what}, empty, {self.reader})"
        first, last = (f"{self.frame['time'][row]:%Y-%m-%d %H:%M}" for row in (0, -1))
        return f"Raw({what}, {len(self):,} rows, {first} to {last} {self.clock or 'source clock'}, {self.reader})"
