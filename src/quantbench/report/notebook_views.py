"""What a result looks like at the end of a notebook cell: one line, the numbers that matter, a sketch. No script."""

from __future__ import annotations

from html import escape
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.evidence import Evidence, Gate
from quantbench.core.results import Backtest
from quantbench.core.study import Study
from quantbench.report.colours import GAIN, LOSS, MUTED
from quantbench.report.search_data import has_score, trial_sharpes, varied
from quantbench.report.series import keep_extremes
from quantbench.report.wording import meaning, written

__all__ = ["backtest_html", "evidence_html", "sketch", "study_html"]

FloatArray = npt.NDArray[np.float64]

_SHOWN: Final = ("total_return", "sharpe", "max_drawdown", "profit_factor", "win_rate", "trades")
_BEST: Final = 5
_COLOURS: Final = {"green": "#2e8b57", "amber": "#b8860b", "red": "#c0392b"}
_WIDE, _HIGH = 240, 44


def backtest_html(result: Backtest) -> str:
    """Return the headline, the key metrics and a sketch of equity, as HTML."""
    found, currency = result.metrics(), result.account.currency
    names = [name for name in _SHOWN if name in found]
    head = _row([meaning(name).label for name in names], cell="th")
    values = _row([written(name, float(found[name]), currency=currency) for name in names])
    title = f"{result.strategy!r} on {result.bars.symbol} {result.bars.timeframe}"
    drawn = sketch(result.path.equity, base=result.account.balance, says="Equity")
    return _view(title, result.headline, below=f"{drawn}{_table(head, values)}")


def study_html(study: Study) -> str:
    """Return the headline, the best trials and how all of them spread, as HTML."""
    title = f"Study of {study.strategy.__name__} on {study.bars.symbol} {study.bars.timeframe}"
    if not has_score(study):
        return _view(title, study.headline, below=f"No trial has a {escape(study.score)}.")
    score = study.values[study.score]
    order = np.argsort(np.where(np.isfinite(score), -score, np.inf), kind="stable")
    best = [int(i) for i in order[:_BEST] if np.isfinite(score[i])]
    params = list(varied(study)) or list(study.params[0])
    names = [name for name in dict.fromkeys((study.score, *_SHOWN)) if name in study.values]
    rows = [
        _row(
            [str(i), *(str(study.params[i][name]) for name in params)]
            + [written(name, float(study.values[name][i]), currency=study.account.currency) for name in names]
        )
        for i in best
    ]
    head = _row(["trial", *params, *(meaning(name).label for name in names)], cell="th")
    sharpes = np.sort(trial_sharpes(study))
    drawn = sketch(sharpes[np.isfinite(sharpes)], base=0.0, says="Sharpe of every trial, sorted")
    headline = f"{study.headline}; best by {meaning(study.score).label}"
    return _view(title, headline, below=f"{drawn}{_table(head, *rows)}")


def evidence_html(evidence: Evidence) -> str:
    """Return the verdict and the table of gates, as HTML; colours are words too, for those who do not see them."""
    chosen = ", ".join(f"{name}={value!r}" for name, value in evidence.params.items())
    rows = [_gate_row(gate) for gate in evidence.gates]
    head = _row(["", "gate", "what it says", "held against"], cell="th")
    table = f'<table style="text-align:left;margin:.3em 0">{head}{"".join(rows)}</table>'
    title = f"{evidence.strategy}({chosen}): {evidence.colour}"
    return _view(title, evidence.verdict, below=table)


def _gate_row(gate: Gate) -> str:
    colour = _COLOURS.get(gate.colour, MUTED)
    mark = f'<td style="color:{colour};font-weight:600;white-space:nowrap">{escape(gate.colour)}</td>'
    cells = "".join(
        f'<td style="text-align:left">{escape(text)}</td>' for text in (gate.name, gate.says, gate.threshold)
    )
    return f"<tr>{mark}{cells}</tr>"


def _view(title: str, headline: str, *, below: str) -> str:
    return f"<div><div><strong>{escape(title)}</strong></div><div>{escape(headline)}</div>{below}</div>"


def _table(*rows: str) -> str:
    return f'<table style="text-align:right;margin:.3em 0">{"".join(rows)}</table>'


def _row(cells: list[str], *, cell: str = "td") -> str:
    return f"<tr>{''.join(f'<{cell}>{escape(text)}</{cell}>' for text in cells)}</tr>"


def sketch(values: FloatArray, *, base: float, says: str, wide: int = _WIDE, high: int = _HIGH) -> str:
    """Return a line as inline SVG with the base as a thin level; blue if it ends above, orange below."""
    if len(values) < 2:
        return ""
    rows = keep_extremes(values, at_most=wide * 2)
    low, top = min(float(values.min()), base), max(float(values.max()), base)
    x = rows / (len(values) - 1) * wide
    scale = (high - 4) / ((top - low) or 1.0)
    y, level = high - 2 - (values[rows] - low) * scale, high - 2 - (base - low) * scale
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    colour = GAIN if values[-1] >= base else LOSS
    return (
        f'<svg role="img" aria-label="{escape(says)}" width="{wide}" height="{high}" viewBox="0 0 {wide} {high}">'
        f"<title>{escape(says)}</title>"
        f'<line x1="0" x2="{wide}" y1="{level:.1f}" y2="{level:.1f}" stroke="#767b84" stroke-dasharray="2 3"/>'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.3"/></svg>'
    )
