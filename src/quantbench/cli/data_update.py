"""`qb data update`: the days missing from your M1 bars, from a server of candles."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quantbench.cli import options as opt

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["update"]


def update(
    symbol: opt.Symbol,
    *,
    start: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, UTC: 2019-02-04.")],
    end: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="Up to, not including; else yesterday.")
    ] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="A server laid out like Dukascopy's.")] = None,
    repair: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Instead of drop-flat.")] = None,
    accept: Annotated[list[str] | None, typer.Option(metavar="NAME", help="An error to take as it is.")] = None,
    json: opt.Json = False,
) -> None:
    """Fetch the days that are missing from your M1 bars."""
    from quantbench.cli import data_views as views
    from quantbench.config import now
    from quantbench.data.update import DUKASCOPY, update_from_http

    with _progress(shown=not json) as progress:
        found = update_from_http(
            symbol,
            start=_day(start, "--from"),
            end=_day(end, "--to") if end else None,
            base_url=url or DUKASCOPY,
            repairs=repair or ("drop-flat",),
            accept=accept or (),
            now=now(),
            progress=progress,
        )
    if json:
        typer.echo(views.of_update(found))
    else:
        views.say(
            f"{symbol} M1: {found.asked} days asked for, {found.empty} of them closed, {found.rows:,} bars are new"
        )


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
