"""Past one machine: the same searches, and batches of notebooks, on the workers of a Dask cluster."""

from __future__ import annotations

import pickle
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from types import ModuleType
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from quantbench.core.errors import ExecutionError, MissingExtra

__all__ = ["cluster", "cores", "done_by_cluster", "is_wanted", "start_local", "worked_by_cluster"]

R = TypeVar("R")
_CLIENT: Final[ContextVar[Any]] = ContextVar("client of the cluster in use", default=None)
_REACH_SECONDS: Final = 10
_EMPTY_SECONDS: Final = 60  # workers that died need time to start anew
_AHEAD: Final = 4  # parts sent a core before their results are asked for
_REMEMBERED: Final = 4  # questions: several markets take turns


def cores() -> int:
    """Return how many cores the cluster in use has; 0 without one."""
    client = _CLIENT.get()
    if client is None:
        return 0
    with _reached():
        return sum(client.nthreads().values())


@contextmanager
def _reached() -> Iterator[None]:
    """Say in a sentence that a cluster is gone."""
    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    kept = "what was tried is kept: the same call goes on where it was, here or on another cluster"
    try:
        yield
    except (CancelledError, CommClosedError, TimeoutError) as fault:
        said = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise ExecutionError(f"the cluster was lost ({said}); {kept}") from fault
    except KilledWorker as fault:
        raise ExecutionError(
            f"the same trials killed one worker of the cluster after the other, often for want of memory; {kept}"
        ) from fault


def worked_by_cluster(
    work: Callable[[Any, Any], R], shared: Any, parts: Iterable[Any], *, along: Sequence[ModuleType] = ()
) -> Iterator[R]:
    """Yield ``work(shared, part)`` of each part, in order, worked on by the cluster in use.

    What is shared is sent to each worker once. A worker that came later, or was started anew, says that
    it does not know it, and is sent it with the part; a part whose worker dies is given to another.
    Whoever stops listening (Ctrl-C too) cancels what is not done.

    Parameters
    ----------
    work : callable
        A function of Quantbench's.
    shared : object
        What every part needs, such as the bars; its ``token`` says which it is.
    parts : iterable
        What `work` is called with.
    along : sequence of module
        Modules of yours that workers cannot import: they are sent whole.

    Raises
    ------
    ExecutionError
        When the cluster is lost, or trials kill its workers.
    """
    client, waiting, left = _CLIENT.get(), deque[tuple[Any, Any]](), iter(parts)
    ahead = _AHEAD * max(1, cores())

    def asked(part: Any, whole: bytes | None = None) -> Any:
        return client.submit(_worked, work, shared.token, whole, _packed(part, along), pure=False)

    with _reached(), _cancelled(client, lambda: [future for _, future in waiting]):
        if shared.token not in (taught := _TAUGHT.setdefault(client, set())):
            client.run(_learnt, shared.token, _packed(shared, along), on_error="ignore")
            taught.add(shared.token)
        while True:
            while len(waiting) < ahead and (part := next(left, None)) is not None:
                waiting.append((part, asked(part)))
            if not waiting:
                return
            part, future = waiting.popleft()
            found = future.result()
            yield asked(part, _packed(shared, along)).result() if found is _UNKNOWN else found


def done_by_cluster(
    work: Callable[[Any], R], parts: Iterable[Any], *, workers: int | None = None
) -> Generator[tuple[int, R | None]]:
    """Yield the place of each part and ``work(part)`` as they get done; for work of seconds and more.

    No more parts are taken than there are cores, or `workers`. A part whose worker dies is given to another;
    one that takes one worker after the other with it yields None. Whoever stops listening (Ctrl-C too)
    cancels what is not done: `work` asks `is_wanted` from time to time.

    Raises `ExecutionError` when the cluster is lost.
    """
    from distributed import KilledWorker

    client, left, waiting = _CLIENT.get(), enumerate(parts), dict[Any, int]()
    with _reached(), _cancelled(client, lambda: waiting):
        seen = time.monotonic()
        while True:
            if many := cores():
                seen = time.monotonic()
            while len(waiting) < min(many or 1, workers or sys.maxsize) and (one := next(left, None)) is not None:
                waiting[client.submit(work, one[1], pure=False)] = one[0]
            if not waiting:
                return
            for future in _first_done(waiting, time.monotonic() - seen):
                place = waiting.pop(future)
                try:
                    found = future.result()
                except KilledWorker:
                    found = None
                yield place, found


def _first_done(waiting: Iterable[Any], idle: float) -> list[Any]:
    """Return what is done, waiting a second for the first: workers come and go, but there must be some."""
    from distributed import wait

    try:
        return list(wait(list(waiting), timeout=1, return_when="FIRST_COMPLETED").done)  # type: ignore[no-untyped-call]
    except TimeoutError:
        if idle > _EMPTY_SECONDS:
            raise TimeoutError(f"no worker for {idle:.0f} s") from None
        return []


