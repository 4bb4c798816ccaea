"""Results as a person reads them in a terminal, at 80 columns as well as at 200."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from quantbench.cli.machine import best_trials
from quantbench.report.wording import meaning, written

if TYPE_CHECKING:
    import pandas as pd

    from quantbench.core.results import Backtest
    from quantbench.core.study import Study, Trial
    from quantbench.runs.demo import DemoResult
    from quantbench.runs.doctor import Finding
    from quantbench.runs.reporting import Report

__all__ = [
    "console",
    "show_backtest",
    "show_demo",
    "show_findings",
    "show_report",
    "show_selection",
    "show_study",
    "show_symbols",
]

_MAIN: Final = (
    *("total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "max_drawdown", "max_drawdown_days"),
    *("trades", "win_rate", "profit_factor", "expectancy", "sqn", "exposure", "turnover"),
)
_RANKED: Final = ("trades", "total_return", "max_drawdown", "profit_factor")
_COLOURS: Final = {"ok": "green", "note": "yellow", "problem": "bold red"}


def console() -> Console:
    """Return the console on standard output; made per call, so that a redirected stream is seen."""
    return Console(highlight=False, soft_wrap=False)


def show_backtest(result: Backtest, *, everything: bool) -> None:
    """Print the headline, what was traded, and the main metrics (or every one) in two columns."""
    out = console()
    out.print(Text(result.headline, "bold"))
    _print_setting(out, result)
    found = result.metrics()
    names = [str(name) for name in found.index if everything or name in _MAIN]
    out.print(_metrics({name: float(found[name]) for name in names}, result.account.currency))
    for why, which in _reasons(names, found.attrs.get("reasons", {})).items():
        out.print(Text(f"  {', '.join(which)}: {why}", "yellow"))
    if len(result.skipped):
        reasons = ", ".join(f"{many:,} x {why}" for why, many in result.skipped["reason"].value_counts().items())
        out.print(Text(f"Entries that did not open: {reasons}", "yellow"))


def _print_setting(out: Console, result: Backtest | Study) -> None:
    bars = result.bars
    what = getattr(result.strategy, "__name__", None) or repr(result.strategy)
    span = f"{str(bars.time[0])[:10]} to {str(bars.time[-1])[:10]}"
    costs = result.costs.resolved(bars.instrument)
    taken = ["spread", f"slippage {costs.slippage_points:g} pt"]
    taken += [f"commission {costs.commission_per_lot:g} a lot"] * bool(costs.commission_per_lot)
    taken += [f"commission {costs.commission_percent:.3%} of notional"] * bool(costs.commission_percent)
    taken += ["swap"] * costs.swap
    out.print(Text(what, "dim"))
    out.print(Text(f"{bars.symbol} {bars.timeframe}, {len(bars):,} bars, {span}", "dim"))
    money = f"{result.account.balance:,.0f} {result.account.currency}"
    out.print(Text(f"{money}, {result.sizing!r}", "dim"))
    out.print(Text(f"costs: {', '.join(taken)}\n", "dim"))


def _metrics(found: Mapping[str, float], currency: str) -> Table:
    cells = [(meaning(name).label, written(name, value, currency=currency)) for name, value in found.items()]
    half = math.ceil(len(cells) / 2)
    table = Table.grid(padding=(0, 2))
    for side in range(4):
        table.add_column(justify="right" if side % 2 else "left", no_wrap=True)
    for left, right in zip_longest(cells[:half], cells[half:], fillvalue=("", "")):
        table.add_row(f"  {left[0]}", left[1], f"   {right[0]}", right[1])
    return table


def _reasons(names: Sequence[str], reasons: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the labels of what has no number, by why."""
    found: dict[str, list[str]] = {}
    for name in names:
        if name in reasons:
            found.setdefault(reasons[name], []).append(meaning(name).label)
    return found


def show_study(study: Study, top: int) -> None:
    """Print the headline and the best trials, best first."""
    out = console()
    out.print(Text(study.headline, "bold"))
    _print_setting(out, study)
    best = best_trials(study, top)
    if not best:
        why = next((text for text in study.failures if text), f"{study.score} is not a number for any of them")
        out.print(Text(f"No trial has a {study.score}: {why}", "yellow"))
        return
    out.print(_ranking(best, study, out.width))
    out.print(Text("The best of many, in-sample: `qb report` says what luck alone would give.", "dim"))


def show_selection(study: Study, how: str) -> None:
    """Print the choice to go on with, and what to be wary of."""
    if not study.feasible.any():
        return
    out, found = console(), study.select(how)
    out.print(Text(f"\nChosen by {how}: {found.strategy!r}, trial {found.trial.number}", "bold"))
    for flag in found.flags:
        out.print(Padding(Text(f"mind: {flag}", "yellow"), (0, 0, 0, 2)))


