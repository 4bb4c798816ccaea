"""Stored bars by symbol and timeframe: what there is, and loading it, your lake before the sample."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.config import settings
from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS, as_ns
from quantbench.core.errors import DataError, StoreError, did_you_mean
from quantbench.core.timeframe import TIMEFRAMES, timeframe_ns
from quantbench.data.instruments import instrument
from quantbench.data.longer import Source, longer_bars
from quantbench.data.pins import SAMPLE, pins

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "Moment", "load", "sample_files", "sample_folder", "symbols"]

SCHEMA: Final = 1
"""Version of the layout of a file of bars."""

Moment = str | datetime | np.datetime64
Key = tuple[str, str]


def load(
    symbol: str,
    timeframe: str,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    version: int | str | None = None,
    others: Iterable[str] = (),
) -> Bars:
    """Load stored bars: from your lake or, if it can give none of the symbol, from the embedded sample.

    Where the timeframe itself is not stored, it is made of the longest stored one that divides it, on
    the instrument's trading day; `symbols` lists what is stored.

    Parameters
    ----------
    symbol, timeframe : str
        ``"EURUSD"``, ``"H1"``; `symbols` lists what there is.
    start, end : str, datetime or datetime64, optional
        Bars whose open lies in ``[start, end)``. Text and naive datetimes are read as UTC;
        ``"2017"`` and ``"2017-03"`` mean their first day.
    version : int or str, optional
        A version of the dataset in the lake: its number, or the beginning of its content hash. By
        default the current one.
    others : iterable of str
        Symbols to bring along for strategies that need them, their current versions: ``bars.other(symbol)``.

    Returns
    -------
    Bars
        **Bid** prices, labelled by the bar's open in UTC. A spread that is only the smallest within each
        bar, as MetaTrader 5 exports it, is not carried: fills would be too good. Where bars carry none
        and spreads were measured for the symbol (`spreads.write_spreads`), they have the usual one of
        the hour of the week.

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
    >>> qb.load("EURUSD", "D1", "2017-03", "2017-04")
    Bars(EURUSD D1, 22 bars, 2017-03-01 22:00 to 2017-03-30 21:00 UTC)
    >>> float(qb.load("NASDAQ", "D1", others=["SP500"]).other("SP500").close[-1])
    2506.85
    """
    source = _source(symbol, timeframe, version)
    first, last = _moment("start", start), _moment("end", end)
    facts = instrument(symbol)
    if source.timeframe == timeframe:
        bars = Bars(symbol, timeframe, facts, **source.columns(first, last))
    else:
        bars = longer_bars(source, timeframe, facts, first=first, last=last)
    if not len(bars):
        opens, last_opens = (_said(stamp) for stamp in source.opens())
        raise DataError(
            f"{symbol} {timeframe} has no bars from {start or 'the first'} up to, not including, {end or 'the last'}; "
            f"there are bars from {opens} to {last_opens} UTC"
        )
    bars, names = _with_usual_spreads(bars), (others,) if isinstance(others, str) else tuple(others)
    return replace(bars, others=tuple(load(name, timeframe, start, end) for name in names)) if names else bars


def symbols() -> pd.DataFrame:
    """Return what is stored: one row a symbol and timeframe.

    Returns
    -------
    DataFrame
        ``symbol, timeframe, bars`` (how many), ``from, to`` (opens of the first and last bar, UTC),
        ``source, licence, stored`` (``"lake"``, which hides the same of the ``"sample"``).

    Examples
    --------
    >>> import quantbench as qb
    >>> list(qb.symbols().symbol)
    ['BTCUSD', 'EURUSD', 'NASDAQ', 'SP500']
    """
    import pandas as pd

    rows = {key: _row(file) for key, file in sample_files().items()} | _lake_rows()
    order = sorted(rows, key=lambda key: (key[0], timeframe_ns(key[1])))
    table = pd.DataFrame(
        [(*key, *rows[key]) for key in order],
        columns=["symbol", "timeframe", "bars", "from", "to", "source", "licence", "stored"],
    )
    for name in ("from", "to"):
        table[name] = pd.to_datetime(table[name], unit="ns", utc=True)
    return table


def sample_folder() -> Path:
    """Return the folder of the embedded sample: beside this file in a wheel, ``data/sample`` in a checkout."""
    packaged = Path(__file__).parent / "sample"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "data" / "sample"


def sample_files() -> dict[Key, Path]:
    """Return the files of the sample by symbol and timeframe; a name is SYMBOL_TIMEFRAME.parquet.

    Raises
    ------
    StoreError
        When there is none.
    """
    folder = sample_folder()
    found = {}
    for file in folder.glob("*.parquet"):
        symbol, _, timeframe = file.stem.rpartition("_")
        found[symbol, timeframe] = file
    if not found:
        raise StoreError(f"the embedded sample is not in {folder}; install Quantbench again")
    return found


def _with_usual_spreads(bars: Bars) -> Bars:
    from quantbench.data.manifest import symbol_folder

    if not (symbol_folder(settings().lake, bars.symbol) / "spreads.json").is_file():
        return bars
    from quantbench.data.spreads import fill_spreads, read_spreads

    table = read_spreads(bars.symbol)
    return bars if table is None else fill_spreads(bars, table)


def _source(symbol: str, timeframe: str, version: int | str | None) -> Source:
    """Return where to read from: all of the lake before the sample, and in each the timeframe itself first."""
    timeframe_ns(timeframe)
    if version is not None:
        return _from_lake(symbol, timeframe, version)
    candidates = [timeframe, *reversed(_shorter(timeframe))]
    pinned = _pinned(symbol, candidates)
    if pinned is not None:
        return pinned
    stored = _lake_keys(symbol)
    for name in candidates:
        if (symbol, name) in stored:
            return _from_lake(symbol, name, None)
    sample = sample_files()
    for name in candidates:
        if (symbol, name) in sample:
            return _from_sample(sample[symbol, name], name)
    raise _not_stored(symbol, timeframe)


def _pinned(symbol: str, candidates: list[str]) -> Source | None:
    """Return where to read from while versions are held fast; None where none of these is."""
    held = pins()
    name = next((one for one in candidates if f"{symbol} {one}" in held), None)
    if name is None:
        return None
    version = held[f"{symbol} {name}"]
    if version == SAMPLE:
        return _from_sample(sample_files()[symbol, name], name)
    return _from_lake(symbol, name, version)


def _not_stored(symbol: str, timeframe: str) -> DataError:
    stored = set(sample_files()) | _lake_keys("*")
    have = ", ".join(f"{name} {frame}" for name, frame in sorted(stored))
    known = {name for name, _ in stored}
    if symbol not in known:
        return DataError(f"no bars of {symbol!r} are stored: {did_you_mean(symbol, known)} There are: {have}")
    return DataError(f"no {timeframe} bars of {symbol} are stored, nor any to make them of; there are: {have}")


def _shorter(timeframe: str) -> list[str]:
    """Return the timeframes a longer bar can be made of, shortest first."""
    length = timeframe_ns(timeframe)
    fits = [name for name, short in TIMEFRAMES.items() if short < length and short <= DAY_NS]
    return [name for name in fits if length > DAY_NS or length % TIMEFRAMES[name] == 0]


def _lake_keys(symbol: str) -> set[Key]:
    """Return what the lake holds of a symbol, or of all: ``"*"``."""
    from quantbench.data.manifest import symbol_folder

    if symbol != "*":
        places = symbol_folder(settings().lake, symbol).glob("timeframe=*/manifest.json")
        return {(symbol, file.parent.name.partition("=")[2]) for file in places}
    return set(_lake_rows())


def _from_lake(symbol: str, timeframe: str, version: int | str | None) -> Source:
    from quantbench.data import lake
    from quantbench.data.frames import own_columns
    from quantbench.data.manifest import Dataset, version_named

    dataset = Dataset(symbol, timeframe)
    wanted = version_named(dataset, version)

    def columns(first: int | None, last: int | None) -> dict[str, Any]:
        found = own_columns(lake.read(dataset, start=first, end=last, version=wanted.content))
        return found | ({"spread": None} if wanted.origin.spread_of == "minimum" else {})

    return Source(timeframe, columns, lambda: (wanted.first, wanted.last))


def _lake_rows() -> dict[Key, tuple[Any, ...]]:
    if not settings().lake.is_dir():
        return {}
    from quantbench.data.lake import datasets

    return {
        (one.symbol, one.timeframe): (one.rows, one.first, one.last, one.origin.source, one.origin.licence, "lake")
        for one in datasets()
    }


def _from_sample(file: Path, timeframe: str) -> Source:
    def columns(first: int | None, last: int | None) -> dict[str, Any]:
        from quantbench.data.frames import own_columns
        from quantbench.data.parts import collected

        _facts(file)
        return own_columns(collected([file], first, last))

    return Source(timeframe, columns, lambda: _row(file)[1:3])


def _row(file: Path) -> tuple[Any, ...]:
    from quantbench.data.parquet import pl

    found = _facts(file)
    time = pl.col("time").dt.epoch("ns")
    many, first, last = pl.scan_parquet(file).select(pl.len(), a=time.min(), b=time.max()).collect().row(0)
    return (many, first, last, found["source"], found["licence"], "sample")


def _facts(file: Path) -> dict[str, str]:
    from quantbench.data.parquet import facts

    found = facts(file)
    if found.get("schema") != str(SCHEMA):
        raise StoreError(
            f"{file} has schema {found.get('schema')}, this Quantbench reads {SCHEMA}; install a newer one"
        )
    return found


def _moment(name: str, value: Moment | None) -> int | None:
    if value is None:
        return None
    try:
        return as_ns(value)
    except (ValueError, TypeError, AttributeError) as fault:
        raise DataError(
            f"{name} must be a UTC time such as '2017', '2017-03', '2017-03-15' or '2017-03-15 14:00', found {value!r}"
        ) from fault


def _said(stamp: int) -> str:
    return np.datetime_as_string(np.datetime64(stamp, "ns"), unit="m").replace("T", " ")
