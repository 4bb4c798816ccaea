"""What `qb data` prints for a person, and for a machine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from quantbench.cli.views import console

if TYPE_CHECKING:
    from quantbench.core.bars import Bars
    from quantbench.data.checks import Finding, Report
    from quantbench.data.importing import Imported
    from quantbench.data.manifest import Version
    from quantbench.data.spreads import SpreadTable
    from quantbench.data.update import Updated

__all__ = [
    "of_dataset",
    "of_imports",
    "of_spreads",
    "of_update",
    "say",
    "show_dataset",
    "show_imported",
    "show_refused",
    "show_report",
    "show_spreads",
]

SCHEMA: Final = 1
_COLOURS: Final = {"error": "bold red", "warning": "yellow", "note": "dim"}
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def say(line: str) -> None:
    """Print one sentence; its second lines keep its indent."""
    text = line.lstrip(" ")
    console().print(Padding(Text(text), (0, 0, 0, len(line) - len(text))))


def show_imported(found: Imported) -> None:
    """Print what the checks found, what was repaired, and what is stored now."""
    _print_findings(found.found.findings)
    for one in found.repairs:
        say(f"repaired: {one.name}, {one.rows:,} bars {one.sentence}")
    version = found.version
    words = f"{found.rows:,} bars imported: {version.symbol} {version.timeframe} is version {version.number}"
    console().print(Text(f"{words}, {version.rows:,} bars, {_day(version.first)} to {_day(version.last)}\n", "bold"))


def show_refused(file: Path, why: str) -> None:
    """Print why a file was refused."""
    console().print(Text(f"{file.name} is not imported: ", "bold red").append(why, "not bold default"))
    console().print()


def show_report(report: Report, page: Path | None) -> None:
    """Print what the checks found."""
    out = console()
    known = "" if math.isnan(report.coverage) else f", {report.coverage:.2%} of the open hours have a bar"
    out.print(Text(f"{report.symbol} {report.timeframe}", "bold"))
    out.print(Text(f"{report.rows:,} bars, {_short(report.first)} to {_short(report.last)} UTC{known}", "dim"))
    if not report.findings:
        out.print("The checks found nothing.")
    _print_findings(report.findings)
    if page is not None:
        out.print("\nReport:")
        out.print(Text(str(page), "bold"), soft_wrap=True)


def _print_findings(findings: Sequence[Finding]) -> None:
    if not findings:
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        said = Text(one.sentence)
        if one.repair:
            said.append(f" Repair: {one.repair}.", "dim")
        table.add_row(Text(one.severity, _COLOURS[one.severity]), one.name, said)
    console().print(table)


def show_dataset(bars: Bars, chosen: Version | None, history: Sequence[Version]) -> None:
    """Print where bars came from, their versions, and the first and last of them."""
    out = console()
    out.print(Text(repr(bars), "bold"))
    if chosen is None:
        out.print(Text("of the embedded sample, or made of shorter stored bars: no versions", "dim"))
    else:
        _print_origin(chosen, carried=not all(map(math.isnan, bars.spread)))
        for one in history:
            mark = "*" if one.number == chosen.number else " "
            say(f"{mark} version {one.number}  {one.content[:12]}  {one.created[:16].replace('T', ' ')}  {one.action}")
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    table.add_column("Time (UTC)", no_wrap=True)
    for name in ("Open", "High", "Low", "Close", "Volume", "Spread"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = range(len(bars)) if len(bars) <= 6 else (0, 1, 2, -3, -2, -1)
    for row in rows:
        if row == -3:
            table.add_row("..")
        table.add_row(*_cells(bars, row))
    out.print()
    out.print(table)


def _cells(bars: Bars, row: int) -> list[str]:
    digits = bars.instrument.digits
    prices = [f"{float(getattr(bars, name)[row]):.{digits}f}" for name in ("open", "high", "low", "close")]
    spread = float(bars.spread[row])
    return [
        str(bars.time[row])[:16].replace("T", " "),
        *prices,
        f"{float(bars.volume[row]):g}",
        "" if math.isnan(spread) else f"{spread:g}",
    ]


def _print_origin(version: Version, *, carried: bool) -> None:
    origin = version.origin
    side = {"bid": "bid", "last": "traded", None: "unsaid"}.get(origin.side, origin.side)
    spread = {"open": "that at the open", "minimum": "the bar's smallest: never used for fills"}.get(
        origin.spread_of or "", "unsaid"
    )
    for name, value in (
        ("source", origin.source),
        ("clock", origin.clock),
        ("prices", side),
        ("spread", spread if carried else "none carried"),
        ("licence", origin.licence or "unsaid"),
        ("repairs", ", ".join(f"{one['name']} ({one['rows']:,})" for one in origin.repairs) or "none"),
        ("accepted", ", ".join(origin.accepted) or "none"),
    ):
        say(f"  {name:<9} {value}")


def show_spreads(table: SpreadTable, file: Path) -> None:
    """Print the median spread of each hour, a column a weekday."""
    out = console()
    out.print(Text(f"{table.symbol}: median spread in points, by hour of 17:00 New York = 00:00", "bold"))
    shown = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    shown.add_column("Hour", justify="right", style="dim")
    days = [day for day in range(7) if table.count[day * 24 : day * 24 + 24].any()]
    for day in days:
        shown.add_column(_DAYS[day], justify="right")
    for hour in range(24):
        cells = [day * 24 + hour for day in days]
        shown.add_row(f"{hour:02d}", *(f"{table.median[k]:.1f}" if table.count[k] else "" for k in cells))
    out.print(shown)
    out.print(Text(str(file), "dim"), soft_wrap=True)


def of_imports(done: Sequence[Imported], refused: Sequence[tuple[Path, str]]) -> str:
    """Return what became of each file."""
    imported = [
        {
            "file": one.source,
            "read_as": one.read_as,
            "clock": one.clock.clock,
            "confidence": round(one.clock.confidence, 4),
            "evidence": one.clock.evidence,
            "notes": one.notes,
            "rows": one.rows,
            "findings": [finding.to_dict(rows=False) for finding in one.found.findings],
            "repairs": [repair.to_dict() for repair in one.repairs],
            **_version(one.version),
        }
        for one in done
    ]
    return _text({"imported": imported, "refused": [{"file": file.name, "why": why} for file, why in refused]})


def of_dataset(bars: Bars, chosen: Version | None, history: Sequence[Version]) -> str:
    """Return a dataset and its versions."""
    return _text(
        {
            "symbol": bars.symbol,
            "timeframe": bars.timeframe,
            "rows": len(bars),
            "origin": None if chosen is None else asdict(chosen.origin),
            "version": None if chosen is None else chosen.number,
            "versions": [_version(one) | {"created": one.created, "action": one.action} for one in history],
        }
    )


def of_spreads(table: SpreadTable) -> str:
    """Return the spread of each hour of the week in points."""
    hours = table.table().to_dict("records")
    return _text({"symbol": table.symbol, "source": table.source, "hours": hours})


def of_update(found: Updated) -> str:
    """Return what an update asked for and brought."""
    version = None if found.version is None else _version(found.version)
    return _text(
        {
            "symbol": found.symbol,
            "timeframe": found.timeframe,
            "asked": found.asked,
            "empty": found.empty,
            "rows": found.rows,
            "dataset": version,
        }
    )


def _version(version: Version) -> dict[str, Any]:
    return {
        "symbol": version.symbol,
        "timeframe": version.timeframe,
        "version": version.number,
        "content": version.content,
        "stored": version.rows,
    }


def _text(found: dict[str, Any]) -> str:
    return json.dumps({"schema": SCHEMA, **found}, indent=1, ensure_ascii=False, allow_nan=False)


def _day(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // 10**9, UTC):%Y-%m-%d %H:%M}"


def _short(moment: str) -> str:
    return moment[:16].replace("T", " ")
