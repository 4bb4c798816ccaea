"""Declared contract facts of the symbols Quantbench knows (``instruments.toml`` beside this file)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.instrument import Instrument

__all__ = ["instrument"]


def instrument(symbol: str) -> Instrument:
    """Return the contract facts declared for a symbol.

    They are example figures of a typical retail broker, as `instruments.toml` says fact by fact;
    for trading, replace them by your broker's: ``dataclasses.replace(facts, leverage=100)``.

    Raises
    ------
    DataError
        When none are declared: contract facts are asked for, never guessed.

    Examples
    --------
    >>> instrument("EURUSD").contract_size
    100000.0
    """
    known = _declared()
    if symbol not in known:
        raise DataError(
            f"no contract facts are declared for {symbol!r}: {did_you_mean(symbol, known)} "
            "Otherwise take them from your broker's specification: "
            "qb.Instrument(symbol=..., digits=..., point=..., contract_size=..., ...)"
        )
    return known[symbol]


@cache
def _declared() -> MappingProxyType[str, Instrument]:
    text = files("quantbench.data").joinpath("instruments.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)["instruments"]
    return MappingProxyType(
        {symbol: Instrument.from_dict({"symbol": symbol, **facts}) for symbol, facts in tables.items()}
    )
