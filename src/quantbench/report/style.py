"""One look for every figure, and the only door to plotly for this package's other modules."""

from __future__ import annotations

from typing import Any, Final

from quantbench.core.errors import MissingExtra
from quantbench.report.colours import DIVERGING, FONT, GAIN, LOSS, MUTED, SECOND

try:
    import plotly.graph_objects as go
    from plotly.offline import get_plotlyjs
    from plotly.subplots import make_subplots
except ImportError as missing:
    raise MissingExtra("drawing figures needs plotly: pip install 'quantbench[lab]'") from missing

__all__ = ["TEMPLATE", "figure", "get_plotlyjs", "go", "make_subplots"]

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
