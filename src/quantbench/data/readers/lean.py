"""QuantConnect Lean: one CSV without header in a zip, bid and ask or trades, the date in the name."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, Literal

from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError
from quantbench.data.parquet import pl
from quantbench.data.raw import Raw
from quantbench.data.readers.delimited import table
from quantbench.data.readers.layout import Layout
from quantbench.data.readers.request import Request
from quantbench.data.readers.shaping import as_bars, as_ticks, in_prices
from quantbench.data.readers.sheet import Sheet, sheet, sheet_of
from quantbench.data.readers.stamps import Stamp, stamp_of
from quantbench.data.unpacking import Source

__all__ = ["NAME", "read", "sniff"]

NAME: Final = "QuantConnect Lean"

_PRICES: Final = ("open", "high", "low", "close")
_QUOTES: Final = (*_PRICES, "", *(f"ask_{name}" for name in _PRICES), "")
_BY_WIDTH: Final = {11: _QUOTES, 6: (*_PRICES, "volume"), 3: ("bid", "ask")}
_DATED: Final = Stamp(("%Y%m%d %H:%M",))
_DATE: Final = re.compile(r"(?<!\d)(\d{8})(?!\d)")
_CLOCKS: Final = {
    "oanda": "UTC",
    "interactivebrokers": "UTC",
    "crypto": "UTC",
    "cryptofuture": "UTC",
    "fxcm": "Etc/GMT+5",
    "usa": "America/New_York",
}


def sniff(first: bytes) -> int:
    """Return how sure it is that this is a file of Lean, 0 to 100."""
    found = sheet(first)
    if found is None or found.header or found.skip or found.separator != "," or found.width not in _BY_WIDTH:
        return 0
    if stamp_of(found.column(0)[:50]) == _DATED:
        return 90 if found.width > 3 else 0
    return 70 if _is_of_day(found) else 0


def read(source: Source, request: Request) -> Raw:
    """Return ticks, or bars of bid prices with the spread at the open in price units.

    Raises
    ------
    DataError
        When a file that counts from midnight has no date in its name and none is given, or whole
        prices may be scaled.
    """
    found = sheet_of(source)
    names = _BY_WIDTH[found.width]
    of_day = stamp_of(found.column(0)[:50]) != _DATED
    first = "ms" if of_day else "time"
    stamp = Stamp() if of_day else _DATED
    layout = Layout(names=(first, *names), separator=",", stamp=stamp)
    midnight = _midnight(source, request) if of_day else None
    frame = table(source, layout)
    if midnight is not None:
        frame = _from_midnight(source, frame, midnight)
    clock, notes = _clock(source)
    symbol = _symbol(source)
    if "bid" in names:
        return as_ticks(frame, source, request, reader=f"{NAME} ticks", symbol=symbol, clock=clock, notes=notes)
    if "volume" in names:
        frame, scaled = _unscaled(source, frame, request)
        side: Literal["bid", "last"] = "last"
        notes, spread = (*notes, scaled), None
    else:
        frame = frame.with_columns(spread_price=pl.col("ask_open") - pl.col("open"))
        side, spread = "bid", "open"
        notes = (*notes, "bars of bid prices; the spread is ask open - bid open, sizes are left out")
    return as_bars(
        frame,
        source,
        request,
        reader=f"{NAME} bars",
        symbol=symbol,
        clock=clock,
        side=side,
        spread_of=spread,  # type: ignore[arg-type]
        notes=notes,
    )


def _is_of_day(found: Sheet) -> bool:
    """Return whether the first field counts up from midnight in milliseconds."""
    try:
        counts = [float(field) for field in found.column(0)]
    except ValueError:
        return False
    return counts[0] >= 0 and counts[-1] < 86_400_000 and counts == sorted(counts)


def _midnight(source: Source, request: Request) -> datetime:
    if request.start is not None:
        return request.start
    for name in (source.path.name, source.name):
        if match := _DATE.search(name):
            try:
                return datetime.strptime(match[1], "%Y%m%d")  # noqa: DTZ007  (naive on the source's clock)
            except ValueError:
                continue
    raise DataError(f"{source.path.name} counts milliseconds from midnight and its name says no day; give start=")


def _from_midnight(source: Source, frame: pl.DataFrame, midnight: datetime) -> pl.DataFrame:
    ms = frame["ms"]
    if frame.height and not (ms.min() >= 0 and ms.max() < 86_400_000):  # type: ignore[operator]
        raise DataError(f"{source.name} has times that are no milliseconds of one day")
    time = as_ns(midnight) + (ms * 1_000).round(0).cast(pl.Int64) * 1_000
    return frame.drop("ms").insert_column(0, time.cast(pl.Datetime("ns")).alias("time"))


def _clock(source: Source) -> tuple[str | None, tuple[str, ...]]:
    words = _words(source)
    clock = next((clock for word, clock in _CLOCKS.items() if word in words), None)
    if clock is None:
        return None, ()
    return clock, (f"clock {clock}: Lean's data time zone of the market in the path",)


def _words(source: Source) -> list[str]:
    """Return the folders above the file, as Lean names them, and the words of its name."""
    return [*(part.lower() for part in source.path.parts[-6:-1]), *re.split(r"[_.\-]+", source.path.name.lower())]


def _symbol(source: Source) -> str | None:
    """Return the name of the member without date and resolution."""
    stem = source.name.rpartition("/")[2].removesuffix(".csv").lower()
    kept = [word for word in stem.split("_") if not word.isdigit() and word not in _PLAIN]
    return kept[0].upper() if len(kept) == 1 else None


_PLAIN: Final = frozenset(("tick", "second", "minute", "hour", "daily", "quote", "trade"))


def _unscaled(source: Source, frame: pl.DataFrame, request: Request) -> tuple[pl.DataFrame, str]:
    """Return trade prices; those of equities and indices are stored times 10,000."""
    whole = frame.select((pl.col(*_PRICES) % 1 == 0).all()).row(0) == (True,) * 4
    words = _words(source)
    if not whole or "crypto" in words:
        return frame, "prices are as stored"
    if request.digits is None and not {"equity", "index"} & set(words):
        raise DataError(
            f"{source.path.name} has whole prices, which Lean stores times 10,000 for equities and indices: "
            "say digits=4 if these are, digits=0 if not"
        )
    digits = 4 if request.digits is None else request.digits
    return in_prices(frame, _PRICES, digits), f"prices are divided by {10**digits}"
