"""What a rule says on bars: every condition is worked out once, and kept with the indicators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.immutable import frozen
from quantbench.indicators import adx, atr, bollinger, donchian, ema, rsi, sma, stochastic
from quantbench.indicators.cache import CACHE
from quantbench.indicators.events import bar_before, bars_since, crossed_above, crossed_below
from quantbench.strategies.rule.grammar import WORDS, Kind, Node

__all__ = ["holds", "memory_of"]

BoolArray = npt.NDArray[np.bool_]

_TABLE: Final[dict[str, Callable[..., Any]]] = {
    "open": lambda bars: bars.open,
    "high": lambda bars: bars.high,
    "low": lambda bars: bars.low,
    "close": lambda bars: bars.close,
    "sma": lambda _, column, lookback: sma(column, lookback),
    "ema": lambda _, column, lookback: ema(column, lookback),
    "highest": lambda bars, lookback: bar_before(donchian(bars, lookback).upper),
    "lowest": lambda bars, lookback: bar_before(donchian(bars, lookback).lower),
    "upper_band": lambda bars, lookback: bollinger(bars.close, lookback).upper,
    "lower_band": lambda bars, lookback: bollinger(bars.close, lookback).lower,
    "rsi": lambda bars, lookback: rsi(bars.close, lookback),
    "stochastic": lambda bars, lookback: stochastic(bars, lookback).k,
    "adx": adx,
    "atr": atr,
    "span": lambda bars: bars.high - bars.low,
    "above": lambda _, one, two: one > two,
    "wider": lambda _, one, two: one > two,
    "over": lambda _, values, level: values > level,
    "under": lambda _, values, level: values < level,
    "crossed": lambda _, one, two: crossed_above(one - two, 0.0),
    "crossed_above": lambda _, values, level: crossed_above(values, level),
    "crossed_below": lambda _, values, level: crossed_below(values, level),
    "recent": lambda _, event, age: bars_since(event) < age,
    "not": lambda _, one: ~one,
    "and": lambda _, *parts: np.logical_and.reduce(parts),
    "or": lambda _, *parts: np.logical_or.reduce(parts),
    "always": lambda bars: np.ones(len(bars), np.bool_),
    "never": lambda bars: np.zeros(len(bars), np.bool_),
}
"""The whitelist: a word means its function of the bars and of what its parts say, and nothing else can be called."""


def holds(node: Node, bars: Bars) -> BoolArray:
    """Return on which bars a condition holds, at their close; meaningless before `memory_of` bars.

    Read-only. What conditions say is kept by bars and condition, within the bound of the indicators' memory.
    """
    columns = (bars.open, bars.high, bars.low, bars.close)
    key = (holds, node, *[(id(column), column.size, column.strides) for column in columns])
    found: BoolArray | None = CACHE.find(key)
    if found is None:
        with CACHE.maker(key):
            found = CACHE.find(key)
            if found is None:
                found = CACHE.keep(key, frozen(_worked_out(node, bars)), columns)
    return found


def _worked_out(node: Node, bars: Bars) -> Any:
    parts = [part if isinstance(part, int) else _value(part, bars) for part in node.takes]
    return _TABLE[node.word](bars, *parts)


def _value(node: Node, bars: Bars) -> Any:
    """Return what a node says; indicators and columns are remembered already, conditions by `holds`."""
    return holds(node, bars) if WORDS[node.word].gives is Kind.CONDITION else _worked_out(node, bars)


def memory_of(node: Node) -> int:
    """Return after how many bars more history changes nothing a tree says.

    Examples
    --------
    >>> from quantbench.strategies.rule.text import parsed
    >>> memory_of(parsed("close > sma(close, 50) and recent(crossed_above(rsi(14), 30), 5)"))
    286
    """
    times, plus = WORDS[node.word].forgets
    number = next((part for part in reversed(node.takes) if isinstance(part, int)), 0)
    return times * number + plus + max(map(memory_of, node.nodes), default=0)
