"""Events: bars on which something happened, and how long ago that was."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.indicators.inputs import FloatArray

__all__ = ["NEVER", "bar_before", "bars_since", "crossed_above", "crossed_below"]

BoolArray = npt.NDArray[np.bool_]

NEVER: Final = np.iinfo(np.int64).max
"""What `bars_since` says before the first event."""


def bar_before(values: FloatArray) -> FloatArray:
    """Return the value of the bar before, NaN on the first bar."""
    before = np.full(values.shape, np.nan)
    before[1:] = values[:-1]
    return before


def crossed_above(values: FloatArray, level: float) -> BoolArray:
    """Return the bars whose value is above the level while the bar before was not.

    Examples
    --------
    >>> import numpy as np
    >>> crossed_above(np.array([np.nan, 31.0, 29.0, 30.0, 32.0]), 30.0)
    array([False, False, False, False,  True])
    """
    above: BoolArray = (values > level) & (bar_before(values) <= level)
    return above


def crossed_below(values: FloatArray, level: float) -> BoolArray:
    """Return the bars whose value is below the level while the bar before was not."""
    return crossed_above(-values, -level)


def bars_since(event: BoolArray) -> npt.NDArray[np.int64]:
    """Return how many bars ago the last event was: 0 on its own bar, `NEVER` before the first.

    Examples
    --------
    >>> import numpy as np
    >>> bars_since(np.array([True, False, False, True]))
    array([0, 1, 2, 0])
    """
    bar = np.arange(event.size)
    last = np.maximum.accumulate(np.where(event, bar, -1))
    return np.where(last < 0, NEVER, bar - last)
