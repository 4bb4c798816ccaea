"""One form for rules that say the same: opposites inwards, constants folded, conditions in one order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from quantbench.strategies.rule.grammar import ALWAYS, NEVER, WORDS, Kind, Node
from quantbench.strategies.rule.text import text_of

__all__ = ["canonical", "mirrored"]

_OPPOSITE: Final = {"and": "or", "or": "and", "always": "never", "never": "always"}
_PAIRS: Final = (
    ("high", "low"),
    ("highest", "lowest"),
    ("upper_band", "lower_band"),
    ("over", "under"),
    ("crossed_above", "crossed_below"),
)
_MIRROR: Final = dict(_PAIRS) | {two: one for one, two in _PAIRS}


def canonical(node: Node) -> Node:
    """Return the canonical form of a condition; on bars without gaps in their columns it says the same.

    Examples
    --------
    >>> from quantbench.strategies.rule.text import parsed
    >>> text_of(canonical(parsed("not (close <= sma(close, 50) or not rsi(14) < 30) and always")))
    'close > sma(close, 50) and rsi(14) < 30'
    """
    if node.word == "not":
        return _opposite(node.nodes[0])
    if node.word in {"and", "or"}:
        return _joined(node.word, tuple(map(canonical, node.nodes)))
    if node.word in {"above", "wider"} and node.takes[0] == node.takes[1]:
        return NEVER
    if node.word == "recent" and node.nodes[0].word == "crossed" and len(set(node.nodes[0].takes)) == 1:
        return NEVER
    return node


def mirrored(node: Node) -> Node:
    """Return what a rule says of the world upside down: highs are lows, 30 is 70, rising is falling.

    Examples
    --------
    >>> from quantbench.strategies.rule.text import parsed
    >>> text_of(mirrored(parsed("close > highest(20) and rsi(14) < 30 and adx(14) > 25")))
    'close < lowest(20) and rsi(14) > 70 and adx(14) > 25'
    """
    if node.word in {"above", "crossed"}:
        return Node(node.word, tuple(mirrored(part) for part in reversed(node.nodes)))
    if node.nodes and node.nodes[0].word == "adx":  # it is high in falls and in rises
        return node
    leveled = WORDS[node.word].takes[-1:] == (Kind.LEVEL,)
    takes = (mirrored(part) if isinstance(part, Node) else 100 - part if leveled else part for part in node.takes)
    return Node(_MIRROR.get(node.word, node.word), tuple(takes))


def _opposite(node: Node) -> Node:
    """Return the canonical form of what holds where the node does not (De Morgan)."""
    if node.word == "not":
        return canonical(node.nodes[0])
    if node.word in {"and", "or"}:
        return _joined(_OPPOSITE[node.word], tuple(map(_opposite, node.nodes)))
    found = canonical(node)
    return Node(_OPPOSITE[found.word]) if found in {ALWAYS, NEVER} else Node("not", (found,))


def _joined(joint: str, parts: tuple[Node, ...]) -> Node:
    """Return canonical conditions joined: flat, sorted, each once, without what the others already say."""
    deciding, idle = (NEVER, ALWAYS) if joint == "and" else (ALWAYS, NEVER)
    flat = [one for part in parts for one in (part.nodes if part.word == joint else (part,))]
    unique = {text_of(one): one for one in flat if one != idle}
    terms = {text: _terms(unique[text], joint) for text in sorted(unique)}
    # x and not x is never, x or not x is always; where x is joined itself, every term of it meets its opposite.
    if deciding in flat or any(all(text_of(_opposite(one)) in unique for one in found) for found in terms.values()):
        return deciding
    # x and (x or y) is x, x or (x and y) is x: what says all that another says, and more, adds nothing.
    said = {text: frozenset(map(text_of, found)) for text, found in terms.items()}
    kept = [
        unique[text]
        for text in said
        if not any(other < said[text] for other in said.values()) and not _says_more(unique[text], joint, unique)
    ]
    if len(kept) < 2:
        return kept[0] if kept else idle
    return Node(joint, tuple(kept))


def _terms(one: Node, joint: str) -> tuple[Node, ...]:
    """Return what a condition within a joint is joined of the other way; itself if it is not."""
    return one.nodes if one.word == _OPPOSITE[joint] else (one,)


def _says_more(one: Node, joint: str, others: Mapping[str, Node]) -> bool:
    """Return whether a term of a condition is itself joined of nothing but the others."""
    inner = (part for part in _terms(one, joint) if part.word == joint)
    return any(all(text_of(part) in others for part in found.nodes) for found in inner)
