"""Delimited text parsed by polars block by block, all of it or nothing."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import numpy as np

from quantbench.core.errors import DataError
from quantbench.data.parquet import UNREADABLE, pl
from quantbench.data.readers.faults import first_fault
from quantbench.data.readers.gathering import gathered
from quantbench.data.readers.layout import MOMENTS, TEXTS, Layout
from quantbench.data.readers.lines import blocks, tidy
from quantbench.data.readers.stamps import as_time
from quantbench.data.unpacking import Source

__all__ = ["table"]

_CACHED: Final = 1 << 17
"""Bytes whose line ends are counted at once: they stay in the processor's cache."""
_END: Final = ord("\n")


def table(source: Source, layout: Layout) -> pl.DataFrame:
    """Return the columns of a file by our names: ``time`` in naive nanoseconds, numbers as Float64.

    Raises
    ------
    DataError
        With the first line that is not written like the others; nothing is ever skipped or coerced.
    """
    formats = layout.stamp.formats or ("",)
    fitting, refused = [], None
    for format_ in formats:
        try:
            fitting.append((format_, _parsed(source, layout, format_)))
        except DataError as fault:
            refused = refused or fault
    if len(fitting) == 1:
        return fitting[0][1]
    if fitting:
        raise DataError(
            f"{source.name}: its dates fit both {' and '.join(format_ for format_, _ in fitting)}; "
            f"say which with mapping={{'time_format': '{fitting[0][0]}'}}"
        )
    raise refused or DataError(f"{source.name} cannot be read")


def _parsed(source: Source, layout: Layout, format_: str) -> pl.DataFrame:
    found = gathered(_stream(source, layout, format_))
    if found is None:
        raise DataError(f"{source.name} has a header and no rows")
    return found


def _stream(source: Source, layout: Layout, format_: str) -> Iterator[pl.DataFrame]:
    """Yield the columns block by block; raise at the first line that is not written like the others."""
    line = layout.skip + 1
    for rows, frame in _in_parallel(_rows(source, layout), lambda rows: _block(layout, rows, format_)):
        if frame is None:
            # Blank lines, lone carriage returns, or a fault: once more without the first two.
            plain = tidy(rows)
            frame = _block(layout, plain, format_) if plain else None  # noqa: PLW2901
            if frame is None and plain:
                raise DataError(
                    first_fault(source.name, layout, plain, format_, line)
                    or f"{source.name}: the rows from line {line} on are not all written alike; repair the file"
                )
        if frame is not None:
            yield frame
            line += frame.height


def _rows(source: Source, layout: Layout) -> Iterator[bytes]:
    """Yield the blocks of a file without what stands above its rows, and without quotation marks."""
    skip = layout.skip
    for block in blocks(source):
        rows = block
        if skip:
            lines = tidy(block).split(b"\n", skip)
            skip -= len(lines) - 1
            rows = b"" if skip else lines[-1]
        if rows:
            yield rows.replace(b'"', b"") if b'"' in rows else rows


def _in_parallel(
    blocks_: Iterator[bytes], parse: Callable[[bytes], pl.DataFrame | None]
) -> Iterator[tuple[bytes, pl.DataFrame | None]]:
    """Yield each block with what it was parsed to, in order, a few of them at work at a time."""
    many = min(os.cpu_count() or 1, 8) + 1  # one more: blocks are read and put aside meanwhile
    with ThreadPoolExecutor(many) as pool:
        waiting: deque[tuple[bytes, Future[pl.DataFrame | None]]] = deque()
        for block in blocks_:
            waiting.append((block, pool.submit(parse, block)))
            if len(waiting) > many:
                rows, done = waiting.popleft()
                yield rows, done.result()
        for rows, done in waiting:
            yield rows, done.result()


def _block(layout: Layout, rows: bytes, format_: str) -> pl.DataFrame | None:
    """Return one block of rows with every field of it accounted for, else None."""
    try:
        frame = pl.scan_csv(
            rows,
            has_header=False,
            schema=_schema(layout),
            separator=layout.separator,
            quote_char=None,
        ).collect(engine="in-memory")
        count = _lines(rows)
        if frame.height != count or _is_short(frame, layout, rows, count):
            return None
        typed = _typed(frame, layout, format_)
    except (*UNREADABLE, DataError):
        return None
    return None if _has_gaps(typed, layout) else typed


def _schema(layout: Layout) -> dict[str, pl.DataType]:
    """Return what polars is to read each column as: text where it is a time, a symbol, or not yet a number."""
    slow = layout.padded or layout.decimal == ","
    return {
        _column(name, position): pl.String() if slow or name in {*TEXTS, ""} else pl.Float64()
        for position, name in enumerate(layout.names)
    }


def _column(name: str, position: int) -> str:
    """Return what a column is called while it is parsed; one that is not read has no name of ours."""
    return name or f"_{position}"


def _lines(rows: bytes) -> int:
    """Return how many line ends there are: NumPy counts them several times as fast as bytes do."""
    every = np.frombuffer(rows, np.uint8)
    return sum(int(np.count_nonzero(every[at : at + _CACHED] == _END)) for at in range(0, len(every), _CACHED))


def _is_short(frame: pl.DataFrame, layout: Layout, rows: bytes, count: int) -> bool:
    """Return whether a row has too few fields or a needed field is empty; too many fail in polars."""
    empty = frame.null_count().row(0, named=True)
    if any(many for name, many in empty.items() if name in layout.names and name not in layout.blank):
        return True
    if not empty[_column(layout.names[-1], len(layout.names) - 1)]:
        return False
    return rows.count(layout.separator.encode()) != count * (len(layout.names) - 1)


def _typed(frame: pl.DataFrame, layout: Layout, format_: str) -> pl.DataFrame:
    numbers = [name for name in layout.names if name and name not in MOMENTS]
    columns = {name: frame[name] if name == "symbol" else _number(frame[name], layout) for name in numbers}
    moments = [frame[name] for name in MOMENTS if name in layout.names]
    if not moments:
        return pl.DataFrame(columns)
    if layout.padded:
        moments = [part.str.strip_chars() for part in moments]
    text = moments[0] if len(moments) == 1 else moments[0] + " " + moments[1]
    return pl.DataFrame({"time": as_time(text, layout.stamp, format_), **columns})


def _number(column: pl.Series, layout: Layout) -> pl.Series:
    if column.dtype != pl.String:
        return column
    column = column.str.strip_chars()
    column = column.set(column == "", None)
    if layout.decimal == ",":
        if column.str.contains(".", literal=True).any():
            raise DataError("numbers have decimal commas and also points")
        column = column.str.replace(",", ".", literal=True)
    return column.cast(pl.Float64, strict=True)


def _has_gaps(frame: pl.DataFrame, layout: Layout) -> bool:
    return any(many for name, many in frame.null_count().row(0, named=True).items() if name not in layout.blank)
