"""Repairs, each asked for by name and recorded: nothing is repaired silently."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.instrument import Instrument
from quantbench.data.checks import columns_to_check
from quantbench.data.checks.columns import Columns
from quantbench.data.checks.order import weekend_rows
from quantbench.data.checks.prices import spike_rows
from quantbench.data.frames import PRICES, bar_frame
from quantbench.data.parquet import pl

__all__ = ["REPAIRS", "Repair", "repair"]


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One repair that was made.

    Parameters
    ----------
    name : str
        Which.
    rows : int
        How many bars it dropped, moved or changed.
    sentence : str
        What was done to them.
    """

    name: str
    rows: int
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as the lake's manifest records them."""
        return asdict(self)


def repair(
    frame: pl.DataFrame, names: Iterable[str], *, instrument: Instrument, timeframe: str
) -> tuple[pl.DataFrame, tuple[Repair, ...]]:
    """Make repairs in the order named.

    Parameters
    ----------
    frame : polars.DataFrame
        Bars as `check` takes them.
    names : iterable of str
        Of `REPAIRS`.
    instrument, timeframe
        Of the bars.

    Returns
    -------
    polars.DataFrame, tuple of Repair
        The bars repaired, and what was done, also where there was nothing to do.

    Raises
    ------
    DataError
        For a name that is no repair.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.data.frames import frame_of
    >>> bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    >>> frame, done = repair(frame_of(bars)[::-1], ["sort"], instrument=bars.instrument, timeframe="H1")
    >>> done[0].sentence
    '549 bars were put in order of time'
    """
    done = []
    whole = bar_frame(frame)
    for name in names:
        if name not in REPAIRS:
            raise DataError(f"there is no repair {name!r}: {did_you_mean(name, REPAIRS)}")
        whole, rows, what = REPAIRS[name](whole, instrument, timeframe)
        done.append(Repair(name=name, rows=rows, sentence=f"{rows:,} bars {what}"))
    return whole, tuple(done)


Made = tuple[pl.DataFrame, int, str]


def _sort(frame: pl.DataFrame, _: Instrument, __: str) -> Made:
    """Put bars in order of time; those of the same time keep their order."""
    back = int((frame["time"].diff().dt.total_nanoseconds() < 0).sum())
    return frame.sort("time", maintain_order=True), back, "were put in order of time"


def _drop_duplicates(frame: pl.DataFrame, _: Instrument, __: str) -> Made:
    """Keep the last in the file of bars of the same time: sources append corrections."""
    kept = frame.unique("time", keep="last", maintain_order=True)
    return kept, len(frame) - len(kept), "of a time that comes again later were dropped"


def _drop_bad(frame: pl.DataFrame, _: Instrument, __: str) -> Made:
    top, bottom = pl.max_horizontal("open", "close", "low"), pl.min_horizontal("open", "close", "high")
    sound = pl.all_horizontal(pl.col(name).is_finite() & (pl.col(name) > 0) for name in PRICES)
    volume = (pl.col("volume") >= 0) & pl.col("volume").is_not_nan()
    wanted = sound & (pl.col("high") >= top) & (pl.col("low") <= bottom) & volume & pl.col("time").is_not_null()
    kept = frame.filter(wanted)
    return kept, len(frame) - len(kept), "that no market can make were dropped"


def _drop_flat(frame: pl.DataFrame, _: Instrument, __: str) -> Made:
    """Drop flat bars without volume, which fill holes; flat with volume is a quiet bar."""
    kept = frame.filter((pl.col("high") != pl.col("low")) | (pl.col("volume") > 0))
    return kept, len(frame) - len(kept), "of one price and no volume were dropped"


def _drop_weekend(frame: pl.DataFrame, instrument: Instrument, timeframe: str) -> Made:
    rows = weekend_rows(_ordered(frame, "drop-weekend", instrument, timeframe))
    return _without(frame, rows), len(rows), "of the free weekend were dropped"


def _drop_outliers(frame: pl.DataFrame, instrument: Instrument, timeframe: str) -> Made:
    """Drop every bar the check finds, not only those its finding shows."""
    columns = _ordered(frame, "drop-outliers", instrument, timeframe)
    rows = spike_rows(columns) if len(columns) > 2 else np.zeros(0, np.int64)
    return _without(frame, rows), len(rows), "that leap and come back were dropped"


def _ordered(frame: pl.DataFrame, name: str, instrument: Instrument, timeframe: str) -> Columns:
    if frame["time"].null_count() or not frame["time"].is_sorted():
        raise DataError(f"{name} needs bars in order; repair with drop-bad and sort before it")
    return columns_to_check(frame, instrument, timeframe)


def _without(frame: pl.DataFrame, rows: npt.NDArray[np.int64]) -> pl.DataFrame:
    kept = np.ones(len(frame), np.bool_)
    kept[rows] = False
    return frame.filter(pl.Series(kept))


def _clear_spread(frame: pl.DataFrame, _: Instrument, __: str) -> Made:
    """Keep the bar: a spread that is NaN is "not carried"."""
    usual = max(float(frame["spread"].fill_nan(None).median() or 0.0), 1.0)  # type: ignore[arg-type]
    spread = pl.col("spread")
    wrong = ((spread < 0) | spread.is_infinite() | (spread > 20.0 * usual)) & spread.is_not_nan()
    many = int(frame.select(wrong.sum()).item())
    return (
        frame.with_columns(pl.when(wrong).then(float("nan")).otherwise(spread).alias("spread")),
        many,
        ("had their spread emptied: it was negative, infinite or far too wide"),
    )


REPAIRS: Final = MappingProxyType[str, Callable[[pl.DataFrame, Instrument, str], Made]](
    {
        "sort": _sort,
        "drop-duplicates": _drop_duplicates,
        "drop-bad": _drop_bad,
        "drop-flat": _drop_flat,
        "drop-weekend": _drop_weekend,
        "drop-outliers": _drop_outliers,
        "clear-spread": _clear_spread,
    }
)
"""Every repair by name."""