def is_wanted() -> bool:
    """Return, on a worker, whether what this thread works on is still asked for: not cancelled, its asker not gone."""
    from distributed import get_worker

    worker = get_worker()
    task = worker.state.tasks.get(worker.get_current_task())
    return task is not None and task.state == "executing" and worker.status.name in {"running", "paused"}


@contextmanager
def _cancelled(client: Any, waiting: Callable[[], Iterable[Any]]) -> Iterator[None]:
    """Cancel what still waits when the block ends, however it ends."""
    try:
        yield
    finally:
        client.cancel(list(waiting()))


class _Unknown(Enum):
    """What a worker answers that was never told what is shared."""

    UNKNOWN = 1


_UNKNOWN: Final = _Unknown.UNKNOWN
_KNOWN: Final[dict[str, Any]] = {}
"""What a worker was told, the last used last: indicators are kept by identity, so all parts must look at one copy."""
_TAUGHT: Final[WeakKeyDictionary[Any, set[str]]] = WeakKeyDictionary()


def _learnt(token: str, whole: bytes) -> None:
    _KNOWN[token] = pickle.loads(whole)  # noqa: S301  (packed by us; a cluster runs what it is sent)
    while len(_KNOWN) > _REMEMBERED:
        _KNOWN.pop(next(iter(_KNOWN)), None)


def _worked(work: Callable[[Any, Any], R], token: str, whole: bytes | None, part: bytes) -> R | _Unknown:
    """Do one part on a worker; what cannot be unpacked is the part's error and not a lost worker."""
    if whole is not None and token not in _KNOWN:
        _learnt(token, whole)
    shared = _KNOWN.get(token)
    if shared is None:
        return _UNKNOWN
    _KNOWN[token] = _KNOWN.pop(token, shared)
    return work(shared, pickle.loads(part))  # noqa: S301


def _packed(part: Any, along: Sequence[ModuleType]) -> bytes:
    import cloudpickle  # type: ignore[import-untyped]

    known = cloudpickle.list_registry_pickle_by_value()
    new = [module for module in along if module.__name__ not in known]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        found: bytes = cloudpickle.dumps(part)
    finally:
        for module in new:
            cloudpickle.unregister_pickle_by_value(module)
    return found


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Make every search and every batch within the block run on a Dask cluster; the answers are the same.

    Parameters
    ----------
    address : str
        Of the scheduler: ``"tcp://host:8786"``. Its workers need Quantbench and your own modules installed.

    Yields
    ------
    distributed.Client
        For its dashboard and its workers.

    Raises
    ------
    MissingExtra
        Without the extra `cluster`.
    ExecutionError
        When no scheduler answers there, it has no workers, or their Python, numpy or Quantbench is another.
    """
    client = _client(address)
    token = _CLIENT.set(client)
    try:
        if not cores():
            raise ExecutionError(f"the cluster at {address} has no workers: start some, such as `qb cluster start`")
        _check_alike(client, address)
        yield client
    finally:
        _CLIENT.reset(token)
        client.close()


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as missing:
        raise MissingExtra("a cluster needs Dask: pip install 'quantbench[cluster]'") from missing
    try:
        return Client(address, timeout=_REACH_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as fault:
        raise ExecutionError(
            f"no Dask scheduler answers at {address} ({type(fault).__name__}); is it running, and is the address right?"
        ) from fault


@contextmanager
def start_local(workers: int, *, port: int = 0) -> Iterator[str]:
    """Run a scheduler and some worker processes on this machine while the block runs; yield the address.

    Parameters
    ----------
    workers : int
        Processes of one thread each.
    port : int
        Of the scheduler, on the loopback address only; 0 takes a free one.
    """
    try:
        from distributed import LocalCluster
    except ImportError as missing:
        raise MissingExtra("a cluster needs Dask: pip install 'quantbench[cluster]'") from missing
    with LocalCluster(  # type: ignore[no-untyped-call]
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", scheduler_port=port, dashboard_address=None
    ) as made:
        yield str(made.scheduler_address)


def _check_alike(client: Any, address: str) -> None:
    """Refuse workers whose Python, numpy or Quantbench is another: they could not be asked, or would answer another."""
    here = _versions()
    for there in client.run(_versions).values():
        for name, version in here.items():
            if there[name] is None:
                raise ExecutionError(f"the workers at {address} lack {name}: install {name} {version} there")
            if there[name] != version:
                found = f"a worker at {address} has {name} {there[name]}, and this process has {version}"
                raise ExecutionError(f"{found}: install the same there")


def _versions() -> dict[str, str | None]:
    import sys
    from importlib import import_module

    found: dict[str, str | None] = {"Python": f"{sys.version_info[0]}.{sys.version_info[1]}"}
    for name in ("quantbench", "numpy"):
        try:
            found[name] = import_module(name).__version__
        except ImportError:
            found[name] = None
    return found


_versions.__module__ = "__main__"  # sent whole: where Quantbench is missing it must still say so
