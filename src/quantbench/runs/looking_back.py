"""What was run: a table of it, two runs beside each other, and a failed one opened again."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantbench.config import settings
from quantbench.core.errors import RunError
from quantbench.runs.batch import BatchResult, Engine, Progress, run_plan
from quantbench.runs.code_cells import code_cells
from quantbench.runs.engines.job import NOTEBOOK
from quantbench.runs.files import read_notebook, write_notebook
from quantbench.runs.notebook import prepare
from quantbench.runs.overview import with_page
from quantbench.runs.planning import planned_from
from quantbench.runs.record import RunRecord
from quantbench.runs.store import find_run, frame_of, list_records

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["compare_runs", "debug_run", "list_runs", "run_batch"]


def run_batch(
    spec: str | os.PathLike[str],
    *,
    workers: int | None = None,
    engine: Engine | None = None,
    force: bool = False,
    only: str | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    """Run a spec: every run of it that is not known yet.

    Parameters
    ----------
    spec : path
        A ``research/*.yaml``.
    workers, engine : optional
        Instead of what the spec says.
    force : bool
        Run again what is known.
    only : {"failed"}, optional
        Leave runs alone that never ran.
    progress : callable, optional
        Called as runs end, with how many are done, how many there are, and the record.

    Returns
    -------
    BatchResult
        One record a run; what was known has the status ``"cached"``. Where the spec has a ``report:``, its `page` lists
        the best.

    Raises
    ------
    RunError
        When the spec is wrong, or another process runs this study.
    StoreError
        When nothing can be written.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.run_batch("research/ma_cross.yaml").counts()  # doctest: +SKIP
    {'ok': 32}
    """
    if only not in {None, "failed"}:
        raise RunError(f"only failed runs can be asked for by themselves (only={only!r})")
    found = planned_from(spec)
    result = run_plan(
        found.plan,
        workers=workers or found.running.workers,
        engine=engine or found.running.engine,
        force=force,
        only="failed" if only else None,
        progress=progress,
    )
    return result if found.report is None else with_page(result, found.report)


def list_runs(study: str | None = None) -> pd.DataFrame:
    """Return every run that ended, one row each, of one study or of all.

    An ordinary DataFrame. At the end of a cell JupyterLab shows it as a table that is sorted by a click on a heading,
    with the recorded equity as a sketch and links to the executed notebook and recorded pages.

    Columns: ``study, run, status``, ``params.*``, one a metric, ``seconds, ended`` (UTC), ``error``. What `qb rerun`
    made is a study of its own, ``NAME@exact`` or ``NAME@extend``.

    Raises
    ------
    RunError
        When there is no such study.
    """
    from quantbench.runs.run_table import RunTable

    return RunTable(frame_of(list_records(study)))


def compare_runs(one: str, other: str) -> pd.DataFrame:
    """Return two runs beside each other: status, parameters that differ, every metric and its difference.

    Parameters
    ----------
    one, other : str
        Keys, or the beginnings of keys.
    """
    import pandas as pd

    first, second = find_run(one), find_run(other)
    rows: dict[str, tuple[Any, Any, Any]] = {"status": (first.status, second.status, "")}
    for name in dict.fromkeys((*first.parameters, *second.parameters)):
        a, b = first.parameters.get(name), second.parameters.get(name)
        if a != b:
            rows[f"params.{name}"] = a, b, ""
    for name in dict.fromkeys((*first.metrics, *second.metrics)):
        a, b = first.metrics.get(name), second.metrics.get(name)
        rows[name] = a, b, _difference(a, b)
    return pd.DataFrame.from_dict(rows, orient="index", columns=[first.key, second.key, "difference"])


def _difference(one: Any, other: Any) -> Any:
    if not (isinstance(one, int | float) and isinstance(other, int | float)):
        return ""
    return other - one if math.isfinite(other - one) else ""


def debug_run(name: str) -> Path:
    """Write a notebook that opens where a run failed, with its parameters, and return its path.

    Parameters
    ----------
    name : str
        The run's key, or the beginning of it.

    Raises
    ------
    RunError
        When there is no such run, or it ran a function.
    """
    from nbformat.v4 import new_markdown_cell

    record = find_run(name)
    source = Path(record.source)
    if source.suffix != ".ipynb":
        raise RunError(f"run {record.key} called {record.source}; there is no notebook to open")
    given = _given(record)
    notebook = prepare(source, given) if source.exists() else read_notebook(record.folder / NOTEBOOK)
    code = code_cells(notebook)
    if record.error is not None and record.error.cell and code:
        at = code[min(record.error.cell, len(code)) - 1]
        text = f"**Run {record.key} ended here: {record.status}.** `{record.error.type}: {record.error.message}`"
        notebook.cells.insert(at, new_markdown_cell(f"{text}\n\nRun the cells above, then this one."))  # type: ignore[no-untyped-call]
    target = settings().experiments / "debug" / f"{record.study}-{record.key}.ipynb"
    target.parent.mkdir(parents=True, exist_ok=True)
    write_notebook(notebook, target)
    return target


def _given(record: RunRecord) -> dict[str, Any]:
    """Return the parameters of a run as they were injected, from the literals its key was made of."""
    import ast

    texts = record.provenance.get("ingredients", {}).get("parameters", {})
    found = {}
    for name, text in texts.items():
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):  # a date, a secret: the cell of the executed copy shows it
            continue
    return found
