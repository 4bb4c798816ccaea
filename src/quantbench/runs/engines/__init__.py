"""Ways to execute the cells of a notebook: in a kernel of its own, or in a process forked from a warm one."""

from __future__ import annotations

__all__ = ["registered"]


def registered(engine: str) -> str:
    """Make an engine known to papermill and return the name it has there."""
    from quantbench.runs.files import the_format

    the_format()  # before papermill, which would import the slow parts of it too
    if engine == "fork":
        from quantbench.runs.engines import cells

        return cells.ENGINE
    from quantbench.runs import execution

    return execution.ENGINE
