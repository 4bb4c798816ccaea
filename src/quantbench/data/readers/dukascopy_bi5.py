"""Dukascopy's .bi5: LZMA streams of big-endian ticks (20 bytes) or candles (24 bytes), in UTC."""

from __future__ import annotations

import lzma
import re
from datetime import datetime
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.names import price_digits
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks
from quantbench.data.unpacking import Source, whole

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "Dukascopy bi5"

_TICK: Final = np.dtype([("time", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_volume", ">f4"), ("bid_volume", ">f4")])
_CANDLE: Final = np.dtype(
    [("time", ">u4"), ("open", ">u4"), ("close", ">u4"), ("low", ">u4"), ("high", ">u4"), ("volume", ">f4")]
)
_PATH: Final = re.compile(
    r"(?:(?P<symbol>[A-Z0-9.]+)/)?(?P<year>\d{4})/(?:(?P<month>\d{2})/)?(?:(?P<day>\d{2})/)?"
    r"(?:(?P<hour>\d{2})h_ticks|(?P<side>BID|ASK)_candles_(?P<span>min|hour|day)_1)\.bi5$"
)
_MOST: Final = 1 << 27
"""Bytes a stream may unpack to: a year of seconds is far less."""


def sniff(first: bytes) -> int:
    """Return how sure it is that this is an LZMA stream as Dukascopy makes them, 0 to 100."""
    return 90 if first[:3] == b"\x5d\x00\x00" and len(first) > 13 else 0


def read(source: Source, request: Request) -> Raw:
    """Return the ticks or candles; the hour, day, month or year they count from is in the path or `start`.

    The month in the path counts from 0, as on Dukascopy's server.

    Raises
    ------
    DataError
        When the stream is damaged, or neither path nor request says when it starts or its digits.
    """
    data = _unpacked(source)
    place = _PATH.search(source.path.as_posix())
    symbol = request.symbol or (place["symbol"] if place else None)
    digits, scaled = _digits(source, symbol, request)
    start = _start(source, place, request)
    ticks = _is_ticks(data, place)
    record = _TICK if ticks else _CANDLE
    if len(data) % record.itemsize:
        raise DataError(f"{source.name} does not hold whole records of {record.itemsize} bytes; download it again")
    rows = np.frombuffer(data, record)
    frame = _frame(rows, digits, start, unit=10**6 if ticks else 10**9)
    _refuse_impossible(source, frame, start, ticks=ticks)
    notes = (scaled, f"times count from {start:%Y-%m-%d %H:%M} UTC")
    if ticks:
        return as_ticks(
            frame, source, request, reader=f"{NAME} ticks", symbol=symbol, clock="UTC", notes=notes, text=False
        )
    side = _side(place)
    return as_bars(
        frame, source, request, reader=f"{NAME} candles", symbol=symbol, clock="UTC", side=side, notes=notes, text=False
    )


def _unpacked(source: Source) -> bytes:
    packed = whole(source, _MOST)
    unpacker = lzma.LZMADecompressor(format=lzma.FORMAT_ALONE, memlimit=1 << 28)
    try:
        data = unpacker.decompress(packed, max_length=_MOST)
    except lzma.LZMAError as fault:
        raise DataError(f"{source.name} is a damaged LZMA stream ({fault}); download it again") from fault
    if not unpacker.eof and (len(data) >= _MOST or not _is_finished(packed, data)):
        raise DataError(f"{source.name} is cut short or unpacks to more than {_MOST >> 20} MB; download it again")
    return data


def _is_finished(packed: bytes, data: bytes) -> bool:
    """Return whether the stream gave all the bytes its header announces."""
    announced = int.from_bytes(packed[5:13], "little")
    return announced != (1 << 64) - 1 and announced == len(data)


def _digits(source: Source, symbol: str | None, request: Request) -> tuple[int, str]:
    """Return the power of ten that prices are stored in, and a note on where it is from."""
    if request.digits is not None:
        return request.digits, f"prices are divided by {10**request.digits}, as given"
    known = price_digits(symbol)
    if known is None:
        raise DataError(
            f"{source.name} stores whole numbers and Dukascopy's digits of {symbol or 'its symbol'} are not known: "
            "say them with digits= (5 for most pairs, 3 for JPY pairs, metals and most CFDs, 1 for BTCUSD)"
        )
    digits = 3 if symbol and symbol[:3] in {"XAU", "XAG"} else known
    return digits, f"prices are divided by {10**digits}, as usual for {symbol}"


def _start(source: Source, place: re.Match[str] | None, request: Request) -> datetime:
    if request.start is not None:
        return request.start
    if place is None:
        raise DataError(
            f"{source.path.name} counts from a start that only its path says (SYMBOL/YYYY/MM/DD/HHh_ticks.bi5, "
            "months from 00): keep the path, or give start="
        )
    try:
        return datetime(  # noqa: DTZ001  (naive UTC, as everywhere in Raw)
            int(place["year"]), int(place["month"] or 0) + 1, int(place["day"] or 1), int(place["hour"] or 0)
        )
    except ValueError as fault:
        raise DataError(f"{source.path} is no date ({fault}); months count from 00 to 11") from fault


def _is_ticks(data: bytes, place: re.Match[str] | None) -> bool:
    """Return whether the records are ticks: by length, by the order of their prices, last by name."""
    fits = {"ticks": len(data) % _TICK.itemsize == 0, "candles": len(data) % _CANDLE.itemsize == 0}
    if fits["ticks"] and fits["candles"]:
        rows = np.frombuffer(data, _CANDLE)
        return not bool(np.all((rows["high"] >= rows["low"]) & (rows["high"] >= rows["open"])))
    if fits["ticks"] or fits["candles"]:
        return fits["ticks"]
    return place is None or place["hour"] is not None


def _side(place: re.Match[str] | None) -> Literal["bid", "ask"] | None:
    if place is None or place["side"] is None:
        return None
    return "bid" if place["side"] == "BID" else "ask"


def _frame(rows: npt.NDArray[np.void], digits: int, start: datetime, *, unit: int) -> pl.DataFrame:
    time = as_ns(start) + rows["time"].astype(np.int64) * unit
    names = [name for name in (rows.dtype.names or ()) if name != "time"]
    columns = {name: rows[name].astype(np.float64) / (1.0 if "volume" in name else float(10**digits)) for name in names}
    return pl.DataFrame({"time": pl.Series(time).cast(pl.Datetime("ns")), **columns})


def _refuse_impossible(source: Source, frame: pl.DataFrame, start: datetime, *, ticks: bool) -> None:
    """Refuse times and prices that only another record length, or damage, can give."""
    prices = frame.select(pl.exclude("time", "^.*volume$"))
    span = 3_600 * 10**9 if ticks else 366 * 86_400 * 10**9
    times = frame["time"].cast(pl.Int64) - as_ns(start)
    volumes = frame.select(pl.col("^.*volume$"))
    wrong = frame.height and (
        times.max() >= span  # type: ignore[operator]
        or not times.is_sorted()
        or not all((column > 0).all() for column in prices.iter_columns())
        or not all((column.is_finite() & (column >= 0)).all() for column in volumes.iter_columns())
    )
    if wrong:
        raise DataError(f"{source.name} has times or prices that cannot be; it is damaged: download it again")
