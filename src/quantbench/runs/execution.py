"""The papermill engine `quantbench`: an ordinary kernel of this very Python, told truthfully.

Stock papermill 2.7 calls every cell "completed", also the ones that never ran, when the kernel
dies or a cell exceeds its time. Here such a cell gets an error output of its own and is marked
failed, so that papermill reports it like any other error and leaves the rest pending.

The kernel listens on sockets in a folder only its owner can enter; two runs cannot meet on a port.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, papermill_engines

from quantbench.runs.code_cells import cell_title, code_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

__all__ = ["ENGINE", "Progress", "as_error"]

ENGINE: Final = "quantbench"

Progress = Callable[[int, int, str], None]
"""Called as each code cell starts, with cells done, cells in all, and the title of this one; then once at the end."""


class _ThisPython(KernelSpecManager):
    """Knows one kernel: the interpreter that is running, whatever kernels are installed."""

    home: Path

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # The debugger's check of frozen modules prints a warning into the notebook.
        environment = {"PYDEVD_DISABLE_FILE_VALIDATION": "1", "QUANTBENCH_HOME": str(self.home)}
        return KernelSpec(argv=argv, env=environment, name=kernel_name, display_name="Python 3", language="python")


def _manager(sockets: Path, home: Path) -> AsyncKernelManager:
    this_python = _ThisPython()
    this_python.home = home
    place: dict[str, Any] = {}
    if sys.platform != "win32":
        place = {"transport": "ipc", "ip": str(sockets / "kernel")}
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=this_python,
        connection_file=str(sockets / "kernel.json"),
        **place,
    )


class _LeftError(Exception):
    """A cell told its kernel to exit."""


class _Client(PapermillNotebookClient):  # type: ignore[misc]  # untyped
    """Runs the cells in order, reporting each before it starts."""

    progress: Progress | None = None

    def papermill_execute_cells(self) -> None:
        """Execute until the end or the first failure, marking the cell that failed."""
        code = code_cells(self.nb)
        self.on_cell_executed = _refuse_exit
        for index, cell in enumerate(self.nb.cells):
            if index in code and self.progress is not None:
                self.progress(code.index(index), len(code), cell_title(cell.source))
            with self._booked(cell, index) as failed:
                self.execute_cell(cell, index)
            if failed:
                return
        if self.progress is not None:
            self.progress(len(code), len(code), "")

    @contextmanager
    def _booked(self, cell: NotebookNode, index: int) -> Iterator[list[Exception]]:
        failed: list[Exception] = []
        self.nb_man.cell_start(cell, index)
        try:
            yield failed
        except CellExecutionError as fault:
            failed.append(fault)
            self.nb_man.cell_exception(cell, cell_index=index)
        except _FATAL as fault:
            cell.outputs.append(as_error(fault, self.timeout))
            self.nb_man.cell_exception(cell, cell_index=index)
            raise
        finally:
            self.nb_man.cell_complete(cell, cell_index=index)


_FATAL: Final = (DeadKernelError, CellTimeoutError, _LeftError)


def _refuse_exit(*, cell: NotebookNode, cell_index: int, execute_reply: dict[str, Any]) -> None:  # noqa: ARG001
    # The kernel stops a moment after such a cell: whether the next ones still run would be luck.
    if any(part.get("source") == "ask_exit" for part in execute_reply["content"].get("payload", [])):
        raise _LeftError


def as_error(fault: Exception, timeout: int | None) -> NotebookNode:
    """Return the output a cell gets that did not come to an end of its own."""
    match fault:
        case DeadKernelError():
            name, text = "DeadKernelError", "the kernel died (out of memory, a crash, or os._exit)"
        case CellTimeoutError():
            name, text = "CellTimeoutError", f"the cell ran longer than {timeout} s"
        case _:
            name, text = "KernelExit", "the cell called exit(); to stop early, raise an error"
    output: NotebookNode = new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"])  # type: ignore[no-untyped-call]
    return output


class _Quantbench(Engine):  # type: ignore[misc]  # untyped
    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
        client = _Client(
            nb_man,
            km=_manager(options["sockets"], options["home"]),
            kernel_name=kernel_name,
            timeout=options["cell_timeout"],
            startup_timeout=options.get("start_timeout", 60),
            resources={"metadata": {"path": str(options["home"])}},
            coalesce_streams=True,
        )
        client.progress = options["progress"]
        # What the kernel process itself writes (not the cells) would garble the terminal.
        with (options["sockets"] / "kernel.log").open("wb") as log:
            try:
                client.execute(cleanup_kc=True, stdout=log, stderr=log)
            except _FATAL:
                # The cell is marked; papermill raises for marked cells once the notebook is complete.
                if not any(cell.metadata.papermill["exception"] for cell in nb_man.nb.cells):
                    raise


papermill_engines.register(ENGINE, _Quantbench)
