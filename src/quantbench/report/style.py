"""One look for every figure: colours that survive colour blindness, light, dark and print."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

__all__ = ["DIVERGING", "FONT", "GAIN", "LOSS", "MUTED", "SECOND", "TEMPLATE", "figure"]

# Blue against orange is told apart by every common colour blindness (Okabe and Ito 2008); both
# keep 3:1 against white and against near-black.
GAIN: Final = "#2b7bc4"
LOSS: Final = "#d6720b"
SECOND: Final = "#8a63b8"
MUTED: Final = "#767b84"
# The report's script swaps the middle and the ends on a dark page, where what stands out is light.
DIVERGING: Final = ((0.0, "#a9540a"), (0.25, LOSS), (0.5, "#ecebe8"), (0.75, GAIN), (1.0, "#16528a"))
FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'

_GRID: Final = "rgba(128, 132, 140, 0.22)"
_AXIS: Final[dict[str, Any]] = {
    "gridcolor": _GRID,
    "linecolor": _GRID,
    "zerolinecolor": "rgba(128, 132, 140, 0.6)",
    "zerolinewidth": 1,
    "automargin": True,
    "ticks": "",
    "title": {"font": {"size": 12}, "standoff": 8},
}

TEMPLATE: Final = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 12, "color": MUTED},
        "title": {"x": 0, "xref": "paper", "xanchor": "left", "font": {"size": 15}},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "colorway": [GAIN, LOSS, SECOND, MUTED],
        "colorscale": {"diverging": DIVERGING},
        "coloraxis": {"colorscale": DIVERGING, "colorbar": {"thickness": 12, "outlinewidth": 0}},
        "margin": {"l": 8, "r": 8, "t": 44, "b": 8},
        "xaxis": {**_AXIS, "showgrid": False},
        "yaxis": _AXIS,
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 1.02,
            "yanchor": "bottom",
            "title": {"text": ""},
        },
        "hoverlabel": {"font": {"family": FONT, "size": 12}},
        "bargap": 0.08,
    }
)


def figure(traces: list[Any], *, title: str, height: int = 320) -> go.Figure:
    """Return a figure in the house template."""
    # The template is named at once: plotly's own, 7 kB a figure, never gets in.
    return go.Figure(traces, {"template": TEMPLATE, "title": {"text": title}, "height": height})
