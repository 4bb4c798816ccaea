"""What a search has tried so far: every choice once, in the order it was first asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError
from quantbench.core.space import Choice
from quantbench.core.strategy import Strategy
from quantbench.core.study import Constraint, direction
from quantbench.engine.trials import METRICS, Batch
from quantbench.research.asking import Told
from quantbench.research.evaluation import Bench, answers, rescued

__all__ = ["Logbook"]

Key = tuple[Any, ...]


@dataclass
class Logbook:
    """The record of one search; it alone changes while the search runs.

    Attributes
    ----------
    bench : Bench
        Where trials are made.
    objectives, constraints
        As of the search.
    most : int
        How many trials to make.
    own : tuple of str
        Numbers of a strategy itself, such as its ``complexity``, that count beside the metrics.
    size : float
        How many choices there are.
    """

    bench: Bench
    objectives: tuple[str, ...]
    constraints: tuple[Constraint, ...]
    most: int
    own: tuple[str, ...] = ()
    size: float = math.inf
    choices: list[Choice] = field(default_factory=list)
    made: list[Batch] = field(default_factory=list)
    batch: list[int] = field(default_factory=list)
    refusals: dict[Key, str] = field(default_factory=dict)
    duplicates: int = 0
    _rows: dict[Key, int] = field(default_factory=dict)
    _points: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _missed: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _own: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _daily: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.choices)

    def answer(self, asked: Sequence[Choice]) -> Told:
        """Try what is new among the choices, as far as trials are left, and say what came of them all.

        Choices the strategy refuses, and those beyond the last trial, are answered with NaN.
        """
        new, strategies = self._new(asked)
        if new:
            self._try(new, strategies)
        rows = np.array([self._rows.get(tuple(choice.values()), -1) for choice in asked])
        points = np.full((len(asked), len(self.objectives)), np.nan)
        missed = np.full(len(asked), np.inf)
        if self._points:
            known = rows >= 0
            points[known] = np.concatenate(self._points)[rows[known]]
            missed[known] = np.concatenate(self._missed)[rows[known]]
        return Told(points, missed)

    def _new(self, asked: Sequence[Choice]) -> tuple[list[Choice], list[Strategy]]:
        new: dict[Key, tuple[Choice, Strategy]] = {}
        for choice in asked:
            if len(self) + len(new) == self.most:
                break
            key = tuple(choice.values())
            if key in self._rows or key in new:
                self.duplicates += 1
                continue
            if key in self.refusals:
                continue
            try:
                new[key] = choice, self.bench.strategy.from_params(choice)
            except ParamsError as fault:
                self.refusals[key] = str(fault)
        return [choice for choice, _ in new.values()], [strategy for _, strategy in new.values()]

    def _try(self, new: list[Choice], strategies: list[Strategy]) -> None:
        left = min(self.most, self.size - len(self.refusals)) - len(self) - len(new)
        try:
            found = answers(self.bench, strategies, new, ahead=max(0, int(left)))
        except BaseException:  # Ctrl-C or a lost cluster: what was made of the batch is tried too
            if part := rescued(self.bench, strategies, new):
                rows, found = part
                self._record([new[row] for row in rows], [strategies[row] for row in rows], found)
            raise
        self._record(new, strategies, found)

    def _record(self, new: list[Choice], strategies: list[Strategy], found: Batch) -> None:
        number = self.batch[-1] + 1 if self.batch else 0
        for choice in new:
            self._rows[tuple(choice.values())] = len(self.choices)
            self.choices.append(choice)
        self.batch += [number] * len(new)
        self.made.append(found)
        self._daily += list(found.daily)
        self._own.append(np.array([[getattr(one, name) for name in self.own] for one in strategies], np.float64))
        columns = self._columns(found.values, self._own[-1])
        self._points.append(np.column_stack([direction(name) * columns[name] for name in self.objectives]))
        missed = [one.missed_by(columns[one.metric]) for one in self.constraints]
        self._missed.append(np.sum(missed, axis=0) if missed else np.zeros(len(new)))

    def _columns(
        self, values: npt.NDArray[np.float64], own: npt.NDArray[np.float64]
    ) -> dict[str, npt.NDArray[np.float64]]:
        return {name: values[:, i] for i, name in enumerate(METRICS)} | {
            name: own[:, i] for i, name in enumerate(self.own)
        }

    @property
    def values(self) -> dict[str, npt.NDArray[np.float64]]:
        """Every metric, and the strategies' own numbers: one value a trial."""
        return self._columns(np.concatenate([part.values for part in self.made]), np.concatenate(self._own))

    def daily(self, asked: Sequence[Choice]) -> npt.NDArray[np.float64]:
        """Return the daily returns of choices that were answered; NaN for those that were not tried."""
        rows = [self._rows.get(tuple(choice.values()), -1) for choice in asked]
        missing = np.full(self._daily[0].shape if self._daily else 0, np.nan)
        return np.array([self._daily[row] if row >= 0 else missing for row in rows], np.float64)

    @property
    def best(self) -> float:
        """The best score so far, of those that meet the constraints; NaN before there is one."""
        found = [
            np.where(missed == 0, points[:, 0], np.nan)
            for points, missed in zip(self._points, self._missed, strict=True)
        ]
        scores = np.concatenate(found) if found else np.empty(0)
        return direction(self.objectives[0]) * float(np.nanmax(scores)) if np.isfinite(scores).any() else np.nan

    @property
    def feasible(self) -> int:
        """How many trials meet the constraints."""
        return int(sum((missed == 0).sum() for missed in self._missed))
