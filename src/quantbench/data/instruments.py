"""Contract facts of symbols: yours (``data/instruments.toml`` of your home) before those beside this file."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, fields
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from quantbench.config import settings, writable
from quantbench.core.errors import DataError, StoreError, did_you_mean
from quantbench.core.instrument import Instrument

__all__ = ["SCHEMA", "declare", "instrument", "read_instruments", "your_file"]

SCHEMA: Final = 1
"""Version of the layout of a file of facts."""

_NEEDED: Final = tuple(part.name for part in fields(Instrument) if part.default is MISSING and part.name != "symbol")


def instrument(symbol: str) -> Instrument:
    """Return the contract facts of a symbol: those you declared, else those that come with Quantbench.

    The latter are example figures of a typical retail broker, as `instruments.toml` says fact by fact;
    for trading, declare your broker's: ``qb data facts SYMBOL --set leverage=100``.

    Raises
    ------
    DataError
        When none are declared: contract facts are asked for, never guessed.

    Examples
    --------
    >>> instrument("EURUSD").contract_size
    100000.0
    """
    yours = _yours()
    if symbol in yours:
        return yours[symbol]
    known = _declared()
    if symbol not in known:
        hint = did_you_mean(symbol, {*known, *yours})
        likely = f"{hint} Otherwise " if hint.endswith("?") else ""
        raise DataError(
            f"no contract facts are declared for {symbol!r}: {likely}"
            f"declare them from your broker's specification, at least {', '.join(_NEEDED)}: "
            f"qb data facts {symbol} --set digits=2 --set .., or --from a snapshot of the broker"
        )
    return known[symbol]


def declare(facts: Instrument) -> Path:
    """Write a symbol's facts to your file, in place of any it has there; return the file.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    file = your_file()
    known = {**_yours(), facts.symbol: facts}
    text = f"# Contract facts of yours; they go before those that come with Quantbench.\nschema = {SCHEMA}\n"
    text += "".join(_table(known[symbol]) for symbol in sorted(known))
    partial = writable(file.parent) / f".{file.name}.partial"
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(file)
    except OSError as fault:
        raise StoreError(f"cannot write {file}: {fault.strerror or fault}") from fault
    return file


def your_file() -> Path:
    """Return where your own facts are kept."""
    return settings().home / "data" / "instruments.toml"


def read_instruments(file: Path) -> Mapping[str, Instrument]:
    """Return the facts of a TOML file, one table ``[instruments.SYMBOL]`` a symbol.

    Raises
    ------
    DataError
        When it is no such file, or a fact is unknown, missing or impossible.
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise DataError(f"{file} is no file of contract facts ({fault}); mend it or delete it") from fault
    if values.get("schema") != SCHEMA:
        raise DataError(f"{file} has schema {values.get('schema')}, this Quantbench reads {SCHEMA}")
    try:
        return _parsed(values["instruments"])
    except (KeyError, TypeError, AttributeError) as fault:
        raise DataError(f"{file} must hold tables such as [instruments.EURUSD], found {', '.join(values)}") from fault
    except DataError as fault:
        raise DataError(f"{file}: {fault}") from fault


def _yours() -> Mapping[str, Instrument]:
    file = your_file()
    try:
        stamp = file.stat()
    except OSError:
        return {}
    return _read_once(file, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _read_once(file: Path, *_changed: int) -> Mapping[str, Instrument]:
    """Read the file again only when it changed."""
    return read_instruments(file)


def _parsed(tables: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Instrument]:
    return MappingProxyType(
        {symbol: Instrument.from_dict({"symbol": symbol, **facts}) for symbol, facts in tables.items()}
    )


def _table(facts: Instrument) -> str:
    """Return the facts as a TOML table; JSON's words for text, numbers and lists are TOML's too."""
    values = {name: value for name, value in asdict(facts).items() if name != "symbol" and value is not None}
    order = [part.name for part in fields(Instrument) if part.name in values]
    lines = [f"{name} = {json.dumps(values[name], ensure_ascii=False)}" for name in order]
    return "\n".join(("", f"[instruments.{json.dumps(facts.symbol, ensure_ascii=False)}]", *lines, ""))


@cache
def _declared() -> Mapping[str, Instrument]:
    text = files("quantbench.data").joinpath("instruments.toml").read_text(encoding="utf-8")
    return _parsed(tomllib.loads(text)["instruments"])
