"""`qb data update`: what your bars lack, from a server of candles or a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from collections.abc import Callable

    from quantbench.data.update import Updated

__all__ = ["update"]


Day = Annotated[str, typer.Option("--from", metavar="DAY", help="First day, UTC: 2019-02-04.")]
Until = Annotated[str | None, typer.Option("--to", metavar="DAY", help="Up to, not including; else yesterday.")]
Rates = Annotated[
    str | None,
    typer.Option(metavar="FILE.PY:NAME", help="A terminal's copy_rates_range instead; with --timeframe and --clock."),
]


def update(
    symbol: opt.Symbol,
    *,
    start: Day,
    end: Until = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="A server laid out like Dukascopy's.")] = None,
    rates: Rates = None,
    timeframe: Annotated[str, typer.Option(metavar="TIMEFRAME", help="Of a terminal's bars.")] = "M1",
    clock: Annotated[str | None, typer.Option(metavar="CLOCK", help="Of the terminal's server.")] = None,
    repair: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Instead of drop-flat.")] = None,
    accept: Annotated[list[str] | None, typer.Option(metavar="NAME", help="An error to take as it is.")] = None,
    json: opt.Json = False,
) -> None:
    """Fetch what is missing from your bars: days of M1 from a server, or the newest and oldest from a terminal."""
    from quantbench.cli import data_views as views

    terms: dict[str, Any] = {"start": _day(start, "--from"), "accept": accept or ()}
    with _progress(shown=not json) as progress:
        if rates is None:
            found = _from_server(
                symbol, url, _day(end, "--to") if end else None, repair, terms | {"progress": progress}
            )
        else:
            found = _from_terminal(symbol, timeframe, rates, clock, terms | {"progress": progress})
    if json:
        typer.echo(views.of_update(found))
    else:
        what = "days" if rates is None else "pieces"
        views.say(
            f"{found.symbol} {found.timeframe}: {found.asked} {what} asked for, {found.empty} of them empty, "
            f"{found.rows:,} bars are new"
        )


def _from_server(
    symbol: str, url: str | None, end: date | None, repair: list[str] | None, terms: dict[str, Any]
) -> Updated:
    from quantbench.config import now
    from quantbench.data.update import DUKASCOPY, update_from_http

    repairs = repair or ("drop-flat",)
    return update_from_http(symbol, end=end, base_url=url or DUKASCOPY, repairs=repairs, now=now(), **terms)


def _from_terminal(symbol: str, timeframe: str, rates: str, clock: str | None, terms: dict[str, Any]) -> Updated:
    from quantbench.config import now
    from quantbench.data.broker_sources import function_of
    from quantbench.data.update import update_from_rates

    if clock is None:
        raise typer.BadParameter("name the clock of the terminal's server, as Europe/Athens", param_hint="--clock")
    first = datetime.combine(terms.pop("start"), datetime.min.time(), UTC)
    return update_from_rates(function_of(rates), symbol, timeframe, clock=clock, start=first, now=now(), **terms)


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise typer.BadParameter(f"{text!r} is no day such as 2019-02-04", param_hint=option) from fault


@contextmanager
def _progress(*, shown: bool) -> Iterator[Callable[[int, int, str], Any] | None]:
    """Show days as a bar; nothing where there is no terminal to draw on."""
    from quantbench.cli.views import console

    out = console()
    if not shown or not out.is_terminal:
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=out) as bar:
        task = bar.add_task("Ask the server", total=None)
        yield lambda done, days, what: bar.update(task, completed=done, total=days, description=what)
