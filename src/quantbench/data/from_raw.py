"""Bars of a timeframe, in UTC and with the spread in points, out of whatever a source held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS
from quantbench.core.errors import DataError
from quantbench.core.instrument import Instrument
from quantbench.core.resample import from_ticks, resample
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.clock_conversion import to_utc
from quantbench.data.frames import bar_frame, frame_of, to_bars
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.repairs import Repair
from quantbench.data.source_clock import ClockEvidence

__all__ = ["Made", "Wanted", "bars_of"]

_WHOLE: Final = {"Dukascopy bi5": HOUR_NS, "QuantConnect Lean": DAY_NS}
"""What one file of these formats holds to its end: a quiet last minute is over, not cut off."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to make of a source.

    Parameters
    ----------
    timeframe : str or None
        By default that of the source; M1 for ticks.
    day : str or None
        The server clock whose midnight begins a day.
    repairs : tuple of str
        Which may be made on ticks: ``sort``, ``drop-bad``.
    now : int
        UTC nanoseconds; a bar not over by then is left out.
    """

    timeframe: str | None = None
    day: str | None = None
    repairs: tuple[str, ...] = ()
    now: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Made:
    """Bars made of a source: a frame as `checks.check` takes it, what was repaired on the way, and notes."""

    frame: pl.DataFrame
    timeframe: str
    repairs: tuple[Repair, ...]
    notes: tuple[str, ...]


def bars_of(raw: Raw, facts: Instrument, clock: ClockEvidence, *, wanted: Wanted) -> Made:
    """Return bars in UTC, of the timeframe wanted, spread in points, rows otherwise as found.

    Raises
    ------
    DataError
        When ticks are no prices or out of order and no repair was asked for, when rows are of no
        timeframe, or when no bar is over yet.
    """
    frame, notes = to_utc(raw.frame, clock.segments)
    until = _until(raw, frame)
    made: tuple[Repair, ...] = ()
    if raw.kind == "ticks":
        frame, made, told = _clean_ticks(frame, facts.symbol, wanted.repairs)
        frame, name, notes = _from_ticks(frame, facts, until), "M1", (*notes, *told, "ticks became M1 bars of the bid")
    elif raw.timeframe is None:
        frame, name = _from_seconds(_in_points(frame, facts), facts.symbol, until), "M1"
        notes = (*notes, "bars shorter than a minute became M1")
    else:
        frame, name = _in_points(frame, facts), raw.timeframe
    if wanted.timeframe and wanted.timeframe != name:
        bars = to_bars(bar_frame(frame), facts.symbol, timeframe=name, instrument=facts)
        notes = (*notes, f"{name} became {wanted.timeframe}")
        frame, name = frame_of(resample(bars, wanted.timeframe, day=wanted.day)), wanted.timeframe
    ends = wanted.now - timeframe_ns(name)
    over = frame.filter(pl.col("time").dt.epoch("ns") <= ends)
    if len(over) < len(frame):
        notes = (*notes, f"{len(frame) - len(over)} bars are not over yet: left out")
    if over.is_empty():
        raise DataError(f"{facts.symbol} {name}: no bar of it is complete; import more of it at once")
    return Made(frame=over, timeframe=name, repairs=made, notes=notes)


def _until(raw: Raw, frame: pl.DataFrame) -> int | None:
    """Return up to when the rows are complete in UTC, where the format says so."""
    period = next((length for name, length in _WHOLE.items() if raw.reader.startswith(name)), None)
    if period is None or not len(frame):
        return None
    local, last = int(raw.frame["time"].dt.epoch("ns")[-1]), int(frame["time"].dt.epoch("ns")[-1])
    return last + (local // period + 1) * period - local


def _clean_ticks(
    frame: pl.DataFrame, symbol: str, repairs: tuple[str, ...]
) -> tuple[pl.DataFrame, tuple[Repair, ...], tuple[str, ...]]:
    """Return ticks with both quotes, in order where `sort` was asked for."""
    both = frame.drop_nulls(["bid", "ask"])
    notes = (f"{len(frame) - len(both)} ticks without bid or ask were left out",) if len(both) < len(frame) else ()
    sound = pl.all_horizontal(pl.col(side).is_finite() & (pl.col(side) > 0) for side in ("bid", "ask"))
    bad = len(both) - len(both.filter(sound))
    made: list[Repair] = []
    if bad and "drop-bad" not in repairs:
        raise DataError(
            f"{symbol}: {bad} ticks have a price that is NaN, infinite or not above 0; repair with drop-bad"
        )
    if bad:
        both = both.filter(sound)
        made.append(Repair(name="drop-bad", rows=bad, sentence="ticks that no market can make were dropped"))
    back = int((both["time"].diff().dt.total_nanoseconds() < 0).sum())
    if back and "sort" not in repairs:
        raise DataError(
            f"{symbol}: {back} ticks are earlier than the one before; repair with sort, if the file is right"
        )
    if back:
        both = both.sort("time", maintain_order=True)
        made.append(Repair(name="sort", rows=back, sentence="ticks were put in order of time"))
    return both, tuple(made), notes


def _from_ticks(frame: pl.DataFrame, facts: Instrument, until: int | None) -> pl.DataFrame:
    columns: dict[str, Any] = {name: frame[name].to_numpy() for name in ("bid", "ask")}
    if "bid_volume" in frame:
        columns["volume"] = frame["bid_volume"].fill_null(0).to_numpy()
    time = frame["time"].dt.epoch("ns").to_numpy()
    return frame_of(from_ticks(facts, time, until=until, **columns))


def _from_seconds(frame: pl.DataFrame, symbol: str, until: int | None) -> pl.DataFrame:
    """Return M1 bars of shorter ones; the last minute only if it is known to be over."""
    step = frame["time"].diff().dt.total_nanoseconds().abs()
    if not len(frame) or (step > 0).sum() == 0 or int(step.filter(step > 0).min()) >= MINUTE_NS:  # type: ignore[arg-type]
        raise DataError(f"{symbol}: the bars are of no timeframe Quantbench knows; name it: timeframe='H1'")
    if not frame["time"].is_sorted():
        raise DataError(f"{symbol}: bars shorter than a minute must be in order of time; sort the file")
    shaped = bar_frame(frame)
    last = int(shaped["time"].dt.epoch("ns")[-1])
    until = last if until is None else until
    minute = pl.col("time").dt.truncate("1m")
    made = shaped.group_by(minute, maintain_order=True).agg(
        pl.col("open").first(),
        pl.col("high").max(),
        pl.col("low").min(),
        pl.col("close").last(),
        pl.col("volume").sum(),
        pl.col("spread").first(),
    )
    return made.filter(pl.col("time").dt.epoch("ns") + MINUTE_NS <= until)


def _in_points(frame: pl.DataFrame, facts: Instrument) -> pl.DataFrame:
    """Return bars whose spread counts points, whatever the source counted."""
    if "spread_price" not in frame:
        return frame
    spread = (pl.col("spread_price") / facts.point).round(6).alias("spread")
    return frame.with_columns(spread).drop("spread_price")
