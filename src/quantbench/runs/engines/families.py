"""A process and all it started: who they are, what they hold, and their end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Final

import psutil

__all__ = ["end", "end_survivors", "family", "memory_mb"]

_WORKER: Final = "quantbench.runs.engines.worker"


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


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill processes, and wait until they are gone."""
    killed = list(processes)
    for one in killed:
        with contextlib.suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(killed, timeout=5.0)


def end_survivors(folder: str) -> None:
    """End what still works on a run although its coordinator died: it would write into the next attempt."""
    for one in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            words = one.cmdline()
            works = _WORKER in words and any(folder in word for word in words)
            if works or one.environ().get("QUANTBENCH_RUN") == folder:
                end(family(one.pid))
