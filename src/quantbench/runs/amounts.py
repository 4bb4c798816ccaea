"""Times and sizes as people write them: ``10m``, ``4GB``."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["megabytes", "seconds"]

_UNIT_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}
_UNIT_MB: Final = {"MB": 1, "GB": 1_000, "MiB": 1, "GiB": 1_024}


def seconds(value: Any) -> float:
    """Return seconds of ``90``, ``"90s"``, ``"10m"``, ``"1h30m"``.

    Raises
    ------
    ValueError
        For anything else, and for no time at all.

    Examples
    --------
    >>> seconds("1h30m")
    5400.0
    """
    found = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value)
    elif isinstance(value, str) and re.fullmatch(r"(\d+(\.\d+)?[smh])+", value):
        found = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in re.findall(r"([\d.]+)([smh])", value))
    if found is None or not 0 < found < 1e9:
        raise ValueError(f"must be a time such as 90s, 10m or 1h30m, found {value!r}")
    return found


def megabytes(value: Any) -> int:
    """Return megabytes of ``"4GB"`` or ``"512MB"``.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> megabytes("1.5GB")
    1500
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB|MiB|GiB)", value) if isinstance(value, str) else None
    found = round(float(match[1]) * _UNIT_MB[match[2]]) if match else 0
    if found < 1:
        raise ValueError(f"must be a size such as 512MB or 4GB, found {value!r}")
    return found
