"""One run handed to a process: what it needs, and what it leaves behind for whoever waits for it."""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from quantbench.core.errors import QuantbenchError
from quantbench.runs.engines.families import memory_mb
from quantbench.runs.notebook import executed
from quantbench.runs.record import Fault, written

__all__ = ["LOG", "NOTEBOOK", "OUTCOME", "PROGRESS", "Job", "carry_out", "read_job", "write_job"]

NOTEBOOK: Final = "notebook.ipynb"
OUTCOME: Final = "outcome.json"
PROGRESS: Final = "progress.json"
LOG: Final = "log.txt"
_JOB: Final = "job.pickle"


@dataclass(frozen=True)
class Job:
    """What a process needs to execute one run.

    Attributes
    ----------
    folder : str
        Where everything of the run goes.
    home : str
        The project's folder: where cells run, and what they import from.
    notebook, function : str or None
    parameters : mapping
    engine : str
        ``"fork"`` or ``"kernel"``.
    environment : mapping of str to str
        Of the process, as the coordinator has it now: a warm parent may be older.
    """

    folder: str
    home: str
    notebook: str | None
    function: str | None
    parameters: Mapping[str, Any]
    engine: str
    environment: Mapping[str, str] = field(default_factory=dict)


def write_job(job: Job) -> Path:
    """Write a job into its folder, for a process to read, and return the file."""
    file = Path(job.folder) / _JOB
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(asdict(job)))
    return file


def read_job(file: Path) -> Job:
    """Return the job of a file, and remove it: it is no part of what a run leaves."""
    job = Job(**pickle.loads(file.read_bytes()))  # noqa: S301  (written by the coordinator a moment ago)
    file.unlink(missing_ok=True)
    return job


def carry_out(job: Job) -> None:
    """Execute the run of a job here, and write what came of it as the last file."""
    folder, began = Path(job.folder), time.perf_counter()
    os.environ.update(job.environment)
    os.environ["QUANTBENCH_HOME"], os.environ["QUANTBENCH_RUN"] = job.home, job.folder
    for place in (job.home, str(Path(job.home) / "src")):
        if place not in sys.path:
            sys.path.insert(0, place)
    try:
        status, fault = _executed(job, folder)
    except QuantbenchError as error:
        status, fault = "failed", Fault(type(error).__name__, str(error))
    spent = time.perf_counter() - began
    outcome = {"status": status, "fault": fault and asdict(fault), "seconds": spent, "held_mb": memory_mb(os.getpid())}
    written(folder / OUTCOME, json.dumps(outcome), synced=False)


def _executed(job: Job, folder: Path) -> tuple[str, Fault | None]:
    if job.notebook is None:
        return _called(job)

    def progress(done: int, cells: int, title: str) -> None:
        text = json.dumps({"cell": done + 1, "cells": cells, "title": title})
        partial = folder / f".{PROGRESS}.part"
        partial.write_text(text, encoding="utf-8")
        partial.replace(folder / PROGRESS)

    source, target = Path(job.notebook), folder / NOTEBOOK
    done = executed(source, target, job.parameters, engine=job.engine, progress=progress)
    return done.status, done.fault


def _called(job: Job) -> tuple[str, Fault | None]:
    """Call a function in place of a notebook."""
    name, _, function = (job.function or "").partition(":")
    os.chdir(job.home)
    try:
        getattr(import_module(name), function)(**job.parameters)
    except Exception as fault:  # noqa: BLE001  (the user's code: whatever it raises is a result)
        import traceback

        traceback.print_exc()
        return "failed", Fault(type(fault).__name__, str(fault))
    return "ok", None
