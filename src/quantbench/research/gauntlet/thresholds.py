"""What the gates are held against, from a versioned file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from quantbench.core.evidence import Colour

__all__ = ["above", "below", "thresholds"]


@cache
def thresholds() -> Mapping[str, Any]:
    """Return the thresholds that ship with this Quantbench, by gate, and their `version`."""
    text = Path(__file__).with_name("thresholds.toml").read_text("utf-8")
    found: Mapping[str, Any] = tomllib.loads(text)
    return found


def above(value: float, *, green: float, red: float) -> tuple[Colour, str]:
    """Return the colour of a number of which more is better, and the threshold in words; NaN is red."""
    colour: Colour = "green" if value >= green else "amber" if value >= red else "red"
    return colour, f"green from {green:g}, red below {red:g}"


def below(value: float, *, green: float, red: float) -> tuple[Colour, str]:
    """Return the colour of a number of which less is better, and the threshold in words; NaN is red."""
    colour: Colour = "green" if value <= green else "amber" if value <= red else "red"
    return colour, f"green up to {green:g}, red above {red:g}"
