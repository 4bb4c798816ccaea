"""The last step of every reader: a parsed table becomes `Raw`, named and timed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from quantbench.core.clock import DAY_NS
from quantbench.core.errors import DataError
from quantbench.core.timeframe import TIMEFRAMES, timeframe_ns
from quantbench.data.parquet import pl
from quantbench.data.raw import BAR_COLUMNS, TICK_COLUMNS, Raw
from quantbench.data.readers.lines import is_cut
from quantbench.data.readers.names import named
from quantbench.data.readers.request import Request
from quantbench.data.unpacking import Source

__all__ = ["as_bars", "as_ticks", "in_prices", "timeframe_of", "without_idle"]

_CUT: Final = "the last line has no line end, so nothing tells it from one cut short: left out"
_MONTHS: Final = range(28, 32)
_SEEN: Final = 100_000
"""Rows that tell the timeframe; the checks look at every one."""


def as_bars(
    frame: pl.DataFrame,
    source: Source,
    request: Request,
    *,
    reader: str,
    symbol: str | None = None,
    clock: str | None = None,
    side: Literal["bid", "ask", "last"] | None = None,
    spread_of: Literal["open", "minimum"] | None = None,
    notes: tuple[str, ...] = (),
    text: bool = True,
) -> Raw:
    """Return bars as `Raw`: symbol from the request, the file or its name; timeframe from the rows.

    Raises
    ------
    DataError
        When there is no row, or the timeframe asked for is not that of the rows.
    """
    _refuse_empty(frame, source)
    told = named(source)
    timeframe, said = _timeframe(frame["time"], told.timeframe, request.timeframe, source)
    return Raw(
        kind="bars",
        symbol=request.symbol or symbol or told.symbol,
        timeframe=timeframe,
        frame=frame.select([name for name in BAR_COLUMNS if name in frame.columns]),
        reader=reader,
        notes=(*source.notes, *notes, *said, *((_CUT,) if text and is_cut(source) else ())),
        clock=clock,
        side=side or told.side,
        spread_of=spread_of,
    )


def as_ticks(
    frame: pl.DataFrame,
    source: Source,
    request: Request,
    *,
    reader: str,
    symbol: str | None = None,
    clock: str | None = None,
    notes: tuple[str, ...] = (),
    text: bool = True,
) -> Raw:
    """Return ticks as `Raw`.

    Raises
    ------
    DataError
        When there is no row.
    """
    _refuse_empty(frame, source)
    return Raw(
        kind="ticks",
        symbol=request.symbol or symbol or named(source).symbol,
        timeframe=None,
        frame=frame.select([name for name in TICK_COLUMNS if name in frame.columns]),
        reader=reader,
        notes=(*source.notes, *notes, *((_CUT,) if text and is_cut(source) else ())),
        clock=clock,
    )


def in_prices(frame: pl.DataFrame, names: Iterable[str], digits: int) -> pl.DataFrame:
    """Return whole points as prices, each the double nearest to its decimal number.

    polars divides by a constant by multiplying with its reciprocal, which is off by one unit in the
    last place; NumPy divides.

    Examples
    --------
    >>> in_prices(pl.DataFrame({"open": [1160200.0]}), ["open"], 4)["open"].to_list()
    [116.02]
    """
    return frame.with_columns(pl.Series(name, frame[name].to_numpy() / 10.0**digits) for name in names)


def timeframe_of(time: pl.Series) -> str | None:
    """Return the timeframe whose length is the most common step between bars, None when there is none.

    Examples
    --------
    >>> timeframe_of((pl.Series([0, 60, 120, 300]) * 10**9).cast(pl.Datetime("ns")))
    'M1'
    """
    steps = time.head(_SEEN).cast(pl.Int64).diff().drop_nulls().abs()
    steps = steps.filter(steps > 0)
    if not len(steps):
        return None
    step = steps.value_counts(sort=True)[steps.name][0]
    if step % DAY_NS == 0 and step // DAY_NS in _MONTHS:
        return "MN1"
    return next((name for name, length in TIMEFRAMES.items() if length == step), None)


def _refuse_empty(frame: pl.DataFrame, source: Source) -> None:
    if not frame.height:
        raise DataError(f"{source.name} has no rows")


def _timeframe(
    time: pl.Series, told: str | None, asked: str | None, source: Source
) -> tuple[str | None, tuple[str, ...]]:
    """Return the timeframe and a note when a name contradicts the rows."""
    found = timeframe_of(time)
    if asked is not None:
        timeframe_ns(asked)
        if found is not None and found != asked:
            raise DataError(
                f"{source.name}: its rows are {found} bars, {asked} was asked for; resample them after import"
            )
        return asked, ()
    if found is None and told is not None and len(time) == 1:
        return told, (f"too few rows to tell the timeframe: {told} is what the name says",)
    if told is not None and told != found:
        return found, (f"the name says {told}, the rows are {found or 'of no MetaTrader timeframe'}",)
    return found, ()


def without_idle(frame: pl.DataFrame) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Leave out a volume or spread that is 0 in every row: the source does not carry it."""
    carried = [name for name in ("volume", "spread") if name in frame.columns]
    idle = [name for name in carried if frame.height and not (frame[name] != 0).any()]
    return frame.drop(idle), tuple(f"the {name} is 0 in every row, so the source does not carry it" for name in idle)
