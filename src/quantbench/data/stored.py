"""Stored bars as they stand: for checking them, measuring their spread, and taking them elsewhere."""

from __future__ import annotations

from pathlib import Path

from quantbench.config import writable
from quantbench.core.bars import Bars
from quantbench.core.errors import DataError, StoreError
from quantbench.data.frames import frame_of, to_bars
from quantbench.data.instruments import instrument
from quantbench.data.lake import read
from quantbench.data.manifest import Dataset, read_current, version_named
from quantbench.data.parquet import pl
from quantbench.data.store import load

__all__ = ["export_bars", "measurable_bars", "stored_bars"]


def stored_bars(symbol: str, timeframe: str, *, version: int | str | None = None) -> Bars:
    """Return bars as stored, with any spread they carry; those of the sample, or made of shorter ones, as loaded.

    Raises
    ------
    DataError
        When there are none.
    """
    dataset = Dataset(symbol, timeframe)
    if version is None and read_current(dataset.place) is None:
        return load(symbol, timeframe)
    return to_bars(read(dataset, version=version), symbol, timeframe=timeframe, instrument=instrument(symbol))


def measurable_bars(symbol: str, timeframe: str) -> tuple[Bars, str]:
    """Return bars whose spread is that at their open, and what to call their source.

    Raises
    ------
    DataError
        When their spread is the smallest within each bar, or there are none in the lake.
    """
    version = version_named(Dataset(symbol, timeframe), None)
    if version.origin.spread_of == "minimum":
        raise DataError(
            f"{symbol} {timeframe}: its spread is the smallest within each bar, which no fill gets; "
            "measure on ticks, or on bars of bid and ask"
        )
    return stored_bars(symbol, timeframe), f"{symbol} {timeframe}, {version.origin.source}"


def export_bars(bars: Bars, file: Path) -> int:
    """Write bars whole or not at all, by the file's ending: ``.csv`` or ``.parquet``; return how many.

    Raises
    ------
    DataError
        For another ending.
    StoreError
        When the file cannot be written.
    """
    frame, partial = frame_of(bars), file.with_name(f".{file.name}.partial")
    if file.suffix not in {".csv", ".parquet"}:
        raise DataError(f"{file.name} must end in .csv or .parquet")
    writable(file.absolute().parent)
    try:
        if file.suffix == ".parquet":
            frame.write_parquet(partial)
        else:
            frame.fill_nan(None).write_csv(partial, datetime_format="%Y-%m-%d %H:%M:%S")
        partial.replace(file)
    except (OSError, pl.exceptions.ComputeError) as fault:  # polars wraps what the disk says
        said = getattr(fault, "strerror", None) or fault
        raise StoreError(f"cannot write {file}: {said}; give another file") from fault
    finally:
        partial.unlink(missing_ok=True)
    return len(bars)
