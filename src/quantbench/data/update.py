"""Bring stored bars up to date, and back: only what is missing is asked for, and kept as it arrives."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import quote, urlsplit

import numpy as np

from quantbench.core.clock import DAY_NS, HOUR_NS, as_ns, server_offset
from quantbench.core.errors import DataError
from quantbench.core.timeframe import timeframe_ns
from quantbench.data import lake
from quantbench.data.fetching import POLITE, Manners, fetch
from quantbench.data.importing import store_raw
from quantbench.data.instruments import instrument
from quantbench.data.manifest import Dataset, Version, read_current
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers import read
from quantbench.data.readers.terminal import CopyRates, read_terminal

__all__ = ["DUKASCOPY", "Updated", "missing_days", "update_from_http", "update_from_rates"]

DUKASCOPY: Final = "https://datafeed.dukascopy.com/datafeed"
"""Whose candles of M1 are read; any server of the same layout will do."""

Progress = Callable[[int, int, str], Any]

_AT_ONCE: Final = 20
"""Days kept before they are stored: what a killed update has to ask for again at most."""

_LATE_NS: Final = 20 * HOUR_NS
"""The earliest hour at which a day of FX is over: 17:00 New York in summer is 21:00, the last quote before it."""

_PIECE: Final = 50_000
"""Bars asked of a terminal at once."""


@dataclass(frozen=True, kw_only=True)
class Updated:
    """What an update did.

    Parameters
    ----------
    symbol, timeframe : str
        Of the dataset.
    asked, empty : int
        Pieces asked for, and those the source had nothing for.
    rows : int
        Bars stored anew.
    version : Version or None
        The dataset as it is now; None when there is none.
    """

    symbol: str
    timeframe: str
    asked: int
    empty: int
    rows: int
    version: Version | None


def missing_days(dataset: Dataset, start: date, end: date) -> list[date]:
    """Return the days (UTC) in ``[start, end)`` of which no bar is stored; free Saturdays are left out.

    A first or last stored day that another source left in part counts as missing too; a hole within a day
    that lies between is for `check` to tell.
    """
    weekends = instrument(dataset.symbol).trading_calendar.days_per_year < 365
    stored: set[int] = set()
    current = read_current(dataset.place)
    if current is not None:
        opens = lake.read(dataset, start=_ns(start), end=_ns(end))["time"].dt.epoch("ns").to_numpy()
        stored = set(np.unique(opens // DAY_NS).tolist()) - _cut_days(current)
    days = (start + timedelta(days=k) for k in range((end - start).days))
    return [day for day in days if _ns(day) // DAY_NS not in stored and not (weekends and day.weekday() == 5)]


def _cut_days(current: Version) -> set[int]:
    """Return the first day if it begins late, and the last if it ends early: FX begins Sunday and ends Friday late."""
    cut = set()
    if current.first % DAY_NS >= HOUR_NS and (current.first // DAY_NS + 3) % 7 != 6:
        cut.add(current.first // DAY_NS)
    if current.last % DAY_NS < _LATE_NS:
        cut.add(current.last // DAY_NS)
    return cut


def update_from_http(
    symbol: str,
    *,
    start: date,
    now: datetime,
    end: date | None = None,
    base_url: str = DUKASCOPY,
    repairs: Iterable[str] = ("drop-flat",),
    accept: Iterable[str] = (),
    into: Path | None = None,
    manners: Manners = POLITE,
    sleep: Callable[[float], Any] = time.sleep,
    progress: Progress | None = None,
) -> Updated:
    """Fill the days missing from a symbol's M1 bars from a server laid out like Dukascopy's.

    Parameters
    ----------
    symbol : str
        As the server and `instruments` name it.
    start, end : date
        Days (UTC) ``[start, end)``; by default up to yesterday: a day is asked for once it is over.
    now : datetime
        Aware.
    base_url : str
        ``base_url/SYMBOL/YEAR/MONTH/DAY/BID_candles_min_1.bi5``, the month from 00.
    repairs, accept : iterable of str
        As of `importing.add`. The server fills closed hours with flat bars without volume, hence the
        default; the manifest records it.
    into, manners, sleep
        The lake; how the server is asked.
    progress : callable, optional
        Gets days done, days in all, and the day.

    Returns
    -------
    Updated

    Raises
    ------
    DataError
        When the server gives no whole answer, or the checks refuse the bars. What arrived before is stored.
    """
    dataset = Dataset(symbol, "M1", into) if into else Dataset(symbol, "M1")
    today = now.astimezone(UTC).date()
    days = missing_days(dataset, start, min(end or today, today))
    terms = {"repairs": tuple(repairs), "accept": tuple(accept), "into": into, "now": now}
    kept: list[Raw] = []
    rows = empty = 0
    tell = progress or _silent
    try:
        for number, day in enumerate(days):
            tell(number, len(days), f"{symbol} {day}")
            if number:
                sleep(manners.pause)
            raw = fetch(_address(base_url, symbol, day), _parser(symbol, day), manners=manners, sleep=sleep)
            if raw is None:
                empty += 1
            else:
                kept.append(raw)
            if len(kept) >= _AT_ONCE:
                batch, kept = kept, []  # a batch that is refused is not tried again below
                rows += _store(batch, dataset, base_url, terms)
    finally:  # also when the server fails, or Ctrl-C: what arrived is not asked for again
        if kept:
            rows += _store(kept, dataset, base_url, terms)
    tell(len(days), len(days), symbol)
    version = read_current(dataset.place)
    return Updated(symbol=symbol, timeframe="M1", asked=len(days), empty=empty, rows=rows, version=version)


def _pieces(dataset: Dataset, asked: tuple[int, int], length: int) -> list[tuple[int, int]]:
    """Return the ranges of opens that are missing before and after the stored bars, in pieces."""
    current, step = read_current(dataset.place), _PIECE * length
    whole = (asked[0], asked[1] - length)
    ranges = [whole] if current is None else [(whole[0], current.first - length), (current.last + length, whole[1])]
    return [(low, min(low + step - length, last)) for first, last in ranges for low in range(first, last + 1, step)]


def update_from_rates(
    copy_rates: CopyRates,
    symbol: str,
    timeframe: str,
    *,
    clock: str,
    start: datetime,
    now: datetime,
    accept: Iterable[str] = (),
    into: Path | None = None,
    progress: Progress | None = None,
) -> Updated:
    """Fill what is missing before and after the stored bars from a terminal, up to the last complete bar.

    Parameters
    ----------
    copy_rates : callable
        ``MetaTrader5.copy_rates_range``, or anything of its shape.
    symbol, timeframe : str
        The broker's name.
    clock : str
        The server's clock.
    start, now : datetime
        Aware; from when on bars are wanted, and when it is.
    accept, into, progress
        As of `update_from_http`.

    Returns
    -------
    Updated

    Raises
    ------
    DataError
        When the terminal gives what was not asked for, or the checks refuse it.
    """
    dataset = Dataset(symbol, timeframe, into) if into else Dataset(symbol, timeframe)
    pieces = _pieces(dataset, (as_ns(start), as_ns(now)), timeframe_ns(timeframe))
    rows = empty = 0
    for number, (low, high) in enumerate(pieces):
        if progress is not None:
            progress(number, len(pieces), f"{symbol} {timeframe}")
        got: list[int] = []

        def counted(*asked: Any, got: list[int] = got) -> Any:
            rates = copy_rates(*asked)
            got.append(0 if rates is None else len(rates))
            return rates

        try:
            raw = read_terminal(counted, symbol, timeframe, start=_server(low, clock), end=_server(high, clock))
        except DataError:
            if got != [0]:
                raise
            empty += 1  # a weekend, or before the terminal's history
            continue
        found = store_raw(
            raw, source="MetaTrader 5 terminal", clock=clock, accept=accept, into=into, timeframe=timeframe, now=now
        )
        rows += found.rows
    version = read_current(dataset.place)
    return Updated(symbol=symbol, timeframe=timeframe, asked=len(pieces), empty=empty, rows=rows, version=version)


def _silent(_: int, __: int, ___: str) -> None:
    """Show nothing."""


def _address(base_url: str, symbol: str, day: date) -> str:
    return f"{base_url.rstrip('/')}/{quote(symbol, safe='')}/{_place(day)}"


def _place(day: date) -> str:
    return f"{day.year}/{day.month - 1:02d}/{day.day:02d}/BID_candles_min_1.bi5"


def _parser(symbol: str, day: date) -> Callable[[bytes], Raw]:
    def parse(answer: bytes) -> Raw:
        with TemporaryDirectory() as folder:
            file = Path(folder) / _place(day)
            file.parent.mkdir(parents=True)
            file.write_bytes(answer)
            return read(file, symbol=symbol)

    return parse


def _store(kept: list[Raw], dataset: Dataset, base_url: str, terms: dict[str, Any]) -> int:
    """Store what arrived, without what is stored already: a day that was cut is completed, not replaced."""
    frame = pl.concat([one.frame for one in kept])
    current = read_current(dataset.place)
    if current is not None:
        opens = frame["time"].dt.epoch("ns")
        old = lake.read(dataset, start=opens[0], end=opens[-1] + 1)["time"].dt.epoch("ns")
        frame = frame.filter(~opens.is_in(old.implode()))
    if frame.is_empty():
        return 0
    raw = replace(kept[0], frame=frame, notes=())
    return store_raw(raw, source=f"{urlsplit(base_url).netloc}, candles of M1", **terms).rows


def _ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def _server(utc_ns: int, clock: str) -> datetime:
    local = utc_ns + int(server_offset(np.array([utc_ns]), clock)[0])
    return datetime(1970, 1, 1) + timedelta(microseconds=local // 1000)  # noqa: DTZ001  (the server's own clock)
