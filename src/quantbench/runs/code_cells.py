"""The code cells a person wrote: what messages and progress count."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["cell_title", "code_cells"]


def code_cells(notebook: NotebookNode) -> list[int]:
    """Return the places of the code cells a person wrote, which are what messages count."""
    return [
        index
        for index, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]


def cell_title(source: str) -> str:
    r"""Return what a code cell is about: its first line, bare of the comment sign.

    Examples
    --------
    >>> cell_title("# Sweep the space\nstudy = qb.sweep(strategy, bars)")
    'Sweep the space'
    """
    return next((line.lstrip("# ").strip() for line in source.splitlines() if line.strip()), "")
