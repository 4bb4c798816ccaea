"""Parquet files of bars or ticks, columns known by their names."""

from __future__ import annotations

import ast
from typing import Final

from quantbench.core.errors import DataError
from quantbench.data.parquet import UNREADABLE, pl
from quantbench.data.raw import Raw
from quantbench.data.readers.generic import columns_by_name, one_symbol, with_spread
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks, in_prices, without_idle
from quantbench.data.unpacking import Source, whole

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "Parquet"

_PRICES: Final = ("open", "high", "low", "close")


def sniff(first: bytes) -> int:
    """Return how sure it is that this is a Parquet file, 0 to 100."""
    return 100 if first.startswith(b"PAR1") else 0


def read(source: Source, request: Request) -> Raw:
    """Return the bars or ticks of one symbol.

    Prices are divided where the file's metadata says that they are points; a spread below 0 is
    "not carried".

    Raises
    ------
    DataError
        When it is damaged, holds several symbols and none is named, or has no known columns.
    """
    frame, facts = _loaded(source)
    frame, symbol = one_symbol(source, _named(source, frame, request), request.symbol)
    time, clock = _time(source, frame)
    frame, notes = _in_prices(frame.with_columns(time.alias("time")), facts, symbol, request)
    frame = with_spread(frame)
    if "open" not in frame.columns:
        return as_ticks(frame, source, request, reader=NAME, symbol=symbol, clock=clock, notes=notes, text=False)
    frame, said = _without_unknown_spread(frame)
    frame, idle = without_idle(frame)
    notes = (*notes, *said, *idle)
    return as_bars(frame, source, request, reader=NAME, symbol=symbol, clock=clock, notes=notes, text=False)


def _loaded(source: Source) -> tuple[pl.DataFrame, dict[str, str]]:
    data = source.path.read_bytes() if not source.packing else whole(source)
    try:
        return pl.read_parquet(data, glob=False), pl.read_parquet_metadata(data)
    except UNREADABLE as fault:
        raise DataError(f"{source.name} is a damaged Parquet file ({fault}); copy it again") from fault


def _named(source: Source, frame: pl.DataFrame, request: Request) -> pl.DataFrame:
    """Return the columns that are known, by our names, numbers as Float64."""
    known = columns_by_name(tuple(frame.columns))
    chosen = {ours: frame.columns[position] for position, ours in known.items()} | {
        ours: str(theirs) for ours, theirs in request.mapping.items()
    }
    if "time" not in chosen and "date" in chosen:
        chosen["time"] = chosen.pop("date")
    chosen.pop("date", None)
    if not {"time", *_PRICES} <= set(chosen) and not {"time", "bid", "ask"} <= set(chosen):
        raise DataError(f"{source.name} has no columns time, open, high, low, close: {', '.join(frame.columns)}")
    try:
        return frame.select(
            pl.col(theirs).alias(ours) if ours in {"time", "symbol"} else pl.col(theirs).cast(pl.Float64).alias(ours)
            for ours, theirs in chosen.items()
        ).rechunk()
    except UNREADABLE as fault:
        raise DataError(f"{source.name} has columns that are no numbers ({fault}); give a mapping") from fault


def _time(source: Source, frame: pl.DataFrame) -> tuple[pl.Series, str | None]:
    time = frame["time"]
    if time.null_count() or frame.null_count().sum_horizontal()[0]:
        raise DataError(f"{source.name} has empty fields in its columns of time or prices; drop those rows first")
    if isinstance(time.dtype, pl.Datetime):
        zoned = time.dtype.time_zone is not None
        plain = time.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if zoned else time
        return plain.cast(pl.Datetime("ns")), "UTC" if zoned else None
    if time.dtype == pl.Date:
        return time.cast(pl.Datetime("ns")), None
    raise DataError(f"{source.name}: the column time is {time.dtype}, no date or time; write it as a timestamp")


def _in_prices(
    frame: pl.DataFrame, facts: dict[str, str], symbol: str | None, request: Request
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return prices, divided where the metadata says points and how many digits."""
    digits = request.digits
    if digits is None and "points" in facts.get("unit", ""):
        digits = _digits(facts, symbol)
    if not digits:
        return frame, ()
    names = [name for name in frame.columns if name.rpartition("_")[2] in {*_PRICES, "bid", "ask"}]
    note = f"prices are points: divided by {10**digits} ({digits} digits)"
    return in_prices(frame, names, digits), (note,)


def _digits(facts: dict[str, str], symbol: str | None) -> int:
    try:
        found = ast.literal_eval(facts.get("digits", ""))
        return int(found[symbol] if isinstance(found, dict) else found)
    except (ValueError, SyntaxError, KeyError, TypeError) as fault:
        raise DataError("its metadata says prices are points but not their digits: say them with digits=") from fault


def _without_unknown_spread(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    if "spread" not in frame.columns or not (frame["spread"] < 0).any():
        return frame, ()
    if (frame["spread"] < 0).all():
        return frame.drop("spread"), ("the spread is below 0 in every row, so the source does not carry it",)
    unknown = pl.when(pl.col("spread") < 0).then(float("nan")).otherwise(pl.col("spread"))
    return frame.with_columns(unknown.alias("spread")), ("a spread below 0 is not carried: NaN",)
