"""Bars: one symbol's price history, checked once when made and read-only ever after."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.instrument import Instrument
from quantbench.core.timeframe import timeframe_ns

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

__all__ = ["Bars", "frozen"]

FloatArray = npt.NDArray[np.float64]
Time = npt.NDArray[np.datetime64]

_PRICES: Final = ("open", "high", "low", "close")
# Bars of a day cut on a wall clock are 23 hours apart once a year, months 28 days of 30.
_CLOSEST: Final = 0.9


def frozen(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a copy nobody can write to: it stands on `bytes`, so no flag makes it writable."""
    return np.frombuffer(np.ascontiguousarray(values).tobytes(), values.dtype).reshape(values.shape)


@dataclass(frozen=True, eq=False, repr=False)
class Bars:
    """One symbol's price history: **bid** prices, labelled by the bar's open time in UTC.

    Parameters
    ----------
    symbol, timeframe : str
        ``"EURUSD"``, ``"H1"``.
    instrument : Instrument
        The contract these prices belong to.
    time : array of datetime64
        Open of each bar, UTC, strictly increasing.
    open, high, low, close : float arrays
        Bid prices in quote currency, finite and above 0.
    volume : float array, optional
        Ticks or lots; zeros where the source has none.
    spread : float array, optional
        Points at the bar's open; NaN is "not carried", 0 is zero.

    Raises
    ------
    DataError
        When the bars break an invariant; the message names the first bar that does.

    Notes
    -----
    All columns are read-only. A slice of bars (``bars[100:200]``) is bars, and costs nothing.
    """

    symbol: str
    timeframe: str
    instrument: Instrument
    time: Time
    open: FloatArray
    high: FloatArray
    low: FloatArray
    close: FloatArray
    volume: FloatArray = None  # type: ignore[assignment]  # filled in below
    spread: FloatArray = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Check once, then freeze: nothing downstream checks again."""
        timeframe_ns(self.timeframe)
        time = np.asarray(self.time)
        if time.dtype.kind != "M":
            raise DataError(f"{self.symbol}: time must be datetime64 in UTC, found dtype {time.dtype}")
        stamps = time.astype("datetime64[ns]")
        wrapped = (stamps.astype(time.dtype) != time) & ~np.isnat(time)
        if wrapped.any():
            found = time[int(np.argmax(wrapped))]
            raise DataError(f"{self.symbol}: a bar time is out of bounds: nanoseconds hold 1678 to 2262, found {found}")
        object.__setattr__(self, "time", frozen(stamps))
        if self.volume is None:
            object.__setattr__(self, "volume", np.zeros(len(time)))
        if self.spread is None:
            object.__setattr__(self, "spread", np.full(len(time), np.nan))
        for name in (*_PRICES, "volume", "spread"):
            object.__setattr__(self, name, _column(self, name, len(time)))
        _check_time(self)
        _check_prices(self)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, symbol: str, timeframe: str, instrument: Instrument) -> Self:
        """Build bars from a DataFrame of bid prices.

        Parameters
        ----------
        frame : DataFrame
            Columns ``open, high, low, close`` and, optional, ``volume, spread``; index a tz-aware
            UTC DatetimeIndex of bar opens, any unit.
        symbol, timeframe : str
            What it holds.
        instrument : Instrument
            The contract.

        Raises
        ------
        DataError
            When a column is missing, the index is not UTC, or the bars break an invariant.
        """
        import pandas as pd

        index = frame.index
        if not isinstance(index, pd.DatetimeIndex) or index.tz is None:
            found = type(index).__name__ if not isinstance(index, pd.DatetimeIndex) else "no time zone"
            raise DataError(f"{symbol}: the index must be a UTC DatetimeIndex, found {found}; use tz_localize('UTC')")
        if str(index.tz) not in {"UTC", "Etc/UTC", "UTC+00:00"}:
            raise DataError(f"{symbol}: the index must be in UTC, found {index.tz}; use tz_convert('UTC')")
        for name in _PRICES:
            if name not in frame:
                hint = did_you_mean(name, [str(column) for column in frame.columns])
                raise DataError(
                    f"{symbol}: column {name!r} is missing; {hint}; rename the columns to open, high, low, close"
                )
        optional = {name: frame[name].to_numpy(np.float64) for name in ("volume", "spread") if name in frame}
        return cls(
            symbol,
            timeframe,
            instrument,
            np.asarray(index.as_unit("ns").asi8).view("datetime64[ns]"),
            *(frame[name].to_numpy(np.float64) for name in _PRICES),
            **optional,
        )

    @classmethod
    def _trusted(cls, *values: Any) -> Self:
        """Return bars from columns that were checked and frozen before."""
        bars = object.__new__(cls)
        for part, value in zip(fields(cls), values, strict=True):
            if isinstance(value, np.ndarray) and value.flags.writeable:
                value = frozen(value)  # noqa: PLW2901  (unpickled columns come back writable)
            object.__setattr__(bars, part.name, value)
        return bars

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the checked columns, so that a worker does not check them again."""
        return (Bars._trusted, tuple(getattr(self, part.name) for part in fields(self)))

    def __len__(self) -> int:
        return len(self.time)

    def __getitem__(self, rows: slice) -> Self:
        """Return a contiguous range of bars, by position."""
        if not isinstance(rows, slice) or rows.step not in {None, 1}:
            raise TypeError("bars take a contiguous slice such as bars[100:200]")
        values = (getattr(self, part.name) for part in fields(self))
        return self._trusted(*(v[rows] if isinstance(v, np.ndarray) else v for v in values))

    def between(self, start: str | datetime | None = None, end: str | datetime | None = None) -> Self:
        """Return the bars whose open lies in ``[start, end)``; text is read as UTC, ``"2017-03"`` as its first day."""
        stamps = self.time_ns
        first = 0 if start is None else int(np.searchsorted(stamps, as_ns(start)))
        last = len(self) if end is None else int(np.searchsorted(stamps, as_ns(end)))
        return self[first : max(first, last)]

    @cached_property
    def time_ns(self) -> npt.NDArray[np.int64]:
        """Bar opens as int64 nanoseconds since 1970-01-01 UTC."""
        return self.time.view(np.int64)

    @cached_property
    def version(self) -> str:
        """Hash of symbol, timeframe and every column: the same bars have the same version anywhere."""
        digest = blake2b(f"{self.symbol}|{self.timeframe}|{self.instrument!r}".encode(), digest_size=8)
        for name in ("time", *_PRICES, "volume", "spread"):
            digest.update(np.ascontiguousarray(getattr(self, name)).view(np.uint8).data)
        return digest.hexdigest()

    @property
    def years(self) -> float:
        """Calendar years from the first open to the last close."""
        if not len(self):
            return 0.0
        span = int(self.time_ns[-1] - self.time_ns[0]) + timeframe_ns(self.timeframe)
        return span / (365.25 * 86_400e9)

    @property
    def frame(self) -> pd.DataFrame:
        """The columns as a pandas DataFrame with a UTC index; a new one each time."""
        import pandas as pd

        index = pd.DatetimeIndex(self.time, tz="UTC", name="time")
        return pd.DataFrame({name: getattr(self, name) for name in (*_PRICES, "volume", "spread")}, index=index)

    def __repr__(self) -> str:
        if not len(self):
            return f"Bars({self.symbol} {self.timeframe}, empty)"
        first, last = (np.datetime_as_string(self.time[i], unit="m").replace("T", " ") for i in (0, -1))
        return f"Bars({self.symbol} {self.timeframe}, {len(self):,} bars, {first} to {last} UTC)"


