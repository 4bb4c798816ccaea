"""Execute a parameterised notebook, and keep what it became: whole or not at all."""

from __future__ import annotations

import math
import os
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quantbench.config import settings, writable
from quantbench.core.errors import MissingExtra, RunError
from quantbench.runs.code_cells import cell_title, code_cells
from quantbench.runs.files import read_notebook, the_format, write_notebook
from quantbench.runs.hiding import refuse_secrets
from quantbench.runs.parameters import Parameter, declared, injected
from quantbench.runs.record import Fault

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from quantbench.runs.execution import Progress

__all__ = ["Executed", "Run", "executed", "notebook_parameters", "prepare", "run_notebook"]

SCHEMA: Final = 1
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """One executed notebook.

    Attributes
    ----------
    source : Path
        The notebook as it was written.
    notebook : Path
        The executed copy, with its outputs.
    parameters : mapping
        What was given; everything else had its default.
    seconds : float
        From the first look at the source to the saved copy.
    printed : mapping of str to str
        What each tagged cell wrote to standard output, by tag.
    """

    source: Path
    notebook: Path
    parameters: Mapping[str, Any]
    seconds: float
    printed: Mapping[str, str]


def notebook_parameters(notebook: str | os.PathLike[str]) -> tuple[Parameter, ...]:
    """Return what a notebook lets the outside set.

    Raises
    ------
    RunError
        When there is no such notebook, or its `parameters` cell is missing or does more than assign.
    """
    return _contract(read_notebook(Path(notebook)), Path(notebook))


