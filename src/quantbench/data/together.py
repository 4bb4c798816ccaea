"""Several symbols on one clock, and what to do where one of them has no bar."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import DataError, did_you_mean
from quantbench.data.store import Moment, load

__all__ = ["load_many"]

Missing = Literal["error", "drop", "fill"]
_POLICIES: Final = ("error", "drop", "fill")
Stamps = npt.NDArray[np.int64]


def load_many(
    symbols: Iterable[str],
    timeframe: str,
    start: Moment | None = None,
    end: Moment | None = None,
    *,
    missing: Missing = "error",
) -> dict[str, Bars]:
    """Load several symbols so that row t of each is the same moment.

    Parameters
    ----------
    symbols : iterable of str
        Each once.
    timeframe, start, end
        As for `load`.
    missing : {"error", "drop", "fill"}
        Within the range that all of them cover, where some have a bar and others not: refuse, keep only
        moments all have, or let the others stand still: a flat bar at the last close, volume 0, no
        spread.

    Returns
    -------
    dict of str to Bars
        In the order asked; all of one length and with equal ``time``.

    Raises
    ------
    DataError
        When bars are missing and that is an error, or no moment is common.

    Examples
    --------
    >>> both = load_many(["SP500", "NASDAQ"], "D1", "2017", "2018")
    >>> [len(bars) for bars in both.values()]
    [251, 251]
    """
    if missing not in _POLICIES:
        raise DataError(
            f"missing must be one of error, drop, fill, found {missing!r}: {did_you_mean(missing, _POLICIES)}"
        )
    names = list(symbols)
    if len(set(names)) != len(names) or not names:
        raise DataError(f"name each symbol once, found {', '.join(names) or 'none'}")
    loaded = {name: load(name, timeframe, start, end) for name in names}
    first = max(int(bars.time_ns[0]) for bars in loaded.values())
    last = min(int(bars.time_ns[-1]) for bars in loaded.values())
    within = {name: _between(bars, first, last) for name, bars in loaded.items()}
    clock = _clock(within, timeframe, missing)
    if not len(clock):
        raise DataError(f"{', '.join(names)} have no {timeframe} bar at a common time in this range")
    return {name: _on_clock(loaded[name], bars, clock) for name, bars in within.items()}


def _clock(within: dict[str, Bars], timeframe: str, missing: Missing) -> Stamps:
    stamps = [bars.time_ns for bars in within.values()]
    every, counts = np.unique(np.concatenate(stamps), return_counts=True)
    whole: Stamps = every[counts == len(stamps)]
    if missing == "drop" or len(whole) == len(every):
        return whole
    if missing == "fill":
        return every
    at = int(every[counts < len(stamps)][0])
    lacking = ", ".join(f"{name} {len(every) - len(bars)}" for name, bars in within.items() if len(bars) < len(every))
    who = ", ".join(name for name, bars in within.items() if at not in bars.time_ns)
    when = np.datetime_as_string(np.datetime64(at, "ns"), unit="m").replace("T", " ")
    raise DataError(
        f"of {len(every)} {timeframe} bars some symbols lack some ({lacking}), the first {who} at {when} UTC; "
        "say what to do: missing='drop' keeps the moments all have, missing='fill' lets the others stand still"
    )


def _between(bars: Bars, first: int, last: int) -> Bars:
    start, stop = np.searchsorted(bars.time_ns, first), np.searchsorted(bars.time_ns, last, side="right")
    return bars[int(start) : max(int(start), int(stop))]


def _on_clock(loaded: Bars, bars: Bars, clock: Stamps) -> Bars:
    if np.array_equal(bars.time_ns, clock):
        return bars
    row = np.searchsorted(loaded.time_ns, clock, side="right") - 1  # the last bar known, maybe from before the range
    held = loaded.time_ns[row] == clock
    close = loaded.close[row]
    return Bars(
        loaded.symbol,
        loaded.timeframe,
        loaded.instrument,
        clock.view("datetime64[ns]"),
        np.where(held, loaded.open[row], close),
        np.where(held, loaded.high[row], close),
        np.where(held, loaded.low[row], close),
        close,
        np.where(held, loaded.volume[row], 0.0),
        np.where(held, loaded.spread[row], np.nan),
    )
