"""How a run ended, told truthfully: from what it left behind, never from what it says of itself alone."""

from __future__ import annotations

import json
import math
import signal
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quantbench.config import now
from quantbench.core.errors import QuantbenchError
from quantbench.runs.code_cells import code_cells
from quantbench.runs.engines.job import NOTEBOOK, OUTCOME, PROGRESS
from quantbench.runs.files import read_notebook, write_notebook
from quantbench.runs.hiding import hide_secrets
from quantbench.runs.notebook import prepare
from quantbench.runs.record import Fault, RunRecord, Status, write_record

if TYPE_CHECKING:
    from quantbench.runs.coordinating import Ready, Running
    from quantbench.runs.engines.hands import Ended

__all__ = ["METRICS", "judged", "told_off"]

METRICS: Final = "metrics.json"
_VERDICTS: Final = {"timeout": "Timeout", "dead": "MemoryLimit", "lost": "WorkersLost"}
_LEFT_OUT: Final = {"started.json", OUTCOME, PROGRESS, "run.json"}


def judged(one: Running, ended: Ended, engine: str) -> RunRecord:
    """Return and write the record of a run whose process is gone.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    folder, planned = one.ready.folder, one.ready.planned
    status, fault, seconds = _status(one, ended)
    hide = hide_secrets(folder, planned.parameters)
    if fault is not None:
        fault = replace(fault, message=hide(fault.message), title=hide(fault.title))
    held = float((_json(folder / OUTCOME) or {}).get("held_mb", 0.0))
    metrics = (_json(folder / METRICS) or {}).get("metrics", {})
    missing = [name for name in planned.required if not _is_number(metrics.get(name))]
    if status == "ok" and missing:
        status, fault = "failed", Fault("MissingMetric", f"it must record {', '.join(missing)} and did not")
    if status not in {"ok", "failed"} and planned.notebook is not None:
        _mark(one.ready, fault)
    record = RunRecord(
        key=one.ready.key,
        study=one.ready.study,
        status=status,
        source=str(planned.notebook or planned.function),
        parameters={name: _shown(value) for name, value in planned.parameters.items()},
        metrics=metrics,
        error=fault,
        attempt=one.attempt,
        engine=engine,
        started=one.started,
        ended=f"{now():%Y-%m-%dT%H:%M:%S.%f}",
        seconds=seconds,
        peak_mb=round(max(one.peak_mb, ended.peak_mb, held), 1),
        provenance=one.ready.provenance,
        files=_files(folder),
        folder=folder,
    )
    write_record(record)
    return record


def _status(one: Running, ended: Ended) -> tuple[Status, Fault | None, float]:
    """Decide: the coordinator's own verdict first, then what the run wrote as its last file, then how it died."""
    import time

    folder, spent = one.ready.folder, time.monotonic() - one.began
    cell, title = _where(folder)
    if one.verdict is not None:
        status, said = one.verdict
        return (
            status,
            Fault(_VERDICTS.get(status, "Cancelled"), said, cell, title),
            spent,
        )
    outcome = _json(folder / OUTCOME)
    if outcome is not None and ended.status == 0:
        fault = outcome["fault"]
        return outcome["status"], fault and Fault(**fault), float(outcome["seconds"])
    return "dead", Fault("ProcessDied", _how(ended.status, folder), cell, title), spent


def _how(status: int, folder: Path) -> str:
    if not folder.exists() or not (folder / "started.json").exists():
        return "it removed its own folder"
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        return f"its process was ended by {name} (killed, out of memory, or a crash in compiled code)"
    if status == 0:
        return "its process ended without saying how the run went (os._exit)"
    return f"its process ended with {status}; its log says more"


def _where(folder: Path) -> tuple[int | None, str]:
    found = _json(folder / PROGRESS) or {}
    return found.get("cell"), found.get("title", "")


def _mark(ready: Ready, fault: Fault | None) -> None:
    """Write the notebook as far as it is known: parameters, and the cell in which it ended: no cell claims more."""
    from nbformat.v4 import new_output

    target = ready.folder / NOTEBOOK
    try:
        source, given = Path(str(ready.planned.notebook)), ready.planned.parameters
        notebook = read_notebook(target) if target.exists() else prepare(source, given)
        code = code_cells(notebook)
        at = code[min(fault.cell, len(code)) - 1] if fault is not None and fault.cell and code else None
        if at is not None and fault is not None:
            text = f"{fault.type}: {fault.message}"
            notebook.cells[at].outputs = [
                new_output("error", ename=fault.type, evalue=fault.message, traceback=[text])  # type: ignore[no-untyped-call]
            ]
        notebook.metadata["quantbench"] = {"schema": 1, "status": fault.type if fault is not None else "dead"}
        ready.folder.mkdir(parents=True, exist_ok=True)
        write_notebook(notebook, target)
    except QuantbenchError:
        return  # the record says how it ended; the picture of it is a courtesy


def told_off(ready: Ready) -> None:
    """Write that a run was lost: it was started, and whoever started it died."""
    before = _json(ready.folder / "started.json") or {}
    cell, title = _where(ready.folder)
    record = RunRecord(
        key=ready.key,
        study=ready.study,
        status="lost",
        source=str(ready.planned.notebook or ready.planned.function),
        parameters={name: _shown(value) for name, value in ready.planned.parameters.items()},
        metrics={},
        error=Fault("CoordinatorDied", "the process that ran the batch died", cell, title),
        attempt=int(before.get("attempt", 1)),
        engine="",
        started=str(before.get("started", "")),
        ended=f"{now():%Y-%m-%dT%H:%M:%S.%f}",
        seconds=math.nan,
        peak_mb=math.nan,
        provenance=ready.provenance,
        files=_files(ready.folder),
        folder=ready.folder,
    )
    write_record(record)


def _files(folder: Path) -> tuple[str, ...]:
    every = (file for file in sorted(folder.rglob("*")) if file.is_file()) if folder.exists() else ()
    names = (file.relative_to(folder).as_posix() for file in every)
    return tuple(name for name in names if name not in _LEFT_OUT and not name.startswith(("attempts/", ".")))


def _json(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | str) and not (isinstance(value, float) and math.isnan(value))


def _shown(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
