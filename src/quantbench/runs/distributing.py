"""The loop of a batch on a cluster: runs are handed to its workers, made there as they would be here, and taken in.

A worker makes a run in a folder of its own: in the study's folder where it sees that (a shared disk), else
in a temporary one whose files it returns. Only the coordinator writes to the folder of a run, and takes
in one answer a run: a worker thought dead that goes on works for nobody.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple
from uuid import uuid4

from quantbench.config import settings
from quantbench.core.errors import QuantbenchError, RunError, StoreError
from quantbench.data.store import load
from quantbench.research.cluster import done_by_cluster, is_wanted
from quantbench.runs.coordinating import Made, Ready, Running, Told, cleared, coordinate, told_stopped
from quantbench.runs.engines.hands import Ended
from quantbench.runs.judging import judged
from quantbench.runs.keys import explain_miss, ingredients
from quantbench.runs.plan import Plan, RunLimits
from quantbench.runs.planning import dataset_named
from quantbench.runs.record import RunRecord, write_record, written

__all__ = ["Returned", "Task", "distribute", "made_there"]

_MAKING: Final = ".making"
_TOKEN: Final = "token"  # noqa: S105  (a file that shows whether a folder is the same one)
_ENGINE: Final = "cluster"
_GONE: Final = "one worker of the cluster after the other was lost while it ran"


class Task(NamedTuple):
    """A run handed to a worker.

    Attributes
    ----------
    ready : Ready
    limits : RunLimits
    engine : str
        Of the worker: auto, fork or kernel.
    home, making : Path
        The project's folder, and where runs are made, for workers that see them.
    token : str
        What a file in `making` says to those that see it.
    notebook : str or None
        Its text, for those that do not.
    data : mapping
        The version of each dataset, as the plan has it.
    """

    ready: Ready
    limits: RunLimits
    engine: str
    home: Path
    making: Path
    token: str
    notebook: str | None
    data: Mapping[str, str]


class Returned(NamedTuple):
    """What a worker brings back: the record, and the files by name, None where they lie in the shared folder."""

    record: RunRecord
    files: dict[str, bytes] | None


def distribute(
    left: Sequence[Ready], plan: Plan, *, workers: int | None, engine: str, home: Path, told: Told | None
) -> Made:
    """Make every run that is left on the cluster in use; what `coordinate` does on one machine.

    Raises
    ------
    RunError
        When a worker's code, data or libraries are not those of this process.
    StoreError
        When a record cannot be written.
    ExecutionError
        When the cluster is lost.
    """
    records, handed = dict[int, RunRecord](), dict[int, Running]()
    making = left[0].folder.parent / _MAKING if left else home
    try:
        tasks = _tasks(left, plan, engine=engine, home=home, handed=handed)
        with closing(done_by_cluster(made_there, tasks, workers=workers)) as done:
            for place, returned in done:
                record = records[left[place].number] = _taken_in(handed[place], returned)
                del handed[place]
                if told is not None:
                    told(len(records), record)
    except BaseException as fault:
        told_stopped(handed.values(), fault, _ENGINE)
        raise
    finally:
        if left:
            shutil.rmtree(making, ignore_errors=True)
    return Made(records, _ENGINE)


def _tasks(left: Sequence[Ready], plan: Plan, *, engine: str, home: Path, handed: dict[int, Running]) -> Iterator[Task]:
    """Yield what a worker needs for each run, at the moment it is handed out."""
    if not left:
        return
    making, token = left[0].folder.parent / _MAKING, uuid4().hex
    shutil.rmtree(making, ignore_errors=True)  # of a coordinator that died
    written(making / _TOKEN, token)
    for place, ready in enumerate(left):
        attempt, moment = cleared(ready)
        handed[place] = Running(ready, 0, attempt, moment, time.monotonic())
        notebook = ready.planned.notebook
        text = None if notebook is None else notebook.read_text("utf-8")
        yield Task(ready, plan.limits, engine, home, making, token, text, plan.data)


def _taken_in(one: Running, returned: Returned | None) -> RunRecord:
    """Put the files of a run into its folder, and write its record last."""
    if returned is None:
        one.verdict = "lost", _GONE
        return judged(one, Ended(0, -9, 0.0), _ENGINE)
    record, folder = returned.record, one.ready.folder
    try:
        for name in record.files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            if returned.files is None:
                (record.folder / name).replace(folder / name)
            else:
                (folder / name).write_bytes(returned.files[name])
    except OSError as fault:
        raise StoreError(f"cannot write the files of a run to {folder}: {fault.strerror}") from fault
    kept = replace(record, attempt=one.attempt, source=_source(one.ready), folder=folder)
    write_record(kept)
    return kept


def _source(ready: Ready) -> str:
    return str(ready.planned.notebook or ready.planned.function)


def made_there(task: Task) -> Returned:
    """Make a run on a worker and bring it back; the engine, the limits and the judgement are those of one machine.

    Raises
    ------
    RunError
        When code, data or libraries are not the same as where the batch was planned, or nobody asks any more.
    """
    shared, ready = _sees(task), task.ready
    home = task.home if shared else settings().home.absolute()
    with tempfile.TemporaryDirectory(prefix="qb-run-", ignore_cleanup_errors=True) as place:
        if not shared and task.notebook is not None and ready.planned.notebook is not None:
            source = Path(place) / ready.planned.notebook.name
            source.write_text(task.notebook, encoding="utf-8")
            ready = ready._replace(planned=replace(ready.planned, notebook=source))
        _refuse_differences(task, ready, home)
        folder = (task.making if shared else Path(place) / _MAKING) / f"{ready.key}-{uuid4().hex[:8]}"
        origin = {"host": platform.node(), "cores": os.cpu_count(), "worker": "shared" if shared else "returned"}
        ready = ready._replace(folder=folder, provenance={**ready.provenance, **origin})
        made = coordinate(
            [ready],
            task.limits,
            workers=os.cpu_count() or 1,
            engine=task.engine,
            home=home,
            looked=_stop_if_unwanted,
        )
        record = made.records[ready.number]
        return Returned(record, None if shared else {name: (folder / name).read_bytes() for name in record.files})


def _sees(task: Task) -> bool:
    try:
        return (task.making / _TOKEN).read_text("utf-8") == task.token
    except OSError:
        return False


def _stop_if_unwanted() -> None:
    if not is_wanted():
        raise RunError("nobody asks for it any more")


def _refuse_differences(task: Task, ready: Ready, home: Path) -> None:
    """Refuse to make a run that would be another one here: another key is another run."""
    try:
        data = {name: load(*dataset_named(name)).version for name in task.data}
        plan = Plan(ready.study, (ready.planned,), data=data)
        moved = explain_miss(ingredients(ready.planned, plan, home=home), ready.provenance["ingredients"])
    except QuantbenchError as fault:
        moved = [str(fault)]
    if moved:
        raise RunError(
            f"a worker on {platform.node()} (home {home}) would make another run than planned: {'; '.join(moved)} "
            "there; install the same libraries and copy the same code and data"
        )
