"""The figure of a walk-forward: the stitched path with its boundaries, and what was chosen in each fold."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.report.colours import GAIN, LOSS, MUTED
from quantbench.report.series import keep_extremes
from quantbench.report.style import figure, go
from quantbench.research.folds import WalkForward

__all__ = ["Walked", "plot_walk_forward", "walked"]


class Walked(NamedTuple):
    """What there is to draw.

    Attributes
    ----------
    time, equity : arrays
        The stitched path, thinned with its extremes kept.
    starts, ends : datetime64 arrays
        Where each test range begins, and its last bar.
    returns : float array
        Percent, one a fold.
    failed : tuple of bool
    choices : tuple of str
        The params of each fold, or why there are none.
    """

    time: npt.NDArray[np.datetime64]
    equity: npt.NDArray[np.float64]
    starts: npt.NDArray[np.datetime64]
    ends: npt.NDArray[np.datetime64]
    returns: npt.NDArray[np.float64]
    failed: tuple[bool, ...]
    choices: tuple[str, ...]


def walked(found: WalkForward) -> Walked:
    """Return what there is to draw of a walk-forward."""
    keep = keep_extremes(found.equity_array)
    said = [
        ", ".join(f"{name} {value}" for name, value in (fold.params or {}).items()) if fold.params else fold.failure
        for fold in found.folds
    ]
    return Walked(
        found.tested.time[keep],
        found.equity_array[keep],
        np.array([found.bars.time[fold.split.test[0].begin] for fold in found.folds]),
        np.array([found.bars.time[fold.split.test[0].end - 1] for fold in found.folds]),
        found.returns * 100,
        tuple(fold.failure is not None for fold in found.folds),
        tuple(text or "" for text in said),
    )


def plot_walk_forward(found: WalkForward) -> go.Figure:
    """Return the stitched equity, one dotted line a boundary, and the return of each test range under it."""
    drawn = walked(found)
    path = go.Scatter(x=drawn.time, y=drawn.equity, name="equity", mode="lines", line={"width": 1.5})
    colours = [GAIN if value > 0 else LOSS for value in drawn.returns]
    bars: Any = go.Bar(
        x=drawn.starts + (drawn.ends - drawn.starts) / 2,
        width=(drawn.ends - drawn.starts).astype("timedelta64[ms]").astype(np.float64) * 0.96,
        y=drawn.returns,
        name="return of the test",
        yaxis="y2",
        marker={"color": colours},
        customdata=drawn.choices,
        hovertemplate="%{y:.2f} %<br>%{customdata}<extra></extra>",
    )
    title = f"{found.strategy.__name__} on {found.bars.symbol} {found.bars.timeframe}: {found.headline}"
    fig = figure([path, bars], title=title, height=480)
    for start in drawn.starts:
        fig.add_vline(x=start, line={"width": 1, "dash": "dot", "color": MUTED}, opacity=0.6)
    fig.update_layout(
        yaxis={"domain": [0.36, 1.0], "title": found.account.currency},
        yaxis2={"domain": [0.0, 0.26], "title": "%", "anchor": "x"},
        showlegend=False,
    )
    return fig
