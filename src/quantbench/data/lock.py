"""One writer at a time: a lock the operating system lets go of when its holder dies, however it dies."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from quantbench.config import writable
from quantbench.core.errors import StoreError

__all__ = ["one_writer"]

_PAUSE_S: Final = 0.05


@contextmanager
def one_writer(file: Path, *, wait_s: float = 30.0) -> Iterator[None]:
    """Hold a file as the only one who does, until the block ends or the process dies.

    The lock is the operating system's, so a holder that was killed leaves none behind. The file stays
    and says who held it last; its content decides nothing.

    Parameters
    ----------
    file : Path
        Made when missing.
    wait_s : float
        Seconds to wait for another holder.

    Raises
    ------
    StoreError
        When another process still holds it after that; the message names it.
    """
    writable(file.parent)
    with file.open("a+", encoding="utf-8") as handle:
        give_up = time.monotonic() + wait_s
        while not _taken(handle):
            if time.monotonic() >= give_up:
                raise StoreError(
                    f"{file.parent} is being written by {_holder(file)}; wait for it to end, or end it, and repeat"
                )
            time.sleep(_PAUSE_S)
        try:
            _sign(handle)
            yield
        finally:
            _let_go(handle)


def _sign(handle: IO[str]) -> None:
    """Say who holds the lock, one byte in: on Windows the first is locked and cannot be read by others."""
    handle.seek(0)
    handle.truncate()
    handle.write(" " + json.dumps({"pid": os.getpid(), "host": platform.node()}))
    handle.flush()


def _holder(file: Path) -> str:
    try:
        with file.open("rb") as handle:
            handle.seek(1)
            found = json.loads(handle.read())
        return f"process {found['pid']} on {found['host']}"
    except (OSError, ValueError, KeyError, TypeError):  # it is only now being signed
        return "another process"


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _taken(handle: IO[str]) -> bool:
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _let_go(handle: IO[str]) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _taken(handle: IO[str]) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _let_go(handle: IO[str]) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
