"""A study that was run some time ago: its frozen plan, the data it had, and what each of its runs came to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from quantbench.config import settings
from quantbench.core.errors import QuantbenchError, RunError
from quantbench.core.timeframe import TIMEFRAMES
from quantbench.data.lake import versions
from quantbench.data.manifest import Dataset
from quantbench.data.pins import SAMPLE, pinned
from quantbench.data.store import load, sample_files
from quantbench.runs.literals import literal
from quantbench.runs.plan import Plan
from quantbench.runs.planning import Planned, dataset_named, planned_text
from quantbench.runs.record import RunRecord
from quantbench.runs.store import AGAIN, list_records, root

__all__ = ["OldStudy", "again", "old_study", "pins_for"]


class OldStudy(NamedTuple):
    """What a study left.

    Attributes
    ----------
    name : str
    spec : str
        The text its plan was made from.
    data : mapping of str to str
        Versions of the datasets it names.
    sources : tuple of str
        Its notebooks, or functions.
    records : tuple of RunRecord
        Every run that ended on these data, oldest first.
    """

    name: str
    spec: str
    data: Mapping[str, str]
    sources: tuple[str, ...]
    records: tuple[RunRecord, ...]

    def came_to(self, parameters: Mapping[str, Any]) -> RunRecord | None:
        """Return the last run of these parameters that ended ok, else the last one, or None."""
        wanted = {name: literal(value) for name, value in parameters.items()}
        found = [one for one in self.records if one.provenance.get("ingredients", {}).get("parameters") == wanted]
        return next((one for one in reversed(found) if one.status == "ok"), found[-1] if found else None)


def old_study(name: str) -> OldStudy:
    """Return what a study left.

    Raises
    ------
    RunError
        When there is no such study, it is itself a rerun, or its plan was not made from a spec.
    """
    if AGAIN in name:
        raise RunError(f"{name} was made by a rerun; name the study itself: {name.partition(AGAIN)[0]}")
    records = list_records(name)
    file = root() / name / "plan.json"
    try:
        held = json.loads(file.read_text("utf-8"))
        text, data = str(held["spec"]), dict(held["data"])
        sources = tuple(dict.fromkeys(str(one["source"]) for one in held["runs"]))
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise RunError(f"{name} cannot be run again: {file} is missing or broken; its plan is not known") from fault
    if not text:
        raise RunError(f"{name} cannot be run again: it was not planned from a spec, so its parameters are not frozen")
    on_these = tuple(one for one in records if one.provenance.get("ingredients", {}).get("data", {}) == data)
    if not on_these:
        raise RunError(f"no run of {name} ended on the data of its last plan; there is nothing to compare with")
    return OldStudy(name, text, data, sources, on_these)


def again(old: OldStudy, how: str) -> Planned:
    """Return the plan of an old study under a name of its own, on the data that is in force."""
    roots = (settings().home, *(folder for source in old.sources for folder in Path(source).parents))
    found = planned_text(old.spec, name=f"the spec of {old.name}", roots=roots)
    plan: Plan = replace(found.plan, study=f"{old.name}{AGAIN}{how}")
    return found._replace(plan=plan)


def pins_for(name: str, version: str) -> Mapping[str, str] | None:
    """Return what to hold fast so that a dataset has the version a plan recorded; None when nothing stored gives it.

    A plan records the hash of the bars as they were loaded, so each version in the lake is loaded, newest first.
    """
    symbol, timeframe = dataset_named(name)
    for pin in _stored(symbol, timeframe):
        with pinned(pin):
            try:
                if load(symbol, timeframe).version == version:
                    return pin
            except QuantbenchError:  # a broken or pruned file: not this one
                continue
    return None


def _stored(symbol: str, timeframe: str) -> Iterator[Mapping[str, str]]:
    for name in (timeframe, *reversed(list(TIMEFRAMES)[: list(TIMEFRAMES).index(timeframe)])):
        for version in reversed(versions(Dataset(symbol, name))):
            yield {f"{symbol} {name}": version.content}
        if (symbol, name) in sample_files():
            yield {f"{symbol} {name}": SAMPLE}
