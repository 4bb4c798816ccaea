"""The papermill engine `quantbench-fork`: the cells run in this process, which is a child of a warm one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from papermill.engines import Engine, papermill_engines

from quantbench.runs.code_cells import cell_title, code_cells
from quantbench.runs.engines.shell import CellShell, LeftError
from quantbench.runs.execution import as_error

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["ENGINE", "warm_shell"]

ENGINE: Final = "quantbench-fork"


class _InThisProcess(Engine):  # type: ignore[misc]  # untyped
    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:  # noqa: ARG003
        """Run the cells in order, until the end or the first failure."""
        os.chdir(options["home"])
        shell, code = warm_shell(), code_cells(nb_man.nb)
        shell.user_ns["__name__"] = "__main__"
        progress, number = options["progress"], 0
        for index, cell in enumerate(nb_man.nb.cells):
            if cell.cell_type != "code" or not cell.source.strip():
                continue
            number += 1
            if progress is not None and index in code:
                progress(code.index(index), len(code), cell_title(cell.source))
            if _failed(shell, nb_man, index, cell, number):
                return
        if progress is not None:
            progress(len(code), len(code), "")


def warm_shell() -> CellShell:
    """Return the one shell of this process; a warm parent makes it, so that its children need not.

    It keeps no history: what a run executes is in its notebook, and no database survives a fork.
    """
    from traitlets.config import Config

    settings = Config()
    settings.HistoryManager.enabled = False
    shell: CellShell = CellShell.instance(config=settings)
    return shell


def _failed(shell: CellShell, nb_man: Any, index: int, cell: NotebookNode, number: int) -> bool:
    """Run one cell; return whether it failed, with its outputs kept either way."""
    nb_man.cell_start(cell, index)
    fault: Exception | None = None
    try:
        cell.outputs = shell.executed(cell.source, number=number)
    except LeftError as left:
        cell.outputs, fault = [*shell.outputs, as_error(left, None)], left
    cell.execution_count = number
    failed = fault is not None or shell.fault is not None
    if failed:
        nb_man.cell_exception(cell, cell_index=index)
    nb_man.cell_complete(cell, cell_index=index)
    return failed


papermill_engines.register(ENGINE, _InThisProcess)
