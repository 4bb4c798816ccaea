"""Files of any known format as `Raw`: `read` finds the format by content and parses all of it or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from quantbench.core.errors import DataError
from quantbench.data.raw import Raw
from quantbench.data.readers import generic, parquet_file
from quantbench.data.readers.registry import READERS, Reader, reader_for
from quantbench.data.readers.request import Request
from quantbench.data.readers.terminal import read_terminal
from quantbench.data.unpacking import head, locate

__all__ = ["READERS", "Reader", "read", "read_terminal"]


def read(
    path: str | Path,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    mapping: Mapping[str, str | int] | None = None,
    digits: int | None = None,
    start: datetime | None = None,
    format: str | None = None,  # noqa: A002  (the word the field uses)
) -> Raw:
    r"""Read one file of bars or ticks, plain, .gz or .zip; nothing of it is repaired.

    Parameters
    ----------
    path : str or Path
        The file.
    symbol, timeframe : str, optional
        What it holds; by default what the file or its name says, and what its rows are.
    mapping : mapping, optional
        Our names (``time, date, open, high, low, close, volume, spread, bid, ask, ..``) to the
        file's column names, or numbers from 0 where it has no header; also ``time_format``
        (strftime) and ``decimal`` (``","``).
    digits : int, optional
        Decimals of a price, for formats that store whole points.
    start : datetime, optional
        Naive; what times count from, for formats that say it only in a path that is lost.
    format : str, optional
        Name of a reader, to overrule the detection.

    Returns
    -------
    Raw
        Times on the source's own clock; `source_clock.to_utc` converts them. ``notes`` says
        everything that was inferred, scaled or left out.

    Raises
    ------
    DataError
        With one sentence, when the file cannot be read in full and without doubt.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     file = Path(folder) / "EURUSD_H1.csv"
    ...     _ = file.write_text("Time,Open,High,Low,Close\n2017-01-02 07:00,1.05,1.06,1.04,1.05\n")
    ...     raw = read(file)
    >>> raw
    Raw(EURUSD H1 bars, 1 rows, 2017-01-02 07:00 to 2017-01-02 07:00 source clock, CSV with a header)
    """
    if start is not None and start.tzinfo is not None:
        raise DataError(f"start must be a naive time, found {start}")
    request = Request(symbol=symbol, timeframe=timeframe, mapping=mapping or {}, digits=digits, start=start)
    source = locate(Path(path))
    columns = {name for name in request.mapping if name not in {"time_format", "decimal"}}
    if columns and format is None and not parquet_file.sniff(head(source)):
        format = generic.NAME  # noqa: A001
    return reader_for(source, format).read(source, request)
