"""A `Layout` from the first rows of a file: how its times and numbers are written."""

from __future__ import annotations

from collections.abc import Sequence

from quantbench.core.errors import DataError
from quantbench.data.readers.layout import Layout
from quantbench.data.readers.request import Request
from quantbench.data.readers.sheet import Sheet
from quantbench.data.readers.stamps import Stamp, stamp_of
from quantbench.data.unpacking import Source

__all__ = ["lay_out", "moments"]


def lay_out(
    source: Source,
    sheet: Sheet,
    *,
    names: Sequence[str],
    request: Request,
    blank: frozenset[str] = frozenset(),
) -> Layout:
    """Return how the file is written, given our name of each of its columns.

    Raises
    ------
    DataError
        When its times are in no known format, or its numbers can be read in two ways.
    """
    if len(set(filter(None, names))) != len(list(filter(None, names))):
        raise DataError(f"{source.name} has two columns of one name: {', '.join(filter(None, names))}; give a mapping")
    return Layout(
        names=tuple(names),
        separator=sheet.separator,
        stamp=_stamp(source, sheet, names, request),
        skip=sheet.skip,
        header=sheet.header,
        decimal=_decimal(source, sheet, names, request),
        padded=any(field != field.strip() for row in sheet.rows[:50] for field in row),
        blank=blank,
    )


def moments(sheet: Sheet, names: Sequence[str]) -> list[str]:
    """Return the times of the first rows as text, date and time of day joined by a blank."""
    columns = [sheet.column(names.index(name)) for name in ("date", "time") if name in names]
    return [" ".join(part.strip() for part in parts) for parts in zip(*columns, strict=True)]


def _stamp(source: Source, sheet: Sheet, names: Sequence[str], request: Request) -> Stamp:
    texts = moments(sheet, names)
    if given := str(request.mapping.get("time_format", "")):
        whole_days = not any(mark in given for mark in ("%H", "%I", "%T", "%R", "%s"))
        return Stamp((given,), utc="%z" in given, whole_days=whole_days)
    stamp = stamp_of(texts[:200]) or stamp_of(texts[:1])
    if stamp is None:
        raise DataError(
            f"{source.name}: times such as {texts[0]!r} are in no known format; "
            "say which with mapping={'time_format': '%Y-%m-%d %H:%M'}"
        )
    return stamp


def _decimal(source: Source, sheet: Sheet, names: Sequence[str], request: Request) -> str:
    if given := request.mapping.get("decimal"):
        return str(given)
    if sheet.separator == ",":
        return "."
    numbers = [position for position, name in enumerate(names) if name not in {"", "date", "time", "symbol"}]
    commas = [field.strip() for row in sheet.rows for field in (row[at] for at in numbers) if "," in field]
    if not commas:
        return "."
    if all(len(field.rpartition(",")[2]) == 3 for field in commas):
        raise DataError(
            f"{source.name}: the comma in {commas[0]!r} may be a decimal mark or part thousands; "
            "say so with mapping={'decimal': ','}, or remove it"
        )
    return ","