def _column(bars: Bars, name: str, length: int) -> FloatArray:
    values = np.asarray(getattr(bars, name), dtype=np.float64)
    if values.shape != (length,):
        raise DataError(f"{bars.symbol}: {name} has shape {values.shape}, time has {length} bars")
    column: FloatArray = frozen(values)
    return column


def _when(bars: Bars, row: int) -> str:
    return f"bar {row} ({np.datetime_as_string(bars.time[row], unit='s').replace('T', ' ')})"


def _first(where: npt.NDArray[np.bool_]) -> int:
    return int(np.argmax(where))


def _check_time(bars: Bars) -> None:
    if np.isnat(bars.time).any():
        raise DataError(f"{bars.symbol}: {int(np.isnat(bars.time).sum())} bars have no time; drop them first")
    step = np.diff(bars.time_ns)
    if (step < 0).any():
        row = _first(step < 0) + 1
        raise DataError(
            f"{bars.symbol}: bars are not in order of time: "
            f"{_when(bars, row)} follows {_when(bars, row - 1)}; sort them first"
        )
    if (step == 0).any():
        row = _first(step == 0) + 1
        many = int((step == 0).sum())
        raise DataError(
            f"{bars.symbol}: {many} duplicated bar times, the first at {_when(bars, row)}; drop duplicates first"
        )
    near = step < _CLOSEST * timeframe_ns(bars.timeframe)
    if near.any():
        row = _first(near) + 1
        minutes = step[row - 1] / 60e9
        raise DataError(
            f"{bars.symbol}: not {bars.timeframe} bars: "
            f"{_when(bars, row)} opens {minutes:g} minutes after the bar before"
        )


def _check_prices(bars: Bars) -> None:
    top = np.maximum(np.maximum(bars.open, bars.close), bars.low)
    bottom = np.minimum(np.minimum(bars.open, bars.close), bars.high)
    finite = np.isfinite(bars.open) & np.isfinite(bars.high) & np.isfinite(bars.low) & np.isfinite(bars.close)
    for bad, what in (
        (~finite, "a price that is NaN or infinite"),
        (np.minimum(bottom, bars.low) <= 0, "a price at or below 0"),
        (bars.high < top, "a high below its open, close or low"),
        (bars.low > bottom, "a low above its open, close or high"),
        (~(bars.volume >= 0), "a volume that is negative or NaN"),
        ((bars.spread < 0) | np.isinf(bars.spread), "a spread that is negative or infinite"),
    ):
        if bad.any():
            row = _first(bad)
            values = ", ".join(f"{name}={float(getattr(bars, name)[row])!r}" for name in (*_PRICES, "volume", "spread"))
            raise DataError(
                f"{bars.symbol}: {int(bad.sum())} bars have {what}, "
                f"the first is {_when(bars, row)}: {values}; drop or repair them first"
            )
