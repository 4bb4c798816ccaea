"""Bars straight from a MetaTrader 5 terminal, through a function with the shape of ``copy_rates_range``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from quantbench.core.errors import DataError
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.raw import Raw
from quantbench.data.readers.mt5_python import rates_frame
from quantbench.data.readers.shaping import timeframe_of, without_idle

__all__ = ["NAME", "TERMINAL_TIMEFRAMES", "CopyRates", "read_terminal"]

NAME: Final = "MetaTrader 5 terminal"

CopyRates = Callable[[str, int, datetime, datetime], Any]
"""``MetaTrader5.copy_rates_range``: symbol, timeframe constant, from, to; an array of rates or None."""

TERMINAL_TIMEFRAMES: Final = {
    **{f"M{minutes}": minutes for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"H{hours}": 0x4000 + hours for hours in (1, 2, 3, 4, 6, 8, 12)},
    "D1": 0x4018,
    "W1": 0x8001,
    "MN1": 0xC001,
}
"""MetaTrader 5's own constants."""


def read_terminal(copy_rates: CopyRates, symbol: str, timeframe: str, *, start: datetime, end: datetime) -> Raw:
    """Return the terminal's bars from `start` to `end`, both ends included, as MetaTrader counts.

    Parameters
    ----------
    copy_rates : callable
        ``MetaTrader5.copy_rates_range``, or anything of its shape.
    symbol, timeframe : str
        The broker's name, ``"H1"``.
    start, end : datetime
        Naive, on the **server's** clock, as all times of the terminal.

    Returns
    -------
    Raw
        Bid bars on the server's clock; the last one may still be open. The spread is the smallest
        within each bar.

    Raises
    ------
    DataError
        When the terminal gives nothing, or not what was asked for.
    """
    timeframe_ns(timeframe)
    if start.tzinfo or end.tzinfo or start > end:
        raise DataError(f"start and end must be naive times of the server, in order; found {start} and {end}")
    # The terminal takes its own server's times as if they were UTC.
    moments = (start.replace(tzinfo=UTC), end.replace(tzinfo=UTC))
    rates = copy_rates(symbol, TERMINAL_TIMEFRAMES[timeframe], *moments)
    if rates is None or not len(rates):
        raise DataError(
            f"the terminal has no {timeframe} bars of {symbol} from {start} to {end}; select the symbol in "
            "Market Watch, scroll its chart back once, and see 'Max bars in chart'"
        )
    frame, notes = without_idle(rates_frame(rates, f"{symbol} {timeframe} of the terminal"))
    found = timeframe_of(frame["time"])
    if found not in {timeframe, None}:
        raise DataError(f"asked for {timeframe} bars of {symbol}, the terminal gave {found} bars")
    return Raw(
        kind="bars",
        symbol=symbol,
        timeframe=timeframe,
        frame=frame.select(
            [n for n in ("time", "open", "high", "low", "close", "volume", "spread") if n in frame.columns]
        ),
        reader=NAME,
        notes=(*notes, "times are the SERVER's; the last bar may still be open"),
        side="bid",
        spread_of="minimum",
    )
