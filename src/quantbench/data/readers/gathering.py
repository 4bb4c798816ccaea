"""Blocks of rows put together, many of them on disk: in memory they would be held twice while they are joined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from quantbench.data.parquet import pl
from quantbench.data.spilled import Spill

__all__ = ["gathered"]

_KEPT: Final = 1 << 20
"""Rows kept in memory, some 50 MB of bars; a longer history is put aside."""


def gathered(parts: Iterator[pl.DataFrame]) -> pl.DataFrame | None:
    """Return the rows of all parts, in order; None when there is no part.

    Where there is text, or nothing in a field, all stay in memory.
    """
    held: list[pl.DataFrame] = []
    for part in parts:
        held.append(part)
        if not all(map(_is_plain, part)):
            return pl.concat([*held, *parts])
        if sum(one.height for one in held) > _KEPT:
            return _put_aside(held, parts)
    return pl.concat(held, rechunk=True) if held else None


def _put_aside(held: list[pl.DataFrame], parts: Iterator[pl.DataFrame]) -> pl.DataFrame:
    """Return all rows from disk; from the first empty field on they stay in memory behind it."""
    with Spill(held[0].schema) as spill:
        for one in held:
            spill.add(one)
        held.clear()
        for part in parts:
            if not all(map(_is_plain, part)):
                return pl.concat([spill.frame(), part, *parts])
            spill.add(part)
        return spill.frame()


def _is_plain(column: pl.Series) -> bool:
    return column.dtype in {pl.Float64, pl.Datetime("ns")} and not column.null_count()
