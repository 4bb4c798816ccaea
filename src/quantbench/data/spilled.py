"""Long columns in unnamed files, mapped: they take memory only while they are looked at."""

from __future__ import annotations

import mmap
import tempfile
from collections.abc import Iterable
from typing import IO, Any, Final, Self
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import StoreError
from quantbench.data.parquet import pl

__all__ = ["Spill", "release"]

_MAPPED: Final[WeakValueDictionary[int, np.memmap[Any, Any]]] = WeakValueDictionary()
"""The columns that are mapped, by address: polars and NumPy hand on where values are, not whose they are."""


class Spill:
    """Rows put aside as they come, one file a column, under the system's folder for temporary files.

    The files have no name, so that nothing is left behind, however the process ends.

    Parameters
    ----------
    schema : mapping of str to polars type
        Of every part: numbers and times, eight bytes each.

    Examples
    --------
    >>> part = pl.DataFrame({"close": [1.05, 1.06]})
    >>> with Spill(part.schema) as spill:
    ...     spill.add(part)
    ...     spill.add(part)
    ...     frame = spill.frame()
    >>> frame["close"].to_list()
    [1.05, 1.06, 1.05, 1.06]
    """

    def __init__(self, schema: pl.Schema) -> None:
        self._schema = schema
        self._files: dict[str, IO[bytes]] = {name: _unnamed() for name in schema}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():  # what is mapped stays
            file.close()

    def add(self, part: pl.DataFrame) -> None:
        """Put rows behind those there are; no field of them may be empty.

        Raises
        ------
        StoreError
            When the disk is full.
        """
        for column in part:
            values = np.ascontiguousarray(column.to_physical().to_numpy()).data.cast("B")
            try:
                while values:
                    values = values[self._files[column.name].write(values) :]
            except OSError as fault:
                raise StoreError(
                    f"cannot put rows aside in {tempfile.gettempdir()}: {fault.strerror}; free some disk space, or "
                    "name another folder with TMPDIR"
                ) from fault

    def frame(self) -> pl.DataFrame:
        """Return all rows: a frame like any other that cannot be written to, its files gone when it is."""
        return pl.DataFrame([_mapped(name, file, self._schema[name]) for name, file in self._files.items()])


def release(columns: Iterable[npt.NDArray[Any]], rows: slice) -> None:
    """Give back the memory of rows that were looked at; it is read again when they are.

    Parameters
    ----------
    columns : iterable of array
        Those that are not mapped, or lie in no file, are left alone.
    rows : slice
        With start and stop.
    """
    if not _MAPPED or not hasattr(mmap, "MADV_DONTNEED"):  # Windows gives memory back by itself
        return
    for values in columns:
        first = values.ctypes.data + rows.start * values.itemsize
        for address, whole in list(_MAPPED.items()):
            if address <= first < address + whole.nbytes:
                low = (first - address) // mmap.PAGESIZE * mmap.PAGESIZE
                many = min((rows.stop - rows.start) * values.itemsize, whole.nbytes - low)
                whole.base.madvise(mmap.MADV_DONTNEED, low, many)  # type: ignore[union-attr]


def _unnamed() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile(buffering=0)
    except OSError as fault:
        raise StoreError(
            f"cannot write to {tempfile.gettempdir()}: {fault.strerror}; name another folder with TMPDIR"
        ) from fault


def _mapped(name: str, file: IO[bytes], kind: pl.DataType) -> pl.Series:
    values = np.memmap(file, np.int64 if kind.is_temporal() else np.float64, mode="r")
    _MAPPED[values.ctypes.data] = values
    return pl.Series(name, values).cast(kind)
