"""Threads that take turns at short steps of Python, and go on with long ones of compiled code meanwhile."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from threading import Event, Lock
from time import thread_time
from typing import Final, Generic, TypeVar

from quantbench.research.crew import Jobs, next_of, served

__all__ = ["Steps", "stepped"]

P = TypeVar("P")
R = TypeVar("R")

Steps = Generator[None, None, R]
"""Work on a part: a step of Python, one of compiled code, and so on; yields after each but the last."""

_GAIN: Final = 0.75  # of a core: what one more gives where threads hand Python's lock to and fro
_AHEAD: Final = 2  # parts that have taken their first step and wait for the second


def stepped(work: Callable[[P], Steps[R]], parts: Sequence[P], threads: int) -> Iterator[R]:
    """Yield what the steps of each part return, in order, as `worked` does.

    Threads that take steps of Python at once hand Python's lock to and fro, and to wake up takes longer than a
    step. One at a time is quicker while these steps are the smaller part of the work. What one costs is known
    only when it was taken alone, so they begin one at a time; once they turn out to be most of the work, all go
    at once. So that a thread finds something to do while another is at its turn, some first steps are taken ahead.
    """
    return served(partial(_serve, work, _Shared[R](threads)), parts, threads)


class _Part(Generic[R]):
    """A part that takes its steps one after the other, in whichever thread."""

    def __init__(self, steps: Steps[R], result: Future[R]) -> None:
        self._steps, self._result, self.is_done = steps, result, False
        self.took = self.step()

    def step(self) -> float:
        """Take the next step; return how many seconds of its own that took the thread."""
        began = thread_time()
        try:
            next(self._steps)
        except StopIteration as end:
            self.is_done = True
            self._result.set_result(end.value)
        except BaseException as fault:  # noqa: BLE001  (raised where the result is waited for)
            self.is_done = True
            self._result.set_exception(fault)
        return thread_time() - began


class _Shared(Generic[R]):
    """What the threads share: whose turn it is, and the parts whose first step is taken."""

    def __init__(self, threads: int) -> None:
        self.begun, self.is_single = deque[_Part[R]](), True
        self._threads, self._lock, self._waiting = threads, Lock(), list[None]()

    @property
    def is_full(self) -> bool:
        """Whether enough parts are begun."""
        return len(self.begun) >= (_AHEAD if self.is_single else 1)

    @contextmanager
    def turn(self, *, waits: bool) -> Iterator[bool]:
        """Yield whether it is this thread's turn: at once, unless it waits for it."""
        if not self.is_single:
            yield True
        elif waits or not self._waiting:
            self._waiting.append(None)
            is_mine = self._lock.acquire(blocking=waits)
            self._waiting.pop()
            try:
                yield is_mine
            finally:
                if is_mine:
                    self._lock.release()
        else:
            yield False

    def learn(self, inside: float, outside: float) -> None:
        """Take in what the two kinds of steps of one part took."""
        self.is_single = self.is_single and _GAIN * self._threads * inside <= inside + outside


def _serve(work: Callable[[P], Steps[R]], shared: _Shared[R], jobs: Jobs[R, P], is_over: Event) -> None:
    """Begin parts and finish them until there are none, or nobody waits for them."""
    while not is_over.is_set() and (shared.begun or not jobs.empty()):
        if not shared.is_full:
            with shared.turn(waits=not shared.begun) as is_mine:
                if is_mine and (job := next_of(jobs)):
                    shared.begun.append(_Part(work(job[1]), job[0]))
                    continue
        try:
            part = shared.begun.popleft()
        except IndexError:  # another thread was quicker
            continue
        _finish(part, shared)


def _finish(part: _Part[R], shared: _Shared[R]) -> None:
    """Take the steps of a part that are left."""
    inside = part.took
    while not part.is_done:
        shared.learn(inside, part.step())
        if not part.is_done:
            with shared.turn(waits=True):
                inside = part.step()
