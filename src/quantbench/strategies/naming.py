"""Strategies by name, and as JSON: how a notebook, a ledger and a release say which one they mean."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

import numpy as np

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.strategy import Strategy

__all__ = ["from_json", "name_of", "strategy_named", "to_json"]

_SCHEMA: Final = 1


def strategy_named(name: str) -> type[Strategy]:
    """Return the class of a listed strategy, or of your own by ``"package.module:Class"``.

    Raises
    ------
    ParamsError
        When there is none of that name.

    Examples
    --------
    >>> from quantbench.strategies import strategy_named
    >>> strategy_named("MaCross")(fast=10).params
    {'fast': 10, 'slow': 100, 'stop_atr': 3.0}
    """
    if ":" in name:
        return _imported(name)
    listed = _listed()
    if name not in listed:
        hint = did_you_mean(name, listed)
        raise ParamsError(f'unknown strategy {name!r}: {hint} (one of your own is named "package.module:Class")')
    return listed[name]


def name_of(strategy: type[Strategy]) -> str:
    """Return the name by which `strategy_named` finds the class again.

    Raises
    ------
    ParamsError
        When it cannot be imported because it was made inside a function.
    """
    if _listed().get(strategy.__name__) is strategy:
        return strategy.__name__
    if "<locals>" in strategy.__qualname__:
        raise ParamsError(f"{strategy.__qualname__} was made inside a function; define it in a module to save it")
    return f"{strategy.__module__}:{strategy.__qualname__}"


def to_json(strategy: Strategy) -> str:
    """Return the strategy's name and params as one line of JSON.

    Raises
    ------
    ParamsError
        When a param is not a plain value: a number, text, boolean, None or a tuple of those.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.strategies import to_json
    >>> to_json(qb.MaCross(10, 50))
    '{"schema": 1, "strategy": "MaCross", "params": {"fast": 10, "slow": 50, "stop_atr": 3.0}}'
    """
    params = {name: _plain(name, value) for name, value in strategy.params.items()}
    return json.dumps({"schema": _SCHEMA, "strategy": name_of(type(strategy)), "params": params})


def from_json(text: str) -> Strategy:
    """Return the strategy that `to_json` wrote.

    Raises
    ------
    ParamsError
        When the text is no such JSON, of another schema, or names a strategy or param there is not.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.strategies import from_json, to_json
    >>> from_json(to_json(qb.MaCross(10, 50)))
    MaCross(fast=10, slow=50, stop_atr=3.0)
    """
    try:
        found = json.loads(text)
    except json.JSONDecodeError as fault:
        raise ParamsError(f"not the JSON of a strategy: {fault}; write it with to_json") from fault
    if not isinstance(found, Mapping) or set(found) != {"schema", "strategy", "params"}:
        raise ParamsError(f"not the JSON of a strategy, found {text[:80]!r}; it holds schema, strategy and params")
    if found["schema"] != _SCHEMA:
        raise ParamsError(f"strategy of schema {found['schema']!r}, this version reads {_SCHEMA}; write it again")
    params = {name: _tupled(value) for name, value in found["params"].items()}
    return strategy_named(found["strategy"]).from_params(params)


def _listed() -> dict[str, type[Strategy]]:
    from quantbench.strategies import ALL

    return {strategy.__name__: strategy for strategy in ALL}


def _imported(name: str) -> type[Strategy]:
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as fault:
        raise ParamsError(f"no strategy {name!r}: {fault}; give an importable package.module:Class") from fault
    if not (isinstance(found, type) and issubclass(found, Strategy)):
        raise ParamsError(f"{name!r} is no strategy but {found!r}; name a subclass of qb.Strategy")
    return found


def _plain(name: str, value: Any) -> Any:
    """Return a param as JSON holds it; floats survive exactly, NaN and infinity do not exist."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple):
        return [_plain(name, part) for part in value]
    is_number = isinstance(value, int) or (isinstance(value, float) and np.isfinite(value))
    if value is None or is_number or isinstance(value, str):
        return value
    raise ParamsError(f"{name} cannot be saved: {value!r} is no finite number, text, boolean, None or tuple of those")


def _tupled(value: Any) -> Any:
    """Return JSON's lists as the tuples they were: a strategy's params can be hashed."""
    return tuple(map(_tupled, value)) if isinstance(value, list) else value
