"""`qb monte-carlo`, `qb validate`, `qb calibrate`: luck, the gauntlet, and how often the gauntlet is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.core.evidence import Evidence
    from quantbench.research.chance.result import MonteCarlo

__all__ = ["register"]

Seed = Annotated[int, typer.Option(min=0, help="The same seed gives the same answer.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("monte-carlo")(monte_carlo)
    app.command("validate")(validate)
    app.command("calibrate")(calibrate)


@opt.takes_terms
def monte_carlo(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    method: Annotated[str, typer.Option(help="block, trades, order, prices, noise, execution, ...")] = "block",
    paths: Annotated[int | None, typer.Option(min=1, help="How many.", show_default=False)] = None,
    seed: Seed = 1,
    set_: opt.Set = None,
    start: opt.Start = None,
    end: opt.End = None,
    workers: opt.Workers = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Draw thousands of paths that did not happen.

    Example: qb monte-carlo MaCross EURUSD H1 --set fast=20 --method execution
    """
    from quantbench.cli import machine
    from quantbench.data.store import load
    from quantbench.engine.backtest import backtest
    from quantbench.research.chance.monte_carlo import monte_carlo as run
    from quantbench.runs.choices import find_strategy, params_of

    chosen = find_strategy(strategy)
    choice = chosen.from_params(params_of(chosen, opt.pairs(set_, "fast=20")))
    result = backtest(choice, load(symbol, timeframe, start, end, others=chosen.needs), **terms)
    found = run(result, method=method, paths=paths, seed=seed, workers=workers)
    if json:
        typer.echo(machine.of_monte_carlo(found))
    else:
        _show_paths(found)


def _show_paths(found: MonteCarlo) -> None:
    from quantbench.cli.views import console

    out = console()
    out.print(found.question, style="bold", highlight=False)
    out.print(found.headline, highlight=False)
    out.print(found.table().to_string(float_format="{:.3f}".format), highlight=False, markup=False, soft_wrap=True)
    out.print(f"Half the money is lost at some point on {found.ruin():.1%} of paths.", highlight=False)
    out.print(f"It does not prove {found.not_proved}.", style="dim", highlight=False)


@opt.takes_terms
def validate(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    also: Annotated[list[str] | None, typer.Option("--also", metavar="SYMBOL", help="Pool with it; repeat.")] = None,
    profile: Annotated[str, typer.Option(help="fast (seconds), or full (before promotion).")] = "fast",
    holdout: Annotated[str | None, typer.Option(metavar="SHARE|DAYS", help="0.15 or 250D.")] = None,
    method: Annotated[str, typer.Option(help="Of every search: grid, tpe, genetic, ...")] = "grid",
    trials: Annotated[int | None, typer.Option(min=1, help="Of every search that draws.", show_default=False)] = None,
    set_: opt.Values = None,
    hypothesis: Annotated[str | None, typer.Option(metavar="TEXT", help="What you expected before trying.")] = None,
    permutations: Annotated[int, typer.Option(min=1, help="Of the full profile.")] = 200,
    seed: Seed = 0,
    start: opt.Start = None,
    end: opt.End = None,
    workers: opt.Workers = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Put a strategy through the gauntlet, gate by gate.

    Run again after it was stopped, it goes on where it was. Exit code 1 where a gate is red.
    Example: qb validate MaCross EURUSD H1 --set fast=5:45:5 --set slow=60:240:20
    """
    from quantbench.cli import machine
    from quantbench.data.store import load
    from quantbench.research.gauntlet.validate import validate as run
    from quantbench.runs.choices import find_strategy, space_of

    chosen = find_strategy(strategy)
    asked: dict[str, Any] = {"profile": profile, "method": method, "trials": trials, "seed": seed, **terms}
    asked |= {"holdout": _share(holdout), "hypothesis": hypothesis, "permutations": permutations, "workers": workers}
    asked["space"] = space_of(chosen, opt.pairs(set_, "fast=5,10,20"))
    bars = [load(one, timeframe, start, end, others=chosen.needs) for one in (symbol, *(also or ()))]
    found = run(chosen, bars if len(bars) > 1 else bars[0], progress=not json, **asked)
    if json:
        typer.echo(machine.of_evidence(found))
    else:
        _show(found)
    if found.colour == "red":
        raise typer.Exit(1)


def _share(text: str | None) -> float | str | None:
    if text is None or text.endswith("D"):
        return text
    try:
        return float(text)
    except ValueError as fault:
        raise typer.BadParameter(
            f"{text!r} is neither a fraction nor days: 0.15, 250D", param_hint="--holdout"
        ) from fault


def _show(found: Evidence) -> None:
    """Print every gate, and the verdict last."""
    from quantbench.cli.views import console

    out, wide = console(), max((len(gate.name) for gate in found.gates), default=0)
    styles = {"green": "green", "amber": "yellow", "red": "red"}
    chosen = ", ".join(f"{name}={value!r}" for name, value in found.params.items())
    out.print(f"{found.strategy}({chosen}), {found.profile} profile", style="bold", highlight=False, markup=False)
    for market in found.markets:
        out.print(market, highlight=False, markup=False)
    for gate in found.gates:
        out.print(f"{gate.colour:7}", style=styles.get(gate.colour, "dim"), end=" ", highlight=False)
        out.print(f"{gate.name:{wide}} {gate.says}", highlight=False, markup=False)
    out.print(f"{found.colour.upper()}: {found.verdict}", style=f"bold {styles.get(found.colour, '')}", highlight=False)


def calibrate(
    *,
    years: Annotated[float, typer.Option(min=1.0, help="Of your data.")] = 6.0,
    trials: Annotated[int, typer.Option(min=2, help="Configurations of one search.")] = 200,
    worlds: Annotated[int, typer.Option(min=1, help="Worlds a true Sharpe.")] = 200,
    sharpe: Annotated[list[float] | None, typer.Option("--sharpe", help="True Sharpe; 0, 1, 1.5, 2.")] = None,
    carrying: Annotated[int, typer.Option(min=1, help="Configurations that carry the edge.")] = 20,
    correlation: Annotated[float, typer.Option(min=0.0, max=0.99, help="Of any two configurations.")] = 0.6,
    seed: Seed = 0,
    workers: opt.Workers = None,
    json: opt.Json = False,
) -> None:
    """Measure how often the gauntlet is wrong, for your data.

    Example: qb calibrate --years 4 --trials 500 --worlds 500
    """
    from quantbench.cli import machine
    from quantbench.cli.views import console
    from quantbench.research.calibration.calibrate import calibrate as run

    asked: dict[str, Any] = {"years": years, "trials": trials, "worlds": worlds, "carrying": min(carrying, trials)}
    asked |= {"sharpes": sharpe or (0.0, 1.0, 1.5, 2.0), "correlation": correlation, "seed": seed, "workers": workers}
    found = run(progress=not json, **asked)
    if json:
        typer.echo(machine.of_calibration(found))
        return
    out = console()
    out.print(repr(found), highlight=False, markup=False)
    out.print(found.table().to_string(float_format="{:.3f}".format), highlight=False, markup=False, soft_wrap=True)
