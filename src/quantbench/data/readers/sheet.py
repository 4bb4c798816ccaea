"""The first rows of a delimited file: separator, header, where the rows begin."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from quantbench.core.errors import DataError
from quantbench.data.readers.lines import first_lines
from quantbench.data.unpacking import Source, head

__all__ = ["Sheet", "is_number", "sheet", "sheet_of"]

_SEPARATORS: Final = ("\t", ";", "|", ",")
_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_MOST_ABOVE: Final = 30


@dataclass(frozen=True)
class Sheet:
    """A delimited file as its first 64 kB show it.

    Parameters
    ----------
    separator : str
        Between fields.
    header : tuple of str
        As written, without quotes and blanks around; empty when there is none.
    skip : int
        Lines (blank ones not counted) above the first row.
    rows : tuple of tuples of str
        The first rows, fields as written but for quotes.
    """

    separator: str
    header: tuple[str, ...]
    skip: int
    rows: tuple[tuple[str, ...], ...]

    @property
    def width(self) -> int:
        """Fields in a row."""
        return len(self.rows[0])

    @property
    def names(self) -> tuple[str, ...]:
        """The header in lower case, without MetaTrader's angle brackets."""
        return tuple(name.strip("<>").strip().lower() for name in self.header)

    def column(self, position: int) -> tuple[str, ...]:
        """Return one field of the first rows."""
        return tuple(row[position] for row in self.rows)


@lru_cache(maxsize=4)
def sheet(first: bytes) -> Sheet | None:
    r"""Return how a file is laid out by its first bytes, None when it is no table.

    Examples
    --------
    >>> sheet(b"Time,Bid,Ask\n2017-01-02 00:00:01,1.05,1.06\n").names
    ('time', 'bid', 'ask')
    """
    lines = [line.replace('"', "") for line in first_lines(first)[:400]]
    best = max(_SEPARATORS, key=lambda mark: _fit(lines, mark))
    if _fit(lines, best) <= 0:
        return None
    split = [line.split(best) for line in lines]
    start = next((row for row, fields in enumerate(split[:_MOST_ABOVE]) if _is_row(fields)), None)
    if start is None:
        return None
    above = [name.strip() for name in split[start - 1]] if start else []
    width = len(split[start])
    header = tuple(above) if len(above) == width and not any(map(is_number, above)) and any(above) else ()
    rows = tuple(tuple(fields) for fields in split[start:] if len(fields) == width)
    return Sheet(best, header, start, rows)


def sheet_of(source: Source) -> Sheet:
    """Return how a file is laid out.

    Raises
    ------
    DataError
        When it is no table.
    """
    found = sheet(head(source))
    if found is None:
        raise DataError(f"{source.name} is no table of prices: no rows of at least three fields, two of them numbers")
    return found


def is_number(text: str) -> bool:
    """Return whether a field is a number, with a decimal point or comma."""
    return _NUMBER.fullmatch(text.strip()) is not None


def _fit(lines: list[str], mark: str) -> float:
    """Return which share of the lines has the most common number of fields, 0 below three fields."""
    if not lines:
        return 0.0
    width, many = Counter(line.count(mark) for line in lines).most_common(1)[0]
    if width < 2:
        return 0.0
    return many / len(lines) + (0.01 if mark == "\t" else 0.0)


def _is_row(fields: list[str]) -> bool:
    return len(fields) >= 3 and sum(map(is_number, fields)) >= 2
