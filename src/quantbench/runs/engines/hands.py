"""Those that execute jobs: forked from a warm process, or each a process of its own. One interface, two kinds."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import psutil

from quantbench.core.errors import RunError
from quantbench.runs.engines.families import family, memory_mb
from quantbench.runs.engines.job import LOG, Job, write_job

__all__ = ["Ended", "Forked", "Hands", "Spawned", "hands_for"]

_WARM_SECONDS: Final = 60.0
_CANARY_SECONDS: Final = 30.0
_POOLS: Final = tuple(
    f"{name}_THREADS"
    for name in ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "NUMEXPR_MAX", "POLARS_MAX", "RAYON_NUM", "NUMBA_NUM")
)


class Ended(NamedTuple):
    """A process that ended: which, how (negative: by that signal), and the most memory it took (NaN: unknown)."""

    pid: int
    status: int
    peak_mb: float


class Hands(Protocol):
    """What executes jobs."""

    name: str

    def start(self, job: Job) -> int:
        """Begin a job; return its process, which leads a group of its own."""

    def ended(self, seconds: float) -> list[Ended]:
        """Return what ended, waiting at most so long for the first."""

    def kill(self, pid: int) -> None:
        """End a job and all it started, at once."""

    def rest(self) -> None:
        """Be done with a batch: nothing of it goes on."""


def hands_for(engine: str, *, workers: int, home: Path) -> Hands:
    """Return the hands of an engine; ``"auto"`` forks where a forked child proves able to work.

    Raises
    ------
    RunError
        When forking is asked for and does not work here.
    """
    environment = _environment(workers, home)
    if engine == "kernel" or (engine == "auto" and sys.platform != "linux"):
        return Spawned(environment)
    if sys.platform == "win32":
        raise RunError("the fork engine needs a system that forks; Windows does not: take --engine kernel")
    try:
        forked = _warm_one(environment, workers)
        forked.prove(home)
    except (OSError, RunError) as fault:
        if engine == "fork":
            raise RunError(f"the fork engine does not work here: {fault}; take --engine kernel") from fault
        return Spawned(environment)
    return forked


_WARM: dict[int, tuple[int, Forked]] = {}
"""Of each thread, as a worker of a cluster has several: for how many workers it is warm, and the process.

