"""The door of the indicators: what counts as values, as a lookback, as an untouched TA-Lib."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import DataError, ExecutionError, ParamsError

__all__ = ["FloatArray", "as_values", "checked_lookback", "talib", "unremembered"]

FloatArray = npt.NDArray[np.float64]

_FLOAT64: Final = np.dtype(np.float64)
_LONGEST: Final = 100_000  # TA-Lib refuses more


def as_values(values: npt.ArrayLike) -> FloatArray:
    """Return the values as one float64 array, the array itself where it already is one.

    Raises
    ------
    DataError
        When they are not one number per bar.
    """
    if type(values) is np.ndarray and values.dtype == _FLOAT64 and values.ndim == 1:
        return values
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as fault:
        raise DataError(f"values must be numbers, found {type(values).__name__}: {fault}; give one per bar") from fault
    if array.ndim != 1:
        raise DataError(f"values must be one number per bar, found shape {array.shape}; give one column")
    return array


def checked_lookback(lookback: int, *, name: str = "lookback", least: int = 1) -> int:
    """Return the lookback as a plain int.

    Raises
    ------
    ParamsError
        When it is no whole number of bars the indicator can look back.
    """
    if type(lookback) is not int:
        if isinstance(lookback, bool) or not isinstance(lookback, np.integer):
            raise ParamsError(f"{name} must be a whole number of bars, found {lookback!r}")
        lookback = int(lookback)
    if not least <= lookback <= _LONGEST:
        raise ParamsError(f"{name} must be between {least} and {_LONGEST:,} bars, found {lookback}")
    return lookback


def talib(function: str, *inputs: FloatArray, remembers: str = "", **params: float) -> Any:
    """Call TA-Lib, refusing to if its process-wide switches would change the answer.

    Parameters
    ----------
    function : str
        TA-Lib's name.
    *inputs : arrays
        Columns of one length.
    remembers : str
        Name of the unstable period that would cut off the function's first values.
    **params
        By TA-Lib's own names.

    Raises
    ------
    ExecutionError
        When somebody set an unstable period or the Metastock mode.
    """
    library: Any = import_module("talib")  # it loads pandas and polars: only when first needed
    if library.get_compatibility() != 0 or (remembers and library.get_unstable_period(remembers) != 0):
        raise ExecutionError(
            f"TA-Lib's global settings were changed, so {function} would differ from every other run; "
            f"call talib.set_compatibility(0) and talib.set_unstable_period({remembers or 'ALL'!r}, 0)"
        )
    return getattr(library, function)(*inputs, **params)


def unremembered(values: FloatArray, result: FloatArray) -> FloatArray:
    """Return the result with NaN from the first hole in the values on: a recursion cannot forget it.

    TA-Lib's RSI goes on with 0 after a NaN, which would read as oversold. NaN at the head is
    warm-up of another indicator and no hole.
    """
    good = np.isfinite(values)
    if good.all():
        return result
    begin = int(np.argmax(good))
    holes = np.flatnonzero(~good[begin:])
    if not holes.size:
        return result
    result = result.copy()
    result[begin + holes[0] :] = np.nan
    return result
