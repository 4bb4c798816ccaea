"""`qb walk-forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.research.folds import WalkForward

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    app.command("walk-forward")(walk_forward)


@opt.takes_terms
def walk_forward(
    strategy: opt.StrategyName,
    symbol: opt.Symbol,
    timeframe: opt.Timeframe,
    *,
    train: Annotated[str, typer.Option(metavar="LENGTH", help="Trading days, such as 360D.")],
    test: Annotated[str, typer.Option(metavar="LENGTH", help="Trading days, such as 90D.")],
    set_: opt.Values = None,
    anchor: Annotated[bool, typer.Option("--anchor", help="Every train range begins at the first bar.")] = False,
    carry: Annotated[bool, typer.Option("--carry", help="Carry positions over the boundaries.")] = False,
    select: Annotated[str, typer.Option(help="plateau (by the neighbourhood), or best (by the score).")] = "plateau",
    start: opt.Start = None,
    end: opt.End = None,
    workers: opt.Workers = None,
    csv: opt.Csv = None,
    json: opt.Json = False,
    terms: dict[str, Any],
) -> None:
    """Search on the past, trade what follows, move on.

    Run again after it was stopped, it goes on where it was.
    Example: qb walk-forward MaCross EURUSD H1 --train 90D --test 30D --set fast=10,20 --set slow=50,100
    """
    from quantbench.cli import machine
    from quantbench.data.store import load
    from quantbench.research.walk_forward import walk_forward as run
    from quantbench.runs.choices import find_strategy, space_of

    chosen = find_strategy(strategy)
    space = space_of(chosen, opt.pairs(set_, "fast=5,10,20"))
    words: dict[str, Any] = {"train": train, "test": test, "anchor": anchor, "carry": carry, "select": select, **terms}
    bars = load(symbol, timeframe, start, end, others=chosen.needs)
    found = run(chosen, bars, space=space, workers=workers, progress=not json, **words)
    if csv is not None:
        machine.write_csv(found.table(), csv)
    if json:
        typer.echo(machine.of_walk_forward(found))
    else:
        _show(found)


def _show(found: WalkForward) -> None:
    """Print the headline, the folds, and the number that counts."""
    from quantbench.cli.views import console

    out, table = console(), found.table()
    out.print(found.headline, style="bold", highlight=False)
    for name in ("train_from", "test_from"):
        table[name] = table[name].dt.strftime("%Y-%m-%d")
    if not table["failure"].any():
        table = table.drop(columns="failure")
    t, why = found.t_statistic, found.why_no_t
    text = table.to_string(float_format="{:.3f}".format)
    said = f"t of the stitched daily returns: {f'NaN, {why}' if why else f'{t:.2f}'}"
    out.print(f"{text}\n{said}", highlight=False, markup=False, soft_wrap=True)
    out.print("1.645: luck alone passes it once in twenty. Lengths you tried count too.", style="dim", highlight=False)
