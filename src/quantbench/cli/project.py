"""`qb demo` and `qb doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.runs.execution import Progress

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("demo")(demo)
    app.command("doctor")(doctor)


def demo(
    *,
    reports: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", file_okay=False, help="Of the report; else reports/."),
    ] = None,
    json: opt.Json = False,
) -> None:
    """Run the main job on real bars, ending in a report."""
    from quantbench.cli import machine, views
    from quantbench.runs.demo import run_demo

    if json:
        typer.echo(machine.of_demo(run_demo(reports=reports)))
        return
    with _progress("The quickstart notebook, on the embedded sample of real bars") as progress:
        result = run_demo(reports=reports, progress=progress)
    views.show_demo(result)


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """Show cells as a bar; as plain lines where there is no terminal to draw on."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from quantbench.cli.views import console

    out = console()
    out.print(what)
    if not out.is_terminal:
        yield lambda done, cells, title: out.print(f"  {done + 1} of {cells}  {title}") if title else None
        return
    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=out) as bar:
        task = bar.add_task("Start the kernel", total=None)
        yield lambda done, cells, title: bar.update(
            task, completed=done, total=cells, description=title or "Save the notebook"
        )


def doctor(*, json: opt.Json = False) -> None:
    """Check this machine, with a fix for what is missing."""
    from quantbench.cli import machine, views
    from quantbench.runs.doctor import examine

    findings = examine()
    if json:
        typer.echo(machine.of_findings(findings))
    else:
        views.show_findings(findings)
    if any(finding.status == "problem" for finding in findings):
        raise typer.Exit(1)
