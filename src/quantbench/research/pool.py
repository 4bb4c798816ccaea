"""Spread trials over the cores: the same answer, in the same order, for any number of workers."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import uuid4
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.clock import as_ns
from quantbench.core.errors import ParamsError
from quantbench.core.limits import Limits
from quantbench.core.strategy import Strategy
from quantbench.data.code import own_modules
from quantbench.engine.setting import venue_of
from quantbench.engine.trials import Batch, Floor, floor_of, run_trials, stepwise
from quantbench.research import cluster
from quantbench.research.parcel import opened, parcel_of
from quantbench.research.turns import Steps, stepped

__all__ = ["Gathered", "Question", "batches"]

_FIRST: Final = 8  # trials timed before deciding who does the rest
_LOOKS: Final = 3  # batches in which they are
_THREADS_PAY: Final = 0.1  # seconds of work as the first trials tell it: two to three times what the later ones take
_PROCESSES_PAY: Final = 4.0  # seconds saved: starting them, and what each works out for itself, takes one or two
_BATCH: Final = 250
_BATCH_SECONDS: Final = 0.06  # of work: what Ctrl-C may lose; to begin another costs two threads up to a millisecond


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


@dataclass
class Pace:
    """How fast the trials of a question go, learnt from batch to batch.

    Attributes
    ----------
    alone : float
        Seconds a trial takes by itself; infinite before it is known.
    threaded : float
        Seconds a trial takes by all threads together; NaN before it is known.
    looks : int
        How often `alone` was measured: the first trials work out indicators the later ones find.
    """

    alone: float = math.inf
    threaded: float = math.nan
    looks: int = 0


_PACES: Final[WeakKeyDictionary[Question, Pace]] = WeakKeyDictionary()


def batches(
    question: Question, strategies: Sequence[Strategy], *, workers: int | None, ahead: int = 0
) -> Iterator[Batch]:
    """Yield the trials in order, batch by batch.

    Threads share the bars and the indicators, and most of a trial needs no lock of Python's. Where
    they turn out to wait for it (a strategy in pandas or plain Python, or many short steps), processes
    take over, if the trials left pay for starting them. 1 worker, or little work, needs neither.

    Parameters
    ----------
    question : Question
        What is traded, and how.
    strategies : sequence of Strategy
        What to try.
    workers : int or None
        How many work at once.
    ahead : int
        How many trials of the same question are likely to be asked for later.
    """
    if workers is not None and workers < 1:
        raise ParamsError(f"workers must be at least 1 (workers={workers!r})")
    if cluster.cores():
        yield from _by_cluster(question, strategies)
        return
    if not strategies:
        return
    cores, pace = workers or os.cpu_count() or 1, _PACES.setdefault(question, Pace())
    if pace.looks < _LOOKS:
        yield from _looked_at(question, strategies[: 1 + _FIRST], pace)
        strategies = strategies[1 + _FIRST :]
    left = pace.alone * (len(strategies) + ahead)
    if not strategies or cores == 1 or (workers is None and left < _THREADS_PAY):
        floor = _floor(question)
        yield from (run_trials(part, floor) for part in _parts(strategies, pace.alone))
        return
    parts = _parts(strategies, pace.alone, cores)
    first = 4 * cores if left > _PROCESSES_PAY and math.isnan(pace.threaded) else 0
    yield from _threaded(question, parts[:first], cores, pace)
    parts = parts[first:]
    if _processes_pay(sum(map(len, parts)) + ahead, pace, cores):
        yield from _pooled(question, parts, cores)
    else:
        yield from _threaded(question, parts, cores, pace)


def _by_cluster(question: Question, strategies: Sequence[Strategy]) -> Iterator[Batch]:
    parts = _parts(strategies, 0.0, 4 * cluster.cores())
    kinds = {type(getattr(one, "strategy", one)) for one in strategies}
    along = [module for kind in kinds for module in own_modules(kind)]
    yield from cluster.worked_by_cluster(_trade, question, parts, along=along)


def _looked_at(question: Question, strategies: Sequence[Strategy], pace: Pace) -> Iterator[Batch]:
    """Yield a few trials made one by one, and time all but the first, which compiles and reads caches."""
    floor = _floor(question)
    yield run_trials(strategies[:1], floor)
    began = time.perf_counter()
    batch = run_trials(strategies[1:], floor)
    if len(strategies) > 1:
        pace.alone = min(pace.alone, (time.perf_counter() - began) / len(strategies[1:]))
        pace.looks += 1
    yield batch


def _threaded(question: Question, parts: Sequence[Sequence[Strategy]], cores: int, pace: Pace) -> Iterator[Batch]:
    """Yield the batches in order, traded by threads, and learn how fast they were."""
    floor, ends = _floor(question), list[float]()

    def trade(part: Sequence[Strategy]) -> Steps[Batch]:
        batch = yield from stepwise(part, floor)
        ends.append(time.perf_counter())
        return batch

    began = time.perf_counter()
    yield from stepped(trade, parts, cores)
    if parts:
        pace.threaded = (max(ends) - began) / sum(map(len, parts))


class Gathered:
    """Batches put into one as they come, so that none is held twice.

    Parameters
    ----------
    order : sequence of int
        Which trials come, in the order they come: the row of each.
    """

    def __init__(self, order: Sequence[int] | npt.NDArray[np.int64]) -> None:
        self._order, self._came = np.asarray(order), 0
        self._failures: list[str | None] = [None] * len(self._order)
        self._values, self._daily = np.empty((0, 0)), np.empty((0, 0), np.float32)

    def __len__(self) -> int:
        return self._came

    def add(self, batch: Batch) -> None:
        """Take the next trials."""
        if not len(self):
            self._values = np.empty((len(self._order), batch.values.shape[1]), batch.values.dtype)
            self._daily = np.empty((len(self._order), batch.daily.shape[1]), batch.daily.dtype)
        rows = self._order[self._came : self._came + len(batch.failures)]
        self._values[rows], self._daily[rows] = batch.values, batch.daily
        for row, failure in zip(rows, batch.failures, strict=True):
            self._failures[row] = failure
        self._came += len(rows)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Which trials came."""
        return np.sort(self._order[: self._came])

    @property
    def batch(self) -> Batch:
        """All that came as one, by row."""
        if self._came == len(self._order):
            return Batch(self._values, self._daily, self._failures)
        rows = self.rows
        return Batch(self._values[rows], self._daily[rows], [self._failures[row] for row in rows])