The system ends it with the thread that started it.
"""


def _warm_one(environment: Mapping[str, str], workers: int) -> Forked:
    """Return the warm process of this thread, started on first use: the next batch need not wait for it again."""
    thread = threading.get_ident()
    before, kept = _WARM.pop(thread, (0, None))
    if kept is not None and (before != workers or not kept.alive):
        kept.close()
        kept = None
    if kept is None:
        kept = Forked(environment)
        atexit.register(kept.close)
    _WARM[thread] = workers, kept
    return kept


def _environment(workers: int, home: Path) -> dict[str, str]:
    """Return the environment of a run: its share of the cores, set before anything is imported."""
    threads = str(max(1, (os.cpu_count() or 1) // workers))
    pinned = dict.fromkeys(_POOLS, threads)
    path = os.pathsep.join(part for part in sys.path if part and Path(part).exists())
    return {**os.environ, **pinned, "QUANTBENCH_HOME": str(home), "PYTHONPATH": path}


class Forked:
    """Children of one warm process."""

    name = "fork"

    def __init__(self, environment: Mapping[str, str]) -> None:
        words = [sys.executable, "-m", "quantbench.runs.engines.standby"]
        self._warm = subprocess.Popen(  # noqa: S603  (this Python, our module)
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            start_new_session=True,
        )
        self._out, self._left = self._warm.stdout, b""
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self._out, selectors.EVENT_READ)  # type: ignore[arg-type]
        self._started: dict[str, int] = {}
        self._events: list[Ended] = []
        self._ready = self._proved = False
        self._until(lambda: self._ready, _WARM_SECONDS, "the warm process did not get ready")

    @property
    def alive(self) -> bool:
        """Whether it can still fork."""
        return self._warm.poll() is None

    def prove(self, home: Path) -> None:
        """Let a child do what runs do, for a start; raise `RunError` where it cannot.

        Raises
        ------
        RunError
            When it hangs or dies.
        """
        import tempfile

        if self._proved:
            return
        with tempfile.TemporaryDirectory(prefix="qb-canary-") as place:
            function = "quantbench.runs.engines.canary:sing"
            pid = self.start(Job(place, str(home), None, function, {}, self.name))
            began = time.monotonic()
            while time.monotonic() - began < _CANARY_SECONDS:
                for one in self.ended(0.2):
                    if one.pid == pid and one.status == 0 and (Path(place) / "outcome.json").exists():
                        self._proved = True
                        return
                    if one.pid == pid:
                        raise RunError(f"a forked child ended with {one.status}")
            self.kill(pid)
            raise RunError(f"a forked child did nothing for {_CANARY_SECONDS:g} s")

    def start(self, job: Job) -> int:
        """Begin a job in a child forked now."""
        file = str(write_job(replace(job, environment=dict(os.environ))))
        self._ask(f"run {file}")
        self._until(lambda: file in self._started, _WARM_SECONDS, "the warm process does not fork")
        return self._started.pop(file)

    def ended(self, seconds: float) -> list[Ended]:
        """Return what ended, waiting at most so long for the first."""
        if not self._events:
            self._read(seconds)
        found, self._events = self._events, []
        return found

    def kill(self, pid: int) -> None:
        """End a child's whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)

    def rest(self) -> None:
        """Stay warm for the next batch."""
        self._events.clear()

    def close(self) -> None:
        """End the warm process; its children go with it."""
        with contextlib.suppress(OSError):
            self._warm.stdin.close()  # type: ignore[union-attr]
        try:
            self._warm.wait(2.0)
        except subprocess.TimeoutExpired:
            self._warm.kill()
            self._warm.wait()
        self._out.close()  # type: ignore[union-attr]
        self._waiting.close()

    def _ask(self, line: str) -> None:
        try:
            self._warm.stdin.write(f"{line}\n".encode())  # type: ignore[union-attr]
            self._warm.stdin.flush()  # type: ignore[union-attr]
        except OSError as fault:
            raise RunError("the warm process is gone; run again, or take --engine kernel") from fault

    def _until(self, done: object, seconds: float, otherwise: str) -> None:
        began = time.monotonic()
        while not done():  # type: ignore[operator]
            if time.monotonic() - began > seconds:
                raise RunError(f"{otherwise} within {seconds:g} s")
            self._read(0.5)

    def _read(self, seconds: float) -> None:
        if not self._waiting.select(seconds):
            return
        part = os.read(self._out.fileno(), 65536)  # type: ignore[union-attr]
        if not part:
            raise RunError("the warm process died; run again, or take --engine kernel")
        *lines, self._left = (self._left + part).split(b"\n")
        for line in lines:
            self._heard(line.decode())

    def _heard(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        if word == "ready":
            self._ready = True
        elif word == "started":
            file, _, pid = rest.rpartition(" ")
            self._started[file] = int(pid)
        elif word == "ended":
            pid, status, kilobytes = rest.split()
            self._events.append(Ended(int(pid), int(status), int(kilobytes) / 1024))


class Spawned:
    """Processes of their own, each with an ordinary kernel beside it: slow, and the same everywhere."""

    name = "kernel"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment, self._running = dict(environment), dict[int, subprocess.Popen[bytes]]()
        self._peaks: dict[int, float] = {}

    def start(self, job: Job) -> int:
        """Begin a job in a new process."""
        file = write_job(job)
        with (Path(job.folder) / LOG).open("ab") as log:
            process = subprocess.Popen(  # noqa: S603  (this Python, our module)
                [sys.executable, "-m", "quantbench.runs.engines.worker", str(file)],
                stdin=subprocess.PIPE,  # never written to: its end tells the process that this one is gone
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )
        self._running[process.pid] = process
        return process.pid

    def ended(self, seconds: float) -> list[Ended]:
        """Return what ended, waiting at most so long for the first."""
        until, found = time.monotonic() + seconds, list[Ended]()
        while not found:
            for pid, process in list(self._running.items()):
                self._peaks[pid] = max(self._peaks.get(pid, 0.0), memory_mb(pid))
                if (status := process.poll()) is not None:
                    del self._running[pid]
                    self.kill(pid)  # a kernel it left behind
                    process.stdin.close()  # type: ignore[union-attr]
                    found.append(Ended(pid, status, self._peaks.pop(pid)))
            if time.monotonic() >= until:
                break
            time.sleep(0.05)
        return found

    def kill(self, pid: int) -> None:
        """End a process, its kernel, and all they started."""
        for one in family(pid):  # not waited for: `ended` reaps it
            with contextlib.suppress(psutil.Error):
                one.kill()
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)

    def rest(self) -> None:
        """End everything: there is nothing to keep warm."""
        for pid, process in self._running.items():
            self.kill(pid)
            process.wait()
            process.stdin.close()  # type: ignore[union-attr]
        self._running.clear()
