"""Spread trials over the cores: the same answer, in the same order, for any number of workers."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final
from uuid import uuid4

import numpy as np

from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.clock import as_ns
from quantbench.core.errors import ParamsError
from quantbench.core.limits import Limits
from quantbench.core.strategy import Strategy
from quantbench.data.code import own_modules
from quantbench.engine.setting import venue_of
from quantbench.engine.trials import Batch, Floor, floor_of, run_trials
from quantbench.research import cluster
from quantbench.research.crew import Turns, worked

__all__ = ["Gathered", "Question", "batches"]

_FIRST: Final = 8  # trials timed before deciding who does the rest
_THREADS_PAY: Final = 0.02  # seconds of work
_PROCESSES_PAY: Final = 4.0  # seconds saved: starting them, and what each works out for itself, takes one or two
_LONG: Final = 25_000  # bars: NumPy lets other threads in for long enough; to take turns costs up to a quarter there
_BATCH: Final = 250
_BATCH_SECONDS: Final = 0.05  # of work: what Ctrl-C may lose


@dataclass(frozen=True, eq=False)
class Question:
    """What every trial of one search shares."""

    bars: Bars
    account: Account
    costs: Costs
    sizing: Sizing
    limits: Limits
    rates: Bars | None = None
    intrabar: Bars | None = None
    trade_from: str | datetime | None = None
    token: str = field(default_factory=lambda: uuid4().hex)  # the same question, whichever copy of it arrives


def batches(question: Question, strategies: Sequence[Strategy], *, workers: int | None) -> Iterator[Batch]:
    """Yield the trials in order, batch by batch.

    Threads share the bars and the indicators, and most of a trial needs no lock of Python's. Where
    they turn out to wait for it (a strategy in pandas or plain Python), processes take over, if the
    trials left pay for starting them. 1 worker, or little work, needs neither.
    """
    if workers is not None and workers < 1:
        raise ParamsError(f"workers must be at least 1 (workers={workers!r})")
    if cluster.cores():
        parts = _parts(strategies, 0.0, cluster.cores())
        along = [
            module
            for kind in {type(getattr(one, "strategy", one)) for one in strategies}
            for module in own_modules(kind)
        ]
        yield from cluster.worked_by_cluster(_trade, ((question, part) for part in parts), along=along)
        return
    floor, cores = _floor(question), workers or os.cpu_count() or 1
    yield run_trials(strategies[:1], floor)  # compiles, reads caches: not timed
    began = time.perf_counter()
    yield run_trials(strategies[1 : 1 + _FIRST], floor)
    each, strategies = (time.perf_counter() - began) / _FIRST, strategies[1 + _FIRST :]
    left = each * len(strategies)
    if cores == 1 or (workers is None and left < _THREADS_PAY):
        yield from (run_trials(part, floor) for part in _parts(strategies, each))
        return
    parts, first, ends = _parts(strategies, each, cores), 4 * cores if left > _PROCESSES_PAY else 0, [began]
    turn = Turns(cores) if len(question.bars) < _LONG else None

    def trade(part: Sequence[Strategy]) -> Batch:
        batch = run_trials(part, floor, turn=turn)
        ends.append(time.perf_counter())
        return batch

    began = time.perf_counter()
    yield from worked(trade, parts[:first], cores)
    threaded = (max(ends) - began) / max(1, sum(map(len, parts[:first])))
    parts = parts[first:]
    if _processes_pay(sum(map(len, parts)), alone=each, threaded=threaded, cores=cores):
        yield from _pooled(question, parts, cores)
    else:
        yield from worked(trade, parts, cores)


class Gathered:
    """Batches put into one as they come, so that none is held twice.

    Parameters
    ----------
    most : int
        How many trials may come.
    """

    def __init__(self, most: int) -> None:
        self._most, self._failures = most, list[str | None]()
        self._values, self._daily = np.empty((0, 0)), np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return len(self._failures)

    def add(self, batch: Batch) -> None:
        """Take the next trials."""
        if not len(self):
            self._values = np.empty((self._most, batch.values.shape[1]), batch.values.dtype)
            self._daily = np.empty((self._most, batch.daily.shape[1]), batch.daily.dtype)
        rows = slice(len(self), len(self) + len(batch.failures))
        self._values[rows], self._daily[rows] = batch.values, batch.daily
        self._failures += batch.failures

    @property
    def batch(self) -> Batch:
        """All that came, as one."""
        return Batch(self._values[: len(self)], self._daily[: len(self)], self._failures)


def _processes_pay(trials: int, *, alone: float, threaded: float, cores: int) -> bool:
    """Return whether processes save more than they cost; seconds a trial takes by itself and by all threads."""
    return trials * (threaded - alone / cores) > _PROCESSES_PAY


def _parts(strategies: Sequence[Strategy], each: float, cores: int = 1) -> list[Sequence[Strategy]]:
    """Cut the trials into parts of some time, a few for each core."""
    most = min(_BATCH, -(-len(strategies) // (4 * cores)))
    size = max(1, min(most, int(_BATCH_SECONDS / max(each, 1e-9))))
    return [strategies[i : i + size] for i in range(0, len(strategies), size)]


def _pooled(question: Question, parts: list[Sequence[Strategy]], cores: int) -> Iterator[Batch]:
    """Yield the batches in order, traded by processes."""
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=cores, backend="loky", return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(_trade)(question, part) for part in parts)


_ARRIVED: Final[dict[str, Question]] = {}


def _first_copy(question: Question) -> Question:
    """Return the copy of a question that arrived first in this process.

    Each batch brings the bars along. Indicators and the venue are kept by identity, so all batches
    must look at one copy, or a worker would work them out anew for every batch.
    """
    first = _ARRIVED.get(question.token)
    if first is None:
        _ARRIVED.clear()
        _ARRIVED[question.token] = first = question
    return first


def _trade(question: Question, strategies: Sequence[Strategy]) -> Batch:
    return run_trials(strategies, _floor(_first_copy(question)))


@lru_cache(maxsize=1)
def _floor(question: Question) -> Floor:
    q, start = question, question.trade_from
    venue = venue_of(
        q.bars, account=q.account, costs=q.costs, sizing=q.sizing, limits=q.limits, rates=q.rates, intrabar=q.intrabar
    )
    first = 0 if start is None else int(np.searchsorted(q.bars.time_ns, as_ns(start)))
    return floor_of(q.bars, venue, first=first)
