"""What the caller knows about a file, handed to every reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = ["Request"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is asked of a reader beside the file.

    Parameters
    ----------
    symbol, timeframe : str or None
        When given, they stand; a timeframe the rows contradict is an error.
    mapping : mapping of str to str
        Which column of the file is ``time``, ``date``, ``open``, ..; by name, or by its number from 0 in
        a file without header. Also ``time_format`` (strftime), ``decimal`` and ``separator``.
    digits : int or None
        Decimals of a price, for formats that store whole points.
    start : datetime or None
        Naive UTC start of the hour, day, month or year of a file that counts from it and whose path
        does not say.
    """

    symbol: str | None = None
    timeframe: str | None = None
    mapping: Mapping[str, str | int] = field(default_factory=dict)
    digits: int | None = None
    start: datetime | None = None
