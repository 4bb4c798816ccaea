"""`qb evolve`: find rules by selection, and write one as a file of yours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from pathlib import Path

    from quantbench.core.study import Study

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    app.command("evolve")(evolve)


@opt.takes_terms
def evolve(
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    trials: Annotated[int, typer.Option(min=1, help="Distinct rules to try.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same rules.")] = 1,
    score: Annotated[str, typer.Option(help="The metric to maximise, beside few words.")] = "sharpe",
    start: opt.Start = None,
    end: opt.End = None,
    export: Annotated[
        str | None, typer.Option(metavar="NAME", help="Write the best as research/strategies/name.py, proved causal.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many of the front to show.")] = 10,
    workers: opt.Workers = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Evolve rules and show those that no simpler one beats.

    Example: qb evolve EURUSD H1 --trials 2000 --seed 7 --to 2017-09 --export Turn
    """
    from quantbench.cli import machine
    from quantbench.data.store import load
    from quantbench.research.evolution.evolve import evolve as run
    from quantbench.research.evolution.export import export_rule
    from quantbench.strategies.rule.source import file_name

    if export is not None:
        file_name(export)  # a wrong name is said before the work, not after
    bars = load(symbol, timeframe, start, end)
    words = {"workers": workers, "progress": not json, **terms}
    study = run(bars, trials=trials, seed=seed, objectives=(score, "complexity"), **words)
    if csv is not None:
        machine.write_csv(study.table(), csv)
    file = None if export is None else export_rule(study.best_strategy, bars, name=export)
    if json:
        typer.echo(machine.of_evolution(study, top, file))
    else:
        _show(study, top, file, export)


def _show(study: Study, top: int, file: Path | None, name: str | None) -> None:
    """Print the headline, the front from the best score to the fewest words, and where the best was written."""
    from rich.text import Text

    from quantbench.cli.views import console
    from quantbench.report.wording import meaning, written

    out, currency = console(), study.account.currency
    out.print(Text(study.headline, "bold"))
    if not study.front:
        out.print(Text("No rule meets the constraints: try more trials, or longer bars", "yellow"))
    for trial in study.front[:top]:
        score = f"{meaning(study.score).label} {written(study.score, trial.metrics[study.score], currency=currency)}"
        facts = f"{score}, {trial.metrics['complexity']:.0f} words, {trial.metrics['trades']:,.0f} trades"
        out.print(Text(f"{trial.number:>5}  {facts}", "bold"))
        for side in ("long", "short"):
            out.print(Text(f"       {side:<5} {trial.params[side]}"), soft_wrap=True)
    if file is not None:
        out.print(Text(f"The best is {file}:{name}, proved causal on these bars", "bold"), soft_wrap=True)
    out.print(Text("The best of many, in-sample: judge it on bars it has not seen.", "dim"))
