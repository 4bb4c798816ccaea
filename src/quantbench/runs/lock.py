"""One coordinator a study: a lock that the system takes away from whoever dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from quantbench.core.errors import RunError, StoreError

__all__ = ["only_one"]

_FILE: Final = ".lock"


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of a study's folder.

    Raises
    ------
    RunError
        When another process holds it.
    StoreError
        When the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder / _FILE, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as fault:
        raise StoreError(f"cannot write to {folder}: {fault.strerror}") from fault
    try:
        if not _taken(held):
            who = os.pread(held, 64, 0).decode(errors="replace").strip() if hasattr(os, "pread") else ""
            raise RunError(f"study {folder.name} is being run by another process{who and f' ({who})'}; wait for it")
        os.ftruncate(held, 0)
        os.write(held, f"process {os.getpid()}".encode())
        yield
    finally:
        os.close(held)


def _taken(held: int) -> bool:
    """Try to take the lock; the system lets go of it when this process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(held, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
