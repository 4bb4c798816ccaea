"""The usual spread by hour of the week, for bars that carry none.

A week is that of the FX market, on a clock of 17:00 New York = 00:00, so that the roll, where spreads are
two to five times the day's, is the same hour in summer and winter.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import numpy.typing as npt

from quantbench.config import settings, writable
from quantbench.core.bars import Bars
from quantbench.core.clock import HOUR_NS, server_offset
from quantbench.core.errors import DataError, StoreError
from quantbench.data.manifest import symbol_folder

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "SpreadTable", "fill_spreads", "read_spreads", "spreads_by_hour", "write_spreads"]

SCHEMA: Final = 1
"""Version of the layout of a table of spreads."""

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_CLOCK: Final = "America/New_York+7"
_WEEK: Final = 168
_ENOUGH: Final = 5
"""Quotes below which an hour is not judged on its own."""


@dataclass(frozen=True, eq=False, kw_only=True)
class SpreadTable:
    """Spreads of one symbol by hour of the week.

    Parameters
    ----------
    symbol : str
        Whose.
    source : str
        What they were measured on.
    median, p90 : float arrays of 168
        Points, from Monday 00:00 on the clock of the FX week; an hour with too few quotes has the
        figures of all hours.
    count : int array of 168
        Quotes measured.
    """

    symbol: str
    source: str
    median: FloatArray
    p90: FloatArray
    count: IntArray

    def table(self) -> pd.DataFrame:
        """Return one row an hour: ``weekday`` (Monday 0), ``hour, median, p90, count``."""
        import pandas as pd

        hour = np.arange(_WEEK)
        return pd.DataFrame(
            {"weekday": hour // 24, "hour": hour % 24, "median": self.median, "p90": self.p90, "count": self.count}
        )

    def at(self, time_ns: IntArray, *, which: Literal["median", "p90"] = "median") -> FloatArray:
        """Return the spread usual at each moment, in points."""
        usual: FloatArray = getattr(self, which)[_hour_of_week(time_ns)]
        return usual


def spreads_by_hour(symbol: str, time_ns: IntArray, spread: FloatArray, *, source: str) -> SpreadTable:
    """Measure the median and the 90th percentile of the spread by hour of the week.

    Parameters
    ----------
    symbol : str
        Whose.
    time_ns : int64 array
        UTC nanoseconds of each quote, or open of each bar.
    spread : float array
        Points at each; NaN and crossed quotes are left out.
    source : str
        What they are measured on: the label of whatever they are used for.

    Raises
    ------
    DataError
        When there is no spread at all.
    """
    good = np.isfinite(spread) & (spread >= 0)
    if not good.any():
        raise DataError(f"{symbol}: there is no spread to measure; take ticks, or bars of bid and ask")
    hour, value = _hour_of_week(time_ns[good]), spread[good]
    order = np.argsort(hour, kind="stable")
    bounds = np.searchsorted(hour[order], np.arange(_WEEK + 1))
    of_all = np.percentile(value, [50, 90])
    figures = np.array(
        [
            np.percentile(value[order[start:stop]], [50, 90]) if stop - start >= _ENOUGH else of_all
            for start, stop in pairwise(bounds)
        ]
    )
    return SpreadTable(
        symbol=symbol, source=source, median=figures[:, 0], p90=figures[:, 1], count=np.diff(bounds).astype(np.int64)
    )


def fill_spreads(bars: Bars, table: SpreadTable, *, which: Literal["median", "p90"] = "median") -> Bars:
    """Return bars with the usual spread of the hour where they carry none.

    Raises
    ------
    DataError
        When the table is of another symbol.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1", "2017-03-06", "2017-03-08")
    >>> hours = bars.time_ns
    >>> wide = spreads_by_hour("EURUSD", np.tile(hours, 5), np.full(5 * len(hours), 8.0), source="an example")
    >>> fill_spreads(bars, wide).spread[:3]
    array([8., 8., 8.])
    """
    if table.symbol != bars.symbol:
        raise DataError(
            f"these spreads are of {table.symbol}, the bars of {bars.symbol}; measure them on {bars.symbol}"
        )
    none = np.isnan(bars.spread)
    return (
        replace(bars, spread=np.where(none, table.at(bars.time_ns, which=which), bars.spread)) if none.any() else bars
    )


def write_spreads(table: SpreadTable, lake: Path | None = None) -> Path:
    """Keep a table in the lake, where `load` finds it."""
    file = _file(table.symbol, lake)
    writable(file.parent)
    text = json.dumps(
        {
            "schema": SCHEMA,
            "symbol": table.symbol,
            "source": table.source,
            "median": table.median.tolist(),
            "p90": table.p90.tolist(),
            "count": table.count.tolist(),
        }
    )
    temporary = file.with_name(f".{file.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    return temporary.replace(file)


def read_spreads(symbol: str, lake: Path | None = None) -> SpreadTable | None:
    """Return the table kept in the lake, or None.

    Raises
    ------
    StoreError
        When it is broken or of another schema.
    """
    file = _file(symbol, lake)
    if not file.is_file():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise StoreError(f"{file} has schema {found['schema']}, this Quantbench reads {SCHEMA}; measure them again")
        columns = {name: np.array(found[name], np.float64) for name in ("median", "p90")}
        return SpreadTable(
            symbol=found["symbol"], source=found["source"], count=np.array(found["count"], np.int64), **columns
        )
    except (ValueError, KeyError, TypeError) as fault:
        raise StoreError(f"{file} is no table of spreads: {fault}; measure them again") from fault


def _file(symbol: str, lake: Path | None) -> Path:
    return symbol_folder(lake or settings().lake, symbol) / "spreads.json"


def _hour_of_week(time_ns: IntArray) -> IntArray:
    hour: IntArray = ((time_ns + server_offset(time_ns, _CLOCK)) // HOUR_NS + 72) % _WEEK  # 1970 began on a Thursday
    return hour
