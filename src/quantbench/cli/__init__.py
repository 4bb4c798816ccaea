"""`qb`: each command reads words, calls one function a notebook can call too, and prints.

Importing this loads typer and nothing heavier: `qb --help` must answer at once. What a command
needs is imported when it runs.
"""

from __future__ import annotations

from typing import Annotated

import typer

from quantbench import __version__
from quantbench.cli import broker, data, evolve, judging, project, reruns, runs, search, trade, validation
from quantbench.cli.boundary import Boundary

__all__ = ["app"]

app = typer.Typer(
    name="qb",
    cls=Boundary,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes longer to load than everything else in the help
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  (typer calls it with the flag)
    if wanted:
        typer.echo(f"quantbench {__version__}")
        raise typer.Exit


@app.callback()
def start(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Research FX and CFD strategies, judge them honestly, trade the good ones."""


project.register(app)
trade.register(app)
search.register(app)
data.register(app)
broker.register(app)
validation.register(app)
judging.register(app)
runs.register(app)
reruns.register(app)
evolve.register(app)
