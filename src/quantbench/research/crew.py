"""Threads that work through parts of a job and hand the results back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread, local
from time import thread_time
from typing import Final, TypeVar

__all__ = ["Turns", "worked"]

P = TypeVar("P")
R = TypeVar("R")

_GAIN: Final = 0.75  # of a core: what one more gives where threads hand Python's lock to and fro
_LISTEN: Final = 0.2  # seconds; Windows hears Ctrl-C only between two waits


def worked(work: Callable[[P], R], parts: Sequence[P], threads: int) -> Iterator[R]:
    """Yield ``work(part)`` of each part, in order, worked on by threads.

    Whatever a part raises is raised where its result would stand. Whoever stops listening (Ctrl-C
    too) waits for nothing: parts not begun are dropped, and the threads end after the one they are at.
    """
    results: deque[Future[R]] = deque(Future() for _ in parts)
    jobs, is_over = SimpleQueue[tuple[Future[R], P]](), Event()
    for job in zip(results, parts, strict=True):
        jobs.put(job)
    for _ in range(min(threads, len(parts))):
        Thread(target=_serve, args=(work, jobs, is_over), daemon=True).start()
    try:
        while results:
            while not wait([results[0]], timeout=_LISTEN).done:
                pass
            yield results.popleft().result()
    finally:
        is_over.set()


def _serve(work: Callable[[P], R], jobs: SimpleQueue[tuple[Future[R], P]], is_over: Event) -> None:
    """Work off jobs until there are none, or nobody waits for them."""
    while not is_over.is_set():
        try:
            result, part = jobs.get_nowait()
        except Empty:
            return
        try:
            result.set_result(work(part))
        except BaseException as fault:  # noqa: BLE001  (raised where the result is waited for)
            result.set_exception(fault)


class Turns:
    """Lets threads through one at a time where that is quicker than all at once.

    Held around the short steps of Python between long ones of compiled code. Threads that take such
    steps at once hand Python's lock to and fro, and to wake up takes longer than a step. One at a time
    is quicker while steps are the smaller part of the work. What a step costs is known only from one
    that was taken alone, so they begin one at a time; once they turn out to be most of the work, all go at once.

    Parameters
    ----------
    threads : int
        How many there are.
    """

    def __init__(self, threads: int) -> None:
        self._threads, self._lock, self._singly, self._of = threads, Lock(), True, local()

    def __enter__(self) -> None:
        of = self._of
        of.waits = self._singly
        if of.waits:
            self._lock.acquire()
        of.came = thread_time()
        if self._singly and hasattr(of, "left"):
            inside, outside = of.inside, of.came - of.left
            self._singly = _GAIN * self._threads * inside <= inside + outside

    def __exit__(self, *_: object) -> None:
        of = self._of
        of.left = thread_time()
        of.inside = of.left - of.came
        if of.waits:
            self._lock.release()
