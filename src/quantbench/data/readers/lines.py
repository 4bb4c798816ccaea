"""Text as blocks of whole lines in UTF-8, whatever encoding and line ends the file has."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from functools import lru_cache

from quantbench.core.errors import DataError
from quantbench.data.unpacking import Source, chunks, head

__all__ = ["blocks", "encoding", "first_lines", "is_cut", "tidy"]

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_BLANK = re.compile(rb"\n[ \t\n]*\n")
_LONGEST_LINE = 1 << 20

BLOCK = 1 << 23
"""Bytes parsed at once: large enough that calls do not count, small enough that memory does not."""


def encoding(first: bytes) -> str | None:
    """Return the encoding of text by its first bytes, None when they are no text."""
    for mark, name in _BOMS:
        if first.startswith(mark):
            return None if name == "utf-32" else name
    if not first:
        return None
    if b"\0" in first:
        even, odd = first[0::2].count(0), first[1::2].count(0)
        if odd > 0.9 * len(first[1::2]) and not even:
            return "utf-16-le"
        return "utf-16-be" if even > 0.9 * len(first[0::2]) and not odd else None
    try:
        codecs.getincrementaldecoder("utf-8")().decode(first)
    except UnicodeDecodeError:
        return None
    return "utf-8"


@lru_cache(maxsize=4)
def first_lines(first: bytes) -> tuple[str, ...]:
    """Return the whole lines of the first bytes of a file without blank ones; none when they are no text."""
    name = encoding(first)
    if name is None:
        return ()
    text = codecs.getincrementaldecoder(name)().decode(first).removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        return ()
    whole = text if len(first) < (1 << 16) else text[: text.rfind("\n") + 1]
    return tuple(line for line in whole.split("\n") if line.strip())


def is_cut(source: Source) -> bool:
    """Return whether the last line has no end and no archive's checksum vouches for it."""
    if source.packing or not source.path.stat().st_size:
        return False
    with source.path.open("rb") as handle:
        handle.seek(max(0, source.path.stat().st_size - 2))
        last = handle.read()
    return not last.rstrip(b"\0").endswith((b"\n", b"\r", b"\n\0", b"\x1a"))


def blocks(source: Source, size: int = BLOCK) -> Iterator[bytes]:
    """Yield the text as blocks of whole lines in UTF-8, line ends and blank lines as they are.

    A last line without an end is left out of a plain file (`is_cut`): nothing tells it from one
    that was cut short.

    Raises
    ------
    DataError
        For bytes that are no text, and for a line longer than 1 MB.
    """
    held = b""
    for piece in _recoded(source, size):
        if 0 in piece:
            raise DataError(f"{source.name} has zero bytes within its text; the file is damaged: copy it again")
        end = piece.rfind(b"\n") + 1 or piece.rfind(b"\r", 0, len(piece) - 1) + 1
        if end:
            yield held + piece[:end]
            held = piece[end:]
        else:
            held += piece
        if len(held) > _LONGEST_LINE:
            raise DataError(f"{source.name} has a line of more than 1 MB; it is no table of prices")
    if held.strip(b"\x1a \t\r\n") and not is_cut(source):
        yield held + b"\n"


def tidy(text: bytes) -> bytes:
    """Return the lines with a line feed after each and none blank."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return _BLANK.sub(b"\n", b"\n" + text).lstrip(b"\n")


def _recoded(source: Source, size: int) -> Iterator[bytes]:
    name = encoding(head(source))
    if name is None:
        raise DataError(f"{source.name} is no text in UTF-8 or UTF-16; save it as UTF-8")
    pieces = chunks(source, size)
    if name == "utf-8":
        first = next(pieces, b"")
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(name)()
    try:
        for number, piece in enumerate(pieces):
            text = decoder.decode(piece)
            yield (text.removeprefix("\ufeff") if not number else text).encode()
        decoder.decode(b"", final=True)
    except UnicodeError as fault:
        raise DataError(f"{source.name} is damaged UTF-16 text ({fault}); save it as UTF-8") from fault
