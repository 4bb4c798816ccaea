"""A limit of time for what a strategy decides: one that hangs is a failed trial, not a hanging search."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from quantbench.core.strategy import Strategy

if TYPE_CHECKING:
    from quantbench.core.bars import Bars
    from quantbench.core.signals import Signals

__all__ = ["Timed", "within"]

T = TypeVar("T")
_ARRIVES: Final = 1.0  # seconds after which an exception on its way to a thread has been swallowed there


class _Overtime(BaseException):
    """Time is up; no handler of the strategy's own, written for its errors, stops it."""


class Timed(NamedTuple):
    """A strategy that decides within some seconds or fails; it has what a trial asks of a strategy.

    Attributes
    ----------
    strategy : Strategy
    seconds : float
    """

    strategy: Strategy
    seconds: float

    @property
    def warmup(self) -> int:
        """That of the strategy."""
        return self.strategy.warmup

    def decided(self, bars: Bars) -> Signals:
        """Return what the strategy decides.

        Raises
        ------
        TimeoutError
            When it takes longer than it may.
        """
        return within(self.seconds, lambda: self.strategy.decided(bars))


def within(seconds: float, work: Callable[[], T]) -> T:
    """Return what some work gives, or stop it.

    Python code is stopped between two of its steps, in any thread and on any system; a single call
    into compiled code is stopped when it returns.

    Raises
    ------
    TimeoutError
        When it takes longer.
    """
    thread, lock, arrived = threading.get_ident(), threading.Lock(), False
    over, sent = threading.Event(), threading.Event()

    def stop() -> None:
        with lock:
            if not over.is_set():
                sent.set()
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(_Overtime))

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        try:
            return work()
        except _Overtime:
            arrived = True
            raise
        finally:
            with lock:
                over.set()
            timer.cancel()
            # What is on its way must arrive here: taking it back leaves CPython 3.11 in a state in which tracing hangs.
            until = time.monotonic() + _ARRIVES
            while sent.is_set() and not arrived and time.monotonic() < until:
                time.sleep(0.0005)
    except _Overtime:
        raise TimeoutError(f"decide took longer than {seconds:g} s") from None
