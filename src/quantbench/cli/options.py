"""The options commands share, and what they become."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "Balance",
    "Csv",
    "End",
    "Json",
    "LotCommission",
    "PercentCommission",
    "Set",
    "Size",
    "Slippage",
    "Spread",
    "Start",
    "StrategyName",
    "Symbol",
    "Timeframe",
    "Workers",
    "pairs",
    "terms",
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
Balance = Annotated[float | None, typer.Option(help="Starting balance in USD (10000).", show_default=False)]
Size = Annotated[
    str | None,
    typer.Option("--sizing", metavar="KIND:NUMBER", help="equity:1.0, risk:0.01, lots:0.1."),
]
LotCommission = Annotated[
    float | None,
    typer.Option("--commission-per-lot", metavar="MONEY", help="Per side; else as declared."),
]
PercentCommission = Annotated[
    float | None,
    typer.Option("--commission-percent", metavar="FRACTION", help="Of notional, per side."),
]
Slippage = Annotated[float | None, typer.Option("--slippage-points", metavar="POINTS", help="Market fills and stops.")]
Spread = Annotated[float | None, typer.Option("--spread-points", metavar="POINTS", help="Where bars carry none.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Cores to use; all of them if not given.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")]
Csv = Annotated[Path | None, typer.Option("--csv", metavar="FILE", dir_okay=False, help="Write every row to it too.")]


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


def terms(
    *,
    balance: float | None,
    sizing: str | None,
    commission_per_lot: float | None,
    commission_percent: float | None,
    slippage_points: float | None,
    spread_points: float | None,
) -> dict[str, Any]:
    """Return the keyword arguments `backtest` and `sweep` share."""
    from quantbench.core.account import Account, Costs
    from quantbench.runs.choices import sizing_of

    costs = Costs(
        commission_per_lot=commission_per_lot,
        commission_percent=commission_percent,
        slippage_points=slippage_points,
        spread_points=spread_points,
    )
    account = Account() if balance is None else Account(balance=balance)
    return {"account": account, "costs": costs, "sizing": None if sizing is None else sizing_of(sizing)}
