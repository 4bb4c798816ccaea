"""MetaTrader 4 history files (.hst), versions 400 and 401: little-endian records, server time."""

from __future__ import annotations

from typing import Final

import numpy as np

from quantbench.core.errors import DataError
from quantbench.core.timeframe import TIMEFRAMES
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, without_idle
from quantbench.data.unpacking import Source, whole

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "MetaTrader 4 history"

_HEADER: Final = 148
_RECORDS: Final[dict[int, np.dtype[np.void]]] = {
    400: np.dtype(
        [("time", "<i4"), ("open", "<f8"), ("low", "<f8"), ("high", "<f8"), ("close", "<f8"), ("volume", "<f8")]
    ),
    401: np.dtype(
        [
            ("time", "<i8"),
            ("open", "<f8"),
            ("high", "<f8"),
            ("low", "<f8"),
            ("close", "<f8"),
            ("volume", "<i8"),
            ("spread", "<i4"),
            ("real_volume", "<i8"),
        ]
    ),
}
_LATEST: Final = 7_258_118_400  # the year 2200


def sniff(first: bytes) -> int:
    """Return how sure it is that this is an .hst file, 0 to 100."""
    if len(first) < _HEADER or _int(first, 0) not in _RECORDS:
        return 0
    period, digits = _int(first, 80), _int(first, 84)
    return 95 if _text(first[68:80]).isprintable() and 0 < period <= 43_200 and 0 <= digits <= 10 else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars; a last record that is cut short is left out."""
    data = whole(source)
    record = _RECORDS[_int(data, 0)]
    many, rest = divmod(len(data) - _HEADER, record.itemsize)
    rows = np.frombuffer(data, record, count=many, offset=_HEADER)
    seconds = rows["time"].astype(np.int64)
    if many and not 0 < int(seconds.min()) <= int(seconds.max()) < _LATEST:
        raise DataError(f"{source.name} has bar times that are none; the file is damaged")
    names = [name for name in ("open", "high", "low", "close", "volume", "spread") if name in (record.names or ())]
    columns = {name: rows[name].astype(np.float64) for name in names}
    time = pl.Series("time", seconds * 1_000_000_000).cast(pl.Datetime("ns"))
    frame, notes = without_idle(pl.DataFrame([time, *(pl.Series(name, values) for name, values in columns.items())]))
    if rest:
        notes = (*notes, f"the last {rest} bytes are a record cut short: left out")
    period = next((name for name, length in TIMEFRAMES.items() if length == _int(data, 80) * 60 * 10**9), None)
    raw = as_bars(
        frame,
        source,
        request,
        reader=f"{NAME} v{_int(data, 0)}",
        symbol=_text(data[68:80]),
        side="bid",
        spread_of="minimum",
        notes=notes,
        text=False,
    )
    if period != raw.timeframe and many > 2:
        raise DataError(f"{source.name} says it has {period} bars, its rows are {raw.timeframe}; the file is damaged")
    return raw


def _int(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little", signed=True)


def _text(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("latin-1")
