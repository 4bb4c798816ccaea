"""Results side by side: equity, drawdown, and how far apart their Sharpe ratios are."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.engine import metrics
from quantbench.report.colours import GAIN, LOSS, MUTED, SECOND
from quantbench.report.series import keep_extremes, milliseconds
from quantbench.report.style import TEMPLATE, go, make_subplots

if TYPE_CHECKING:
    from quantbench.research.compare import Comparison, SharpeDifference

__all__ = ["ComparedLine", "compared_lines", "plot_comparison"]

FloatArray = npt.NDArray[np.float64]

_COLOURS: Final = (GAIN, LOSS, SECOND, MUTED)
_DASHES: Final = ("solid", "dash", "dot", "dashdot")  # a fifth result has the first colour, dashed
_PANEL: Final = {"growth": 300, "drawdown": 170}
_ROW: Final = (44, 18)  # pixels of one difference with and without its words
_LABELS: Final = 8  # at most so many differences have their words beside them; of more they are shown on hovering


class ComparedLine(NamedTuple):
    """Growth of 1 over the common days, 1 first, and the fraction below its running peak (<= 0)."""

    name: str
    time: FloatArray
    growth: FloatArray
    drawdown: FloatArray


def compared_lines(comparison: Comparison) -> list[ComparedLine]:
    """Return every result's growth and drawdown on the common days, thinned with their extremes kept."""
    equity = comparison.equity
    days = equity.index.to_numpy().astype("datetime64[ns]").view(np.int64)
    # The starting point is the evening before the first common day, with nothing won or lost yet.
    time = milliseconds(np.append(days[:1] - 86_400 * 10**9, days))
    lines = []
    for name in equity.columns:
        growth = np.append(1.0, equity[name].to_numpy(np.float64))
        fall = metrics.drawdown(growth, balance=1.0)
        rows = keep_extremes(growth, fall)
        lines.append(ComparedLine(str(name), time[rows], growth[rows], fall[rows]))
    return lines


def plot_comparison(comparison: Comparison) -> go.Figure:
    """Return equity rebased to 1, drawdowns, and each pair's difference of Sharpe ratios with its interval.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.research.compare import compare
    >>> bars = qb.load("EURUSD", "H1")
    >>> found = compare([qb.backtest(qb.MaCross(20, slow), bars) for slow in (100, 200)], seed=7, resamples=200)
    >>> [trace.type for trace in plot_comparison(found).data]
    ['scatter', 'scatter', 'scatter', 'scatter', 'scatter']
    """
    pairs = len(comparison.tests)
    heights = [*_PANEL.values(), 40 + _ROW[pairs > _LABELS] * pairs]
    level = comparison.tests[0].level
    fig = make_subplots(
        rows=3,
        cols=1,
        row_heights=heights,
        vertical_spacing=50 / (sum(heights) + 100),
        subplot_titles=(
            "Growth of 1, on the common days",
            "Drawdown",
            f"Difference of Sharpe ratios, {level:.0%} interval",
        ),
    )
    for i, line in enumerate(compared_lines(comparison)):
        look = {"color": _COLOURS[i % 4], "dash": _DASHES[i // 4 % 4], "width": 1.5}
        own = {"x": line.time, "mode": "lines", "line": look, "name": escape(line.name), "legendgroup": str(i)}
        fig.add_trace(go.Scatter(y=line.growth, hovertemplate="%{y:.4f}", **own), row=1, col=1)
        fig.add_trace(go.Scatter(y=line.drawdown, hovertemplate="%{y:.2%}", showlegend=False, **own), row=2, col=1)
    fig.add_trace(_differences(comparison.tests), row=3, col=1)
    fig.update_annotations(font_size=12, x=0, xanchor="left")
    return _laid_out(fig, comparison, height=sum(heights) + 190)


def _differences(tests: tuple[SharpeDifference, ...]) -> Any:
    """Return a dot with its interval a pair, first pair on top; orange or blue where 0 is outside."""
    difference, lower, upper = (
        np.array([getattr(test, name) for test in tests]) for name in ("difference", "lower", "upper")
    )
    colours = [GAIN if test.lower > 0 else LOSS if test.upper < 0 else MUTED for test in tests]
    return go.Scatter(
        x=difference,
        y=np.arange(len(tests)),
        mode="markers",
        marker={"size": 11, "color": colours},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": upper - difference,
            "arrayminus": difference - lower,
            "color": MUTED,
            "thickness": 1.5,
        },
        text=[_words(test) for test in tests],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _words(test: SharpeDifference) -> str:
    return (
        f"{escape(test.first)} less {escape(test.second)}: "
        f"{test.difference:+.2f} ({test.lower:+.2f} to {test.upper:+.2f}), p {test.p_value:.3f}"
    )


def _laid_out(fig: go.Figure, comparison: Comparison, *, height: int) -> go.Figure:
    pairs = len(comparison.tests)
    for i, test in enumerate(comparison.tests if pairs <= _LABELS else ()):
        place = {"x": 0, "xref": "x3 domain", "xanchor": "left", "y": i - 0.42, "yref": "y3", "yanchor": "middle"}
        fig.add_annotation(text=_words(test), showarrow=False, font={"size": 11}, **place)
    fig.update_layout(template=TEMPLATE, height=height, hovermode="x unified", margin={"t": 120})
    title = f"Results compared<br><sup>{escape(comparison.headline)}</sup>"
    top = {"yref": "container", "yanchor": "top"}
    fig.update_layout(title={"text": title, "y": 1 - 12 / height, **top}, legend={"y": 1 - 54 / height, **top})
    fig.update_xaxes(type="date", row=1).update_xaxes(type="date", matches="x", row=2)
    fig.update_xaxes(type="linear", zeroline=True, showgrid=True, row=3)
    fig.update_yaxes(tickformat=".0%", row=2)
    return fig.update_yaxes(range=[pairs - 0.4, -0.75], showticklabels=False, showgrid=False, zeroline=False, row=3)