def show_tried(table: pd.DataFrame) -> None:
    """Print what the ledger holds."""
    if table.empty:
        console().print("Nothing was tried yet.")
        return
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name in ("Strategy", "Market", "Bars", "Kind"):
        shown.add_column(name, no_wrap=True)
    for name in ("Trials", "Distinct", "Best"):
        shown.add_column(name, justify="right", no_wrap=True)
    shown.add_column("Last tried", no_wrap=True)
    for row in table.to_dict("records"):
        span = f"{row['first_bar']:%y-%m} .. {row['last_bar']:%y-%m}"
        best = "" if math.isnan(row["best"] or math.nan) else f"{row['best']:.2f}"
        counts = (f"{row[name]:,}" for name in ("trials", "distinct"))
        market, when = f"{row['symbol']} {row['timeframe']}", f"{row['until']:%y-%m-%d}"
        shown.add_row(row["family"], market, span, row["kind"], *counts, best, when)
    out = console()
    out.print(shown)
    out.print(Text("Best: the highest Sharpe. Distinct trials are what the overfitting statistics count.", "dim"))


def _ranking(best: Sequence[Trial], study: Study, width: int) -> Table:
    """Return the table of trials: trial, params, score, and as many of the other metrics as the terminal is wide."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("Trial", justify="right", style="dim", no_wrap=True, min_width=5)
    columns = [[str(trial.number) for trial in best]]
    used = 5
    for name in best[0].params:
        values = [_param(trial.params[name]) for trial in best]
        wide = max(map(len, (name, *values)))
        table.add_column(name, justify="right", style="bold", no_wrap=True, min_width=wide)
        columns.append(values)
        used += wide + 2
    for name in (study.score, *(name for name in _RANKED if name in best[0].metrics and name != study.score)):
        values = [written(name, trial.metrics[name], currency=study.account.currency) for trial in best]
        wide = max(map(len, (*meaning(name).label.split(), *values)))
        if used + wide + 2 > width and name != study.score:
            break
        table.add_column(meaning(name).label, justify="right", min_width=wide)
        columns.append(values)
        used += wide + 2
    for row in zip(*columns, strict=True):
        table.add_row(*row)
    return table


def _param(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def show_report(report: Report) -> None:
    """Print the headline, where the report is, and its verdict."""
    out = console()
    out.print(Text((report.study or report.result).headline, "bold"))
    out.print(Text(f"{report.result.strategy!r}", "dim"))
    _print_ending(out, report.path, report.verdict)


def show_demo(result: DemoResult) -> None:
    """Print where the notebook and the report are, and the verdict."""
    out = console()
    out.print(f"Done in {result.seconds:.0f} s. The executed notebook:")
    out.print(Text(str(result.notebook)), soft_wrap=True)
    _print_ending(out, result.report, result.verdict)


def _print_ending(out: Console, report: Any, verdict: tuple[str, ...]) -> None:
    out.print("\nReport:")
    out.print(Text(str(report), "bold"), soft_wrap=True)  # never broken: it is copied or clicked
    out.print("\nVerdict:")
    for line in verdict:
        if out.is_terminal:  # wrapped lines keep the indent
            out.print(Padding(Text(line), (0, 0, 0, 2)))
        else:
            out.print(Text(f"  {line}"), soft_wrap=True)


def show_symbols(table: pd.DataFrame) -> None:
    """Print what `load` can give."""
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for name, justify in (
        ("Symbol", "left"),
        ("Timeframe", "left"),
        ("Bars", "right"),
        ("From", "left"),
        ("To", "left"),
    ):
        shown.add_column(name, justify=justify, no_wrap=True)  # type: ignore[arg-type]  # rich wants the literals
    shown.add_column("Licence", overflow="fold")
    for row in table.to_dict("records"):
        days = (f"{row['from']:%Y-%m-%d}", f"{row['to']:%Y-%m-%d}")
        shown.add_row(row["symbol"], row["timeframe"], f"{row['bars']:,}", *days, row["licence"])
    console().print(shown)


def show_findings(findings: tuple[Finding, ...]) -> None:
    """Print one line a check, with the fix below what needs one, and a closing sentence."""
    out = console()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        said = Text(finding.found)
        if finding.fix:
            said.append(f"\n{finding.fix}", "dim" if finding.status == "note" else "bold")
        table.add_row(Text(finding.status, _COLOURS[finding.status]), finding.name, said)
    out.print(table)
    problems = sum(finding.status == "problem" for finding in findings)
    out.print(Text(f"\n{problems} to fix." if problems else "\nEverything a backtest needs is here.", "bold"))
