"""Bars as a polars frame of one shape, and what must be true of it before it is stored."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.immutable import private_memory
from quantbench.core.instrument import Instrument
from quantbench.core.timeframe import closest_ns
from quantbench.data.parquet import pl
from quantbench.data.spilled import release

__all__ = ["COLUMNS", "PRICES", "bar_frame", "columns_of", "frame_of", "own_columns", "require_fit", "to_bars"]

PRICES: Final = ("open", "high", "low", "close")
COLUMNS: Final = (*PRICES, "volume", "spread")
_SLICE: Final = 1 << 20
"""Bars looked at together: what is worked out of them stays small beside a long history."""
_TIME: Final = pl.Datetime("ns", "UTC")


def bar_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame with the columns ``time`` (UTC, nanoseconds) and `COLUMNS` as floats, rows as they stand.

    Volume is 0 and spread NaN where there is none.

    Raises
    ------
    DataError
        When a price or the time is missing or of another type.
    """
    for name in ("time", *PRICES):
        if name not in frame.columns:
            raise DataError(f"bars need a column {name!r}: {did_you_mean(name, frame.columns)}")
    zone = getattr(frame.schema["time"], "time_zone", None)
    if not isinstance(frame.schema["time"], pl.Datetime) or zone not in {None, "UTC"}:
        raise DataError(f"time must be a datetime in UTC, found {frame.schema['time']}; convert the clock first")
    time = pl.col("time").dt.cast_time_unit("ns")
    try:
        return frame.select(
            time if zone else time.dt.replace_time_zone("UTC"),
            *(pl.col(name).cast(pl.Float64).fill_null(float("nan")) for name in PRICES),
            (pl.col("volume").fill_null(0) if "volume" in frame else pl.lit(0.0)).cast(pl.Float64).alias("volume"),
            (pl.col("spread") if "spread" in frame else pl.lit(None))
            .cast(pl.Float64)
            .fill_null(float("nan"))
            .alias("spread"),
        )
    except pl.exceptions.InvalidOperationError as fault:
        raise DataError(f"a column of the bars is no number: {str(fault).splitlines()[0]}") from fault


def frame_of(bars: Bars) -> pl.DataFrame:
    """Return bars as a frame of that shape."""
    time = pl.Series("time", bars.time_ns).cast(pl.Datetime("ns")).dt.replace_time_zone("UTC")
    return pl.DataFrame([time, *(pl.Series(name, getattr(bars, name)) for name in COLUMNS)])


def columns_of(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the columns there are as NumPy arrays, not copied where polars keeps them in one piece."""
    columns: dict[str, Any] = {name: frame[name].to_numpy() for name in COLUMNS if name in frame.columns}
    stamps: Any = frame["time"].dt.epoch("ns").to_numpy()
    return {"time": np.asarray(stamps).view("datetime64[ns]"), **columns}


def own_columns(frame: pl.DataFrame) -> dict[str, Any]:
    """Return the columns as `Bars` keeps them: copied once, their chunks joined on the way."""
    columns: dict[str, Any] = {}
    for name in ("time", *COLUMNS):
        block, rows = private_memory(8 * frame.height), 0
        for part in frame[name].to_physical().get_chunks():
            np.frombuffer(block, np.int64, len(part), 8 * rows)[:] = part.to_numpy().view(np.int64)
            rows += len(part)
        kind = np.dtype("datetime64[ns]" if name == "time" else np.float64)
        columns[name] = np.frombuffer(memoryview(block).toreadonly(), kind, rows)
    return columns


def to_bars(frame: pl.DataFrame, symbol: str, *, timeframe: str, instrument: Instrument) -> Bars:
    """Return a frame of that shape as bars."""
    return Bars(symbol, timeframe, instrument, **own_columns(frame))


def require_fit(frame: pl.DataFrame, name: str, *, timeframe: str) -> None:
    """Refuse bars that `Bars` would refuse: what is stored always loads.

    Raises
    ------
    DataError
        The message names what is wrong, how often, and the repair.
    """
    if frame.is_empty():
        raise DataError(f"{name}: there are no bars to store")
    step = pl.col("time").diff().dt.total_nanoseconds()
    low, high = pl.min_horizontal("open", "close", "high"), pl.max_horizontal("open", "close", "low")
    faults = {
        "have no time; drop-bad drops them": pl.col("time").is_null(),
        "are earlier than the bar before; sort puts them in order": step < 0,
        "repeat the time of the bar before; drop-duplicates keeps one": step == 0,
        f"open too soon after the bar before for {timeframe}; name the timeframe they are of": step.is_between(
            1, closest_ns(timeframe), closed="left"
        ),
        "have a price that is NaN, infinite or not above 0; drop-bad drops them": ~pl.all_horizontal(
            pl.col(price).is_finite() & (pl.col(price) > 0) for price in PRICES
        ),
        "have a high or low inside the bar; drop-bad drops them": (pl.col("high") < high) | (pl.col("low") > low),
        "have a negative volume or none; drop-bad drops them": ~(pl.col("volume") >= 0) | pl.col("volume").is_nan(),
        "have a spread that is negative or infinite; clear-spread empties it": (pl.col("spread") < 0)
        | pl.col("spread").is_infinite(),
    }
    counts = dict.fromkeys(faults, 0)
    for start in range(0, frame.height, _SLICE):
        before = min(start, 1)  # a step needs the bar before
        part = frame[start - before : start + _SLICE]
        found = part.lazy().select(flag.slice(before).sum().alias(what) for what, flag in faults.items()).collect()
        counts = {what: counts[what] + many for what, many in found.row(0, named=True).items()}
        release(columns_of(part).values(), slice(0, part.height))
    for what, many in counts.items():
        if many:
            raise DataError(f"{name}: {many} bars {what}")
