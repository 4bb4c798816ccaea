"""A report of the checks as one HTML page that needs nothing else: findings, cases, a heatmap of coverage."""

from __future__ import annotations

from datetime import date, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from quantbench.data.checks.report import Finding, Report

__all__ = ["page"]

_CELL: Final = 11
_LEFT: Final = 44
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEVELS: Final = ((0.25, "c0"), (0.6, "c1"), (0.9, "c2"), (0.995, "c3"), (1.5, "c4"), (np.inf, "cx"))
_KEYS: Final = (
    ("c4", "whole"), ("c3", "over 90 %"), ("c2", "over 60 %"), ("c1", "over 25 %"), ("c0", "less"),
    ("cx", "traded on a free day"),
)  # fmt: skip
_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2733;background:#fff}
h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .4rem}p.facts{color:#5b6875;margin:.2rem 0 1rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid #e3e8ee;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums}
.error{color:#a3271f;font-weight:600}.warning{color:#8a5a00;font-weight:600}.note{color:#41566b}
code{white-space:nowrap}details{overflow-x:auto}details td{white-space:nowrap}
svg{width:100%;height:auto}.key{display:inline-block;width:.8em;height:.8em;margin:0 .3em 0 .9em}
svg text{font:9px system-ui,sans-serif;fill:#5b6875}
.c0{fill:#a3271f;background:#a3271f}.c1{fill:#d9873f;background:#d9873f}.c2{fill:#e8c468;background:#e8c468}
.c3{fill:#a9c9e8;background:#a9c9e8}.c4{fill:#3b78b5;background:#3b78b5}.cx{fill:#7b4fa3;background:#7b4fa3}
details{margin:.3rem 0}summary{cursor:pointer}code{font-size:.85em}
@media (max-width:40rem){.found tr:first-child{display:none}.found tr{display:block;padding:.5rem 0;
border-bottom:1px solid #e3e8ee}.found td{display:inline-block;border:0;padding:0 .6rem 0 0}
.found td.what{display:block}}
@media (prefers-color-scheme:dark){body{color:#dde4ec;background:#14191f}th,td{border-color:#2b343e}
p.facts,.note,svg text{color:#93a1b0;fill:#93a1b0}.error{color:#ff8d84}.warning{color:#f0b95a}}
"""


def page(report: Report) -> str:
    """Return the page; every text from the data is escaped, nothing is fetched."""
    title = f"{report.symbol} {report.timeframe}: data quality"
    known = "" if np.isnan(report.coverage) else f", {report.coverage:.2%} of the open hours have a bar"
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="facts">{report.rows:,} bars, {escape(report.first)} to {escape(report.last)} UTC{known}</p>',
        _findings(report),
        _heatmap(report),
        *(_cases(finding) for finding in report.findings if finding.rows),
    ]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style><body>{''.join(body)}</body></html>"
    )


def _findings(report: Report) -> str:
    if not report.findings:
        return "<p>The checks found nothing.</p>"
    rows = "".join(
        f'<tr><td class="{one.severity}">{one.severity}</td><td><code>{escape(one.name)}</code></td>'
        f'<td class="n">{one.count:,}</td><td class="what">{escape(one.sentence)}</td>'
        f"<td>{f'<code>{escape(one.repair)}</code>' if one.repair else ''}</td></tr>"
        for one in report.findings
    )
    head = "<tr><th>severity</th><th>check</th><th>count</th><th>what</th><th>repair</th></tr>"
    return f'<table class="found">{head}{rows}</table>'


def _cases(finding: Finding) -> str:
    names = list(dict.fromkeys(name for row in finding.rows for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(_said(row.get(name)))}</td>' for name in names)}</tr>" for row in finding.rows
    )
    told = f"{finding.name}: the first {len(finding.rows)} of {finding.count:,}"
    return f"<details><summary>{escape(told)}</summary><table><tr>{head}</tr>{rows}</table></details>"


def _said(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _heatmap(report: Report) -> str:
    """Return a calendar a year, one cell a day, as scalable graphics."""
    if not len(report.days):
        return ""
    cells: dict[str, list[str]] = {}
    years: dict[int, int] = {}
    epoch = date(1970, 1, 1)
    for number, share in zip(report.days.tolist(), report.day_coverage.tolist(), strict=True):
        if np.isnan(share):
            continue
        day = epoch + timedelta(days=number)
        top = years.setdefault(day.year, len(years) * (8 * _CELL + 8))
        first = date(day.year, 1, 1)
        week = (day.timetuple().tm_yday - 1 + first.weekday()) // 7
        level = next(name for limit, name in _LEVELS if share < limit)
        x, y = _LEFT + week * _CELL, 14 + top + day.weekday() * _CELL
        cells.setdefault(level, []).append(f"M{x} {y}h9v9h-9z")
    width, height = _LEFT + 54 * _CELL, 14 + len(years) * (8 * _CELL + 8)
    drawn = "".join(f'<path class="{level}" d="{"".join(paths)}"/>' for level, paths in cells.items())
    labels = "".join(f'<text x="0" y="{14 + top + 4 * _CELL}">{year}</text>' for year, top in years.items())
    months = "".join(f'<text x="{_LEFT + int(k * 4.35) * _CELL}" y="9">{name}</text>' for k, name in enumerate(_MONTHS))
    keys = "".join(f'<span class="key {level}"></span>{text}' for level, text in _KEYS)
    legend = (
        f'<p class="facts">Each cell is a day (UTC), Monday on top; a free day is blank.</p><p class="facts">{keys}</p>'
    )
    return (
        f'<h2>Coverage by day</h2>{legend}<svg viewBox="0 0 {width} {height}" width="{width}" role="img" '
        f'aria-label="Share of the open hours of each day that have a bar">{months}{labels}{drawn}</svg>'
    )
