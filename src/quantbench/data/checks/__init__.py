"""Checks of bars before they are believed: what is impossible, what is missing, what looks wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS
from quantbench.core.instrument import Instrument
from quantbench.data.checks.activity import check_spread, check_volume
from quantbench.data.checks.columns import Columns, iso
from quantbench.data.checks.gaps import check_gaps, check_sessions
from quantbench.data.checks.order import are_apart, check_order, check_week
from quantbench.data.checks.prices import bad_rows, check_moves, check_possible, check_still
from quantbench.data.checks.repeats import check_repeats
from quantbench.data.checks.report import Finding, Report
from quantbench.data.sessions import Sessions, learned_sessions

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NAMES", "Finding", "Report", "check", "columns_to_check"]

NAMES: Final = (
    "after-close", "before-open", "constant-spread", "crossed", "digits", "duplicates", "flat", "frozen", "gaps",
    "huge-spread", "no-time", "no-volume", "ohlc", "order", "outliers", "part-time", "prices", "repeats",
    "sessions", "splits", "timeframe", "volume", "volume-scale", "weekend-days", "zero-spread", "zero-volume",
)  # fmt: skip
"""Every check by the name its finding has."""
_TOGETHER: Final = 2
"""Checks at work at the same time: each holds some columns of its own."""


def check(bars: Bars | pl.DataFrame, instrument: Instrument, *, timeframe: str | None = None) -> Report:
    """Check bars of one symbol; nothing is changed.

    Parameters
    ----------
    bars : Bars or polars.DataFrame
        A frame has ``time`` (bar opens, UTC), ``open, high, low, close``, optional ``volume, spread``,
        in any order and state.
    instrument : Instrument
        Its calendar, currencies and digits say what is usual.
    timeframe : str, optional
        Of a frame; bars know theirs.

    Returns
    -------
    Report
        Errors first. Prices are judged on the bars in order, without duplicates and impossible ones.

    Raises
    ------
    DataError
        When a frame lacks a column, or no timeframe is given with it.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> check(bars, bars.instrument)
    Report(EURUSD H1, 6,225 bars, 0 errors, 0 warnings, 0 notes)
    """
    columns = columns_to_check(bars, instrument, timeframe)
    if not len(columns):
        return Report(symbol=instrument.symbol, timeframe=columns.timeframe, rows=0, first="", last="", findings=())
    bad = bad_rows(columns)
    findings = [*_without_time(bars), *check_order(columns), *check_possible(columns, bad)]
    sound = _sound(columns, bad["prices"] | bad["ohlc"])
    del bad
    sessions = None
    if len(sound) and columns.length_ns <= DAY_NS:
        sessions = learned_sessions(sound.time, sound.length_ns, instrument)
    if len(sound):
        findings += _on_sound(sound, sessions)
    days, by_day = sessions.by_day if sessions else (np.zeros(0, np.int64), np.zeros(0))
    return Report(
        symbol=instrument.symbol,
        timeframe=columns.timeframe,
        rows=len(columns),
        first=iso(columns.time.min()),
        last=iso(columns.time.max()),
        findings=tuple(findings),
        coverage=_coverage(sessions),
        days=days,
        day_coverage=by_day,
    )


def columns_to_check(bars: Bars | pl.DataFrame, instrument: Instrument, timeframe: str | None) -> Columns:
    """Return bars or a frame as unchecked columns.

    Raises
    ------
    DataError
        When a frame lacks a column, or no timeframe is given with it.
    """
    from quantbench.core.errors import DataError

    if isinstance(bars, Bars):
        names = ("open", "high", "low", "close", "volume", "spread")
        values: dict[str, Any] = {name: getattr(bars, name) for name in names} | {"time": bars.time_ns}
        return Columns(instrument=instrument, timeframe=bars.timeframe, **values)
    from quantbench.data.frames import bar_frame, columns_of

    if timeframe is None:
        raise DataError("a frame does not know its timeframe; name it: timeframe='H1'")
    shaped = bar_frame(bars.drop_nulls("time") if bars["time"].null_count() else bars)
    absent = {name: value for name, value in (("volume", 0.0), ("spread", np.nan)) if name not in bars.columns}
    found = columns_of(shaped.drop(absent))
    for name, value in absent.items():  # a column of nothing takes no memory
        found[name] = np.broadcast_to(np.float64(value), len(shaped))
    return Columns(instrument=instrument, timeframe=timeframe, **found | {"time": found["time"].view(np.int64)})


def _without_time(bars: Bars | pl.DataFrame) -> Iterator[Finding]:
    many = 0 if isinstance(bars, Bars) else bars["time"].null_count()
    if many:
        yield Finding(
            name="no-time", severity="error", count=many, sentence=f"{many:,} bars have no time.", repair="drop-bad"
        )


def _sound(columns: Columns, bad: npt.NDArray[np.bool_]) -> Columns:
    """Return the columns in order, without duplicates and impossible bars; the same ones if all is well."""
    if not bad.any() and are_apart(columns, 1):
        return columns
    rows = np.flatnonzero(~bad)
    rows = rows[np.argsort(columns.time[rows], kind="stable")]
    fresh = np.diff(columns.time[rows], prepend=np.iinfo(np.int64).min // 2) > 0
    return columns.taken(rows[fresh])


def _on_sound(sound: Columns, sessions: Sessions | None) -> Iterator[Finding]:
    yield from check_week(sound)
    if sessions is not None:
        yield from check_gaps(sound, sessions)
        yield from check_sessions(sound, sessions)
    alone = (check_moves, check_still, check_repeats, check_volume, check_spread)
    with ThreadPoolExecutor(_TOGETHER) as pool:  # NumPy lets go of Python's lock
        for found in pool.map(lambda one: _found(one, sound), alone):
            yield from found


def _found(one: Callable[[Columns], Iterator[Finding]], columns: Columns) -> list[Finding]:
    found = list(one(columns))
    columns.release(slice(0, len(columns)))  # what it took a whole column of
    return found


def _coverage(sessions: Sessions | None) -> float:
    if sessions is None or not sessions.expected.any():
        return float("nan")
    return float((sessions.present & sessions.expected).sum() / sessions.expected.sum())
