"""A table of runs as HTML: sorted by a click on a heading, the equity as a sketch, links to what a run left.

Without its script, as in a notebook that is not trusted, it is a plain table in the order of its rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from quantbench.report.colours import FONT, LOSS, MUTED
from quantbench.report.notebook_views import sketch
from quantbench.report.wording import METRICS, written

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

__all__ = ["Left", "runs_html", "runs_page"]

_HERE: Final = Path(__file__).parent
_PARAM: Final = "params."
_KEPT_LAST: Final = ("seconds", "ended", "error")
_SHORT: Final = 8
_LONGEST: Final = 60


class Left(NamedTuple):
    """What a run left behind, as far as a table shows it.

    Attributes
    ----------
    links : tuple of pairs
        What a link is called and where it goes; the first is put on the run itself.
    equity : float array or None
    """

    links: tuple[tuple[str, str], ...] = ()
    equity: npt.NDArray[np.float64] | None = None


def runs_html(table: pd.DataFrame, left: Mapping[tuple[str, str], Left], *, note: str = "") -> str:
    """Return runs as an HTML table.

    Parameters
    ----------
    table : DataFrame
        As `list_runs` returns it; parameters that are the same in every row are said once, below.
    left : mapping
        By study and run.
    note : str
        A sentence below it.
    """
    varying, fixed = _params(table)
    seen = [left.get(pair, Left()) for pair in zip(table["study"], table["run"], strict=True)]
    columns = _columns(table, varying, drawn=any(one.equity is not None for one in seen))
    head = "".join(_heading(name, table) for name in columns)
    rows = (
        f"<tr>{''.join(_cell(name, row, one) for name in columns)}</tr>"
        for row, one in zip(table.to_dict("records"), seen, strict=True)
    )
    body = f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    said = [f"in every row: {', '.join(f'{name} = {value}' for name, value in fixed.items())}" if fixed else "", note]
    below = f'<div class="qb-note">{escape("; ".join(filter(None, said)))}</div>' if any(said) else ""
    name = "qb-" + sha256(body.encode()).hexdigest()[:12]
    script = _own("runs_view.js").replace("NAME", name)
    return (
        f'<div class="qb-runs" data-qb="{name}"><style>{_own("runs_view.css")}</style>'
        f"<table>{body}</table>{below}<script>{script}</script></div>"
    )


def runs_page(title: str, headline: str, table: str) -> str:
    """Return a page that holds a title, a sentence and a table of runs, and needs nothing else."""
    policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title>\n'
        f"<style>body {{ font-family: {FONT}; margin: 2rem; }} h1 {{ font-size: 1.4rem; }}</style></head>\n"
        f"<body><h1>{escape(title)}</h1>\n<p>{escape(headline)}</p>\n{table}</body></html>\n"
    )


def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _params(table: pd.DataFrame) -> tuple[list[str], dict[str, Any]]:
    """Return the columns of parameters that vary, and those that do not with their value."""
    names = [str(name) for name in table if str(name).startswith(_PARAM)]
    alike = {name for name in names if len(table) > 1 and len(set(map(str, table[name]))) == 1}
    fixed = {name.removeprefix(_PARAM): table[name].iloc[0] for name in names if name in alike}
    return [name for name in names if name not in alike], fixed


def _columns(table: pd.DataFrame, varying: list[str], *, drawn: bool) -> list[str]:
    first = ["run", *(["equity"] if drawn else []), "status"]
    if len(set(table["study"])) > 1:
        first.insert(0, "study")
    last = [name for name in _KEPT_LAST if name in table and (name != "error" or any(table["error"]))]
    known = {"study", "run", "status", "equity", *last, "error"}
    metrics = [str(name) for name in table if name not in known and not str(name).startswith(_PARAM)]
    return [*first, *varying, *metrics, *last]


def _heading(name: str, table: pd.DataFrame) -> str:
    if name == "equity":
        return '<th class="qb-text">equity</th>'
    label = escape(name.removeprefix(_PARAM))
    kind = "" if table[name].dtype.kind in "iuf" else ' class="qb-text"'
    return f'<th{kind} tabindex="0" title="sort by {label}">{label}</th>'


def _cell(name: str, row: Mapping[Any, Any], left: Left) -> str:
    value = row.get(name)
    if name == "run":
        return f'<td class="qb-text">{_run(str(value), left)}</td>'
    if name == "equity":
        line = left.equity
        drawn = "" if line is None or len(line) < 2 else sketch(line, base=float(line[0]), says="equity", **_SIZE)
        return f"<td>{drawn}</td>"
    if name == "status":
        colour = LOSS if value not in {"ok", "cached"} else "inherit"
        return f'<td class="qb-text" style="color:{colour}">{escape(str(value))}</td>'
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f'<td data-value="{repr(value).replace("inf", "Infinity")}">{escape(_number(name, value))}</td>'
    return _text(name, value)


_SIZE: Final = {"wide": 90, "high": 22}


def _run(key: str, left: Left) -> str:
    first, *rest = left.links or ((key, ""),)
    name = f'<span class="qb-key">{escape(key[:_SHORT])}</span>'  # JupyterLab hides a link around <code>
    shown = f'<a href="{escape(first[1])}" title="{escape(first[0])}" target="_blank">{name}</a>' if first[1] else name
    more = "".join(f' <a href="{escape(to)}" target="_blank">{escape(what)}</a>' for what, to in rest)
    return shown + more


def _number(name: str, value: float) -> str:
    """Return a metric with its unit; anything else with four digits that count."""
    if not math.isfinite(value):
        return "n/a" if math.isnan(value) else str(value)
    if name.startswith(_PARAM):
        return f"{value:g}"
    if name == "seconds":
        return f"{value:.1f}"
    if name in METRICS and METRICS[name].kind != "money":
        return written(name, float(value), currency="")
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"


def _text(name: str, value: Any) -> str:
    said = f"{value:%Y-%m-%d %H:%M}" if name == "ended" and hasattr(value, "strftime") else str(value)
    said = "" if value is None else said
    shown = said if len(said) <= _LONGEST else f"{said[: _LONGEST - 1]}…"
    title = f' title="{escape(said)}"' if shown != said else ""
    colour = f' style="color:{MUTED}"' if name == "ended" else ""
    return f'<td class="qb-text"{colour}{title}>{escape(shown)}</td>'
