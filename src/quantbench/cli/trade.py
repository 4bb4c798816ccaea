"""`qb backtest`, `qb sweep`, `qb report`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from quantbench.cli import options as opt

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("backtest")(backtest)
    app.command("sweep")(sweep)
    app.command("report")(report)


@opt.takes_terms
def backtest(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    set_: opt.Set = None,
    start: opt.Start = None,
    end: opt.End = None,
    engine: Annotated[str, typer.Option(help="kernel, or reference (readable, slow).")] = "kernel",
    everything: Annotated[bool, typer.Option("--all", help="Show every metric, not the main ones.")] = False,
    csv: opt.Csv = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Trade one choice of params and show what it made.

    Example: qb backtest MaCross EURUSD H1 --set fast=20 --from 2017-03 --to 2017-09
    """
    from quantbench.cli import machine, views
    from quantbench.data.store import load
    from quantbench.engine.backtest import backtest as run
    from quantbench.runs.choices import find_strategy, params_of

    chosen = find_strategy(strategy)
    choice = chosen.from_params(params_of(chosen, opt.pairs(set_, "fast=20")))
    result = run(choice, load(symbol, timeframe, start, end, others=chosen.needs), engine=engine, **terms)
    if csv is not None:
        machine.write_csv(result.trades, csv)
    if json:
        typer.echo(machine.of_backtest(result))
    else:
        views.show_backtest(result, everything=everything)


@opt.takes_terms
def sweep(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    set_: opt.Values = None,
    start: opt.Start = None,
    end: opt.End = None,
    score: Annotated[str, typer.Option(help="The metric to maximise.")] = "sharpe",
    top: Annotated[int, typer.Option(min=1, help="How many of the best to show.")] = 10,
    workers: opt.Workers = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Try every combination of params and rank them.

    Without --set the declared values are tried.
    Example: qb sweep MaCross EURUSD H1 --set fast=5:60:5 --set slow=100,200
    """
    from quantbench.cli import machine, views
    from quantbench.data.store import load
    from quantbench.research.sweep import sweep as run
    from quantbench.runs.choices import find_strategy, space_of

    chosen = find_strategy(strategy)
    space = space_of(chosen, opt.pairs(set_, "fast=5,10,20"))
    bars = load(symbol, timeframe, start, end, others=chosen.needs)
    study = run(chosen, bars, space=space, score=score, workers=workers, progress=not json, **terms)
    if csv is not None:
        machine.write_csv(study.table(), csv)
    if json:
        typer.echo(machine.of_study(study, top))
    else:
        views.show_study(study, top)


@opt.takes_terms
def report(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    set_: opt.Set = None,
    start: opt.Start = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="Up to, not including.")] = None,
    no_sweep: Annotated[bool, typer.Option("--no-sweep", help="Judge the choice alone.")] = False,
    to: Annotated[Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Where the HTML goes.")] = None,
    workers: opt.Workers = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Backtest, sweep and write one HTML report.

    Without --set it judges the best of the sweep. Example: qb report MaCross EURUSD H1
    """
    from quantbench.cli import machine, views
    from quantbench.data.store import load
    from quantbench.runs.choices import find_strategy, params_of
    from quantbench.runs.reporting import report_on

    chosen = find_strategy(strategy)
    params = params_of(chosen, opt.pairs(set_, "fast=20"))
    written = report_on(
        chosen,
        load(symbol, timeframe, start, until, others=chosen.needs),
        params=params,
        search=not no_sweep,
        workers=workers,
        progress=not json,
        to=to,
        now=datetime.now(UTC),  # noqa: TID251  (the command line is where the clock is read)
        **terms,
    )
    if json:
        typer.echo(machine.of_report(written))
    else:
        views.show_report(written)
