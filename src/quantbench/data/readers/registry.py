"""All formats, and the one that a file is in, told by its first bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from quantbench.core.errors import DataError, did_you_mean
from quantbench.data.raw import Raw
from quantbench.data.readers import (
    dukascopy_bi5,
    generic,
    histdata,
    jforex,
    lean,
    mt4_csv,
    mt4_hst,
    mt5_bars,
    mt5_points,
    mt5_python,
    mt5_ticks,
    parquet_file,
)
from quantbench.data.readers.request import Request
from quantbench.data.unpacking import Source, head

__all__ = ["READERS", "Reader", "reader_for"]


@dataclass(frozen=True)
class Reader:
    """One format.

    Parameters
    ----------
    name : str
        What `Raw.reader` says, or the beginning of it.
    sniff : callable
        First 64 kB of the unpacked data -> how sure it is, 0 (no) to 100.
    read : callable
        Source and request -> `Raw`; raises `DataError` with one sentence for anything it cannot read
        in full.
    """

    name: str
    sniff: Callable[[bytes], int]
    read: Callable[[Source, Request], Raw]


def _reader(module: ModuleType) -> Reader:
    return Reader(module.NAME, module.sniff, module.read)


READERS: Final[tuple[Reader, ...]] = tuple(
    _reader(module)
    for module in (
        parquet_file,
        mt4_hst,
        dukascopy_bi5,
        mt5_bars,
        mt5_ticks,
        mt5_points,
        mt5_python,
        histdata,
        lean,
        jforex,
        mt4_csv,
        generic,
    )
)
"""Every format read from files; a MetaTrader terminal is read by `read_terminal`."""


def reader_for(source: Source, name: str | None = None) -> Reader:
    """Return the reader that is surest of the file, or the one named.

    Raises
    ------
    DataError
        When no reader knows the file, with what it looks like.
    """
    if name is not None:
        by_name = {reader.name: reader for reader in READERS}
        if name not in by_name:
            raise DataError(f"unknown format {name!r}: {did_you_mean(name, by_name)}")
        return by_name[name]
    first = head(source)
    if not first.strip(b"\0 \t\r\n"):
        what = "is empty" if not first else "holds only zero bytes or blanks"
        raise DataError(f"{source.name} {what}: there is nothing to import")
    best = max(READERS, key=lambda reader: reader.sniff(first))
    if best.sniff(first):
        return best
    raise DataError(f"{source.name} is in no known format: {looks_like(first)}")


def looks_like(first: bytes) -> str:
    """Return what unknown bytes seem to be and what to do."""
    text = first.lstrip(b"\xef\xbb\xbf \t\r\n")
    for marks, what in (
        ((b"<?xml", b"<rss", b"<weekly", b"<html", b"<!DOCTYPE"), "it is XML or HTML, no prices"),
        ((b"{", b"["), "it is JSON; save a table as CSV"),
        ((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "it is a Python pickle, which is never opened"),
        ((b"\xd0\xcf\x11\xe0",), "it is an old Excel file; save the sheet as CSV"),
    ):
        if text.startswith(marks):
            return what
    if b"\0" in first[:1024]:
        return "it is binary data"
    begin = first.split(b"\n", 1)[0][:60].decode(errors="replace").strip()
    return (
        f"it begins with {begin!r}; a table needs a header with time, open, high, low and close "
        "(or time, bid and ask), or a mapping of columns"
    )
