"""Keep freed memory in the process while many trials run."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Final

__all__ = ["keep_freed_memory"]

_TRIM_THRESHOLD: Final = -1  # numbers of <malloc.h>
_MMAP_THRESHOLD: Final = -3
_KEPT_BYTES: Final = 128 * 1024 * 1024


@cache
def keep_freed_memory() -> bool:
    """Tell glibc to reuse freed arrays instead of giving their pages back; return whether it took it.

    A trial makes a handful of arrays of some hundred kilobytes. By default glibc returns each to the
    kernel and asks for zeroed pages again for the next trial, which costs more than the arithmetic
    (mallopt(3); measured: 50 microseconds instead of up to 1,000 for a comparison of two columns of
    50,000). Done once per process, only where the C library has it.
    """
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)) and bool(mallopt(_TRIM_THRESHOLD, _KEPT_BYTES))
