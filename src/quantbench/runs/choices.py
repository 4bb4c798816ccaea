"""Words into values: a strategy by its name, its params, the values to search, the size of a trade."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final, get_type_hints

from quantbench.core.account import FixedLots, PercentEquity, PercentRisk, Sizing, VolatilityTarget
from quantbench.core.errors import ParamsError, RunError, did_you_mean
from quantbench.core.space import Values
from quantbench.core.strategy import Strategy

__all__ = ["find_strategy", "params_of", "sizing_of", "space_of"]

_SIZINGS: Final[dict[str, tuple[str, Callable[[float], Sizing]]]] = {
    "lots": ("0.1", FixedLots),
    "risk": ("0.01", PercentRisk),
    "equity": ("1.0", PercentEquity),
    "volatility": ("0.1", VolatilityTarget),
}


def find_strategy(name: str) -> type[Strategy]:
    """Return a strategy class: a listed one, or your own.

    Parameters
    ----------
    name : str
        ``"MaCross"``; ``"research/strategies/mine.py:Mine"``; or ``"package.module:Mine"``.

    Raises
    ------
    RunError
        When there is no such strategy, file or module.

    Examples
    --------
    >>> find_strategy("MaCross").__name__
    'MaCross'
    """
    place, colon, called = name.rpartition(":")
    if not colon:
        return _listed(name)
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    found = {key: value for key, value in vars(module).items() if _is_strategy(value)}
    if called not in found:
        raise RunError(f"{place} has no strategy {called!r}: {did_you_mean(called, found)}")
    strategy: type[Strategy] = found[called]
    return strategy


def _listed(name: str) -> type[Strategy]:
    from quantbench import strategies  # lazy: indicators come with it

    known: dict[str, type[Strategy]] = {listed.__name__: listed for listed in strategies.ALL}
    if name not in known:
        hint = did_you_mean(name, known)
        raise RunError(f"unknown strategy {name!r}: {hint} Your own: path/to/file.py:Class")
    return known[name]


def _is_strategy(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Strategy) and value is not Strategy


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise RunError(f"there is no file {path}")
    name = f"own_strategies_{path.stem}"  # never the name of another module, such as random
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise RunError(f"{path} cannot be imported; give a .py file")
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # dataclasses look it up there
    try:
        spec.loader.exec_module(module)
    except Exception as fault:  # whatever a file of the user raises
        del sys.modules[name]
        raise RunError(f"{path} cannot be imported: {type(fault).__name__}: {fault}") from fault
    _take_along(module)
    return module


def _take_along(module: ModuleType) -> None:
    """Have the module's classes sent to worker processes whole: they could not import it by its name."""
    try:
        import cloudpickle  # type: ignore[import-untyped]
    except ImportError:  # without the extra `lab` there are no workers either
        return
    cloudpickle.register_pickle_by_value(module)


def _from_module(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as fault:
        raise RunError(f"cannot import {name}: {fault}; a file is given as path/to/file.py:Class") from fault


def params_of(strategy: type[Strategy], words: Mapping[str, str]) -> dict[str, Any]:
    """Return params from text, each read as its field is annotated.

    Raises
    ------
    ParamsError
        For a param the strategy does not have, or text that is not of its type.

    Examples
    --------
    >>> params_of(find_strategy("MaCross"), {"fast": "20", "stop_atr": "2"})
    {'fast': 20, 'stop_atr': 2.0}
    """
    wanted = _annotations(strategy)
    return {name: _value(name, text, _known(strategy, name, wanted)) for name, text in words.items()}


def space_of(strategy: type[Strategy], words: Mapping[str, str]) -> Mapping[str, Values]:
    """Return the values to search: ``"5,10,20"``, or ``"5:60:5"`` for 5, 10, ... up to 60 (included).

    Params without words keep their defaults, as in `sweep`; without any words it is the declared space.

    Raises
    ------
    ParamsError
        For a param the strategy does not have, or text that is not of its type.

    Examples
    --------
    >>> space_of(find_strategy("MaCross"), {"fast": "5:20:5", "stop_atr": "2,3"})
    {'fast': (5, 10, 15, 20), 'stop_atr': (2.0, 3.0)}
    """
    wanted = _annotations(strategy)
    given = {name: _values(name, text, _known(strategy, name, wanted)) for name, text in words.items()}
    return given or strategy.space()


def sizing_of(words: str) -> Sizing:
    """Return a sizing from ``"equity:1.0"``, ``"risk:0.01"``, ``"lots:0.1"`` or ``"volatility:0.1"``.

    Raises
    ------
    ParamsError
        For an unknown kind, or a number it cannot take.

    Examples
    --------
    >>> sizing_of("risk:0.01")
    PercentRisk(fraction=0.01)
    """
    kind, _, number = words.partition(":")
    if kind not in _SIZINGS:
        raise ParamsError(f"unknown sizing {kind!r}: {did_you_mean(kind, _SIZINGS)}")
    usual, make = _SIZINGS[kind]
    try:
        amount = float(number)
    except ValueError as fault:
        raise ParamsError(f"sizing {kind} needs a number, found {number!r}: write {kind}:{usual}") from fault
    return make(amount)


def _annotations(strategy: type[Strategy]) -> dict[str, Any]:
    hints = get_type_hints(strategy)
    return {part.name: hints[part.name] for part in fields(strategy)}


def _known(strategy: type[Strategy], name: str, wanted: Mapping[str, Any]) -> Any:
    if name not in wanted:
        raise ParamsError(f"{strategy.__name__} has no param {name!r}: {did_you_mean(name, wanted)}")
    return wanted[name]


def _value(name: str, text: str, wanted: Any) -> Any:
    if wanted is str:
        return text
    if wanted is bool:
        if text.lower() not in {"true", "false"}:
            raise ParamsError(f"{name} must be true or false, found {text!r}")
        return text.lower() == "true"
    if wanted in {int, float}:
        try:
            return wanted(text)
        except ValueError as fault:
            kind = "a whole number" if wanted is int else "a number"
            raise ParamsError(f"{name} must be {kind}, found {text!r}") from fault
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _values(name: str, text: str, wanted: Any) -> tuple[Any, ...]:
    if ":" in text and wanted in {int, float}:
        return tuple(_range(name, [_value(name, part, wanted) for part in text.split(":")]))
    return tuple(_value(name, part.strip(), wanted) for part in text.split(","))


def _range(name: str, parts: list[Any]) -> Iterable[Any]:
    start, stop, step = parts if len(parts) == 3 else (*parts, 1) if len(parts) == 2 else (0, 0, 0)
    if step <= 0 or stop < start:
        raise ParamsError(f"{name}: a range is from:to or from:to:step with a step above 0, such as 5:60:5")
    count = int((stop - start) / step + 1e-9) + 1
    for index in range(count):
        value = start + index * step
        yield round(value, 12) if isinstance(value, float) else value
