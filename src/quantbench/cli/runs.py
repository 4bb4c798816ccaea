"""`qb run`, `qb runs`, `qb why`, `qb debug`, `qb compare`, `qb schedule`: batches of notebooks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.runs.batch import BatchResult
    from quantbench.runs.planning import Planned
    from quantbench.runs.record import RunRecord

__all__ = ["register"]

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A research/*.yaml.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="Its key, or the beginning of it.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("run")(run)
    app.command("runs")(runs)
    app.command("why")(why)
    app.command("debug")(debug)
    app.command("compare")(compare)
    app.command("schedule")(schedule)


def run(
    spec: SpecFile,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be run, and run nothing.")] = False,
    workers: opt.Workers = None,
    engine: Annotated[str | None, typer.Option(help="auto, fork, kernel; else as the spec says.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what is known.")] = False,
    only: Annotated[str | None, typer.Option(metavar="failed", help="Only runs that failed before.")] = None,
    cluster: opt.Cluster = None,
    json: opt.Json = False,
) -> None:
    """Run what is not known yet of a batch of notebooks.

    Run again after it was stopped, it finishes the rest. Exit code 1 where a run did not end well. On a
    cluster (`qb cluster start`, or your own) workers make the runs: in this folder where they see it too, else
    they return the files; Python, libraries, code and data must be the same there.
    Example: qb run research/ma_cross.yaml
    """
    from quantbench.runs.looking_back import run_batch
    from quantbench.runs.planning import planned_from

    if engine not in {None, "auto", "fork", "kernel"}:
        raise typer.BadParameter(f"{engine!r} is no engine: auto, fork, kernel", param_hint="--engine")
    if only not in {None, "failed"}:
        raise typer.BadParameter(f"{only!r}: only failed runs can be asked for", param_hint="--only")
    if dry_run:
        _show_plan(planned_from(spec), json=json)
        return
    asked: dict[str, Any] = {"workers": workers, "engine": engine, "force": force, "only": only}
    with opt.joined(cluster):
        result = run_batch(spec, progress=None if json else _progress(), **asked)
    if json:
        typer.echo(_as_json(result))
    else:
        _show(result)
    if not result.ok:
        raise typer.Exit(1)


def _progress() -> Any:
    from quantbench.cli.views import console

    out = console()

    def show(done: int, many: int, one: RunRecord | None) -> None:
        if one is None or one.status == "ok":
            return
        what = f"{one.error.type}: {one.error.message}" if one.error is not None else ""
        out.print(f"{done}/{many} {one.status} {one.key} {what}", highlight=False, markup=False, soft_wrap=True)

    return show


def _show_plan(found: Planned, *, json: bool) -> None:
    """Say what would be run: how many, how many are known, how long, how much disk."""
    import json as writer

    from quantbench.config import settings
    from quantbench.runs.batch import sorted_out
    from quantbench.runs.store import list_records, studies

    plan = found.plan
    home = settings().home.absolute()
    left = sorted_out(plan, home=home, origin={}, force=False, only=None)
    before = [one for one in list_records(plan.study) if one.status == "ok"] if plan.study in studies() else []
    each = sum(one.seconds for one in before) / len(before) if before else None
    seconds = None if each is None else each * len(left.left) / (found.running.workers or 1)
    known = {"runs": len(plan.runs), "known": len(left.known), "left": len(left.left), "refused": found.refused}
    if json:
        typer.echo(writer.dumps({"study": plan.study, "digest": plan.digest, **known, "seconds": seconds}))
        return
    typer.echo(f"{plan.study}: {len(plan.runs):,} runs, {len(left.known):,} known, {len(left.left):,} left to run")
    if found.refused:
        typer.echo(f"{found.refused:,} combinations are refused by the condition")
    typer.echo(f"about {seconds:.0f} s" if seconds is not None else "how long is not known: none was run yet")
    for ready in left.left[:5]:
        typer.echo("  " + ", ".join(f"{name}={value!r}" for name, value in ready.planned.parameters.items()))
    if len(left.left) > 5:
        typer.echo(f"  ... and {len(left.left) - 5:,} more")


def _as_json(result: BatchResult) -> str:
    from quantbench.cli import machine

    return machine.of_batch(result)


def _show(result: BatchResult) -> None:
    from quantbench.cli.views import console
    from quantbench.runs.overview import best_runs, headline

    out = console()
    how = f", {result.engine} engine" if result.engine != "auto" else ""
    out.print(f"{headline(result)}, in {result.seconds:.1f} s{how}", style="bold", highlight=False)
    table = best_runs(result).drop(columns=["study", "ended", "error"])
    shown = table.to_string(index=False, float_format="{:.3f}".format)
    out.print(shown, highlight=False, markup=False, soft_wrap=True)
    failed = [one for one in result.records if one.error is not None]
    if failed:
        out.print(f"qb debug {failed[0].key} opens the first that failed", style="dim", highlight=False)
    if result.page is not None:
        out.print(f"{result.page}", style="dim", highlight=False, markup=False, soft_wrap=True)


def runs(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="Only of this one.")] = None,
    *,
    status: Annotated[str | None, typer.Option(help="ok, failed, timeout, dead, cancelled, lost.")] = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
) -> None:
    """List what was run."""
    from quantbench.cli import machine
    from quantbench.cli.views import console
    from quantbench.runs.looking_back import list_runs

    table = list_runs(study)
    if status is not None and len(table):
        table = table[table["status"] == status]
    if csv is not None:
        machine.write_csv(table, csv)
    if json:
        typer.echo(machine.of_runs(table))
    elif not len(table):
        typer.echo("Nothing was run yet.")
    else:
        table["ended"] = table["ended"].dt.strftime("%y-%m-%d %H:%M")
        shown = table.drop(columns="error") if not table["error"].any() else table
        console().print(
            shown.to_string(index=False, float_format="{:.3f}".format), highlight=False, markup=False, soft_wrap=True
        )


def why(spec: SpecFile, run: RunName) -> None:
    """Say why a run would be made again."""
    from quantbench.runs.batch import why as explained
    from quantbench.runs.planning import plan_of
    from quantbench.runs.store import find_run

    said = explained(plan_of(spec), find_run(run))
    typer.echo("\n".join(said) if said else "Nothing moved: it would be taken as known.")


def debug(run: RunName) -> None:
    """Write a notebook that opens where a run failed."""
    from quantbench.runs.looking_back import debug_run

    typer.echo(f"jupyter lab {debug_run(run)}")


def compare(one: RunName, other: RunName) -> None:
    """Show two runs beside each other."""
    from quantbench.cli.views import console
    from quantbench.runs.looking_back import compare_runs

    table = compare_runs(one, other)
    console().print(table.to_string(float_format="{:.4f}".format), highlight=False, markup=False, soft_wrap=True)


def schedule(
    spec: SpecFile,
    *,
    every: Annotated[str, typer.Option(metavar="CRON", help='Minute hour day month weekday: "0 22 * * 1-5".')],
    to: Annotated[str, typer.Option("--for", metavar="WHAT", help="cron, systemd, windows.")] = "cron",
) -> None:
    """Print what a scheduler needs to run a spec by itself."""
    from quantbench.config import settings
    from quantbench.runs import schedule as units

    when, home, file = units.every(every), settings().home, spec.resolve()
    if to == "cron":
        log = settings().experiments / f"{spec.stem}.log"
        typer.echo(units.cron_line(file, when, home=home, log=log))
    elif to == "systemd":
        typer.echo("\n".join(units.systemd_units(file, when, home=home)))
    elif to == "windows":
        typer.echo(units.task_xml(file, when, home=home))
    else:
        raise typer.BadParameter(f"{to!r}: cron, systemd or windows", param_hint="--for")