def _processes_pay(trials: int, pace: Pace, cores: int) -> bool:
    """Return whether processes save more than they cost."""
    return trials * (pace.threaded - pace.alone / cores) > _PROCESSES_PAY


def _parts(strategies: Sequence[Strategy], each: float, cores: int = 1) -> list[Sequence[Strategy]]:
    """Cut the trials into parts of some time, a few for each core, smaller ones last: all cores end together."""
    parts, begin, count = [], 0, len(strategies)
    most = max(1, min(_BATCH, -(-count // (4 * cores)), int(_BATCH_SECONDS / max(each, 1e-9))))
    while begin < count:
        fair = -(-(count - begin) // (2 * cores))
        size = min(most, max(fair, most // 2))
        parts.append(strategies[begin : begin + size])
        begin += size
    return parts


def _pooled(question: Question, parts: Sequence[Sequence[Strategy]], cores: int) -> Iterator[Batch]:
    """Yield the batches in order, traded by processes; all of them read one copy of the bars."""
    from joblib import Parallel, delayed

    folder = parcel_of(question)
    pool = Parallel(n_jobs=cores, backend="loky", return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(_trade_of)(folder, part) for part in parts)


def _trade_of(folder: Path, strategies: Sequence[Strategy]) -> Batch:
    return _trade(opened(folder), strategies)


def _trade(question: Question, strategies: Sequence[Strategy]) -> Batch:
    return run_trials(strategies, _floor(question))


_FLOORS: Final[WeakKeyDictionary[Question, Floor]] = WeakKeyDictionary()


def _floor(question: Question) -> Floor:
    """Return where a question's trials are traded, worked out once."""
    found = _FLOORS.get(question)
    if found is None:
        found = _FLOORS[question] = _laid(question)
    return found


def _laid(question: Question) -> Floor:
    q, start = question, question.trade_from
    venue = venue_of(
        q.bars, account=q.account, costs=q.costs, sizing=q.sizing, limits=q.limits, rates=q.rates, intrabar=q.intrabar
    )
    first = 0 if start is None else int(np.searchsorted(q.bars.time_ns, as_ns(start)))
    return floor_of(q.bars, venue, first=first)
