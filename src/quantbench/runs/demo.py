"""The main job in one call: the quickstart notebook on the embedded sample, ending in a report."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantbench.config import settings
from quantbench.core.errors import RunError
from quantbench.runs.notebook import run_notebook

if TYPE_CHECKING:
    from quantbench.runs.execution import Progress

__all__ = ["DemoResult", "quickstart_notebook", "run_demo"]


@dataclass(frozen=True)
class DemoResult:
    """What the demo leaves behind.

    Attributes
    ----------
    report : Path
        One self-contained HTML file.
    notebook : Path
        The executed notebook.
    verdict : tuple of str
        The lines the notebook's verdict printed.
    seconds : float
        How long it took.
    """

    report: Path
    notebook: Path
    verdict: tuple[str, ...]
    seconds: float


def quickstart_notebook() -> Path:
    """Return the quickstart notebook: of the checkout, or of the installed package.

    Raises
    ------
    RunError
        When neither holds it.
    """
    package = Path(__file__).resolve().parents[1]
    for place in (package / "notebooks", package.parents[1] / "notebooks"):
        if (place / "quickstart.ipynb").is_file():
            return place / "quickstart.ipynb"
    raise RunError(f"quickstart.ipynb is missing from {package}; install quantbench again")


def run_demo(
    *,
    parameters: Mapping[str, Any] | None = None,
    reports: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> DemoResult:
    r"""Execute the quickstart notebook with papermill and render its report.

    Parameters
    ----------
    parameters : mapping, optional
        What to set in the notebook, such as ``{"symbol": "BTCUSD"}``.
    reports : path, optional
        Folder of the report; the project's ``reports/`` where not given.
    progress : callable, optional
        Called as ``progress(done, cells, title)`` when a code cell starts.

    Returns
    -------
    DemoResult

    Raises
    ------
    RunError
        When a parameter is unknown, or a cell fails.
    StoreError
        When a folder cannot be written.

    Examples
    --------
    >>> import quantbench as qb
    >>> print("\n".join(qb.run_demo().verdict))  # doctest: +SKIP
    """
    report = (Path(reports) if reports is not None else settings().reports).resolve() / "quickstart.html"
    run = run_notebook(
        quickstart_notebook(),
        settings().experiments / "demo" / "quickstart.ipynb",
        parameters={"report": str(report), **(parameters or {})},
        progress=progress,
    )
    written = Path(run.printed["report"].strip())
    return DemoResult(written, run.notebook, tuple(run.printed["verdict"].splitlines()), run.seconds)
