"""Threads that work through parts of a job and hand the results back in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Final, TypeVar

__all__ = ["Jobs", "next_of", "served", "worked"]

P = TypeVar("P")
R = TypeVar("R")

Jobs = SimpleQueue[tuple[Future[R], P]]
"""Parts nobody has begun, each with where its result goes."""

_LISTEN: Final = 0.2  # seconds; Windows hears Ctrl-C only between two waits


def worked(work: Callable[[P], R], parts: Sequence[P], threads: int) -> Iterator[R]:
    """Yield ``work(part)`` of each part, in order, worked on by threads.

    Whatever a part raises is raised where its result would stand. Whoever stops listening (Ctrl-C
    too) waits for nothing: parts not begun are dropped, and the threads end after the one they are at.
    """
    return served(partial(_serve, work), parts, threads)


def served(serve: Callable[[Jobs[R, P], Event], None], parts: Sequence[P], threads: int) -> Iterator[R]:
    """Yield the results of parts, in order, as threads that each run `serve` find them.

    Parameters
    ----------
    serve : callable
        Takes the jobs and an event that is set once nobody waits for results, and works until there are no jobs.
    parts : sequence
        In order.
    threads : int
        How many there are at most.
    """
    results: deque[Future[R]] = deque(Future() for _ in parts)
    jobs, is_over = Jobs[R, P](), Event()
    for job in zip(results, parts, strict=True):
        jobs.put(job)
    for _ in range(min(threads, len(parts))):
        Thread(target=serve, args=(jobs, is_over), daemon=True).start()
    try:
        while results:
            while not wait([results[0]], timeout=_LISTEN).done:
                pass
            yield results.popleft().result()
    finally:
        is_over.set()


def next_of(jobs: Jobs[R, P]) -> tuple[Future[R], P] | None:
    """Return a job to begin, or None when there is none."""
    try:
        return jobs.get_nowait()
    except Empty:
        return None


def _serve(work: Callable[[P], R], jobs: Jobs[R, P], is_over: Event) -> None:
    """Work off jobs until there are none, or nobody waits for them."""
    while not is_over.is_set() and (job := next_of(jobs)):
        result, part = job
        try:
            result.set_result(work(part))
        except BaseException as fault:  # noqa: BLE001  (raised where the result is waited for)
            result.set_exception(fault)
