"""Stored bars by symbol and timeframe: what there is, and loading it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError, StoreError, did_you_mean
from quantbench.core.timeframe import TIMEFRAMES, timeframe_ns
from quantbench.data.instruments import instrument

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "load", "sample_folder", "symbols"]

SCHEMA: Final = 1
"""Version of the layout of a file of bars."""

Moment = str | datetime | np.datetime64


def load(symbol: str, timeframe: str, start: Moment | None = None, end: Moment | None = None) -> Bars:
    """Load bars of the embedded sample.

    Parameters
    ----------
    symbol, timeframe : str
        ``"EURUSD"``, ``"H1"``; `symbols` lists what there is.
    start, end : str, datetime or datetime64, optional
        Bars whose open lies in ``[start, end)``. Text and naive datetimes are read as UTC;
        ``"2017"`` and ``"2017-03"`` mean their first day.

    Returns
    -------
    Bars
        **Bid** prices, labelled by the bar's open in UTC.

    Raises
    ------
    DataError
        When nothing of that name is stored, or no bar lies in the range.
    StoreError
        When the file is missing or broken.
    MissingExtra
        When polars is not installed.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.load("EURUSD", "H1", "2017-03", "2017-04")
    Bars(EURUSD H1, 550 bars, 2017-03-01 00:00 to 2017-03-31 20:00 UTC)
    """
    file = _file(symbol, timeframe)
    first, last = _moment("start", start), _moment("end", end)
    columns = _columns(file, first, last)
    if not len(columns["time"]):
        opens, last_opens = _row(file)[3:5]
        raise DataError(
            f"{symbol} {timeframe} has no bars from {start or 'the first'} up to, not including, {end or 'the last'}; "
            f"there are bars from {opens:%Y-%m-%d %H:%M} to {last_opens:%Y-%m-%d %H:%M} UTC"
        )
    return Bars(symbol, timeframe, instrument(symbol), **columns)


def symbols() -> pd.DataFrame:
    """Return what `load` can give: one row a symbol and timeframe.

    Returns
    -------
    DataFrame
        ``symbol, timeframe, bars`` (how many), ``from, to`` (opens of the first and last bar, UTC),
        ``source, licence``.

    Examples
    --------
    >>> import quantbench as qb
    >>> list(qb.symbols().symbol)
    ['BTCUSD', 'EURUSD', 'NASDAQ', 'SP500']
    """
    import pandas as pd

    names = ["symbol", "timeframe", "bars", "from", "to", "source", "licence"]
    rows = [_row(file) for _, file in sorted(_stored().items())]
    return pd.DataFrame(rows, columns=names)


def sample_folder() -> Path:
    """Return the folder of the embedded sample: beside this file in a wheel, ``data/sample`` in a checkout."""
    packaged = Path(__file__).parent / "sample"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "data" / "sample"


def _stored() -> dict[tuple[str, str], Path]:
    """Return the files of bars by symbol and timeframe; a name is SYMBOL_TIMEFRAME.parquet."""
    folder = sample_folder()
    found = {}
    for file in folder.glob("*.parquet"):
        symbol, _, timeframe = file.stem.rpartition("_")
        found[symbol, timeframe] = file
    if not found:
        raise StoreError(f"the embedded sample is not in {folder}; install Quantbench again")
    return found


def _file(symbol: str, timeframe: str) -> Path:
    stored = _stored()
    if (symbol, timeframe) in stored:
        return stored[symbol, timeframe]
    have = ", ".join(f"{name} {frame}" for name, frame in sorted(stored))
    known = {name for name, _ in stored}
    if symbol not in known:
        raise DataError(f"no bars of {symbol!r} are stored: {did_you_mean(symbol, known)} There are: {have}")
    if timeframe not in TIMEFRAMES:
        timeframe_ns(timeframe)
    raise DataError(f"no {timeframe} bars of {symbol} are stored; there are: {have}")


def _moment(name: str, value: Moment | None) -> int | None:
    if value is None:
        return None
    try:
        return as_ns(value)
    except (ValueError, TypeError, AttributeError) as fault:
        raise DataError(
            f"{name} must be a UTC time such as '2017', '2017-03', '2017-03-15' or '2017-03-15 14:00', found {value!r}"
        ) from fault


def _columns(file: Path, first: int | None, last: int | None) -> dict[str, Any]:
    from quantbench.data.parquet import UNREADABLE, pl

    _facts(file)
    wanted = pl.scan_parquet(file)
    stamp = pl.col("time").dt.epoch("ns")
    if first is not None:
        wanted = wanted.filter(stamp >= first)
    if last is not None:
        wanted = wanted.filter(stamp < last)
    try:
        frame = wanted.collect()
    except UNREADABLE as fault:
        raise StoreError(f"cannot read {file}: {fault}; restore it or install Quantbench again") from fault
    columns = {name: frame[name].to_numpy() for name in ("open", "high", "low", "close", "volume", "spread")}
    return {"time": frame["time"].dt.replace_time_zone(None).to_numpy(), **columns}


def _facts(file: Path) -> dict[str, str]:
    from quantbench.data.parquet import facts

    found = facts(file)
    if found.get("schema") != str(SCHEMA):
        raise StoreError(
            f"{file} has schema {found.get('schema')}, this Quantbench reads {SCHEMA}; install a newer one"
        )
    return found


def _row(file: Path) -> tuple[Any, ...]:
    import pandas as pd

    from quantbench.data.parquet import pl

    found = _facts(file)
    time = pl.col("time").dt.epoch("ns")
    many, first, last = pl.scan_parquet(file).select(pl.len(), a=time.min(), b=time.max()).collect().row(0)
    opens = (pd.Timestamp(moment, tz="UTC") for moment in (first, last))
    return (found["symbol"], found["timeframe"], many, *opens, found["source"], found["licence"])
