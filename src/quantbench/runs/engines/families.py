"""A process and all it started: who they are, and what they hold."""

from __future__ import annotations

import contextlib

import psutil

__all__ = ["family", "memory_mb"]


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all it started, the youngest first; none where it is gone."""
    try:
        first = psutil.Process(pid)
        return [*first.children(recursive=True), first]
    except psutil.Error:
        return []


def memory_mb(pid: int) -> float:
    """Return what a process and all it started hold for themselves; what is shared with a warm parent is not theirs."""
    total = 0
    for one in family(pid):
        with contextlib.suppress(psutil.Error):
            total += one.memory_full_info().uss
    return total / 2**20
