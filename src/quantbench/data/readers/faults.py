"""The first row of a block that is not written like the others, in a sentence. Only runs when parsing failed."""

from __future__ import annotations

from collections.abc import Iterator

from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.readers.layout import MOMENTS, TEXTS, Layout
from quantbench.data.readers.sheet import is_number
from quantbench.data.readers.stamps import as_time

__all__ = ["first_fault"]


def first_fault(name: str, layout: Layout, rows: bytes, format_: str, line: int) -> str | None:
    """Return a sentence on the first row that is not written like the others."""
    moments = []
    for number, text in enumerate(_texts(rows), line):
        fields = text.split(layout.separator)
        if fault := _fault(fields, layout):
            return _sentence(name, number, fault, text)
        parts = [field for field, ours in zip(fields, layout.names, strict=True) if ours in MOMENTS]
        moments.append(" ".join(part.strip() if layout.padded else part for part in parts))
    return _first_bad_time(name, layout, moments, format_, line)


def _sentence(name: str, number: int, fault: str, text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return f"{name}, line {number}: {fault}: {shown!r}; repair or remove that line"


def _first_bad_time(name: str, layout: Layout, moments: list[str], format_: str, line: int) -> str | None:
    """Return a sentence on the first time that cannot be read, found by halving."""
    column, low, high = pl.Series(moments), 0, len(moments)
    if not any(ours in MOMENTS for ours in layout.names):
        return None
    if not _bad_time(column, layout, format_):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _bad_time(column[low:middle], layout, format_) else (middle, high)
    fault = _bad_time(column[low:high], layout, format_) or "no time"
    return _sentence(name, line + low, fault, moments[low])


def _bad_time(column: pl.Series, layout: Layout, format_: str) -> str | None:
    try:
        as_time(column, layout.stamp, format_)
    except DataError as fault:
        return str(fault)
    return None


def _texts(rows: bytes) -> Iterator[str]:
    for text in rows.removesuffix(b"\n").split(b"\n"):
        yield text.decode(errors="replace")


def _fault(fields: list[str], layout: Layout) -> str | None:
    if tuple(field.strip() for field in fields) == layout.header:
        return "the header comes again"
    if len(fields) != len(layout.names):
        return f"{len(fields)} fields where there are {len(layout.names)} above"
    for field, ours in zip(fields, layout.names, strict=True):
        if ours and ours not in TEXTS and not (ours in layout.blank and not field.strip()):
            wrong_mark = ("." if layout.decimal == "," else ",") in field
            if wrong_mark or not (is_number(field) or field.lower() in {"nan", "inf", "-inf"}):
                return f"no number in the column {ours!r}"
    return None
