"""The options commands share, and what they become."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = [
    "Cluster",
    "Csv",
    "End",
    "Json",
    "Set",
    "Start",
    "StrategyName",
    "Symbol",
    "Timeframe",
    "Values",
    "Workers",
    "joined",
    "pairs",
    "takes_terms",
]


def _strategies(incomplete: str) -> list[str]:
    from quantbench import strategies

    return [s.__name__ for s in strategies.ALL if s.__name__.lower().startswith(incomplete.lower())]


def _symbols(incomplete: str) -> list[str]:
    from quantbench.data.store import symbols

    return [name for name in dict.fromkeys(symbols()["symbol"]) if name.lower().startswith(incomplete.lower())]


def _timeframes(incomplete: str) -> list[str]:
    from quantbench.core.timeframe import TIMEFRAMES

    return [name for name in TIMEFRAMES if name.lower().startswith(incomplete.lower())]


StrategyName = Annotated[
    str,
    typer.Argument(metavar="STRATEGY", help="MaCross, or your own: path/to/file.py:Class.", autocompletion=_strategies),
]
Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="As `qb data list` shows them.", autocompletion=_symbols)]
Timeframe = Annotated[str, typer.Argument(metavar="TIMEFRAME", help="M1 ... H1 ... D1.", autocompletion=_timeframes)]
Start = Annotated[str | None, typer.Option("--from", metavar="TIME", help="First bar, UTC: 2017, 2017-03, 2017-03-15.")]
End = Annotated[str | None, typer.Option("--to", "--until", metavar="TIME", help="Up to, not including.")]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="PARAM=VALUE", help="A param; may be repeated.")]
Values = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PARAM=VALUES", help="fast=5,10 or fast=5:60:5; may be repeated."),
]
Workers = Annotated[int | None, typer.Option(min=1, help="Cores to use; all of them if not given.", show_default=False)]
Cluster = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Run on the workers of a Dask cluster.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", dir_okay=False, help="Write every row to it too.")]


def joined(cluster: str | None) -> AbstractContextManager[Any]:
    """Return the context in which the workers of a cluster do the work; without one, this machine does."""
    from contextlib import nullcontext

    from quantbench.research.cluster import cluster as join

    return join(f"tcp://{cluster.removeprefix('tcp://')}") if cluster else nullcontext()


def pairs(words: Iterable[str] | None, example: str) -> dict[str, str]:
    """Return ``name=value`` words as a dict; anything else is wrong usage (exit code 2)."""
    found: dict[str, str] = {}
    for word in words or ():
        name, equals, value = word.partition("=")
        if not (name.strip() and equals and value.strip()):
            raise typer.BadParameter(f"{word!r} is not PARAM=VALUE, such as {example}", param_hint="--set")
        if name.strip() in found:
            raise typer.BadParameter(f"{name.strip()} is set twice", param_hint="--set")
        found[name.strip()] = value.strip()
    return found


_TERMS: Final[dict[str, Any]] = {
    "balance": Annotated[float | None, typer.Option(help="Starting balance in USD (10000).", show_default=False)],
    "sizing": Annotated[
        str | None, typer.Option(metavar="KIND:NUMBER", help="equity:1.0, risk:0.01, lots:0.1, volatility:0.1.")
    ],
    "commission_per_lot": Annotated[float | None, typer.Option(metavar="MONEY", help="Per side; else as declared.")],
    "commission_percent": Annotated[float | None, typer.Option(metavar="FRACTION", help="Of notional, per side.")],
    "slippage_points": Annotated[float | None, typer.Option(metavar="POINTS", help="Market fills and stops.")],
    "spread_points": Annotated[float | None, typer.Option(metavar="POINTS", help="Where bars carry none.")],
}


def takes_terms(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options for money, size and costs; it gets them as `terms`, ready for `backtest`.

    Typer reads options off a signature, so the three commands that trade get the same six appended.
    """

    @wraps(command)
    def with_terms(**given: Any) -> None:
        words = {name: given.pop(name) for name in _TERMS}
        command(**given, terms=_terms(words))

    own = {name: part for name, part in inspect.signature(command, eval_str=True).parameters.items() if name != "terms"}
    place = inspect.Parameter.KEYWORD_ONLY
    shared = [inspect.Parameter(name, place, default=None, annotation=kind) for name, kind in _TERMS.items()]
    with_terms.__signature__ = inspect.Signature([*own.values(), *shared])  # type: ignore[attr-defined]
    with_terms.__annotations__ = {name: part.annotation for name, part in own.items()} | _TERMS
    return with_terms


def _terms(words: Mapping[str, Any]) -> dict[str, Any]:
    from quantbench.core.account import Account, Costs
    from quantbench.runs.choices import sizing_of

    balance, sizing = words["balance"], words["sizing"]
    costs = {name: value for name, value in words.items() if name not in {"balance", "sizing"}}
    return {
        "account": Account() if balance is None else Account(balance=balance),
        "costs": Costs(**costs),
        "sizing": None if sizing is None else sizing_of(sizing),
    }
