"""What a strategy says about bars, as named columns of numbers that can be compared."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import SignalError
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy

__all__ = ["DECISIONS", "INDICATOR", "Outputs", "asked", "column_of", "differences", "outputs_of", "scales_of"]

FloatArray = npt.NDArray[np.float64]
Outputs = Mapping[str, FloatArray]

DECISIONS: Final = ("target", "enter", "hold")
"""Outputs that are choices; the others are distances and indicators, which are quantities."""

INDICATOR: Final = "indicator "
"""How the name of a declared indicator begins."""


def outputs_of(strategy: Strategy, bars: Bars) -> Outputs:
    """Return what `decide` gives, and `indicators` where the strategy declares them, one value per bar.

    Nothing is flattened or checked here: the tests say which bars count.

    Raises
    ------
    SignalError
        When an output is not one number per bar.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a short or strange history may divide by zero: NaN says so
        decided = strategy.decide(bars)
        declare = getattr(strategy, "indicators", None)
        declared = {} if declare is None else declare(bars)
    found = {part.name: getattr(decided, part.name) for part in fields(Signals)}
    found |= {f"{INDICATOR}{name}": values for name, values in declared.items()}
    return {name: _column(values, len(bars), name) for name, values in found.items() if values is not None}


def asked(strategy: Strategy, bars: Bars) -> Outputs | Exception:
    """Return the outputs, or what was raised instead: here ends our code and begins the user's."""
    try:
        return outputs_of(strategy, bars)
    except Exception as fault:  # noqa: BLE001  (whatever a strategy raises is a result of the test)
        return fault


def _column(values: Any, length: int, name: str) -> FloatArray:
    """Return a copy: a strategy that hands out the same buffer twice must not change what was said."""
    try:
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as fault:
        raise SignalError(f"{name} must be numbers, found {type(values).__name__}: {fault}") from fault
    if array.ndim == 0:
        return np.full(length, array)
    if array.shape != (length,):
        raise SignalError(f"{name} has shape {array.shape}, the bars have {length}; give one value per bar")
    return array


def column_of(outputs: Outputs, name: str, length: int) -> FloatArray:
    """Return an output; one that was not given means no entry, or no level."""
    found = outputs.get(name)
    return found if found is not None else np.full(length, 0.0 if name == "enter" else np.nan)


def scales_of(outputs: Outputs) -> dict[str, float]:
    """Return the usual size of each output: what is far below it is rounding, not a change."""
    return {name: 1.0 if name in DECISIONS else _typical(values) for name, values in outputs.items()}


def _typical(values: FloatArray) -> float:
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.median(sizes)) if sizes.size else 0.0


def differences(found: FloatArray, known: FloatArray, scale: float) -> FloatArray:
    """Return how far two columns differ, relative to their size; infinite where only one is NaN."""
    with np.errstate(all="ignore"):
        size = np.maximum(np.maximum(np.abs(found), np.abs(known)), scale)
        apart = np.abs(found - known) / size
    same = (found == known) | (np.isnan(found) & np.isnan(known))
    return np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
