"""Notebooks on disk: read with one clear error, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from quantbench.core.errors import MissingExtra, RunError, StoreError

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["read_notebook", "write_notebook"]


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook of a file, as version 4.

    Raises
    ------
    RunError
        When there is none, or it is no notebook.
    MissingExtra
        Without the extra `lab`.
    """
    try:
        import nbformat
    except ImportError as fault:
        raise MissingExtra('running notebooks needs papermill: pip install "quantbench[lab]"') from fault
    try:
        notebook: NotebookNode = nbformat.reads(path.read_text("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
    except OSError as fault:
        raise RunError(f"there is no notebook {path} that can be read: {fault.strerror}") from fault
    except (ValueError, AttributeError, nbformat.ValidationError) as fault:  # not JSON, or JSON of something else
        reason = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise RunError(f"{path} is no notebook: {reason}") from fault
    return notebook


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write to a neighbour, then rename: a reader sees the old file or the whole new one.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    import nbformat

    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(nbformat.writes(notebook), encoding="utf-8")  # type: ignore[no-untyped-call]
        partial.replace(path)
    except OSError as fault:
        raise StoreError(f"cannot write {path}: {fault.strerror}") from fault
    finally:
        partial.unlink(missing_ok=True)
