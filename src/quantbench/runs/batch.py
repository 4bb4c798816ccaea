"""Carry out a plan: what is known is taken, the rest is run, and every run ends with a status that is true."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from quantbench.config import now, settings
from quantbench.config.secrets import redacted, secret_values
from quantbench.core.errors import ParamsError, QuantbenchError, RunError
from quantbench.research.cluster import cores
from quantbench.runs.coordinating import Ready, coordinate
from quantbench.runs.distributing import distribute
from quantbench.runs.keys import explain_miss, ingredients, key_of
from quantbench.runs.lock import only_one
from quantbench.runs.plan import Plan, PlannedRun
from quantbench.runs.provenance import Origin, origin_of, packages
from quantbench.runs.record import RunRecord, read_record, written
from quantbench.runs.spec import Report
from quantbench.runs.store import rebuild_index, root, run_folder

__all__ = ["BatchResult", "Progress", "run_plan", "sorted_out", "why"]

Engine = Literal["auto", "fork", "kernel"]
Progress = Callable[[int, int, RunRecord | None], None]
"""Called as runs end, with how many are done, how many there are, and the record."""

_KEPT: Final = "ingredients"


@dataclass(frozen=True)
class BatchResult:
    """What came of a plan, one record a run, in the order of the plan.

    Attributes
    ----------
    study : str
    records : tuple of RunRecord
        A run that was known already has the status ``"cached"``.
    engine : str
        What executed the rest.
    seconds : float
    report : Report or None
        What its spec wants shown.
    page : Path or None
        Where that was written.
    """

    study: str
    records: tuple[RunRecord, ...]
    engine: str
    seconds: float
    report: Report | None = None
    page: Path | None = None

    def counts(self) -> dict[str, int]:
        """Return how many runs have each status, those it has."""
        found: dict[str, int] = {}
        for one in self.records:
            found[one.status] = found.get(one.status, 0) + 1
        return found

    @property
    def ok(self) -> bool:
        """Whether every run is ok, now or before."""
        return all(one.status in {"ok", "cached"} for one in self.records)


class _Sorted(NamedTuple):
    """A plan sorted out: what is known, what must be run."""

    known: dict[int, RunRecord]
    left: list[Ready]


def run_plan(
    plan: Plan,
    *,
    workers: int | None = None,
    engine: Engine = "auto",
    force: bool = False,
    only: Literal["failed"] | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    """Run what is not known yet of a plan; within `qb.cluster`, on its workers.

    Parameters
    ----------
    plan : Plan
    workers : int, optional
        Runs at once; one a core, of the cluster too, if not given.
    engine : {"auto", "fork", "kernel"}
        How cells are executed; auto forks where that works.
    force : bool
        Run again what is known.
    only : {"failed"}, optional
        Leave runs alone that never ran.
    progress : callable, optional

    Returns
    -------
    BatchResult

    Raises
    ------
    RunError
        When another process runs this study, a notebook cannot be read, or a worker's code, data or libraries differ.
    ExecutionError
        When the cluster is lost.
    StoreError
        When its folder cannot be written: what is not written did not happen.
    KeyboardInterrupt
        After what was running has been marked as cancelled.

    Notes
    -----
    A run is known when its folder holds a `run.json` that says ok, for the same key: code cells, modules of
    yours, parameters, data and numeric libraries. A coordinator that dies leaves runs without a `run.json`;
    the next one marks them as lost and runs them.
    """
    if workers is not None and workers < 1:
        raise ParamsError(f"workers must be at least 1 (workers={workers!r})")
    began, home = now(), settings().home.absolute()
    with only_one(root() / plan.study):
        _freeze(plan)
        origin, diff = origin_of(home)
        _keep_environment(plan, origin, diff)
        found = sorted_out(plan, home=home, origin=origin, force=force, only=only)
        many = len(found.known) + len(found.left)
        told = None if progress is None else lambda done, one: progress(len(found.known) + done, many, one)
        if cores():
            made = distribute(found.left, plan, workers=workers, engine=engine, home=home, told=told)
        else:
            at_once = workers or os.cpu_count() or 1
            made = coordinate(found.left, plan.limits, workers=at_once, engine=engine, home=home, told=told)
        rebuild_index()
    every = {**found.known, **made.records}
    records = tuple(every[number] for number in sorted(every))
    return BatchResult(plan.study, records, made.engine, (now() - began).total_seconds())


def sorted_out(plan: Plan, *, home: Path, origin: Origin, force: bool, only: str | None) -> _Sorted:
    """Return which runs of a plan are known, and which are left; runs alike in everything are one."""
    known, left, places = dict[int, RunRecord](), list[Ready](), dict[str, int]()
    for number, planned in enumerate(plan.runs):
        held = ingredients(planned, plan, home=home)
        key = key_of(held)
        if key in places:
            continue
        places[key] = number
        folder = run_folder(plan.study, key)
        before = read_record(folder)
        if before is not None and before.status == "ok" and not force:
            known[number] = replace(before, status="cached")
        elif only != "failed" or (before is not None and before.status != "ok"):
            left.append(Ready(number, key, planned, plan.study, folder, {**origin, _KEPT: held}))
    return _Sorted(known, left)


def _freeze(plan: Plan) -> None:
    """Write the plan down before its first run."""
    runs: Sequence[PlannedRun] = plan.runs
    held = {
        "study": plan.study,
        "digest": plan.digest,
        "spec": plan.spec,
        "data": dict(plan.data),
        "runs": [
            {"source": str(one.notebook or one.function), "parameters": {k: repr(v) for k, v in one.parameters.items()}}
            for one in runs
        ],
    }
    written(root() / plan.study / "plan.json", json.dumps(held, indent=1, ensure_ascii=False))


def _keep_environment(plan: Plan, origin: Origin, diff: str) -> None:
    """Keep, once a study, what hashes stand for: the packages, and the difference to the commit."""
    place = root() / plan.study / "provenance"
    for name, text in ((f"{origin['environment']}.txt", packages()), (f"{origin['difference']}.diff", diff)):
        if text and not (place / name).exists():
            written(place / name, redacted(text, secret_values().values()))


def why(plan: Plan, record: RunRecord) -> list[str]:
    """Return why a run would be made again: what moved since, one line each; empty where it is known.

    Raises
    ------
    RunError
        When the plan has no run of these parameters.
    """
    home = settings().home.absolute()
    shown = {name: str(value) for name, value in record.parameters.items()}
    for planned in plan.runs:
        if {name: str(_shown(value)) for name, value in planned.parameters.items()} == shown:
            before: dict[str, Any] = dict(record.provenance.get(_KEPT, {}))
            try:
                moved = explain_miss(ingredients(planned, plan, home=home), before)
            except QuantbenchError as fault:
                return [str(fault)]
            if record.status != "ok":
                moved.insert(0, f"it was {record.status}: only runs that are ok are taken as known")
            return moved
    raise RunError(f"the study {plan.study} no longer plans run {record.key}: its parameters are gone from the spec")


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
