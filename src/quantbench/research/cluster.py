"""Past one machine: the same searches on the workers of a Dask cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from quantbench.core.errors import ExecutionError, MissingExtra

__all__ = ["cluster", "cores", "start_local"]

_CORES: Final[ContextVar[int]] = ContextVar("cores of the cluster in use", default=0)
_REACH_SECONDS: Final = 10


def cores() -> int:
    """Return how many cores the cluster in use has; 0 without one."""
    return _CORES.get()


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
    import joblib

    client = _client(address)
    try:
        threads = sum(client.nthreads().values())
        if not threads:
            raise ExecutionError(f"the cluster at {address} has no workers: start some, such as `qb cluster start`")
        token = _CORES.set(threads)
        try:
            with joblib.parallel_config("dask", client=client):
                yield client
        finally:
            _CORES.reset(token)
    finally:
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
