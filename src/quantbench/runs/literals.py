"""The Python source that makes exactly a value; what has none is an error, never text that looks like it."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from quantbench.core.errors import RunError

__all__ = ["is_number", "literal"]

_PLAIN: Final = (bool, int, float, str, type(None))


def literal(value: Any, name: str = "value") -> str:
    """Return the Python source that makes exactly this value.

    Raises
    ------
    RunError
        When it is not made of bool, int, float, str, None, dates and times, Decimal, Path, members of
        an enum that can be imported, and lists, tuples and dicts of those.

    Examples
    --------
    >>> literal({"fast": (5, np.float64(0.1))})
    "{'fast': (5, 0.1)}"
    >>> literal(date(2017, 1, 2))
    '__import__("datetime").date(2017, 1, 2)'
    """
    if is_number(value):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(float(value))!r})"
    if type(value) in _PLAIN:
        return repr(value)
    if type(value) is list:
        return f"[{', '.join(literal(item, name) for item in value)}]"
    if type(value) is tuple:
        inner = ", ".join(literal(item, name) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if type(value) is dict:
        return f"{{{', '.join(f'{literal(k, name)}: {literal(v, name)}' for k, v in value.items())}}}"
    source = _of_a_class(value)
    if source is None:
        raise RunError(
            f"parameter {name!r} holds a {type(value).__name__}, which has no exact literal; pass bool, int, float, "
            "str, None, a date, time, Decimal, Path or enum member, or lists, tuples and dicts of them"
        )
    return source


def is_number(value: Any) -> bool:
    """Return whether it is a numpy scalar that is a Python number (or bool) inside."""
    # The item of a datetime64 of nanoseconds would be a bare int.
    return isinstance(value, np.generic) and not isinstance(value, np.datetime64 | np.timedelta64)


def _of_a_class(value: Any) -> str | None:
    if isinstance(value, Enum):
        return _member(value)
    if isinstance(value, Path):  # its own class is of this system
        return f'__import__("pathlib").Path({str(value)!r})'
    make = _MADE.get(type(value))
    return None if make is None else make(value)


def _member(value: Enum) -> str | None:
    kind = type(value)
    module, name = kind.__module__, kind.__qualname__
    try:
        found = getattr(import_module(module), name, None)
    except ImportError:
        return None
    if found is not kind or module == "__main__" or value.name is None:
        return None  # a notebook's own class is not known in another process
    return f'__import__("importlib").import_module({module!r}).{name}[{value.name!r}]'


def _moment(value: datetime | time) -> str | None:
    zones = {None: "None", UTC: '__import__("datetime").timezone.utc'}
    if isinstance(value.tzinfo, ZoneInfo) and value.tzinfo.key:
        zone = f'__import__("zoneinfo").ZoneInfo({value.tzinfo.key!r})'
    elif value.tzinfo in zones:
        zone = zones[value.tzinfo]  # type: ignore[index]  # a fixed offset is not among them
    else:
        return None
    naive = repr(value.replace(tzinfo=None, fold=0)).removeprefix("datetime.")
    extra = f", tzinfo={zone}" * (value.tzinfo is not None) + f", fold={value.fold}" * (value.fold > 0)
    return f'__import__("datetime").{naive[:-1]}{extra})'


_MADE: Final[dict[type, Callable[[Any], str | None]]] = {
    date: lambda value: f'__import__("datetime").{repr(value).removeprefix("datetime.")}',
    datetime: _moment,
    time: _moment,
    Decimal: lambda value: f'__import__("decimal").Decimal({str(value)!r})',
}
