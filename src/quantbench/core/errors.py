"""Every error a user can meet, as one tree, and the two helpers that word them.

QuantbenchError
├── DataError          bars break an invariant, or there are none of that name
├── ParamsError        params a strategy refuses (a search skips these)
├── SignalError        not one finite target per bar
├── ExecutionError     the engine cannot trade this as asked (a missing rate, an unknown engine)
├── RunError           a notebook failed, or was given a parameter it does not have
├── StoreError         a folder cannot be read or written
└── MissingExtra       an optional package is not installed

A message says what is wrong, what was found, and what to do. The command line prints it as one
sentence and keeps the traceback for ``--debug``.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "DataError",
    "ExecutionError",
    "MissingExtra",
    "ParamsError",
    "QuantbenchError",
    "RunError",
    "SignalError",
    "StoreError",
    "check",
    "did_you_mean",
]


class QuantbenchError(Exception):
    """Base of every error Quantbench raises on purpose."""


class DataError(QuantbenchError, ValueError):
    """Bars break an invariant, or nothing of that name is stored."""


class ParamsError(QuantbenchError, ValueError):
    """A strategy refuses its params; a search skips the combination."""


class SignalError(QuantbenchError, ValueError):
    """A strategy did not give one finite target in [-1, 1] per bar."""


class ExecutionError(QuantbenchError, ValueError):
    """The engine cannot trade this as asked."""


class RunError(QuantbenchError, RuntimeError):
    """A notebook failed, or was given a parameter it does not declare."""


class StoreError(QuantbenchError, OSError):
    """A folder of Quantbench cannot be read or written."""


class MissingExtra(QuantbenchError, ImportError):
    """An optional package is not installed; the message names the extra."""


def check(condition: object, problem: str, /, **found: object) -> None:
    """Raise `ParamsError` with what was found unless the condition holds.

    Parameters
    ----------
    condition : object
        Anything with a truth value.
    problem : str
        What must hold, as a sentence without a full stop.
    **found
        The values that break it; they are printed as ``name=value``.

    Raises
    ------
    ParamsError
        When the condition is false. A search skips the combination.

    Examples
    --------
    >>> check(20 < 100, "fast must be shorter than slow", fast=20, slow=100)
    >>> check(20 < 10, "fast must be shorter than slow", fast=20, slow=10)
    Traceback (most recent call last):
    quantbench.core.errors.ParamsError: fast must be shorter than slow (fast=20, slow=10)
    """
    if condition:
        return
    if not found:
        raise ParamsError(problem)
    raise ParamsError(f"{problem} ({', '.join(f'{name}={value!r}' for name, value in found.items())})")


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """Return a hint for a misspelt name, or the names there are.

    Examples
    --------
    >>> did_you_mean("MaCros", ["MaCross", "RsiReversion"])
    'did you mean MaCross?'
    >>> did_you_mean("x", ["MaCross", "RsiReversion"])
    'known: MaCross, RsiReversion'
    """
    names = sorted(known)
    by_lower = {name.lower(): name for name in names}
    close = get_close_matches(given.lower(), by_lower, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_lower[close[0]]}?"
    return f"known: {', '.join(names)}" if names else "there are none yet"
