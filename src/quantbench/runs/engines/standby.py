"""A process that is warm and does nothing but fork: `python -m quantbench.runs.engines.standby`.

It imports what notebooks import, loads the compiled kernels, and waits. For each job it forks a child,
which has all of that already. It never runs polars, scikit-learn or xgboost itself: their threads do not
survive a fork, and the child would wait for them for ever.

It reads one line a request (``run FILE`` or ``kill PID``) and writes one line an event
(``ready``, ``started FILE PID``, ``ended PID STATUS KILOBYTES``).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import selectors
import signal
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Final

__all__ = ["main"]

_PARENT_DIES: Final = 1  # PR_SET_PDEATHSIG
_AN_EMPTY_ONE: Final = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
_LOG_MOST: Final = 1_000_000  # bytes
_USED: Final = (
    "papermill",
    "bdb",
    "IPython.core.logger",
    "quantbench.core.evidence",
    "quantbench.data.frames",
    "quantbench.data.manifest",
    "quantbench.data.parts",
    "quantbench.data.store",
    "quantbench.report.figures",
    "quantbench.report.notebook_views",
)
"""What a notebook of a backtest makes Python load: milliseconds of each run, were they not loaded before the fork."""


def main() -> None:
    """Warm up and serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's to handle
    _die_with_parent()
    warm()
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _say("ready")
    waiting = selectors.DefaultSelector()
    waiting.register(0, selectors.EVENT_READ)
    waiting.register(wake, selectors.EVENT_READ)
    left, children = b"", set[int]()
    while True:
        for key, _ in waiting.select(timeout=1.0):
            if key.fd == wake:
                os.read(wake, 4096)
                continue
            read = os.read(0, 65536)
            if not read:
                for child in children:
                    _kill(child)
                return
            *lines, left = (left + read).split(b"\n")
            for line in lines:
                _serve(line.decode(), children)
        _reap(children)


def warm() -> None:
    """Import what notebooks import, and load the compiled kernels by trading a few bars."""
    os.environ.setdefault("PLOTLY_RENDERER", "plotly_mimetype")  # no copy of plotly in every notebook
    os.environ.setdefault("MPLBACKEND", "Agg")
    from quantbench.runs.files import the_format

    the_format().validate(_AN_EMPTY_ONE)  # before papermill, which imports the slow parts too; this compiles the schema
    import numpy as np

    for module in _USED:
        import_module(module)
    from quantbench.config import settings
    from quantbench.core.bars import Bars
    from quantbench.core.instrument import Instrument
    from quantbench.data.instruments import instrument as facts_of
    from quantbench.engine.backtest import backtest
    from quantbench.runs.engines.cells import warm_shell
    from quantbench.strategies import MaCross

    facts = {
        "symbol": "WARM",
        "digits": 5,
        "point": 1e-5,
        "contract_size": 1e5,
        "volume_min": 0.01,
        "volume_step": 0.01,
    }
    facts |= {"volume_max": 100.0, "base_currency": "EUR", "quote_currency": "USD", "leverage": 30.0}
    instrument, many = Instrument.from_dict(facts), 400
    close = 1.1 + 0.01 * np.sin(np.arange(many) / 20)
    time = np.datetime64("2020-01-06T00:00", "ns") + np.arange(many) * np.timedelta64(1, "h")
    bars = Bars("WARM", "H1", instrument, time, close, close + 0.001, close - 0.001, close)
    backtest(MaCross(5, 20), bars).metrics()
    warm_shell()
    facts_of("EURUSD")  # reads the facts that come with Quantbench
    settings()  # the parser of the environment is loaded, not what it finds
    gc.collect()
    gc.freeze()  # a child that collects garbage would copy every page it looks at


def _serve(line: str, children: set[int]) -> None:
    word, _, rest = line.partition(" ")
    if word == "kill":
        _kill(int(rest))
        return
    child = os.fork()
    if child == 0:
        _child(Path(rest))
    children.add(child)
    _say(f"started {rest} {child}")


def _child(file: Path) -> None:
    """Be the run: in a session of its own, heard of when done, gone when the parent is."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _die_with_parent()
        from quantbench.runs.engines.job import LOG, carry_out, read_job

        job = read_job(file)
        log_here(Path(job.folder) / LOG)
        _reseed()
        carry_out(job)
        status = 0
    except BaseException:  # noqa: BLE001  (the process ends here; its log says why)
        import traceback

        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _reseed() -> None:
    """Give each child random numbers of its own: all were forked with the same state."""
    import random

    import numpy as np

    random.seed()
    np.random.seed(int.from_bytes(os.urandom(4), "little"))  # noqa: NPY002, TID251  (the state notebooks would share)


def log_here(file: Path) -> None:
    """Send what is written past Python, by this process and what it starts, to a file that cannot grow for ever."""
    read, write = os.pipe()
    os.dup2(write, 1)
    os.dup2(write, 2)
    os.close(write)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
    threading.Thread(target=_drain, args=(read, file), daemon=True).start()


def _drain(read: int, file: Path) -> None:
    left = _LOG_MOST
    with contextlib.suppress(OSError), file.open("ab") as log:
        while part := os.read(read, 65536):
            if left > 0:
                log.write(part[:left])
                log.flush()
            left -= len(part)
    while os.read(read, 65536):  # a full disk must not stop the run: what is not kept is still read
        pass


def _reap(children: set[int]) -> None:
    while children:
        try:
            child, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        children.discard(child)
        _kill(child)  # what it started and left behind
        _say(f"ended {child} {os.waitstatus_to_exitcode(status)} {max(0, usage.ru_maxrss - _held_kb())}")


def _held_kb() -> int:
    """Return what this process holds: what a child begins with and shares."""
    with contextlib.suppress(OSError), open("/proc/self/statm", encoding="ascii") as held:  # noqa: PTH123  (not a file)
        return int(held.read().split()[1]) * (os.sysconf("SC_PAGE_SIZE") // 1024)
    return 0


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PARENT_DIES, signal.SIGKILL)


def _say(line: str) -> None:
    os.write(_OUT, f"{line}\n".encode())


_OUT: Final = os.dup(1)

if __name__ == "__main__":
    main()
