"""`qb broker` and `qb data facts`: what your broker's contracts say, dated, compared and declared."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from quantbench.core.instrument import Instrument
    from quantbench.data.broker import Change

__all__ = ["facts", "register"]

Given = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FACT=VALUE", help="A fact the source lacks: leverage=30; may be repeated."),
]
Old = Annotated[Path, typer.Argument(metavar="BEFORE", help="A snapshot.")]
New = Annotated[Path, typer.Argument(metavar="AFTER", help="A later one.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    broker = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Your broker's specifications, dated.")
    broker.command("snapshot")(snapshot)
    broker.command("diff")(diff)
    app.add_typer(broker, name="broker")


def snapshot(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Facts as .toml or .json, or file.py:function.")],
    to: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="The snapshot, .json.")],
    *,
    broker: Annotated[str, typer.Option(metavar="NAME", help="Of the broker or server.")],
    server_clock: Annotated[str, typer.Option(metavar="CLOCK", help="America/New_York+7, Europe/Athens, ..")],
    suffix: Annotated[str, typer.Option(help="What the broker appends to the usual names.")] = "",
    given: Given = None,
    json: opt.Json = False,
) -> None:
    """Keep what a broker's contracts say now: lots, points, swaps, levels.

    Example: qb broker snapshot symbols.json 2026-11.json --broker Demo --server-clock Europe/Athens --set leverage=30
    """
    from quantbench.cli import data_views as views
    from quantbench.config import now
    from quantbench.data import broker as brokers
    from quantbench.data.broker_sources import specs_from

    specs = specs_from(source, _values(given))
    taken = brokers.snapshot(specs, broker=broker, server_clock=server_clock, now=now(), suffix=suffix)
    brokers.write_snapshot(taken, to)
    if json:
        typer.echo(taken.to_json())
    else:
        views.say(f"{len(taken.instruments)} symbols of {broker} as of {taken.taken} in {to}")


def diff(before: Old, after: New, *, json: opt.Json = False) -> None:
    """Show every fact that differs between two snapshots; leave with 1 if any does."""
    import json as codec

    from quantbench.cli import data_views as views
    from quantbench.data.broker import diff as compare
    from quantbench.data.broker import read_snapshot

    old, new = read_snapshot(before), read_snapshot(after)
    changes = compare(old, new)
    if json:
        rows = [asdict(one) for one in changes]
        typer.echo(codec.dumps({"schema": 1, "before": old.taken, "after": new.taken, "changes": rows}))
    else:
        views.say(
            f"{old.broker}, {old.taken} to {new.taken}: " + (f"{len(changes)} changes" if changes else "the same")
        )
        _show_changes(changes)
    if changes:
        raise typer.Exit(1)


def facts(
    symbol: opt.Symbol,
    *,
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="FACT=VALUE", help="digits=2, leverage=5, ..; may be repeated.")
    ] = None,
    source: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="Take them from a snapshot.")] = None,
    json: opt.Json = False,
) -> None:
    """Show a symbol's contract facts, or declare yours with --set or --from.

    Example: qb data facts AAPL --from 2026-11.json --set calendar=us_equity
    """
    import json as codec

    from quantbench.cli import data_views as views
    from quantbench.data.instruments import declare, instrument

    if given or source:
        file = declare(_facts(symbol, _values(given), source))
        if not json:
            views.say(f"{symbol} is declared in {file}")
    found = instrument(symbol)
    if json:
        typer.echo(codec.dumps({"schema": 1, **asdict(found)}))
    else:
        _show_facts(found)


def _facts(symbol: str, given: dict[str, Any], source: Path | None) -> Instrument:
    """Return the facts of a snapshot, or those declared so far, with what was given in their place."""
    from quantbench.core.errors import DataError, did_you_mean
    from quantbench.core.instrument import Instrument
    from quantbench.data.broker import read_snapshot
    from quantbench.data.instruments import instrument

    if source is not None:
        taken = {one.symbol: one for one in read_snapshot(source).instruments}
        if symbol not in taken:
            raise DataError(f"{source.name} has no {symbol!r}: {did_you_mean(symbol, taken)}")
        return Instrument.from_dict({**asdict(taken[symbol]), **given})
    try:
        known = asdict(instrument(symbol))
    except DataError:
        known = {"symbol": symbol}
    return Instrument.from_dict({**known, **given})


def _values(words: list[str] | None) -> dict[str, Any]:
    """Return facts with numbers as numbers and lists as lists, by JSON's rules; anything else is text."""
    import json

    found: dict[str, Any] = {}
    for name, text in opt.pairs(words, "leverage=30").items():
        try:
            found[name] = json.loads(text)
        except json.JSONDecodeError:
            found[name] = text
    return found


def _show_facts(found: Instrument) -> None:
    from rich.table import Table

    from quantbench.cli.views import console

    table = Table.grid(padding=(0, 2))
    for name, value in asdict(found).items():
        table.add_row(name, "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value))
    console().print(table)


def _show_changes(changes: tuple[Change, ...]) -> None:
    from rich.table import Table

    from quantbench.cli.views import console

    if not changes:
        return
    table = Table("symbol", "fact", "before", "after", box=None, padding=(0, 2), header_style="dim")
    for one in changes:
        table.add_row(
            one.symbol or "(broker)", one.fact, *("" if v is None else str(v) for v in (one.before, one.after))
        )
    console().print(table)
