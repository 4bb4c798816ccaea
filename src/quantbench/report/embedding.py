"""Plotly figures as data inside a page: safe to embed, with the template and plotly.js each there once."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any, NamedTuple

from markupsafe import Markup

from quantbench.report.style import TEMPLATE, get_plotlyjs, go

__all__ = ["Drawing", "drawing", "plotly_packed", "script_json", "template_json"]


class Drawing(NamedTuple):
    """One figure of a page: caption and note as text, height and least width in pixels, data as JSON."""

    caption: str
    note: str
    height: int
    least_width: int
    json: Markup


def script_json(value: Any) -> Markup:
    """Return JSON that is safe inside a script element: no ``<`` can end it or open a comment."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704  (just escaped)


def drawing(figure: go.Figure, *, note: str = "", least_width: int = 0) -> Drawing:
    """Return a figure for a page: the title becomes the caption, the template stays behind.

    On a screen narrower than its least width it is scrolled sideways.
    """
    spec = json.loads(figure.to_json())
    layout = spec["layout"]
    layout.pop("template", None)
    caption = layout.pop("title", {}).get("text", "")
    layout["margin"] = {**layout.get("margin", {}), "t": layout.get("margin", {}).get("t", 44) - 24}
    return Drawing(caption, note, int(layout.pop("height")), least_width, script_json(spec))


def template_json() -> Markup:
    """Return the one template all figures of a page share."""
    return script_json(json.loads(go.Figure(layout={"template": TEMPLATE}).to_json())["layout"]["template"])


def plotly_packed() -> Markup:
    """Return plotly.js, compressed, as base64; the same bytes every time."""
    packed = gzip.compress(get_plotlyjs().encode(), 9, mtime=0)
    return Markup(base64.b64encode(packed).decode())  # noqa: S704  (base64 has no markup)
