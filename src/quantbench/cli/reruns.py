"""`qb rerun`: an old study again, exactly as it was or on newer bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    import pandas as pd

    from quantbench.runs.extending import Extended
    from quantbench.runs.rerunning import Exact

__all__ = ["register"]

_MOST_ROWS = 20


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("rerun")(rerun)


def rerun(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="As `qb runs` lists it.")],
    *,
    exact: Annotated[bool, typer.Option("--exact", help="On the data it had: is each number the same?")] = False,
    extend: Annotated[bool, typer.Option("--extend", help="On newer bars: did it stay in its band?")] = False,
    workers: opt.Workers = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
) -> None:
    """Run an old study again; its own runs are left as they are.

    The new ones are the study STUDY@exact or STUDY@extend. Exit code 1 where a number moved.
    Example: qb rerun ma_cross --exact
    """
    from quantbench.cli import machine

    if exact == extend:
        raise typer.BadParameter("give one of --exact and --extend", param_hint="--exact / --extend")
    found: Exact | Extended
    if exact:
        from quantbench.runs.rerunning import rerun_exactly

        found = rerun_exactly(study, workers=workers)
        table = found.table[~found.table["same"]].drop(columns="same")
    else:
        from quantbench.runs.extending import rerun_extended

        found = rerun_extended(study, workers=workers)
        table = _worded(found.table.sort_values("return", ascending=False))
    if csv is not None:
        machine.write_csv(found.table, csv)
    if json:
        typer.echo(machine.of_rerun(found))
    else:
        _show(found, table)
    if exact and not found.table["same"].all():
        raise typer.Exit(1)


def _worded(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows as a person reads them: percent, days, and only those params that vary."""
    shown = table.drop(columns="again")
    shown["from"] = [f"{moment:%Y-%m-%d}" for moment in table["from"]]
    for name in ("return", "low", "middle", "high", "drawdown", "deepest"):
        shown[name] = [f"{value:.1%}" for value in table[name]]
    alike = [name for name in table if str(name).startswith("params.") and len(set(map(str, table[name]))) == 1]
    return shown.drop(columns=alike)


def _show(found: Exact | Extended, table: pd.DataFrame) -> None:
    from quantbench.cli.views import console

    out = console()
    out.print(found.headline, style="bold", highlight=False, markup=False, soft_wrap=True)
    for note in found.notes:
        out.print(f"- {note}", highlight=False, markup=False, soft_wrap=True)
    if not len(table):
        return
    shown = table.head(_MOST_ROWS).to_string(index=False, float_format="{:.6g}".format)
    out.print(shown, highlight=False, markup=False, soft_wrap=True)
    if len(table) > _MOST_ROWS:
        out.print(f"... and {len(table) - _MOST_ROWS:,} more; --csv FILE writes all", style="dim", highlight=False)
