"""Spread trials over the cores: the same answer, in the same order, for any number of workers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
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
from quantbench.engine.setting import venue_of
from quantbench.engine.trials import Batch, Floor, floor_of, run_trials

__all__ = ["Question", "batches"]

_FIRST: Final = 8  # trials timed before deciding whether a pool pays
_POOL_SECONDS: Final = 4.0  # starting one, and what its workers work out for themselves, takes a second or two
_BATCH: Final = 250


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

    With `workers` None the first trials are timed and a pool is started only where the rest would
    take longer than starting it; 1 never starts one.
    """
    if workers is not None and workers < 1:
        raise ParamsError(f"workers must be at least 1 (workers={workers!r})")
    cores = workers or os.cpu_count() or 1
    if workers is None and cores > 1:
        yield _trade(question, strategies[:1])  # compiles, reads caches: not timed
        began = time.perf_counter()
        yield _trade(question, strategies[1 : 1 + _FIRST])
        strategies = strategies[1 + _FIRST :]
        seconds = (time.perf_counter() - began) / _FIRST * len(strategies)
        cores = cores if seconds > _POOL_SECONDS else 1
    size = max(1, min(_BATCH, -(-len(strategies) // (4 * cores)))) if cores > 1 else _BATCH
    parts = [strategies[i : i + size] for i in range(0, len(strategies), size)]
    if cores == 1:
        yield from (_trade(question, part) for part in parts)
    elif parts:
        yield from _pooled(_trade, question, parts, cores)


def _pooled(
    work: Callable[[Question, Sequence[Strategy]], Batch],
    question: Question,
    parts: list[Sequence[Strategy]],
    cores: int,
) -> Iterator[Batch]:
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=cores, backend="loky", return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
    yield from pool(delayed(work)(question, part) for part in parts)


_ARRIVED: Final[dict[str, Question]] = {}


def _first_copy(question: Question) -> Question:
    """Return the copy of a question that arrived first in this process.

    Each batch brings the bars along. Indicators and the venue are kept by identity, so all batches
    must look at one copy, or a worker would work them out anew for every batch.
    """
    if question.token not in _ARRIVED:
        _ARRIVED.clear()
        _ARRIVED[question.token] = question
    return _ARRIVED[question.token]


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
