"""Where a broker's specifications come from: a file of facts, MetaTrader's symbols, or a callable of yours."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, cast

from quantbench.core.errors import DataError
from quantbench.core.instrument import Instrument
from quantbench.data.broker import Specs
from quantbench.data.instruments import read_instruments

__all__ = ["facts_of_symbol_info", "function_of", "specs_from"]

_NAMES: Final = {
    "name": "symbol",
    "trade_contract_size": "contract_size",
    "currency_base": "base_currency",
    "currency_profit": "quote_currency",
    "trade_stops_level": "stops_level_points",
    "spread": "typical_spread_points",
}
"""MetaTrader's name of a fact to ours, where they differ."""

_MODES: Final = {0: "none", 1: "points"}
"""The swap modes of MetaTrader whose numbers are points (or are not charged)."""


def specs_from(source: str, given: Mapping[str, Any]) -> Specs:
    """Return what gives the specifications of a source, one mapping a symbol.

    Parameters
    ----------
    source : str
        A ``.toml`` file as `instruments.toml`, a ``.json`` file (a list of mappings, or one mapping a
        symbol), or ``path/to/file.py:function`` of a callable that gives an iterable of mappings. A
        mapping has our names or those of MetaTrader's ``symbol_info()._asdict()``.
    given : mapping
        Facts the source does not have, the same for all symbols (``leverage``: MetaTrader keeps it with
        the account).

    Raises
    ------
    DataError
        When the source cannot be read, or a swap is not counted in points.
    """
    if source.rpartition(":")[0].endswith(".py"):
        return lambda: [_completed(one, given) for one in function_of(source)()]
    file = Path(source)
    if file.suffix == ".toml":
        return lambda: [_plain(one) for one in read_instruments(file).values()]
    return lambda: [_completed(one, given) for one in _listed(file)]


def facts_of_symbol_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return our facts of what MetaTrader says of a symbol; what it says beyond them is left out.

    Parameters
    ----------
    info : mapping
        ``symbol_info()._asdict()``. Its ``spread`` is that of the moment; swaps must be in points.

    Raises
    ------
    DataError
        When the swap is charged in money or percent: it cannot be counted in points without a price.
    """
    ours = {part.name for part in fields(Instrument)}
    facts = {_NAMES.get(name, name): value for name, value in info.items()}
    mode = info.get("swap_mode")
    if mode is not None and mode not in _MODES:
        raise DataError(
            f"{facts.get('symbol', '?')}: its swap is not counted in points (swap mode {mode}); work out the points a "
            "night and declare swap_long_points and swap_short_points"
        )
    if "swap_long" in info and "swap_short" in info:
        charged = 0.0 if mode == 0 else 1.0
        facts["swap_long_points"] = charged * info["swap_long"]
        facts["swap_short_points"] = charged * info["swap_short"]
    if "swap_rollover3days" in info:  # 0 is Sunday; ours begins on Monday
        triple = (int(info["swap_rollover3days"]) - 1) % 7
        facts["swap_multipliers"] = tuple(3 if day == triple else int(day < 5) for day in range(7))
    return {name: value for name, value in facts.items() if name in ours}


def _completed(one: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(one, Mapping):
        raise DataError(f"a specification must be a mapping of facts, found {type(one).__name__}")
    from_terminal = "trade_contract_size" in one
    return {**given, **(facts_of_symbol_info(one) if from_terminal else one)}


def function_of(source: str) -> Callable[..., Any]:
    """Return the function that ``path/to/file.py:name`` names.

    Raises
    ------
    DataError
        When there is no such file, or no such function in it.
    """
    path, _, name = source.rpartition(":")
    file = Path(path)
    spec = importlib.util.spec_from_file_location(file.stem, file) if path.endswith(".py") else None
    if spec is None or spec.loader is None or not file.is_file():
        raise DataError(f"there is no Python file {path or source}; name a function as path/to/file.py:name")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        raise DataError(f"{file} has no function {name!r}")
    return cast("Callable[..., Any]", function)


def _listed(file: Path) -> Iterable[Any]:
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as fault:
        raise DataError(
            f"{file} cannot be read as specifications ({fault}); give a .toml or .json file, or file.py:function"
        ) from fault
    if isinstance(values, Mapping) and isinstance(values.get("instruments"), list):
        values = values["instruments"]  # a snapshot
    return values.values() if isinstance(values, Mapping) else values


def _plain(facts: Instrument) -> dict[str, Any]:
    return {part.name: getattr(facts, part.name) for part in fields(facts)}
