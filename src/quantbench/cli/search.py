"""`qb search`, `qb study`, `qb ledger`, `qb cluster`: find params, see what was tried, use more than one machine."""

from __future__ import annotations

import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.core.bars import Bars
    from quantbench.core.strategy import Strategy
    from quantbench.core.study import Study

__all__ = ["register"]

Objective = Annotated[
    list[str] | None, typer.Option("--objective", metavar="METRIC", help="sharpe; several make a front.")
]
Require = Annotated[
    list[str] | None, typer.Option("--require", metavar="METRIC=NUMBER", help="trades=30: at least; may be repeated.")
]
Method = Annotated[str, typer.Option(help="grid, random, sobol, tpe, cmaes, nsga2, nsga3, genetic.")]
Choose = Annotated[str, typer.Option(help="plateau, worst_window, pareto_knee, best.")]
Storage = Annotated[str | None, typer.Option(help="Keep it for Optuna: FILE.journal or a database's URL.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("search")(search)
    app.command("ledger")(ledger)
    study = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Studies kept for Optuna.")
    study.command("dashboard")(dashboard)
    app.add_typer(study, name="study")
    cluster = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Workers beyond this process.")
    cluster.command("start")(start)
    app.add_typer(cluster, name="cluster")


@opt.takes_terms
def search(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    method: Method = "tpe",
    objective: Objective = None,
    require: Require = None,
    trials: Annotated[int, typer.Option(min=1, help="Distinct choices to try.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same table.")] = 1,
    set_: opt.Values = None,
    start: opt.Start = None,
    end: opt.End = None,
    select: Choose = "plateau",
    storage: Storage = None,
    cluster: opt.Cluster = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the best to show.")] = 10,
    workers: opt.Workers = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Search params by any method and choose one robustly.

    Example: qb search MaCross EURUSD H1 --method genetic --trials 300 --require trades=30
    """
    from quantbench.cli import machine, views
    from quantbench.data.store import load
    from quantbench.runs.choices import find_strategy, space_of

    found = find_strategy(strategy)
    terms |= {"space": space_of(found, opt.pairs(set_, "fast=5,10,20")), "constraints": _bounds(require)}
    terms |= {"workers": workers, "seed": seed, "method": method, "objectives": objective or ("sharpe",)}
    terms |= {"trials": None if method == "grid" else trials}
    study = _searched(found, load(symbol, timeframe, start, end, others=found.needs), cluster, shown=not json, **terms)
    if storage is not None:
        study.to_optuna(storage)
    if csv is not None:
        machine.write_csv(study.table(), csv)
    if json:
        typer.echo(machine.of_study(study, top))
    else:
        views.show_study(study, top)
        views.show_selection(study, select)


def _searched(chosen: type[Strategy], bars: Bars, cluster: str | None, *, shown: bool, **asked: Any) -> Study:
    from quantbench.research.search import search as run

    with opt.joined(cluster):
        return run(chosen, bars, progress=shown, **asked)


def _bounds(words: list[str] | None) -> dict[str, float]:
    found = {}
    for name, text in opt.pairs(words, "trades=30").items():
        try:
            found[name] = float(text)
        except ValueError as fault:
            raise typer.BadParameter(f"{text!r} is no number: {name}=30", param_hint="--require") from fault
    return found


def ledger(
    *,
    family: Annotated[str | None, typer.Option(metavar="STRATEGY", help="Only trials of this one.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Only trials on this symbol.")] = None,
    json: opt.Json = False,
) -> None:
    """Show what was tried, on what, and when."""
    from quantbench.cli import machine, views
    from quantbench.data.ledger import tried

    table = tried(family=family, symbol=symbol)
    if json:
        typer.echo(machine.of_tried(table))
    else:
        views.show_tried(table)


def dashboard(
    storage: Annotated[str, typer.Argument(metavar="STORAGE", help="FILE.journal or URL, as given to `qb search`.")],
) -> None:
    """Open Optuna's dashboard on a storage, where it is installed."""
    from quantbench.core.errors import MissingExtra

    program = shutil.which("optuna-dashboard")
    if program is None:
        raise MissingExtra("the dashboard is a package of its own: pip install optuna-dashboard")
    raise typer.Exit(subprocess.call([program, storage]))  # noqa: S603  (the program found, the storage named)


def start(
    *,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 2,
    port: Annotated[int, typer.Option(min=0, help="Of the scheduler; 0 takes a free one.")] = 8786,
) -> None:
    """Run a scheduler and workers on this machine until Ctrl-C.

    Then: qb search ... --cluster 127.0.0.1:8786, or in a notebook: with qb.cluster("tcp://127.0.0.1:8786"):
    """
    from quantbench.research.cluster import start_local

    with start_local(workers, port=port) as address:
        typer.echo(f"{workers} workers at {address}; stop them with Ctrl-C")
        while True:
            time.sleep(1)
