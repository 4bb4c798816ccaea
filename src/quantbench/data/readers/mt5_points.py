"""MetaTrader 5 bars saved in points, as ejtraderLabs does: ``Date,open,high,low,close,tick_volume``."""

from __future__ import annotations

from typing import Final

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.names import named, price_digits
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, in_prices
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "MetaTrader 5 bars in points"

_PRICES: Final = ("open", "high", "low", "close")
_HEADER: Final = ("date", *_PRICES, "tick_volume")
_NOISE: Final = 1e-6


def sniff(first: bytes) -> int:
    """Return how sure it is that these are bars in points, 0 to 100: every price is a whole number."""
    found = sheet(first)
    return 90 if found and found.names == _HEADER and _are_points(found) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars in prices.

    Raises
    ------
    DataError
        When the digits are neither given nor those of a currency pair or gold.
    """
    found = sheet_of(source)
    symbol = request.symbol or named(source).symbol
    digits = price_digits(symbol) if request.digits is None else request.digits
    if digits is None:
        raise DataError(
            f"{source.name} has prices in points and {symbol or 'its symbol'} is no currency pair: "
            "say how many digits its prices have with digits= (0 when they are prices as they stand)"
        )
    names = ["time", *_PRICES, "volume"]
    frame = table(source, lay_out(source, found, names=names, request=request))
    whole = pl.col(*_PRICES).round(0)
    if frame.select(((pl.col(*_PRICES) - whole).abs() > _NOISE).any()).row(0) != (False,) * 4:
        raise DataError(f"{source.name} begins with prices in points and goes on with others; split it")
    scaled = in_prices(frame.with_columns(whole), _PRICES, digits)
    how = "as given" if request.digits is not None else f"as usual for {symbol}"
    note = f"prices are points: divided by {10**digits} ({digits} digits, {how})"
    return as_bars(scaled, source, request, reader=NAME, side="bid", notes=(note,))


def _are_points(found: Sheet) -> bool:
    try:
        prices = [float(field) for row in found.rows for field in row[1:5]]
    except ValueError:
        return False
    return all(abs(price - round(price)) < _NOISE for price in prices)
