"""A plain file without a fault, parsed in one stream by polars: quick, and no help where a row is wrong."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from quantbench.core.errors import DataError
from quantbench.data.parquet import UNREADABLE, pl
from quantbench.data.readers.gathering import gathered
from quantbench.data.readers.layout import MOMENTS, Layout
from quantbench.data.readers.lines import encoding
from quantbench.data.readers.stamps import as_moment, in_nanoseconds
from quantbench.data.unpacking import Source, head

__all__ = ["column_of", "schema_of", "streamed"]

_ROWS: Final = 200_000
"""Rows taken from polars at once: fewer cost time, more cost memory."""
_COUNTED: Final = 1 << 17
"""Bytes whose line ends are counted at once: they stay in the processor's cache."""


def streamed(source: Source, layout: Layout, format_: str) -> pl.DataFrame | None:
    """Return the columns of a file as `delimited.table` does, or None where any row or field of it is in doubt.

    In doubt is a file that is packed, no plain UTF-8, or has a row too few or too many, a field that is
    empty, or one that is not written like the others: whoever reads it row by row can say where.
    """
    if source.packing or layout.padded or layout.decimal != "." or layout.stamp.fine or not _is_utf8(source):
        return None
    rows = pl.scan_csv(
        source.path,
        has_header=False,
        skip_lines=layout.skip,
        schema=schema_of(layout),
        separator=layout.separator,
        quote_char=None,
    )
    try:
        found = gathered(_batches(rows.select(_columns(layout, format_)), layout))
    except (*UNREADABLE, DataError):
        return None
    return found if found is not None and found.height == _lines(source.path) - layout.skip else None


def schema_of(layout: Layout) -> dict[str, pl.DataType]:
    """Return what polars is to read each column as: text where it is a time, a symbol, or not yet a number."""
    slow = layout.padded or layout.decimal == ","
    text, number = pl.String(), pl.Float64()
    texts = (*MOMENTS, "symbol", "")
    return {
        column_of(name, position): text if slow or name in texts else number
        for position, name in enumerate(layout.names)
    }


def column_of(name: str, position: int) -> str:
    """Return what a column is called while it is parsed; one that is not read has no name of ours."""
    return name or f"_{position}"


def _columns(layout: Layout, format_: str) -> Iterator[pl.Expr]:
    """Yield the time, the numbers, and of each column that is not read whether a field of it is there."""
    texts = [pl.col(name) for name in MOMENTS if name in layout.names]
    if texts:
        text = texts[0] if len(texts) == 1 else texts[0] + " " + texts[1]
        yield as_moment(text, layout.stamp, format_).alias("time")
    for position, name in enumerate(layout.names):
        if name not in MOMENTS:
            yield pl.col(name) if name else pl.col(column_of(name, position)).is_not_null()


def _batches(rows: pl.LazyFrame, layout: Layout) -> Iterator[pl.DataFrame]:
    """Yield the columns that are read, some rows at a time.

    Raises
    ------
    DataError
        At a field that is empty, and at a year that no history has.
    """
    read = ["time", *(name for name in layout.names if name and name not in MOMENTS)]
    for batch in rows.collect_batches(chunk_size=_ROWS, maintain_order=True, engine="streaming"):
        if any(column.null_count() or (column.dtype == pl.Boolean and not column.all()) for column in batch):
            raise DataError("a field is empty")
        yield batch.select(read).with_columns(in_nanoseconds(batch["time"]))


def _is_utf8(source: Source) -> bool:
    first = head(source)
    return encoding(first) == "utf-8" and not first.startswith(codecs.BOM_UTF8)


def _lines(file: Path) -> int:
    """Return how many line ends a file has: what polars is not asked for itself."""
    import numpy as np

    with file.open("rb", buffering=0) as handle:
        held, found = bytearray(_COUNTED), 0
        view = np.frombuffer(held, np.uint8)
        while many := handle.readinto(held):
            found += int(np.count_nonzero(view[:many] == ord("\n")))
    return found
