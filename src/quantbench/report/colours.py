"""The colours and the font of every picture, with or without plotly."""

from __future__ import annotations

from typing import Final

__all__ = ["DIVERGING", "FONT", "GAIN", "LOSS", "MUTED", "SECOND"]

# Blue against orange is told apart by every common colour blindness (Okabe and Ito 2008); both
# keep 3:1 against white and against near-black.
GAIN: Final = "#2b7bc4"
LOSS: Final = "#d6720b"
SECOND: Final = "#8a63b8"
MUTED: Final = "#767b84"
# The report's script swaps the middle and the ends on a dark page, where what stands out is light.
DIVERGING: Final = ((0.0, "#a9540a"), (0.25, LOSS), (0.5, "#ecebe8"), (0.75, GAIN), (1.0, "#16528a"))
FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
