"""The columns a check looks at, and how it tells where something is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS, server_offset
from quantbench.core.instrument import Instrument
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.spilled import release

__all__ = ["FX_CLOCK", "SHOWN", "Columns", "iso"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

FX_CLOCK: Final = "America/New_York+7"
"""The clock on which an FX week runs from Monday 00:00 to Friday 24:00."""
SHOWN: Final = 10
"""Cases a finding shows."""
_CHUNK: Final = 1 << 18
_NAMES: Final = ("time", "open", "high", "low", "close", "volume", "spread")


@dataclass(frozen=True, kw_only=True, eq=False)
class Columns:
    """Bars as arrays, unchecked: UTC nanoseconds and floats, NaN where there is nothing."""

    instrument: Instrument
    timeframe: str
    time: IntArray
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray
    spread: FloatArray

    def __len__(self) -> int:
        return len(self.time)

    @property
    def length_ns(self) -> int:
        """How long a bar lasts."""
        return timeframe_ns(self.timeframe)

    @property
    def free_weekends(self) -> bool:
        """Whether the market rests on weekends."""
        return self.instrument.trading_calendar.days_per_year < 365

    def weekday(self) -> IntArray:
        """Return the weekday of each bar (Monday 0) on the clock of the FX week; days by their noon."""
        at = self.time + DAY_NS // 2 if self.length_ns >= DAY_NS else self.time + server_offset(self.time, FX_CLOCK)
        days: IntArray = (at // DAY_NS + 3) % 7
        return days

    def chunks(self, overlap: int) -> Iterator[slice]:
        """Yield ranges of rows that fit the processor's cache, each with some rows of the one after.

        What is kept on disk leaves memory again once the next range is asked for.
        """
        for start in range(0, max(len(self) - overlap, 1), _CHUNK):
            rows = slice(start, min(start + _CHUNK + overlap, len(self)))
            yield rows
            self.release(rows)

    def release(self, rows: slice) -> None:
        """Let rows leave memory that are kept on disk."""
        release([getattr(self, name) for name in _NAMES], rows)

    def flags(self, holds: Callable[[slice], npt.NDArray[np.bool_]]) -> npt.NDArray[np.bool_]:
        """Return where something holds, asked for a range of rows at a time."""
        found = np.zeros(len(self), np.bool_)
        for rows in self.chunks(0):
            found[rows] = holds(rows)
        return found

    def first_rows(self, flags: npt.NDArray[np.bool_]) -> IntArray:
        """Return the first rows that are flagged, as many as a finding shows: all of them may be most of the bars."""
        found = np.zeros(0, np.int64)
        for rows in self.chunks(0):
            found = np.concatenate([found, np.flatnonzero(flags[rows]) + rows.start])[:SHOWN]
            if len(found) == SHOWN:
                break
        return found

    def taken(self, rows: npt.NDArray[Any]) -> Columns:
        """Return the columns of some rows, in their order."""
        return Columns(
            instrument=self.instrument, timeframe=self.timeframe, **{name: getattr(self, name)[rows] for name in _NAMES}
        )

    def cases(self, rows: npt.NDArray[Any], *names: str) -> tuple[dict[str, Any], ...]:
        """Return the first of the rows as plain values: the row's number, its time, and the columns named."""
        return tuple(
            {"row": int(row), "time": iso(self.time[row])}
            | {name: _plain(float(getattr(self, name)[row])) for name in names}
            for row in rows[:SHOWN]
        )


def iso(stamp: int | np.int64) -> str:
    """Return UTC nanoseconds as text to the second."""
    return str(np.datetime_as_string(np.datetime64(int(stamp), "ns"), unit="s")).replace("T", " ")


def _plain(value: float) -> float | None:
    return value if np.isfinite(value) else None
