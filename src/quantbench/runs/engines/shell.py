"""An IPython without a kernel: cells run in this very process, and what they show becomes outputs of a notebook."""

from __future__ import annotations

import io
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from IPython.core.display_trap import DisplayTrap
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbformat.v4 import new_output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbformat import NotebookNode

__all__ = ["CellShell", "LeftError"]

_MOST: Final = 1_000_000  # characters a cell may print into the notebook


class LeftError(Exception):
    """A cell called exit()."""


class CellShell(InteractiveShell):
    """Runs cells and hands back their outputs.

    Attributes
    ----------
    outputs : list
        Of the cell that runs.
    fault : tuple or None
        Name, text and traceback of what it raised.
    """

    def __init__(self, **words: Any) -> None:
        super().__init__(**words)
        self.outputs: list[NotebookNode] = []
        self.fault: tuple[str, str, list[str]] | None = None
        self.left = False

    def init_display_pub(self) -> None:
        """Take what is displayed into the outputs."""
        self.display_pub = _Publisher(parent=self, shell=self)

    def init_displayhook(self) -> None:
        """Take the value of the last line into the outputs."""
        self.displayhook = _Hook(parent=self, shell=self)
        self.display_trap = DisplayTrap(hook=self.displayhook)

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        self.fault = (etype.__name__, str(evalue), list(stb))

    def ask_exit(self) -> None:
        """Remember that a cell called exit()."""
        self.left = True

    def executed(self, source: str, *, number: int) -> list[NotebookNode]:
        """Run one cell and return its outputs; `fault` says what it raised.

        Raises
        ------
        LeftError
            When it told the process to exit.
        """
        self.outputs, self.fault, self.left = [], None, False
        self.execution_count = number
        with _captured(self.outputs):
            result = self.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        if self.left or isinstance(error, SystemExit):
            raise LeftError
        if error is not None and self.fault is None:
            self.fault = (type(error).__name__, str(error), [f"{type(error).__name__}: {error}"])
        if self.fault is not None:
            name, text, lines = self.fault
            self.outputs.append(new_output("error", ename=name, evalue=text, traceback=lines))
        return self.outputs


class _Publisher(DisplayPublisher):
    shell: Any

    def publish(self, data: Any, metadata: Any = None, *_: Any, **__: Any) -> None:
        self.shell.outputs.append(new_output("display_data", data=data, metadata=metadata or {}))

    def clear_output(self, wait: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  (IPython's signature)
        self.shell.outputs.clear()


class _Hook(DisplayHook):
    shell: Any

    def __call__(self, result: Any = None) -> None:
        if result is None or self.quiet():
            return
        self.update_user_ns(result)
        data, metadata = self.compute_format_data(result)
        if data:
            number = self.shell.execution_count
            self.shell.outputs.append(
                new_output("execute_result", data=data, metadata=metadata, execution_count=number)
            )


class _Stream(io.TextIOBase):
    """What a cell prints, in the order it comes, cut where it is too much for a notebook."""

    encoding = "utf-8"

    def __init__(self, name: str, outputs: list[NotebookNode], behind: Any) -> None:
        self.name, self._outputs, self._behind, self._left = name, outputs, behind, _MOST

    def write(self, text: str) -> int:
        """Take text in."""
        if self._left > 0:
            kept = text[: self._left]
            self._left -= len(text)
            if self._left <= 0:
                kept += f"\n[cut: this cell printed over {_MOST:,} characters]\n"
            last = self._outputs[-1] if self._outputs else None
            if last is not None and last.output_type == "stream" and last.name == self.name:
                last.text += kept
            else:
                self._outputs.append(new_output("stream", name=self.name, text=kept))
        return len(text)

    def fileno(self) -> int:
        """Return the number of the file behind, for what writes past Python."""
        found: int = self._behind.fileno()
        return found

    def writable(self) -> bool:
        """Return True."""
        return True


@contextmanager
def _captured(outputs: list[NotebookNode]) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (
        _Stream(name, outputs, behind) for name, behind in zip(("stdout", "stderr"), before, strict=True)
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
