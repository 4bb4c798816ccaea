"""The figure of a Monte Carlo: a fan of paths, or how the paths spread, beside what was really traded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.report.colours import GAIN, LOSS, MUTED
from quantbench.report.style import figure, go
from quantbench.research.chance.result import MonteCarlo

__all__ = ["Spread", "plot_monte_carlo", "spread_of"]

FloatArray = npt.NDArray[np.float64]

_BARS = 60
_BAND = "rgba(43, 123, 196, {:.2f})"


class Spread(NamedTuple):
    """How the paths spread in one figure, ready to draw: middles of bins, shares of paths, what was traded, 5 %."""

    middle: FloatArray
    share: FloatArray
    observed: float
    tail: float


def spread_of(found: MonteCarlo, name: str) -> Spread:
    """Return the spread of one figure over the paths."""
    column = found.of(name)
    if not len(column):
        return Spread(np.empty(0), np.empty(0), found.observed.get(name, np.nan), np.nan)
    counts, edges = np.histogram(column, bins=_BARS)
    return Spread(
        (edges[1:] + edges[:-1]) / 2,
        counts / len(column),
        float(found.observed.get(name, np.nan)),
        found.quantile(name, 0.05),
    )


def plot_monte_carlo(found: MonteCarlo) -> go.Figure:
    """Return the fan of the paths (or the spread of their returns), and under it the spread of their drawdowns."""
    top = _fan(found) if found.fan is not None else _bars(spread_of(found, "total_return"), "total return")
    deep = spread_of(found, "max_drawdown")
    below = [trace.update(xaxis="x2", yaxis="y2") for trace in _bars(deep, "largest drawdown")]
    fig = figure([*top, *below], title=f"{found.question}<br><sub>{found.headline}</sub>", height=520)
    fig.update_layout(
        yaxis={"domain": [0.44, 1.0], "title": "growth of 1" if found.fan is not None else "share of paths"},
        xaxis={"title": "part of the path" if found.fan is not None else "total return", "anchor": "y"},
        yaxis2={"domain": [0.0, 0.28], "title": "share of paths", "tickformat": ".0%"},
        xaxis2={"anchor": "y2", "title": "largest drawdown", "tickformat": ".0%"},
        showlegend=False,
        margin={"t": 64},
        bargap=0.02,
    )
    if found.fan is None:
        fig.update_layout(xaxis={"tickformat": ".0%"}, yaxis={"tickformat": ".0%"})
    shown = ((spread_of(found, "total_return"), "y") if found.fan is None else None, (deep, "y2"))
    for spread, axis in (one for one in shown if one is not None):
        _mark(fig, spread, axis)
    return fig


def _fan(found: MonteCarlo) -> list[Any]:
    chart = found.fan_chart()
    levels, traces = list(chart.columns), list[Any]()
    for low, high, depth in ((levels[0], levels[-1], 0.14), (levels[1], levels[-2], 0.24)):
        for level, fill in ((high, None), (low, "tonexty")):
            traces.append(
                go.Scatter(
                    x=chart.index,
                    y=chart[level],
                    mode="lines",
                    line={"width": 0},
                    fill=fill,
                    fillcolor=_BAND.format(depth),
                    name=f"{level:.0%} of paths are below",
                )
            )
    traces.append(
        go.Scatter(x=chart.index, y=chart[0.5], mode="lines", line={"width": 2, "color": GAIN}, name="median")
    )
    return traces


def _bars(spread: Spread, name: str) -> list[Any]:
    colours = [LOSS if value <= spread.tail else GAIN for value in spread.middle]
    bar: Any = go.Bar(
        x=spread.middle,
        y=spread.share,
        marker={"color": colours},
        hovertemplate=f"{name} %{{x:.1%}}<br>%{{y:.1%}} of paths<extra></extra>",
    )
    return [bar]


def _mark(fig: go.Figure, spread: Spread, axis: str) -> None:
    """Draw where what was really traded stands."""
    if not np.isfinite(spread.observed):
        return
    fig.add_shape(
        type="line",
        x0=spread.observed,
        x1=spread.observed,
        y0=0,
        y1=1,
        xref=axis.replace("y", "x"),
        yref=f"{axis} domain",
        line={"color": MUTED, "dash": "dot", "width": 2},
        label={"text": "as traded", "textposition": "end", "yanchor": "top", "font": {"size": 11}, "textangle": 0},
    )
