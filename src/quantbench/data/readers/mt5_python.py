"""What Python scripts save of MetaTrader 5's ``copy_rates_*`` and ``copy_ticks_*``: CSV, .npy and .npz."""

from __future__ import annotations

import io
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layouts import lay_out
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks, without_idle
from quantbench.data.readers.sheet import sheet, sheet_of
from quantbench.data.unpacking import Source, head, whole

__all__ = ["NAME", "rates_frame", "read", "sniff"]

NAME: Final = "MetaTrader 5 Python dump"

_MAGIC: Final = b"\x93NUMPY"
_BARS: Final = ("open", "high", "low", "close")
_NAMES: Final = {
    **{name: name for name in ("time", *_BARS, "spread")},
    "tick_volume": "volume",
}
_EPOCH_NOTE: Final = "times are Unix seconds of the SERVER's clock"


def sniff(first: bytes) -> int:
    """Return how sure it is that this is a dump of the Python API, 0 to 100."""
    if first.startswith(_MAGIC):
        return 95
    found = sheet(first)
    if found is None or "time" not in found.names:
        return 0
    if {*_BARS, "tick_volume", "spread", "real_volume"} <= set(found.names):
        return 90
    return 90 if {"bid", "ask", "time_msc", "flags"} <= set(found.names) else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars or ticks; pickled files are never opened."""
    first = head(source)
    if first.startswith(_MAGIC):
        return _from_array(source, request)
    found = sheet_of(source)
    if "bid" in found.names:
        wanted = {"time_msc": "time", "bid": "bid", "ask": "ask"}
        names = [wanted.get(name, "") for name in found.names]
        frame = table(source, lay_out(source, found, names=names, request=request))
        return as_ticks(frame, source, request, reader=NAME, notes=("times are time_msc of the SERVER's clock",))
    names = [_NAMES.get(name, "") for name in found.names]
    layout = lay_out(source, found, names=names, request=request)
    frame, notes = without_idle(table(source, layout))
    notes = (*notes, _EPOCH_NOTE) if layout.stamp.epoch else notes
    return as_bars(frame, source, request, reader=NAME, side="bid", spread_of="minimum", notes=notes)


def rates_frame(rates: npt.NDArray[Any], name: str) -> pl.DataFrame:
    """Return the structured array of ``copy_rates_*`` as columns of bars.

    Raises
    ------
    DataError
        When it is not such an array.
    """
    fields = rates.dtype.names or ()
    if rates.ndim != 1 or not {"time", *_BARS, "tick_volume"} <= set(fields):
        raise DataError(f"{name} is no array of rates: its fields are {', '.join(fields) or 'none'}")
    columns = {ours: rates[theirs].astype(np.float64) for theirs, ours in _NAMES.items() if theirs in fields}
    return pl.DataFrame({**columns, "time": _seconds(rates["time"], name)})


def _from_array(source: Source, request: Request) -> Raw:
    values = _array(source)
    fields = values.dtype.names or ()
    if {"bid", "ask", "time_msc"} <= set(fields):
        time = _seconds(values["time_msc"] // 1000, source.name) + pl.Series(values["time_msc"] % 1000).cast(
            pl.Duration("ms")
        )
        frame = pl.DataFrame(
            {"time": time.cast(pl.Datetime("ns")), **{n: values[n].astype(np.float64) for n in ("bid", "ask")}}
        )
        return as_ticks(frame, source, request, reader=NAME, notes=(_EPOCH_NOTE,), text=False)
    frame, notes = without_idle(rates_frame(values, source.name))
    return as_bars(
        frame, source, request, reader=NAME, side="bid", spread_of="minimum", notes=(*notes, _EPOCH_NOTE), text=False
    )


def _array(source: Source) -> npt.NDArray[Any]:
    """Return the array in a .npy file, its header read by NumPy, its size checked, nothing unpickled."""
    data = whole(source)
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
    except (ValueError, EOFError) as fault:
        raise DataError(f"{source.name} is no NumPy array file ({fault}); save it again with numpy.save") from fault
    rest = len(data) - stream.tell()
    if dtype.hasobject or fortran or len(shape) != 1 or rest != shape[0] * dtype.itemsize:
        raise DataError(f"{source.name} is cut short or no plain array of rates; save it again with numpy.save")
    return np.frombuffer(data, dtype, offset=stream.tell())


def _seconds(values: npt.NDArray[Any], name: str) -> pl.Series:
    """Return Unix seconds as times, refusing what is no second since 1970."""
    if values.dtype.kind not in "iu" or (len(values) and not 0 <= int(values.min()) <= int(values.max()) < 1 << 33):
        raise DataError(f"{name} has times that are no whole seconds since 1970")
    return pl.Series("time", values.astype(np.int64) * 1_000_000_000).cast(pl.Datetime("ns"))
