"""What is known of a run, as `run.json` holds it: written last, whole or not at all, and never rosier than it was."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from quantbench.core.errors import StoreError

__all__ = ["FILE", "SCHEMA", "STATUSES", "Fault", "RunRecord", "Status", "read_record", "write_record", "written"]

SCHEMA: Final = 1
"""Version of the layout of `run.json`."""

FILE: Final = "run.json"

Status = Literal["queued", "running", "ok", "failed", "timeout", "dead", "cancelled", "lost", "cached"]
STATUSES: Final = ("queued", "running", "ok", "failed", "timeout", "dead", "cancelled", "lost", "cached")
"""In a store: ok; failed, a cell raised or a metric is missing; timeout; dead, its process died; cancelled, by Ctrl-C;
lost, its coordinator died. Of a batch also: queued, running, cached."""


@dataclass(frozen=True)
class Fault:
    """Why a run did not end well.

    Attributes
    ----------
    type, message : str
    cell : int or None
        Number of the code cell, counted from 1, without the one that is injected.
    title : str
        The first line of that cell.
    """

    type: str
    message: str
    cell: int | None = None
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """One run that ended.

    Attributes
    ----------
    key : str
        Hash of all it depends on.
    study : str
    status : str
    source : str
        The notebook, or the function.
    parameters, metrics : mappings
        As plain values for JSON.
    error : Fault or None
    attempt : int
        From 1.
    engine : str
    started, ended : str
        UTC, ISO.
    seconds, peak_mb : float
    provenance : mapping
        Code, data, environment, machine, seed.
    files : tuple of str
        What lies in its folder, by name from there.
    folder : Path
        Where; not written.
    """

    key: str
    study: str
    status: Status
    source: str
    parameters: Mapping[str, Any]
    metrics: Mapping[str, Any]
    error: Fault | None
    attempt: int
    engine: str
    started: str
    ended: str
    seconds: float
    peak_mb: float
    provenance: Mapping[str, Any]
    files: tuple[str, ...]
    folder: Path = field(default=Path(), compare=False)


def write_record(record: RunRecord) -> Path:
    """Write `run.json` into the folder of a run, last of its files: to a neighbour, to disk, renamed.

    Raises
    ------
    StoreError
        When it cannot be written; then the run did not happen.
    """
    held = asdict(record)
    del held["folder"]
    text = json.dumps({"schema": SCHEMA, **_plain(held)}, indent=1, ensure_ascii=False, allow_nan=False)
    return written(record.folder / FILE, text)


def written(file: Path, text: str, *, synced: bool = True) -> Path:
    """Write a small file whole or not at all, and see that it is on the disk unless it need not outlive the machine.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8") as out:
            out.write(text)
            if synced:
                out.flush()
                os.fsync(out.fileno())
        partial.replace(file)
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise StoreError(f"cannot write {file}: {fault.strerror}; free disk space or change permissions") from fault
    return file


def read_record(folder: Path) -> RunRecord | None:
    """Return what is known of the run of a folder; None where none ended there, or its file is broken."""
    try:
        held = json.loads((folder / FILE).read_text("utf-8"))
        if held.pop("schema") != SCHEMA:
            return None
        error = held.pop("error")
        files = tuple(held.pop("files"))
        return RunRecord(**held, error=error and Fault(**error), files=files, folder=folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
