"""Where exceptions become one sentence and an exit code: the edge of the process."""

from __future__ import annotations

import errno
import traceback
from typing import Any, Final

import typer
from typer.core import TyperGroup

from quantbench.core.errors import QuantbenchError

__all__ = ["INTERRUPTED", "Boundary"]

INTERRUPTED: Final = 130
"""What a shell expects of a program stopped by Ctrl-C."""

_LAB: Final = frozenset(
    {
        "duckdb",
        "joblib",
        "nbclient",
        "nbformat",
        "jupyter_client",
        "papermill",
        "plotly",
        "polars",
        "pyarrow",
        "sklearn",
        "vectorbt",
    }
)


class Boundary(TyperGroup):
    """The `qb` group: errors go to standard error as one sentence, with a traceback under --debug."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; leave with 1 for an error, 130 for Ctrl-C (2, wrong usage, is typer's)."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            typer.echo("\nStopped by Ctrl-C: no file is half-written.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except QuantbenchError as fault:
            _report(str(fault), ctx)
        except ModuleNotFoundError as fault:
            top = (fault.name or "").partition(".")[0]
            if top not in _LAB:
                _report(_surprise(fault), ctx)
            _report(f'{top} is not installed: pip install "quantbench[lab]"', ctx)
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as fault:
            if isinstance(fault, OSError) and fault.errno == errno.EPIPE:
                raise  # the reader left, as in `qb ... | head`: typer ends quietly
            _report(_surprise(fault), ctx)


def _surprise(fault: Exception) -> str:
    return f"unexpected {type(fault).__name__}: {fault}; `qb --debug ...` shows where, please report it"


def _report(sentence: str, ctx: Any) -> None:
    if ctx.params.get("debug"):
        traceback.print_exc()
    typer.echo(f"Error: {sentence}", err=True)
    raise typer.Exit(1)
