"""Blocks of rows put together in the memory of the whole: joining them at the end would hold all of it twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.data.parquet import pl

__all__ = ["gathered"]

_SLAB: Final = 1 << 22
"""Rows kept together: 32 MB a column, which an allocator gives back as soon as it is let go of."""

Slabs = dict[str, list[npt.NDArray[Any]]]


def gathered(parts: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    """Return the rows of all parts, in order, each column in one piece; None when there is no part.

    Only plain numbers and times are put together so; where there is text, or nothing in a field, the
    parts are joined as they are.
    """
    slabs: Slabs = {}
    schema: dict[str, pl.DataType] = {}
    rows = 0
    for part in parts:
        schema = schema or dict(part.schema)
        if not all(map(_is_plain, part)):
            before = [_joined(slabs, schema, rows)] if rows else []
            return pl.concat([*before, part, *parts], rechunk=False)
        rows += _kept(part, slabs, rows)
    return _joined(slabs, schema, rows) if schema else None


def _is_plain(column: pl.Series) -> bool:
    return column.dtype in {pl.Float64, pl.Datetime("ns")} and not column.null_count()


def _kept(part: pl.DataFrame, slabs: Slabs, rows: int) -> int:
    """Copy a part behind the rows there are and return how many it has."""
    for column in part:
        values, at = column.to_physical().to_numpy(), rows
        held = slabs.setdefault(column.name, [])
        while len(values):
            if at == len(held) * _SLAB:
                held.append(np.empty(_SLAB, values.dtype))
            place = held[at // _SLAB][at % _SLAB :][: len(values)]
            place[:] = values[: len(place)]
            values, at = values[len(place) :], at + len(place)
    return len(part)


def _joined(slabs: Slabs, schema: dict[str, pl.DataType], rows: int) -> pl.DataFrame:
    """Return the columns, and let go of the slabs of each before the next is made."""
    columns = []
    for name, kind in schema.items():
        held = slabs.pop(name)
        held[-1] = held[-1][: rows - _SLAB * (len(held) - 1)]
        values = held[0] if len(held) == 1 else np.concatenate(held)
        del held
        columns.append(pl.Series(name, values).cast(kind))
    return pl.DataFrame(columns)
