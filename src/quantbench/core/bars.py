"""Bars: one symbol's price history, checked once when made and read-only ever after."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from quantbench.core.calendar import trading_day
from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.immutable import frozen
from quantbench.core.instrument import Instrument
from quantbench.core.invariants import check_prices, check_time
from quantbench.core.timeframe import timeframe_ns

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from quantbench.core.align import Aligned

__all__ = ["Bars"]

FloatArray = npt.NDArray[np.float64]
Time = npt.NDArray[np.datetime64]

_PRICES: Final = ("open", "high", "low", "close")


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
    others : tuple of Bars
        Bars of other symbols a strategy may look at (its `needs`), of the same timeframe. They are
        cut with these bars, by close: a slice never knows more than its last bar did.

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
    others: tuple[Bars, ...] = ()

    def __post_init__(self) -> None:
        """Check once, then freeze: nothing downstream checks again."""
        timeframe_ns(self.timeframe)
        time = np.asarray(self.time)
        if time.dtype.kind != "M":
            raise DataError(f"{self.symbol}: time must be datetime64 in UTC, found dtype {time.dtype}")
        stamps = time.astype("datetime64[ns]", copy=False)
        wrapped = (stamps.astype(time.dtype) != time) & ~np.isnat(time) if time.dtype != stamps.dtype else np.False_
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
        check_time(self)
        check_prices(self)
        if self.others:
            from quantbench.core.align import companions

            object.__setattr__(self, "others", companions(self, self.others))

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
        columns: dict[str, Any] = {name: frame[name].to_numpy(np.float64) for name in _PRICES}
        columns |= {name: frame[name].to_numpy(np.float64) for name in ("volume", "spread") if name in frame}
        time = np.asarray(index.as_unit("ns").asi8).view("datetime64[ns]")
        return cls(symbol, timeframe, instrument, time, **columns)

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
        cut = self._trusted(*(v[rows] if isinstance(v, np.ndarray) else v for v in values))
        if self.others:
            from quantbench.core.align import known_companions

            object.__setattr__(cut, "others", known_companions(cut, self.others))
        return cut

    def higher(self, timeframe: str, day: str | None = None) -> Aligned:
        """Return longer bars made of these, aligned by close: at the close of a bar only complete ones are seen.

        Parameters
        ----------
        timeframe : str
            Longer than the bars' own.
        day : str, optional
            The server clock days are cut on; the instrument's trading day if not given.

        Examples
        --------
        >>> import quantbench as qb
        >>> h4 = qb.load("EURUSD", "H1").higher("H4")
        >>> trend = h4.over(qb.sma(h4.bars.close, 20))
        >>> len(trend)
        6225
        """
        from quantbench.core.resample import higher

        found = self._longer.get((timeframe, day))
        if found is None:
            found = self._longer[timeframe, day] = higher(self, timeframe, day=day)
        return found

    def other(self, symbol: str) -> Aligned:
        """Return the bars of another symbol, aligned by close.

        Raises
        ------
        DataError
            When these bars carry no bars of that symbol.
        """
        from quantbench.core.align import other

        return other(self, self.others, symbol)

    @cached_property
    def _longer(self) -> dict[tuple[str, str | None], Aligned]:
        """What `higher` has made, so that a search makes it once."""
        return {}

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
    def trading_day(self) -> npt.NDArray[np.int64]:
        """Day of the instrument's calendar each bar belongs to, as days since 1970-01-01."""
        return trading_day(self.time_ns, self.instrument.trading_calendar)

    @cached_property
    def version(self) -> str:
        """Hash of symbol, timeframe and every column: the same bars have the same version anywhere."""
        digest = blake2b(f"{self.symbol}|{self.timeframe}|{self.instrument!r}".encode(), digest_size=8)
        for name in ("time", *_PRICES, "volume", "spread"):
            digest.update(np.ascontiguousarray(getattr(self, name)).view(np.uint8).data)
        for companion in self.others:
            digest.update(companion.version.encode())
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
