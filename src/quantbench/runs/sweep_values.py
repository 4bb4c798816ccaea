"""What a spec may say a parameter takes: a list of values, a range, or a span to draw from."""

from __future__ import annotations

import math
from typing import Any, Final

from quantbench.core.errors import ParamsError
from quantbench.core.space import Range

__all__ = ["finite", "listed", "searched"]

_MOST: Final = 100_000


def listed(value: Any) -> tuple[Any, ...]:
    """Return the values of ``[5, 10]`` or ``{range: [5, 60, 5]}``, whose end is included.

    Raises
    ------
    ValueError
        For anything else, an empty list, a value twice, or NaN and infinity, which have no place in a key.

    Examples
    --------
    >>> listed({"range": [5, 20, 5]})
    (5, 10, 15, 20)
    """
    if isinstance(value, dict):
        return _ranged(value)
    if not isinstance(value, list | tuple):
        raise ValueError(  # noqa: TRY004  (pydantic takes a ValueError for a fault of the file)
            f"must be a list of values, or {{range: [first, last, step]}}; found {value!r}"
        )
    if not value:
        raise ValueError("is an empty list: nothing would run")
    seen = set()
    for item in value:
        finite(item)
        if (key := (type(item), repr(item))) in seen:
            raise ValueError(f"has {item!r} twice")
        seen.add(key)
    return tuple(value)


def _ranged(value: dict[str, Any]) -> tuple[Any, ...]:
    ends = value.get("range")
    if set(value) != {"range"} or not isinstance(ends, list) or len(ends) not in {2, 3} or not all(map(_number, ends)):
        raise ValueError(f"must be {{range: [first, last, step]}} with numbers, found {value!r}")
    if len(ends) == 2 and not all(isinstance(end, int) for end in ends):
        raise ValueError(f"a range of numbers that are not whole needs a step: {{range: [first, last, step]}}; {ends}")
    try:
        span = Range(ends[0], ends[1], step=ends[2] if len(ends) == 3 else 1)
    except ParamsError as fault:
        raise ValueError(str(fault)) from fault
    if (span.high - span.low) / (span.step or 1) > _MOST:
        raise ValueError(f"has more than {_MOST:,} values: {ends}")
    return span.values() or ()


def searched(value: Any) -> tuple[Any, ...] | Range:
    """Return what to draw from: a list, ``{int: [5, 60]}``, ``{float: [0.5, 3]}``, ``{log: [1e-4, 0.1]}``, or a choice.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> searched({"int": [5, 60]})
    Range(low=5, high=60, step=None, log=False)
    """
    if not isinstance(value, dict) or "range" in value:
        return listed(value)
    kind, ends = next(iter(value.items())) if len(value) == 1 else ("", None)
    if kind == "choice":
        return listed(ends)
    is_pair = isinstance(ends, list) and len(ends) == 2 and all(map(_number, ends))
    if kind not in {"int", "float", "log"} or not is_pair:
        raise ValueError(
            f"must be a list, {{int: [low, high]}}, {{float: [low, high]}}, {{log: [low, high]}} or "
            f"{{choice: [...]}}; found {value!r}"
        )
    low, high = ends  # type: ignore[misc]  # a pair, as just checked
    if kind == "int" and not (isinstance(low, int) and isinstance(high, int)):
        raise ValueError(f"int needs whole numbers, found {ends!r}")
    if kind != "int":
        low, high = float(low), float(high)
    try:
        return Range(low, high, log=kind == "log")
    except ParamsError as fault:
        raise ValueError(str(fault)) from fault


def finite(value: Any) -> Any:
    """Return the value, with no NaN and infinity anywhere in it.

    Raises
    ------
    ValueError
        When there is one.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"holds {value!r}: NaN and infinity are no parameters")
    if isinstance(value, dict):
        for item in value.values():
            finite(item)
    if isinstance(value, list | tuple):
        for item in value:
            finite(item)
    return value


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
