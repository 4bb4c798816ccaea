"""How far a search is, where a person looks on; silence in logs and pipes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from quantbench.engine.trials import Batch

__all__ = ["Told", "shown", "watched"]


class Told(NamedTuple):
    """What there is to show of a search.

    Attributes
    ----------
    done : int
        Trials made.
    best : float
        The best score so far; NaN before there is one.
    feasible : int
        Trials that meet the constraints.
    duplicates : int
        Choices that were asked for again.
    """

    done: int
    best: float
    feasible: int
    duplicates: int


def shown(batches: Iterable[Batch], total: int, *, on: bool) -> Iterator[Batch]:
    """Yield the batches, and show how many of `total` trials are done."""
    with watched(total, "", on=on) as show:
        done = 0
        for batch in batches:
            done += len(batch.failures)
            show(Told(done, math.nan, done, 0))
            yield batch


@contextmanager
def watched(total: int, score: str, *, on: bool) -> Iterator[Callable[[Told], None]]:
    """Show one line while the block runs: trials done of `total`, the best score, what is left to wait.

    Parameters
    ----------
    total : int
        Trials to be made at most.
    score : str
        Name of the score; empty to show none.
    on : bool
        Show nothing if false, or where nobody looks on.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not (on and (console.is_terminal or console.is_jupyter)):
        yield _silent
        return
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("trials{task.fields[note]}"), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=total, note="")

        def show(told: Told) -> None:
            bar.update(task, completed=told.done, note=_note(told, score))

        yield show


def _silent(_: Told) -> None:
    """Show nothing."""


def _note(told: Told, score: str) -> str:
    parts = []
    if score and not math.isnan(told.best):
        parts.append(f"best {score} {told.best:.2f}")
    if told.feasible < told.done:
        parts.append(f"{told.feasible / told.done:.0%} feasible")
    if told.duplicates:
        parts.append(f"{told.duplicates:,} asked again")
    return "".join(f", {part}" for part in parts)
