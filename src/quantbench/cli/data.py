"""`qb data`: what there is, what is brought in and what was found in it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt
from quantbench.cli.broker import facts
from quantbench.cli.data_update import update

if TYPE_CHECKING:
    from quantbench.data.importing import Imported
    from quantbench.data.manifest import Version

__all__ = ["register"]

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Plain, .gz or .zip, of any known format.")]
Page = Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Write the report as a page too.")]
To = Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help=".csv or .parquet.")]
Which = Annotated[str | None, typer.Option("--version", metavar="VERSION", help="Its number or hash; else the newest.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Your bars: import, check, show, export.")
    data.command("add")(add)
    data.command("list")(list_)
    data.command("check")(check)
    data.command("show")(show)
    data.command("export")(export)
    data.command("remove")(remove)
    data.command("spreads")(spreads)
    data.command("update")(update)
    data.command("facts")(facts)
    app.add_typer(data, name="data")


def add(
    files: Files,
    *,
    symbol: Annotated[str | None, typer.Option(help="What it holds, if the file does not say.")] = None,
    timeframe: Annotated[str | None, typer.Option(help="As --symbol; ticks become M1, or this.")] = None,
    clock: Annotated[
        str | None,
        typer.Option(help="UTC, America/New_York+7, .., or 'UTC until 2017-09-22 then Europe/Athens'; else found."),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help="A column of the file; may be repeated.")
    ] = None,
    repair: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A repair to make: sort, drop-duplicates, drop-bad, ..")
    ] = None,
    accept: Annotated[list[str] | None, typer.Option(metavar="NAME", help="An error to take as it is.")] = None,
    day: Annotated[
        str | None, typer.Option(metavar="CLOCK", help="Whose midnight ends a day of resampled ticks.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Under which you may use it; kept with the data.")] = "",
    replace: Annotated[bool, typer.Option("--replace", help="New bars take the place of stored ones.")] = False,
    json: opt.Json = False,
) -> None:
    """Import files; one that is refused stops none of the others."""
    from quantbench.cli import data_views as views

    terms: dict[str, Any] = {
        "symbol": symbol,
        "timeframe": timeframe,
        "clock": clock,
        "mapping": _columns(column),
        "accept": accept or (),
        "repairs": repair or (),
        "day": day,
        "licence": licence,
        "mode": "replace" if replace else "append",
        "say": None if json else views.say,
    }
    _import_each(files, terms, json=json)


def _import_each(files: list[Path], terms: dict[str, Any], *, json: bool) -> None:
    from quantbench.cli import data_views as views
    from quantbench.config import now
    from quantbench.core.errors import QuantbenchError
    from quantbench.data.importing import add as add_file

    done: list[Imported] = []
    refused: list[tuple[Path, str]] = []
    for file in files:
        try:
            done.append(add_file(file, now=now(), **terms))
        except QuantbenchError as fault:
            refused.append((file, str(fault)))
            shown = partial(views.show_refused, file, str(fault))
        else:
            shown = partial(views.show_imported, done[-1])
        if not json:
            shown()
    if json:
        typer.echo(views.of_imports(done, refused))
    elif len(files) > 1:
        views.say(f"{len(done)} imported, {len(refused)} refused")
    if refused:
        raise typer.Exit(1)


def _columns(words: list[str] | None) -> dict[str, str | int]:
    found = opt.pairs(words, "time=Date")
    return {name: int(value) if value.isdecimal() else value for name, value in found.items()}


def list_(*, json: opt.Json = False) -> None:
    """List the symbols and timeframes there are."""
    from quantbench.cli import machine, views
    from quantbench.data.store import symbols

    table = symbols()
    if json:
        typer.echo(machine.of_symbols(table))
    else:
        views.show_symbols(table)


def check(symbol: opt.Symbol, timeframe: opt.Timeframe, *, html: Page = None, json: opt.Json = False) -> None:
    """Check stored bars; leave with 1 if there are errors."""
    from quantbench.cli import data_views as views
    from quantbench.data.checks import check as check_bars
    from quantbench.data.stored import stored_bars
    from quantbench.report.publishing import publish

    bars = stored_bars(symbol, timeframe)
    report = check_bars(bars, bars.instrument)
    if html is not None:
        publish(html, report.to_html())
    if json:
        typer.echo(report.to_json())
    else:
        views.show_report(report, html)
    if report.errors:
        raise typer.Exit(1)


def show(symbol: opt.Symbol, timeframe: opt.Timeframe, *, version: Which = None, json: opt.Json = False) -> None:
    """Show a dataset: origin, versions, rows."""
    from quantbench.cli import data_views as views
    from quantbench.data.lake import versions
    from quantbench.data.manifest import Dataset, version_named
    from quantbench.data.stored import stored_bars

    dataset = Dataset(symbol, timeframe)
    history: list[Version] = versions(dataset)
    chosen = version_named(dataset, version) if history else None
    bars = stored_bars(symbol, timeframe, version=version)
    if json:
        typer.echo(views.of_dataset(bars, chosen, history))
    else:
        views.show_dataset(bars, chosen, history)


def export(
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    to: To,
    *,
    start: opt.Start = None,
    end: opt.End = None,
    version: Which = None,
) -> None:
    """Write bars to a file: times UTC, prices bid."""
    from quantbench.cli import data_views as views
    from quantbench.data.store import load
    from quantbench.data.stored import export_bars

    views.say(f"{export_bars(load(symbol, timeframe, start, end, version=version), to):,} bars in {to}")


def remove(
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete stored bars of yours with all their versions."""
    from quantbench.cli import data_views as views
    from quantbench.data import lake
    from quantbench.data.manifest import Dataset, version_named

    dataset = Dataset(symbol, timeframe)
    current = version_named(dataset, None)
    if not yes:
        typer.confirm(f"Delete {current.rows:,} bars of {dataset} and all versions of them?", abort=True)
    lake.remove(dataset)
    views.say(f"{dataset} is removed")


def spreads(symbol: opt.Symbol, timeframe: opt.Timeframe, *, json: opt.Json = False) -> None:
    """Measure the usual spread by hour of the week and keep it."""
    from quantbench.cli import data_views as views
    from quantbench.data.spreads import spreads_by_hour, write_spreads
    from quantbench.data.stored import measurable_bars

    bars, source = measurable_bars(symbol, timeframe)
    table = spreads_by_hour(symbol, bars.time_ns, bars.spread, source=source)
    file = write_spreads(table)
    if json:
        typer.echo(views.of_spreads(table))
    else:
        views.show_spreads(table, file)
