"""How a delimited file is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from quantbench.data.readers.stamps import Stamp

__all__ = ["MOMENTS", "TEXTS", "Layout"]

MOMENTS: Final = ("date", "time")
TEXTS: Final = (*MOMENTS, "symbol")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How a delimited file is written.

    Parameters
    ----------
    names : tuple of str
        Our name of each column, ``""`` for one that is not read; ``date`` and ``time`` are joined,
        ``symbol`` stays text.
    separator : str
        Between fields.
    stamp : Stamp
        How times are written.
    skip : int
        Lines above the first row, blank ones not counted.
    header : tuple of str
        As written, to recognise it when it comes again.
    decimal : {".", ","}
        The decimal mark.
    padded : bool
        Whether fields may have blanks around them.
    blank : frozenset of str
        Columns in which a field may be empty.
    """

    names: tuple[str, ...]
    separator: str
    stamp: Stamp
    skip: int = 0
    header: tuple[str, ...] = ()
    decimal: str = "."
    padded: bool = False
    blank: frozenset[str] = frozenset()
