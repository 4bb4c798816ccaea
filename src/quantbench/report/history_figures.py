"""How a search went and what it leaves to choose from: history, generations, front, slices."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError
from quantbench.core.study import Study, direction
from quantbench.report.colours import GAIN, LOSS, MUTED
from quantbench.report.search_data import varied
from quantbench.report.style import TEMPLATE, figure, go, make_subplots
from quantbench.report.wording import meaning

__all__ = [
    "Generations",
    "best_so_far",
    "front_figure",
    "generations",
    "generations_figure",
    "history_figure",
    "slices_figure",
]

FloatArray = npt.NDArray[np.float64]


class Generations(NamedTuple):
    """The scores of each batch of a search, in order.

    Attributes
    ----------
    number : int array
    best, median, worst : float arrays
        Of the trials with a score in the batch; NaN where none has one.
    """

    number: npt.NDArray[np.int64]
    best: FloatArray
    median: FloatArray
    worst: FloatArray


def best_so_far(study: Study) -> FloatArray:
    """Return the best feasible score up to each trial, in the score's own sign; NaN before there is one."""
    points = np.where(study.feasible, study.points[:, 0], -np.inf)
    running = np.maximum.accumulate(points)
    return direction(study.score) * np.where(np.isfinite(running), running, np.nan)


def generations(study: Study) -> Generations:
    """Return how the scores moved from batch to batch.

    Raises
    ------
    ExecutionError
        For a study that was made at once.
    """
    if study.batch is None or study.batch.max(initial=0) < 1:
        raise ExecutionError(f"this study was made in one batch ({study.method}): it has no generations")
    sign, score = direction(study.score), np.where(study.feasible, study.points[:, 0], np.nan)
    numbers = np.unique(study.batch)
    rows = [score[study.batch == number] for number in numbers]
    rows = [row[np.isfinite(row)] for row in rows]
    figures = [(row.max(), np.median(row), row.min()) if len(row) else (np.nan,) * 3 for row in rows]
    best, median, worst = sign * np.array(figures, np.float64).T
    return Generations(numbers, best, median, worst)


_ABOVE: Any = {"margin": {"t": 76}, "title": {"y": 0.97, "yanchor": "top"}}  # a legend stands between title and plot


def history_figure(study: Study) -> go.Figure:
    """Return the score of every trial in the order made, those that miss a constraint grey, and the best so far."""
    label, score = meaning(study.score).label, study.values[study.score]
    number, good = np.arange(len(study)), study.feasible
    traces = [
        _dots(number[good], score[good], GAIN, "feasible" if study.constraints else "trial"),
        go.Scatter(
            x=number, y=best_so_far(study), mode="lines", line={"color": LOSS, "shape": "hv"}, name="best so far"
        ),
    ]
    missed = ~good & np.isfinite(score)
    if missed.any():
        traces.insert(0, _dots(number[missed], score[missed], MUTED, "misses a constraint"))
    fig = figure(traces, title=f"{label} of every trial, as made").update_layout(_ABOVE)
    return fig.update_xaxes(title_text="Trial").update_yaxes(title_text=f"{label}, in-sample")


def _dots(x: Any, y: Any, colour: str, name: str) -> go.Scatter:
    look = {"color": colour, "size": 5, "opacity": 0.6}
    return go.Scatter(
        x=x, y=y, mode="markers", marker=look, name=name, hovertemplate="trial %{x}: %{y:.2f}<extra></extra>"
    )


def generations_figure(study: Study) -> go.Figure:
    """Return best, median and worst score of each batch."""
    found, label = generations(study), meaning(study.score).label
    lines = (("best", found.best, GAIN, 2), ("median", found.median, MUTED, 2), ("worst", found.worst, LOSS, 1))
    traces = [
        go.Scatter(x=found.number, y=y, mode="lines+markers", line={"color": colour, "width": wide}, name=name)
        for name, y, colour, wide in lines
    ]
    what = "generation" if study.method in {"genetic", "nsga2", "nsga3"} else "batch"
    fig = figure(traces, title=f"{label} by {what}").update_layout(_ABOVE)
    return fig.update_xaxes(title_text=what.capitalize()).update_yaxes(title_text=f"{label}, in-sample")


def front_figure(study: Study) -> go.Figure:
    """Return the trials over two objectives, the front marked; a third objective is its colour.

    Raises
    ------
    ExecutionError
        For a study of one objective, or without a feasible trial.
    """
    if len(study.objectives) < 2 or not study.front:
        raise ExecutionError("a front needs two objectives and a trial that has both; search with objectives=(.., ..)")
    x_name, y_name, *more = study.objectives
    rows = sorted((trial.number for trial in study.front), key=lambda row: float(study.values[x_name][row]))
    x, y = study.values[x_name], study.values[y_name]
    rest = np.setdiff1d(np.flatnonzero(study.feasible), rows)
    look: dict[str, Any] = {"size": 9, "color": GAIN}
    if more:
        look |= {"color": study.values[more[0]][rows], "coloraxis": "coloraxis"}
    names = [meaning(name).label for name in study.objectives]
    hover = [", ".join(f"{name} {value}" for name, value in study.params[row].items()) for row in rows]
    marks = go.Scatter(
        x=x[rows],
        y=y[rows],
        mode="markers" if more else "lines+markers",
        marker=look,
        line={"color": GAIN, "width": 1},
        name="front",
        text=hover,
        hovertemplate="%{text}<br>%{x:.2f}, %{y:.2f}<extra></extra>",
    )
    fig = figure([_dots(x[rest], y[rest], MUTED, "other trials"), marks], title=f"Front of {' and '.join(names)}")
    fig.update_layout(_ABOVE)
    if more:
        fig.update_layout(coloraxis={"colorbar": {"title": {"text": names[2]}}}, showlegend=False)
    return fig.update_xaxes(title_text=names[0]).update_yaxes(title_text=names[1])


def slices_figure(study: Study) -> go.Figure:
    """Return the score against each param that varied, one panel a param: where it matters, dots lie in a slope."""
    values, label = varied(study), meaning(study.score).label
    if not values:
        raise ExecutionError("no param varied: there is nothing to slice")
    fig: Any = make_subplots(rows=1, cols=len(values), shared_yaxes=True, horizontal_spacing=0.02)
    score, best = study.values[study.score], study.best.number
    for column, name in enumerate(values, 1):
        x = [choice[name] for choice in study.params]
        fig.add_trace(_dots(x, score, MUTED, name), row=1, col=column)
        look = {"symbol": "star", "size": 12, "color": GAIN}
        fig.add_trace(go.Scatter(x=[x[best]], y=[score[best]], mode="markers", marker=look), row=1, col=column)
        fig.update_xaxes(title_text=name, row=1, col=column)
    fig.update_yaxes(title_text=label, row=1, col=1)
    return fig.update_layout(
        template=TEMPLATE, title={"text": f"{label} by each param"}, height=320, showlegend=False, margin={"b": 48}
    )
