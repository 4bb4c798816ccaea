"""What is going to be run: every run of a study, fixed before the first one starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Plan", "PlannedRun", "RunLimits"]


@dataclass(frozen=True)
class RunLimits:
    """What one run may take; None is as much as it likes.

    Attributes
    ----------
    seconds : float or None
        From its first cell to its last.
    cell_seconds : float or None
        Of one cell.
    memory_mb : int or None
        Resident, of the run and all it started.
    """

    seconds: float | None = None
    cell_seconds: float | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class PlannedRun:
    """One run: a notebook, or a function, and the parameters it gets.

    Attributes
    ----------
    notebook : Path or None
        One of the two.
    function : str or None
        ``"package.module:name"``, called with the parameters; it records through `qb.record`.
    parameters : mapping
        Exactly what is injected, the seed of a repetition with them.
    required : tuple of str
        Metrics that must be recorded, else the run failed.
    """

    notebook: Path | None
    function: str | None
    parameters: Mapping[str, Any]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """All runs of a study, in order.

    Attributes
    ----------
    study : str
        Names the folder of its runs.
    runs : tuple of PlannedRun
    limits : RunLimits
    spec : str
        The text it was made from.
    digest : str
        Hash of everything above.
    data : mapping of str to str
        Versions of the datasets it names.
    """

    study: str
    runs: tuple[PlannedRun, ...]
    limits: RunLimits = RunLimits()
    spec: str = ""
    digest: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
