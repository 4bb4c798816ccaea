"""What makes two trials the same trial, as text that is the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from math import isfinite
from typing import Any, Final, NamedTuple

import numpy as np

from quantbench.core.account import Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.limits import Limits
from quantbench.core.strategy import Strategy
from quantbench.data.code import code_hash

__all__ = ["TrialKey", "canonical", "canonical_each", "guards", "trial_key"]


class TrialKey(NamedTuple):
    """What makes two trials the same trial; each is a column of the ledger.

    Attributes
    ----------
    family : str
        Name of the strategy class.
    code_hash : str
        Its code (`quantbench.data.code.code_hash`).
    data_version : str
        `Bars.version`: symbol, timeframe, contract facts and every price.
    params, costs, sizing, limits : str
        Canonical JSON; limits are empty when there are none.
    """

    family: str
    code_hash: str
    data_version: str
    params: str
    costs: str
    sizing: str
    limits: str


def trial_key(
    strategy: Strategy, bars: Bars, *, costs: Costs, sizing: Sizing, limits: Limits | None = None
) -> TrialKey:
    """Return the key under which the ledger knows one choice on these bars.

    Examples
    --------
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    >>> key = trial_key(qb.MaCross(20, 100), bars, costs=qb.Costs(), sizing=qb.PercentEquity(1.0))
    >>> key.params
    '{"fast":20,"slow":100,"stop_atr":3}'
    """
    return TrialKey(
        type(strategy).__name__,
        code_hash(type(strategy)),
        bars.version,
        canonical(strategy.params),
        canonical(costs),
        canonical(sizing),
        guards(limits or Limits()),
    )


def guards(limits: Limits) -> str:
    """Return limits as canonical JSON, empty when they limit nothing."""
    return "" if limits == Limits() else canonical(limits)


def canonical(value: object) -> str:
    """Return a value as JSON that is equal for equal values: names sorted, 3.0 as 3, NumPy's numbers as numbers.

    Examples
    --------
    >>> canonical({"slow": 100, "fast": 20.0})
    '{"fast":20,"slow":100}'
    """
    return _ENCODER.encode(_plain(value))


def canonical_each(choices: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return `canonical` of each choice of one search: all name the same params.

    A search tries few values in many combinations, so each is put in words once.

    Examples
    --------
    >>> canonical_each([{"slow": 100, "fast": 20.0}, {"slow": 50, "fast": 20.0}])
    ['{"fast":20,"slow":100}', '{"fast":20,"slow":50}']
    """
    if not choices or not choices[0]:
        return ["{}"] * len(choices)
    columns = [_words(name, [choice[name] for choice in choices]) for name in sorted(choices[0])]
    return ["{" + ",".join(parts) + "}" for parts in zip(*columns, strict=True)]


def _words(name: str, values: Sequence[Any]) -> list[str]:
    """Return one param of each choice as it stands in canonical JSON."""
    head, seen, known = _ENCODER.encode(name), dict[int, str](), dict[Any, str]()

    def word(value: Any) -> str:
        kind = type(value)
        if kind is float and not value.is_integer() and isfinite(value):  # seldom the same one twice
            return f"{head}:{value!r}"
        key = (kind, value) if kind in _SIMPLE else id(value)  # 1, 1.0 and True are equal, their words are not
        return known.get(key) or known.setdefault(key, canonical({name: value})[1:-1])

    return [seen.get(id(value)) or seen.setdefault(id(value), word(value)) for value in values]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__} | {part.name: _plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value


_SIMPLE: Final = frozenset({bool, int, float, str, type(None)})
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)
