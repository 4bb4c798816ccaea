"""Figures of one search: the surface of scores, every trial as a line, and where luck would put the best."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError, did_you_mean
from quantbench.core.study import Study
from quantbench.report.colours import DIVERGING, GAIN, LOSS, MUTED
from quantbench.report.history_figures import front_figure, generations_figure, history_figure, slices_figure
from quantbench.report.search_data import (
    Parallel,
    has_score,
    luck_sharpe,
    neutral_score,
    parallel,
    surface,
    trial_sharpes,
    varied,
    widest_pair,
)
from quantbench.report.style import figure, go
from quantbench.report.wording import counted, meaning

__all__ = ["line_figure", "parallel_figure", "plot_study", "surface_figure", "trials_figure"]


def plot_study(study: Study, kind: str | None = None) -> go.Figure:
    """Return a figure of a search.

    Parameters
    ----------
    study : Study
        With a score.
    kind : {"surface", "parallel", "history", "front", "slices", "generations"}, optional
        By default the score over what was searched: a line for one param, a heatmap for two, else
        parallel coordinates; the front, where there are several objectives.

    Raises
    ------
    ParamsError
        For another kind.
    ExecutionError
        When no trial has a score, or the study has not what the kind shows.
    """
    names = list(varied(study))
    if not has_score(study):
        raise ExecutionError(f"none of {counted(len(study), 'trial')} has a {study.score}: there is nothing to draw")
    if kind is not None:
        if kind not in _KINDS:
            raise ParamsError(f"a study has no figure {kind!r}: {did_you_mean(kind, _KINDS)}")
        return _KINDS[kind](study)
    if len(study.objectives) > 1 and study.front:
        return front_figure(study)
    if len(names) < 2:
        return line_figure(study, (names or list(study.params[0]))[0])
    return surface_figure(study, *names) if len(names) == 2 else parallel_figure(study)


def _widest_surface(study: Study) -> go.Figure:
    return surface_figure(study, *widest_pair(study))


def line_figure(study: Study, name: str) -> go.Figure:
    """Return the score against the one param that varied."""
    x = [choice[name] for choice in study.params]
    label = meaning(study.score).label
    hover = f"{name} %{{x}}: %{{y:.2f}}<extra></extra>"
    line = {"mode": "lines+markers", "line": {"color": GAIN}}
    tried = go.Scatter(x=x, y=study.values[study.score], hovertemplate=hover, **line)
    best = _best_mark([study.best.params[name]], [study.best.metrics[study.score]])
    fig = figure([tried, best], title=f"{label} by {name}")
    return fig.update_xaxes(title_text=name).update_yaxes(title_text=label).update_layout(showlegend=False)


def surface_figure(study: Study, x_name: str, y_name: str) -> go.Figure:
    """Return the heatmap of the score over two params, the best trial marked, the other params at its values."""
    found, label = surface(study, x_name, y_name), meaning(study.score).label
    # Values as text: steps of a space are seldom even, and every tried value deserves its tick.
    x, y = [str(value) for value in found.x], [str(value) for value in found.y]
    cells = go.Heatmap(
        z=found.score,
        x=x,
        y=y,
        coloraxis="coloraxis",
        xgap=1,
        ygap=1,
        hoverongaps=False,
        hovertemplate=f"{x_name} %{{x}}, {y_name} %{{y}}: %{{z:.2f}}<extra></extra>",
    )
    best = _best_mark([x[found.best[0]]], [y[found.best[1]]])
    held = ", ".join(f"{name} = {value}" for name, value in found.held.items())
    fig = figure([cells, best], title=f"{label} by {x_name} and {y_name}{f', at {held}' if held else ''}", height=400)
    fig.update_layout(coloraxis={"cmid": neutral_score(study.score), "colorbar": {"title": {"text": label}}})
    fig.update_xaxes(type="category", title_text=x_name).update_layout(showlegend=False)
    return fig.update_yaxes(type="category", title_text=y_name, showgrid=False)


def _best_mark(x: list[Any], y: list[Any]) -> go.Scatter:
    look = {"symbol": "star", "size": 15, "color": "#ffffff", "line": {"width": 1.5, "color": "#1b1e24"}}
    return go.Scatter(x=x, y=y, mode="markers", marker=look, name="Best", hovertemplate="best trial<extra></extra>")


def parallel_figure(study: Study) -> go.Figure:
    """Return every trial as one line through its params and its score, the best ones on top.

    Plain lines, not plotly's own parallel coordinates: those need WebGL, which paper does not have.
    """
    found, label = parallel(study), meaning(study.score).label
    traces = []
    for colour, opacity, low, high in _BANDS:
        lines = found.height[(found.strength >= low) & (found.strength < high)]
        traces += _lines(lines, {"color": colour, "width": 1}, opacity=opacity)
    traces += [*_lines(found.height[-1:], {"color": GAIN, "width": 4}, opacity=1.0), _tick_labels(found)]
    fig = figure(traces, title=f"Every trial: params and {label}", height=380)
    names = {"tickmode": "array", "tickvals": [*range(len(found.names))], "ticktext": [*found.names[:-1], label]}
    fig.update_xaxes(side="top", showgrid=True, range=[-0.35, len(found.names) - 0.6], **names)
    return fig.update_yaxes(visible=False, range=[-0.03, 1.03]).update_layout(showlegend=False, margin={"t": 70})


def _lines(heights: npt.NDArray[np.float64], look: dict[str, Any], *, opacity: float) -> list[go.Scatter]:
    """Return one trace for all these lines, with gaps between them."""
    if not len(heights):
        return []
    n, axes = heights.shape
    x = np.tile(np.append(np.arange(axes, dtype=np.float64), np.nan), n)
    y = np.column_stack((heights, np.full(n, np.nan))).ravel()
    return [go.Scatter(x=x, y=y, mode="lines", line=look, opacity=opacity, hoverinfo="skip")]


def _tick_labels(found: Parallel) -> go.Scatter:
    x = [at for at, axis in enumerate(found.ticks) for _ in axis]
    y = [height for axis in found.ticks for height, _ in axis]
    text = [f" {label} " for axis in found.ticks for _, label in axis]
    place = ["middle left" if at == 0 else "middle right" for at in x]
    return go.Scatter(x=x, y=y, text=text, mode="text", textposition=place, hoverinfo="skip")


# Colour and opacity of a line by the strength of its score: 0 says nothing, -1 and 1 are the extremes.
_BANDS: Final = (
    (LOSS, 0.25, -math.inf, -0.5),
    (LOSS, 0.35, -0.5, 0.0),
    (GAIN, 0.35, 0.0, 0.5),
    (DIVERGING[-1][1], 0.7, 0.5, math.inf),
)


def trials_figure(study: Study, *, tried: int = 0) -> go.Figure:
    """Return how the trials' Sharpes spread, the best one, and where luck alone would put the best of all tried."""
    sharpes = trial_sharpes(study)
    sharpes = sharpes[np.isfinite(sharpes)]
    count, edges = np.histogram(sharpes, bins=min(40, max(8, int(math.sqrt(len(sharpes))))))
    hover = "Sharpe %{x:.2f}: %{y} trials<extra></extra>"
    look = {"color": MUTED, "line": {"width": 0}}
    bars = go.Bar(x=(edges[:-1] + edges[1:]) / 2, y=count, marker=look, hovertemplate=hover)
    fig = figure([bars], title=f"Sharpe of all {counted(len(sharpes), 'trial')}", height=300)
    luck, best = luck_sharpe(study, tried=tried), float(sharpes.max()) if len(sharpes) else math.nan
    for at, colour, text in ((best, GAIN, "best"), (luck, LOSS, "luck")):
        if math.isfinite(at):
            # The lower one is named to its left, the higher one to its right: never over each other.
            _vertical(fig, at, colour=colour, text=text, left=at == np.nanmin([best, luck]))
    fig.update_layout(bargap=0.05, showlegend=False)
    return fig.update_xaxes(title_text="Sharpe, in-sample").update_yaxes(title_text="Trials")


def _vertical(fig: go.Figure, at: float, *, colour: str, text: str, left: bool) -> None:
    place = {"x": at, "xanchor": "right" if left else "left", "y": 1.0, "yref": "paper", "yanchor": "bottom"}
    note = {"text": f"{text} {at:.2f}", "font": {"color": colour}, "showarrow": False}
    fig.add_vline(x=at, line={"color": colour, "width": 2}).add_annotation(**place, **note)


_KINDS: Final[dict[str, Callable[[Study], go.Figure]]] = {
    "surface": _widest_surface,
    "parallel": parallel_figure,
    "history": history_figure,
    "front": front_figure,
    "slices": slices_figure,
    "generations": generations_figure,
}
