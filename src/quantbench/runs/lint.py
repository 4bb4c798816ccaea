"""Whether a notebook is fit to be run in batches: read, not executed, in milliseconds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quantbench.config.secrets import leaks
from quantbench.core.errors import RunError
from quantbench.runs.files import read_notebook
from quantbench.runs.parameters import declared

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Fault", "lint"]

_MOST_LINES: Final = 150
_LONGEST_CELL: Final = 40
_ABSOLUTE: Final = re.compile(r"^(?:/(?:home|Users|root|mnt|media|tmp|var|opt|srv|data)/|~/|[A-Za-z]:[\\/]|\\\\\w)")
_MADE_BY_TOOLS: Final = {"injected-parameters", "papermill-error-cell-tag"}


class Fault(NamedTuple):
    """Something to mend in a notebook.

    Attributes
    ----------
    notebook : str
        The name of its file.
    place : str
        ``"cell 3"``, counting every cell from 1, or ``"notebook"``.
    message : str
        What is wrong and what to do.
    """

    notebook: str
    place: str
    message: str


def lint(notebooks: Sequence[Path]) -> list[Fault]:
    """Return what is to mend in some notebooks; nothing is executed.

    Parameters
    ----------
    notebooks : sequence of Path
        Files, or folders of them.

    Raises
    ------
    RunError
        When one is missing.

    Examples
    --------
    >>> lint([Path("notebooks/quickstart.ipynb")])
    []
    """
    return [fault for path in _files(notebooks) for fault in _faults(path)]


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.ipynb")) if path.is_dir() else [path]
        if not inside:
            raise RunError(f"the folder {path} holds no notebook")
        found += inside
    return found


def _faults(path: Path) -> list[Fault]:
    try:
        notebook = read_notebook(path)
    except RunError as fault:
        if not path.exists():
            raise
        return [Fault(path.name, "notebook", str(fault))]
    found = [Fault(path.name, "notebook", message) for message in _of_the_whole(notebook)]
    for number, cell in enumerate(notebook.cells, 1):
        found += [Fault(path.name, f"cell {number}", message) for message in _of_a_cell(cell)]
    return found


def _of_the_whole(notebook: NotebookNode) -> Iterator[str]:
    kernel = notebook.metadata.get("kernelspec", {}).get("name")
    if kernel != "python3":
        yield f"its kernel is {kernel!r}; name it 'python3', which every machine has"
    tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged 'parameters'; tag exactly one"
    else:
        try:
            declared(tagged[0].source)
        except RunError as fault:
            yield str(fault)
    for extra in ("papermill", "quantbench", "widgets"):
        if extra in notebook.metadata:
            yield f"it holds {extra!r}, what an executed copy holds; keep the source as it was written"
    lines = sum(len(cell.source.splitlines()) for cell in notebook.cells if cell.cell_type == "code")
    if lines > _MOST_LINES:
        yield f"it has {lines} lines of code; at most {_MOST_LINES}: a notebook is thin, move code into a module"


def _of_a_cell(cell: Any) -> Iterator[str]:
    yield from leaks(cell.source)
    if cell.cell_type != "code":
        return
    if cell.outputs or cell.execution_count is not None:
        yield "it has outputs; clear them before keeping it in git (nbstripout)"
    if _MADE_BY_TOOLS & set(cell.metadata.get("tags", [])):
        yield "it was written by a tool; keep the source, not an executed copy"
    if len(cell.source.splitlines()) > _LONGEST_CELL:
        yield f"it has {len(cell.source.splitlines())} lines; at most {_LONGEST_CELL}: move code into a module"
    yield from _of_code(cell.source)


def _of_code(source: str) -> Iterator[str]:
    if re.search(r"^\s*[!%]", source, re.MULTILINE):
        yield "it has a magic or a shell command, which works in IPython only; write Python"
        return
    try:
        tree = ast.parse(source)
    except SyntaxError as fault:
        yield f"it is no Python, line {fault.lineno}: {fault.msg}"
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield f"it defines {node.name!r}; a notebook defines nothing: move it into a module"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ABSOLUTE.match(node.value):
            yield f"it names the place {node.value!r} of one machine; use a path relative to the project"
