"""Past one machine: the same searches on the workers of a Dask cluster."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from types import ModuleType
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from quantbench.core.errors import ExecutionError, MissingExtra

__all__ = ["cluster", "cores", "start_local", "worked_by_cluster"]

R = TypeVar("R")
_CLIENT: Final[ContextVar[Any]] = ContextVar("client of the cluster in use", default=None)
_REACH_SECONDS: Final = 10
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

    with _reached(), _cancelled(client, waiting):
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


@contextmanager
def _cancelled(client: Any, waiting: Iterable[tuple[Any, Any]]) -> Iterator[None]:
    """Cancel what still waits when the block ends, however it ends."""
    try:
        yield
    finally:
        client.cancel([future for _, future in waiting])


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
    """Make every search within the block run on a Dask cluster; the answers are the same.

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
        When no scheduler answers there, or it has no workers.
    """
    client = _client(address)
    token = _CLIENT.set(client)
    try:
        if not cores():
            raise ExecutionError(f"the cluster at {address} has no workers: start some, such as `qb cluster start`")
        if not all(client.run(_has_quantbench).values()):
            raise ExecutionError(f"the workers at {address} lack Quantbench: install the same version there")
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


def _has_quantbench() -> bool:
    import importlib.util

    return importlib.util.find_spec("quantbench") is not None


_has_quantbench.__module__ = "__main__"  # sent whole: where Quantbench is missing it must still say so
