"""What comes of choices: taken from what is kept, else traded, kept at once, and pooled over several markets."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, cast

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.results import day_ends
from quantbench.core.space import Choice
from quantbench.core.strategy import Strategy
from quantbench.data.trial_key import canonical_each
from quantbench.data.trial_store import Kept, folder_of, keep, kept
from quantbench.engine.trials import METRICS, Batch
from quantbench.research.pool import Question, batches
from quantbench.research.pooling import pooled
from quantbench.research.time_limit import Timed

__all__ = ["Bench", "answers", "rescued"]

KEPT_SECONDS: Final = 1.0
"""What a search that is killed may lose."""


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
    """

    strategy: type[Strategy]
    questions: tuple[Question, ...]
    workers: int | None
    keeps: bool
    seconds: float | None = None

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
    names = canonical_each(choices) if bench.keeps else [""] * len(choices)
    found = [_of_market(bench, market, strategies, names, ahead) for market in range(len(bench.questions))]
    return found[0] if len(found) == 1 else pooled([question.bars for question in bench.questions], found)


def rescued(bench: Bench, strategies: Sequence[Strategy], choices: Sequence[Choice]) -> tuple[list[int], Batch]:
    """Return which of the choices were kept although their batch was not finished, and what came of them."""
    now, names = replace(bench), canonical_each(choices)  # reads anew what is kept
    rows = [row for row, name in enumerate(names) if all(name in known for known in now.known)]
    return rows, answers(now, [strategies[row] for row in rows], [choices[row] for row in rows])


def _of_market(bench: Bench, market: int, strategies: Sequence[Strategy], names: Sequence[str], ahead: int) -> Batch:
    question, known = bench.questions[market], bench.known[market]
    new = [row for row, name in enumerate(names) if name not in known]
    made = _traded(bench, market, [strategies[row] for row in new], [names[row] for row in new], ahead)
    if len(new) == len(names):
        return made
    values = np.empty((len(names), len(METRICS)))
    daily = np.empty((len(names), _days(question.bars)), np.float32)
    failures: list[str | None] = [None] * len(names)
    values[new], daily[new] = made.values, made.daily
    for place, row in enumerate(new):
        failures[row] = made.failures[place]
    for row, name in enumerate(names):
        if name in known:
            part, at = known[name]
            values[row], daily[row], failures[row] = part.values[at], part.daily[at], part.failures[at]
    return Batch(values, daily, failures)


def _traded(bench: Bench, market: int, strategies: Sequence[Strategy], names: Sequence[str], ahead: int) -> Batch:
    """Trade what is new. It is kept every second, so that a search that is killed loses no more."""
    question, saved, fresh, timed = bench.questions[market], list[Batch](), list[Batch](), strategies
    if not strategies:
        return _joined((), question.bars)
    if bench.seconds:
        timed = cast("Sequence[Strategy]", [Timed(one, bench.seconds) for one in strategies])
    since = time.monotonic()
    try:
        for part in batches(question, timed, workers=bench.workers, ahead=ahead):
            fresh.append(part)
            if time.monotonic() - since > KEPT_SECONDS:
                _save(bench, market, names[_many(saved) :], fresh)
                saved, fresh, since = [*saved, *fresh], [], time.monotonic()
    finally:
        _save(bench, market, names[_many(saved) :], fresh)
    return _joined([*saved, *fresh], question.bars)


def _save(bench: Bench, market: int, names: Sequence[str], parts: Sequence[Batch]) -> None:
    if bench.keeps and parts:
        whole = _joined(parts, bench.questions[market].bars)
        its = tuple(names[: _many(parts)])
        keep(bench.folders[market], Kept(its, whole.values, whole.daily, tuple(whole.failures)))


def _many(parts: Sequence[Batch]) -> int:
    return sum(len(part.failures) for part in parts)


def _joined(parts: Sequence[Batch], bars: Bars) -> Batch:
    if not parts:
        return Batch(np.empty((0, len(METRICS))), np.empty((0, _days(bars)), np.float32), [])
    return Batch(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.daily for part in parts]),
        [failure for part in parts for failure in part.failures],
    )


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