def run_notebook(
    notebook: str | os.PathLike[str],
    to: str | os.PathLike[str],
    *,
    parameters: Mapping[str, Any] | None = None,
    cell_timeout: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Execute a notebook with papermill in a fresh kernel of this Python, in the project's folder.

    Parameters
    ----------
    notebook : path
        Must have a cell tagged `parameters`.
    to : path
        Where the executed copy goes. It is written once, at the end, also when a cell failed; an
        interrupted run writes nothing.
    parameters : mapping, optional
        Values by name; they arrive in the notebook as exactly these Python values.
    cell_timeout : int, optional
        Seconds one cell may take; without it, as long as it likes.
    progress : callable, optional
        Called as ``progress(done, cells, title)`` when a code cell starts, and at the end.

    Returns
    -------
    Run

    Raises
    ------
    RunError
        When a parameter is unknown or does not fit, or a cell fails: the message names the cell,
        its first line and the error. The copy is kept, with the failing cell marked.
    StoreError
        When the copy cannot be written.
    MissingExtra
        Without the extra `lab`.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.run_notebook("notebooks/quickstart.ipynb", "experiments/usual.ipynb",
    ...                 parameters={"symbol": "EURUSD", "seed": 1})  # doctest: +SKIP
    """
    began = time.perf_counter()
    source, target = Path(notebook), Path(to).resolve()
    given = dict(parameters or {})
    done = executed(source, target, given, cell_timeout=cell_timeout, progress=progress)
    if done.fault is not None:
        raise RunError(f"{source.name}: {done.blame}; the executed copy is {target}") from done.failure
    return Run(source, target, MappingProxyType(given), time.perf_counter() - began, _printed(done.notebook))


class Executed(NamedTuple):
    """What came of a notebook: the copy, its status, and why it did not end well."""

    notebook: NotebookNode
    status: str
    fault: Fault | None
    blame: str
    failure: Exception | None


def executed(
    source: Path,
    target: Path,
    given: Mapping[str, Any],
    *,
    engine: str = "kernel",
    cell_timeout: int | None = None,
    progress: Progress | None = None,
) -> Executed:
    """Execute a notebook by an engine of papermill and write the copy, also when a cell failed; see `run_notebook`."""
    prepared = prepare(source, given)
    writable(target.parent)
    failure, done = _execute(prepared, engine=engine, cell_timeout=cell_timeout, progress=progress)
    done.metadata["papermill"] |= {"input_path": source.name, "output_path": target.name}
    done.metadata["quantbench"] = {"schema": SCHEMA, "status": _status(failure)}
    write_notebook(done, target)
    if failure is None:
        return Executed(done, "ok", None, "", None)
    fault = _fault(failure, prepared)
    place = f"code cell {fault.cell} of {len(code_cells(prepared))} ({fault.title})"
    said = f"{fault.type}: {fault.message}" if fault.message else fault.type
    return Executed(done, _status(failure), fault, f"{place} failed with {said}", failure)


def _tagged(notebook: NotebookNode, tag: str) -> list[int]:
    return [i for i, cell in enumerate(notebook.cells) if tag in cell.metadata.get("tags", [])]


def _contract(notebook: NotebookNode, path: Path) -> tuple[Parameter, ...]:
    places = _tagged(notebook, "parameters")
    if len(places) != 1:
        found = f"{len(places)} cells tagged 'parameters'" if places else "no cell tagged 'parameters'"
        raise RunError(f"{path.name} has {found}; tag exactly one in JupyterLab: property inspector, cell tags")
    try:
        return declared(notebook.cells[places[0]].source)
    except RunError as fault:
        raise RunError(f"{path.name}: {fault}") from fault


def prepare(path: Path, given: Mapping[str, Any]) -> NotebookNode:
    """Return the notebook with our cell of parameters in place of papermill's, which mangles values."""
    notebook = read_notebook(path)
    from nbformat.v4 import new_code_cell

    code = injected(_contract(notebook, path), given)
    refuse_secrets(code, f"{path.name}: the parameters")
    notebook.cells = [c for c in notebook.cells if "injected-parameters" not in c.metadata.get("tags", [])]
    if given:
        cell = new_code_cell(code, metadata={"tags": ["injected-parameters"]})  # type: ignore[no-untyped-call]
        if notebook.nbformat_minor < 5:
            del cell["id"]
        notebook.cells.insert(_tagged(notebook, "parameters")[0] + 1, cell)
    shown = {name: _shown(value) for name, value in given.items()}
    notebook.metadata["papermill"] = {"default_parameters": {}, "environment_variables": {}, "parameters": shown}
    return notebook


def _shown(value: Any) -> Any:
    as_json = isinstance(value, bool | int | str | None) or (isinstance(value, float) and math.isfinite(value))
    return value if as_json else repr(value)


def _execute(
    notebook: NotebookNode, *, engine: str, cell_timeout: int | None, progress: Progress | None
) -> tuple[Any, NotebookNode]:
    """Return papermill's error, or None, and the executed notebook."""
    the_format()
    try:
        import papermill

        from quantbench.runs.engines import registered
    except ImportError as fault:
        raise MissingExtra('running notebooks needs papermill: pip install "quantbench[lab]"') from fault
    with tempfile.TemporaryDirectory(prefix="qb-") as place:  # mode 0700: the kernel's sockets are in it
        folder = Path(place)
        before, after = folder / "prepared.ipynb", folder / "executed.ipynb"
        write_notebook(notebook, before, as_it_is=True)
        failure = None
        try:
            papermill.execute_notebook(
                before,
                after,
                engine_name=registered(engine),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                request_save_on_cell_execute=False,
                sockets=folder,
                home=settings().home,
                cell_timeout=cell_timeout,
                progress=progress,
            )
        except papermill.PapermillExecutionError as fault:
            failure = fault
        except RuntimeError as fault:
            raise RunError(f"the kernel of {sys.executable} did not start: {_last_words(folder)}") from fault
        return failure, read_notebook(after)


def _last_words(folder: Path) -> str:
    log = folder / "kernel.log"
    lines = log.read_text("utf-8", errors="replace").split("\n") if log.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _status(failure: Any) -> str:
    if failure is None:
        return "ok"
    return {"DeadKernelError": "dead", "CellTimeoutError": "timeout"}.get(failure.ename, "failed")


def _fault(failure: Any, prepared: NotebookNode) -> Fault:
    code = code_cells(prepared)
    said = _ANSI.sub("", failure.evalue).strip()
    return Fault(failure.ename, said, code.index(failure.cell_index) + 1, cell_title(failure.source))


def _printed(notebook: NotebookNode) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            text = "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")
            found |= dict.fromkeys(cell.metadata.get("tags", []), text)
    return MappingProxyType(found)
