"""What comes of choices: taken from what is kept, else traded, kept at once, and pooled over several markets."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.space import Choice
from quantbench.core.strategy import Strategy
from quantbench.data.trial_key import canonical_each
from quantbench.data.trial_store import Kept, folder_of, keep, kept
from quantbench.engine.trials import METRICS, Batch
from quantbench.research.pool import Gathered, Question, batches
from quantbench.research.pooling import pooled
from quantbench.research.time_limit import Timed

__all__ = ["Bench", "answered", "answers", "rescued"]

KEPT_SECONDS: Final = 1.0
"""What a search that is killed may lose."""

_BLOCK: Final = 250


@dataclass(frozen=True, eq=False)
class Bench:
    """Where the trials of one search are made.

    Attributes
    ----------
    strategy : type
    questions : tuple of Question
        One a market.
    workers : int or None
    keeps : bool
        Whether trials are kept as they are made and taken from what was kept.
    seconds : float or None
        How long a strategy may take to decide.
    dear : float
        Seconds a trial must take to be kept: below, making it again is as quick as reading it.
    """

    strategy: type[Strategy]
    questions: tuple[Question, ...]
    workers: int | None
    keeps: bool
    seconds: float | None = None
    dear: float = 0.0

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Where the trials of each question are kept."""
        return tuple(_folder(self.strategy, question) for question in self.questions)

    @cached_property
    def known(self) -> tuple[dict[str, tuple[Kept, int]], ...]:
        """What was kept before this search began: by choice, the part and the row."""
        if not self.keeps:
            return ({},) * len(self.questions)
        return tuple(
            _by_choice(kept(folder, metrics=len(METRICS), days=_days(question.bars)))
            for folder, question in zip(self.folders, self.questions, strict=True)
        )


def answers(bench: Bench, strategies: Sequence[Strategy], choices: Sequence[Choice], *, ahead: int = 0) -> Batch:
    """Return what came of the choices, in their order; stopped half-way, what was done is kept.

    Parameters
    ----------
    bench : Bench
        The markets and the workers.
    strategies : sequence of Strategy
        One a choice, ready to trade.
    choices : sequence of dict
        What each was made from.
    ahead : int
        How many more are likely to be asked for later.
    """
    found = []
    for market in range(len(bench.questions)):
        done = Gathered(range(len(choices)))
        with closing(answered(bench, strategies, choices, market=market, ahead=ahead)) as parts:
            for part in parts:
                done.add(part)
        found.append(done.batch)
    return found[0] if len(found) == 1 else pooled([question.bars for question in bench.questions], found)


def answered(
    bench: Bench, strategies: Sequence[Strategy], choices: Sequence[Choice], *, market: int = 0, ahead: int = 0
) -> Generator[Batch]:
    """Yield what came of the choices on one market, in their order, batch by batch."""
    known = bench.known[market]
    names = canonical_each(choices) if known else []
    new = [row for row, name in enumerate(names) if name not in known] if known else range(len(choices))
    made = _made(bench, market, [strategies[row] for row in new], [choices[row] for row in new], ahead)
    if not known:
        yield from made
        return
    fresh = (row for part in made for row in zip(*part, strict=True))
    for first in range(0, len(names), _BLOCK):
        rows = [_row(known[name]) if name in known else next(fresh) for name in names[first : first + _BLOCK]]
        values, daily, failures = zip(*rows, strict=True)
        yield Batch(np.array(values), np.array(daily), list(failures))


def _row(of: tuple[Kept, int]) -> tuple[Any, ...]:
    part, at = of
    return part.values[at], part.daily[at], part.failures[at]


def rescued(bench: Bench, strategies: Sequence[Strategy], choices: Sequence[Choice]) -> tuple[list[int], Batch] | None:
    """Return which of the choices were kept although their batch was not finished, and what came of them."""
    now, names = replace(bench), canonical_each(choices)  # reads anew what is kept
    rows = [row for row, name in enumerate(names) if all(name in known for known in now.known)]
    if not rows:
        return None
    return rows, answers(now, [strategies[row] for row in rows], [choices[row] for row in rows])


def _made(
    bench: Bench, market: int, strategies: Sequence[Strategy], choices: Sequence[Choice], ahead: int
) -> Iterator[Batch]:
    """Trade what is new. It is kept every second, so that a search that is killed loses no more."""
    if not strategies:
        return
    timed, waiting, count = strategies, list[tuple[int, Batch]](), 0
    if bench.seconds:
        timed = cast("Sequence[Strategy]", [Timed(one, bench.seconds) for one in strategies])
    since = began = time.monotonic()
    try:
        for part in batches(bench.questions[market], timed, workers=bench.workers, ahead=ahead):
            first, count = count, count + len(part.failures)
            if bench.keeps and time.monotonic() - began >= bench.dear * count:
                waiting.append((first, part))
            yield part
            if time.monotonic() - since > KEPT_SECONDS:
                _keep(bench.folders[market], choices, waiting)
                waiting, since = [], time.monotonic()
    finally:
        if waiting:
            _keep(bench.folders[market], choices, waiting)


def _keep(folder: Path, choices: Sequence[Choice], parts: Sequence[tuple[int, Batch]]) -> None:
    """Keep batches, each with the place of its first choice."""
    if not parts:
        return
    values, daily, failures = zip(*(part for _, part in parts), strict=True)
    its = [choice for first, part in parts for choice in choices[first : first + len(part.failures)]]
    found = Kept(
        tuple(canonical_each(its)),
        np.concatenate(values),
        np.concatenate(daily),
        tuple(failure for part in failures for failure in part),
    )
    keep(folder, found)


def _folder(strategy: type[Strategy], question: Question) -> Path:
    q = question
    others = [other.version if other is not None else "" for other in (q.rates, q.intrabar)]
    return folder_of(
        strategy,
        q.bars,
        account=q.account,
        costs=q.costs,
        sizing=q.sizing,
        limits=q.limits,
        also=(*others, q.trade_from, METRICS),
    )


def _by_choice(trials: Kept) -> dict[str, tuple[Kept, int]]:
    return {choice: (trials, row) for row, choice in enumerate(trials.choices)}


def _days(bars: Bars) -> int:
    return len(day_ends(bars)[0])
