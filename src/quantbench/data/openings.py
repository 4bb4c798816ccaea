"""Every time a holdout was opened: one small file each, written before anything is seen, never rewritten."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import uuid4

from quantbench.config import settings, writable
from quantbench.core.bars import Bars
from quantbench.core.errors import StoreError
from quantbench.data.ledger import read_ledger

__all__ = ["SCHEMA", "Opening", "append_opening", "openings", "searched_inside"]

SCHEMA: Final = 1
"""Version of the layout of a file."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """One look at a holdout.

    Attributes
    ----------
    symbol, timeframe : str
    first, last : str
        Open of its first and last bar, UTC, ISO.
    family : str
        Name of the strategy class that looked.
    params : str
        Its params as canonical JSON.
    time : str
        When, UTC, ISO.
    """

    symbol: str
    timeframe: str
    first: str
    last: str
    family: str
    params: str
    time: str


def append_opening(bars: Bars, *, family: str, params: str, now: datetime) -> Opening:
    """Write down that these bars are about to be looked at.

    Raises
    ------
    StoreError
        When it cannot be written: then the holdout must stay shut.
    """
    first, last = (str(bars.time[row].astype("datetime64[s]")) for row in (0, -1))
    made = Opening(
        symbol=bars.symbol,
        timeframe=bars.timeframe,
        first=first,
        last=last,
        family=family,
        params=params,
        time=f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    )
    file = writable(_folder()) / f"{now.astimezone(UTC):%Y%m%dT%H%M%S%f}-{uuid4().hex}.json"
    partial = file.with_name(f".{file.name}.part")
    try:
        partial.write_text(json.dumps({"schema": SCHEMA, **asdict(made)}), encoding="utf-8")
        partial.replace(file)
    except OSError as fault:
        raise StoreError(f"cannot write {file}: {fault.strerror}; the holdout stays shut") from fault
    finally:
        partial.unlink(missing_ok=True)
    return made


def openings(bars: Bars) -> tuple[Opening, ...]:
    """Return every time a range of this symbol was opened that overlaps these bars, oldest first.

    Any strategy and any timeframe counts: what was seen of a stretch of prices was seen.

    Raises
    ------
    StoreError
        When a file of an opening cannot be read: a count that may be short is worse than none.
    """
    if not len(bars):
        return ()
    first, last = (str(bars.time[row].astype("datetime64[s]")) for row in (0, -1))
    every = (_read(file) for file in sorted(_folder().glob("*.json")))
    return tuple(one for one in every if one.symbol == bars.symbol and one.first <= last and one.last >= first)


def searched_inside(bars: Bars) -> int:
    """Return how many trials of the ledger, of any strategy, traded this symbol on a range that overlaps these bars."""
    import pandas as pd

    trials = read_ledger()
    if not len(bars) or not len(trials):
        return 0
    first, last = (pd.Timestamp(bars.time[row], tz="UTC") for row in (0, -1))
    overlap = (trials["first_bar"] <= last) & (trials["last_bar"] >= first) & (trials["symbol"] == bars.symbol)
    return int(overlap.sum())


def _folder() -> Path:
    return settings().ledger / "openings"


def _read(file: Path) -> Opening:
    try:
        held = json.loads(file.read_text("utf-8"))
        if held.pop("schema") != SCHEMA:
            raise StoreError(f"{file.name}: this Quantbench reads schema {SCHEMA} of an opening")
        return Opening(**held)
    except (OSError, ValueError, KeyError, TypeError) as fault:
        if isinstance(fault, StoreError):
            raise
        raise StoreError(f"{file} is no opening that can be read ({fault}); restore it, do not delete it") from fault
