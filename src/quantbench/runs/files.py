"""Notebooks on disk: read with one clear error, written whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from quantbench.config.secrets import redacted, revealed_in, secret_values
from quantbench.core.errors import MissingExtra, RunError, StoreError

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["read_notebook", "the_format", "write_notebook"]

_CHECKER: Final = "rfc3987_syntax"


def the_format() -> ModuleType:
    """Return `nbformat`, imported without what costs two seconds and checks nothing here.

    `jsonschema` behind it tries to import a checker of international addresses, which compiles its grammar
    each time; a notebook has none. Whoever imports that checker later still gets it.

    Raises
    ------
    MissingExtra
        Without the extra `lab`.
    """
    spare = _CHECKER not in sys.modules
    if spare:
        sys.modules[_CHECKER] = None  # type: ignore[assignment]  # an import of it fails, as where it is not installed
    try:
        import nbformat
    except ImportError as fault:
        raise MissingExtra('running notebooks needs papermill: pip install "quantbench[lab]"') from fault
    finally:
        if spare:
            del sys.modules[_CHECKER]
    return nbformat


def read_notebook(path: Path) -> NotebookNode:
    """Return the notebook of a file, as version 4.

    Raises
    ------
    RunError
        When there is none, or it is no notebook.
    MissingExtra
        Without the extra `lab`.
    """
    nbformat = the_format()
    try:
        notebook: NotebookNode = nbformat.reads(path.read_text("utf-8"), as_version=4)
    except OSError as fault:
        raise RunError(f"there is no notebook {path} that can be read: {fault.strerror}") from fault
    except (ValueError, AttributeError, nbformat.ValidationError) as fault:  # not JSON, or JSON of something else
        reason = (str(fault).splitlines() or [type(fault).__name__])[0]
        raise RunError(f"{path} is no notebook: {reason}") from fault
    return notebook


def write_notebook(notebook: NotebookNode, path: Path, *, as_it_is: bool = False) -> None:
    """Write to a neighbour, then rename: a reader sees the old file or the whole new one.

    Every secret that is known is replaced by ``***`` in it, those that its own cells reveal too.

    Parameters
    ----------
    notebook : NotebookNode
    path : Path
    as_it_is : bool
        For a copy that is about to be executed and then removed.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    text = the_format().writes(notebook)
    if not as_it_is:
        text = redacted(text, secret_values(revealed_in(text)).values())
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except OSError as fault:
        raise StoreError(f"cannot write {path}: {fault.strerror}") from fault
    finally:
        partial.unlink(missing_ok=True)
