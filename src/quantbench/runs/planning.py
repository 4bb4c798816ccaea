"""From a spec on disk to a plan: joined with what the notebook takes, and checked before anything runs."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from quantbench.config import settings
from quantbench.core.errors import RunError
from quantbench.data.store import load
from quantbench.runs.expansion import expanded
from quantbench.runs.hiding import refuse_secrets
from quantbench.runs.literals import literal
from quantbench.runs.notebook import notebook_parameters
from quantbench.runs.parameters import injected
from quantbench.runs.plan import Plan, PlannedRun, RunLimits
from quantbench.runs.spec import Report, Running, Spec, spec_of
from quantbench.runs.yaml_text import read_yaml

__all__ = ["Planned", "dataset_named", "plan_of", "planned_from", "planned_text"]


class Planned(NamedTuple):
    """A plan, and what the spec says beside it.

    Attributes
    ----------
    plan : Plan
    running : Running
        How the spec wants it executed.
    refused, repeated : int
        Combinations the condition refuses, and those that were there twice.
    report : Report or None
        What it wants shown when all is done.
    """

    plan: Plan
    running: Running
    refused: int
    repeated: int
    report: Report | None = None


def plan_of(spec: str | os.PathLike[str]) -> Plan:
    """Return the plan of a spec, every run of it, checked against the notebook.

    Parameters
    ----------
    spec : path
        A ``research/*.yaml``.

    Raises
    ------
    RunError
        When the spec, a parameter or the notebook is wrong; the message names the place.

    Examples
    --------
    >>> import quantbench as qb
    >>> len(qb.plan_of("research/ma_cross.yaml").runs)  # doctest: +SKIP
    32
    """
    return planned_from(spec).plan


def planned_from(path: str | os.PathLike[str]) -> Planned:
    """Return the plan of a spec with what else the spec says; see `plan_of`."""
    file = Path(path)
    try:
        text = file.read_text("utf-8")
    except OSError as fault:
        raise RunError(f"there is no spec {file} that can be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise RunError(f"{file} is no text in UTF-8: {fault.reason} at byte {fault.start}") from fault
    return planned_text(text, name=file.name, roots=(settings().home, file.resolve().parent))


def planned_text(text: str, *, name: str, roots: Sequence[Path]) -> Planned:
    """Return the plan of a spec that was read; its notebook is looked for from each root in turn."""
    refuse_secrets(text, name)
    spec = spec_of(read_yaml(text, name=name), name=name)
    found = expanded(spec)
    notebook = None if spec.notebook is None else _notebook(spec.notebook, name, roots)
    if notebook is not None:
        contract = notebook_parameters(notebook)
        for run in found.runs:
            injected(contract, run)
    runs = tuple(PlannedRun(notebook, spec.function, run, spec.metrics) for run in found.runs)
    limits = RunLimits(spec.run.timeout, spec.run.cell_timeout, spec.run.memory)
    data = {held: _version(held, name) for held in spec.data}
    plan = Plan(spec.name, runs, limits, text, _digest(spec, runs, data), data)
    return Planned(plan, spec.run, found.refused, found.repeated, spec.report)


def _notebook(name: str, spec: str, roots: Sequence[Path]) -> Path:
    """Return the notebook, looked for from the project's folder and then beside the spec."""
    for root in roots:
        if (root / name).is_file():
            return (root / name).resolve()
    raise RunError(f"{spec}: notebook: there is no {name}, neither in {settings().home} nor beside the spec")


def _version(name: str, spec: str) -> str:
    symbol, timeframe = dataset_named(name)
    if not timeframe:
        raise RunError(f"{spec}: data: {name!r} is no dataset; write symbol and timeframe, such as EURUSD H1")
    return load(symbol, timeframe).version


def dataset_named(name: str) -> tuple[str, str]:
    """Return symbol and timeframe of a dataset as a spec names it: ``EURUSD H1`` or ``EURUSD/H1``."""
    symbol, _, timeframe = name.replace("/", " ").partition(" ")
    return symbol, timeframe.strip()


def _digest(spec: Spec, runs: tuple[PlannedRun, ...], data: dict[str, str]) -> str:
    held = [
        spec.name,
        str(spec.notebook or spec.function),
        [{name: literal(value) for name, value in sorted(run.parameters.items())} for run in runs],
        sorted(spec.metrics),
        data,
    ]
    return sha256(json.dumps(held).encode()).hexdigest()[:16]
