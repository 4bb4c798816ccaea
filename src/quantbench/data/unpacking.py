"""The bytes of a file, whether it is plain, .gz or .zip: streamed, and refused before they can do harm."""

from __future__ import annotations

import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import IO, Final

from quantbench.core.errors import DataError

__all__ = ["CHUNK", "HEAD", "Source", "chunks", "head", "locate", "whole"]

CHUNK: Final = 1 << 24
HEAD: Final = 1 << 16

_FREE: Final = 1 << 26
"""Bytes any archive may unpack to; beyond them it may be at most `_RATIO` times its own size."""

_RATIO: Final = 200
_MOST: Final = 1 << 36

_BROKEN: Final = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)
"""What the standard library raises for an archive that is cut short, damaged or locked."""

_ARCHIVES: Final = {
    b"\x1f\x8b": ".gz",
    b"PK\x03\x04": ".zip",
    b"PK\x05\x06": ".zip",
    b"7z\xbc\xaf\x27\x1c": ".7z",
    b"Rar!": ".rar",
    b"BZh": ".bz2",
    b"\xfd7zXZ\x00": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
}
_BESIDE_DATA: Final = (".txt", ".md", ".pdf", ".htm", ".html")
"""Endings of what vendors put beside the data: gap reports, licences."""


@dataclass(frozen=True)
class Source:
    """Where the bytes of one data file are.

    Parameters
    ----------
    path : Path
        The file on disk.
    name : str
        Name of the data itself: the file's, without ``.gz``, or that of the member of the zip.
    packing : {"", ".gz", ".zip"}
        How it is packed.
    notes : tuple of str
        What of an archive was left out.
    """

    path: Path
    name: str
    packing: str = ""
    notes: tuple[str, ...] = ()


def locate(path: Path) -> Source:
    """Return where the data in a file is; packing is told by content, never by name.

    Raises
    ------
    DataError
        When the file is missing, empty of data, or an archive that holds no, several or dangerous files.
    """
    if not path.is_file():
        raise DataError(f"{path} is {'a folder' if path.is_dir() else 'not there'}; give one file")
    with path.open("rb") as handle:
        first = handle.read(8)
    packing = _packing(first)
    if packing == ".gz":
        return Source(path, path.name.removesuffix(".gz"), ".gz")
    if packing == ".zip":
        member, notes = _member(path)
        return Source(path, member, ".zip", notes)
    if packing:
        raise DataError(f"{path.name} is a {packing} archive; unpack it first, only .gz and .zip are read")
    return Source(path, path.name)


def chunks(source: Source, size: int = CHUNK) -> Iterator[bytes]:
    """Yield the unpacked bytes in order, at most `size` at a time.

    Raises
    ------
    DataError
        When the archive is damaged or cut short, holds an archive, or unpacks to far more than any
        history would.
    """
    total, most = 0, _most(source)
    try:
        with _opened(source) as stream:
            while piece := stream.read(size):
                if not total and source.packing and _packing(piece[:8]):
                    raise DataError(f"{source.path.name} holds another archive; unpack the outer one first")
                total += len(piece)
                if total > most:
                    raise DataError(
                        f"{source.path.name} unpacks to more than {_RATIO} times its size; no history does: not read"
                    )
                yield piece
    except _BROKEN as fault:
        if isinstance(fault, DataError):
            raise
        what = f"{source.packing[1:]} archive, damaged or cut short" if source.packing else "unreadable"
        raise DataError(f"{source.path.name} is {what} ({fault}); copy or download it again") from fault


def head(source: Source) -> bytes:
    """Return the first 64 kB of the data."""
    return next(chunks(source, HEAD), b"")


def whole(source: Source, most: int = 1 << 31) -> bytes:
    """Return all bytes of the data.

    Raises
    ------
    DataError
        When there are more than `most`, or as `chunks` does.
    """
    parts, total = [], 0
    for piece in chunks(source):
        total += len(piece)
        if total > most:
            raise DataError(f"{source.name} has more than {most >> 20} MB, which this format never has; split it")
        parts.append(piece)
    return b"".join(parts)


def _packing(first: bytes) -> str:
    return next((name for magic, name in _ARCHIVES.items() if first.startswith(magic)), "")


def _most(source: Source) -> int:
    if not source.packing:
        return _MOST
    packed = source.path.stat().st_size
    return min(_MOST, max(_FREE, _RATIO * packed))


def _opened(source: Source) -> IO[bytes] | BufferedIOBase:
    if source.packing == ".gz":
        return gzip.open(source.path, "rb")
    if source.packing == ".zip":
        return zipfile.ZipFile(source.path).open(source.name)
    return source.path.open("rb")


def _member(path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the one data file in a zip and notes on the others."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except _BROKEN as fault:
        raise DataError(f"{path.name} is a zip archive, damaged or cut short ({fault}); download it again") from fault
    for entry in entries:
        _refuse_danger(path, entry)
    data = [entry for entry in entries if not entry.filename.lower().endswith(_BESIDE_DATA)]
    if not data and len(entries) == 1:
        data = entries
    if len(data) != 1:
        found = "no data file" if not data else f"{len(data)} data files ({data[0].filename}, {data[1].filename}, ..)"
        raise DataError(f"{path.name} holds {found}; one is needed: unpack it and give each file by itself")
    if data[0].file_size > max(_FREE, _RATIO * path.stat().st_size):
        raise DataError(f"{path.name} unpacks to {data[0].file_size >> 20} MB, no history packs so well: not read")
    rest = [entry.filename for entry in entries if entry is not data[0]]
    return data[0].filename, (f"left out of the zip: {', '.join(rest)}",) if rest else ()


def _refuse_danger(path: Path, entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename.replace("\\", "/")
    if name.startswith("/") or ".." in name.split("/") or ":" in name or "\0" in name:
        raise DataError(f"{path.name} holds a file named {entry.orig_filename!r}, which points outside it: not read")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise DataError(f"{path.name} holds a link, {entry.filename!r}, in place of a file: not read")
    if entry.flag_bits & 1:
        raise DataError(f"{path.name} is locked with a password; unpack it first")
