"""New rules from nothing and from other rules; every draw is from the generator given, in an order of its own.

DEAP's crossover of typed trees chooses from a set ordered by memory addresses, so it is not used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar

from numpy.random import Generator  # noqa: TC002  (one import for a type, as everywhere)

from quantbench.core.space import Choice
from quantbench.strategies.rule import Rule
from quantbench.strategies.rule.canonical import canonical, mirrored
from quantbench.strategies.rule.grammar import (
    DEEPEST,
    LARGEST,
    NEVER,
    NUMBERS,
    WORDS,
    Kind,
    Node,
    below,
    depth,
    fits,
    replaced,
    size,
    wants,
)
from quantbench.strategies.rule.text import text_of

__all__ = ["Genes", "child", "drawn"]

T = TypeVar("T")

_STOPS: Final = Rule.space().dimensions[0].listed()
_JOINED: Final = 0.4  # share of new conditions that are two joined
_MIRRORED: Final = 0.6  # share of new rules whose short side is the long side upside down
_CROSSED: Final = 0.7  # share of children of two parents
_AGAIN: Final = 8  # tries to stay within the limits
_SIMPLE: Final = ("above", "wider", "over", "under", "recent")
_RARE: Final = ("always", "never", "not")  # they come of canonical forms, not of growth


class Genes(NamedTuple):
    """A rule as evolution handles it: two canonical conditions and a stop."""

    long: Node
    short: Node
    stop_atr: float

    @classmethod
    def of(cls, long: Node, short: Node, stop_atr: float) -> Genes:
        """Return canonical genes; a short side that is the long side, its own mirror, would leave nothing to trade."""
        short = canonical(short)
        return cls(long, NEVER if short == long else short, stop_atr)

    @property
    def choice(self) -> Choice:
        """The params of the rule."""
        return {"long": text_of(self.long), "short": text_of(self.short), "stop_atr": self.stop_atr}


def drawn(random: Generator) -> Genes:
    """Return a new rule: one or two conditions a side, the short side most often the long one upside down."""
    long = _within(lambda: _condition(random), NEVER)
    short = mirrored(long) if random.random() < _MIRRORED else _within(lambda: _condition(random), NEVER)
    return Genes.of(long, short, _one_of(_STOPS, random))


def child(one: Genes, two: Genes, random: Generator) -> Genes:
    """Return a child of two rules: parts of both, or one changed; no larger and no deeper than allowed."""
    if random.random() < _CROSSED:
        long = _within(lambda: _crossed(one.long, _one_of((two.long, two.short), random), random), one.long)
        is_mirror = one.short == canonical(mirrored(one.long))
        short = mirrored(long) if is_mirror else _one_of((one.short, two.short), random)
        found = Genes.of(long, short, _one_of((one.stop_atr, two.stop_atr), random))
        return found if random.random() < 0.5 else _mutated(found, random)
    return _mutated(one, random)


def _mutated(genes: Genes, random: Generator) -> Genes:
    """Return the rule with one thing changed: a side (and its mirror), which side it is, or the stop."""
    draw = random.random()
    if draw < 0.1:
        return genes._replace(stop_atr=_one_of(_STOPS, random))
    if draw < 0.2:
        return Genes.of(genes.long, mirrored(genes.long), genes.stop_atr)
    is_mirror = genes.short == canonical(mirrored(genes.long))
    if draw < 0.6 or (is_mirror and draw < 0.9):
        long = _within(lambda: _changed(genes.long, random), genes.long)
        return Genes.of(long, mirrored(long) if is_mirror else genes.short, genes.stop_atr)
    return Genes.of(genes.long, _within(lambda: _changed(genes.short, random), genes.short), genes.stop_atr)


def _within(make: Callable[[], Node], otherwise: Node) -> Node:
    """Return the canonical form of what is made, made again while it is too large or too deep."""
    for _ in range(_AGAIN):
        node = canonical(make())
        if size(node) <= LARGEST and depth(node) <= DEEPEST:
            return node
    return otherwise


def _crossed(one: Node, two: Node, random: Generator) -> Node:
    """Return the first tree with one of its parts replaced by a part of the second that fits there."""
    places = list(below(one))
    _, wanted, path = _one_of(places, random)
    given = [node for node, _, _ in below(two) if fits(WORDS[node.word].gives, wanted)]
    if not given:
        return one
    new = _one_of(given, random)
    return replaced(one, path, new) if path else new


def _changed(node: Node, random: Generator) -> Node:
    """Return the tree changed in one place: a number, a part grown anew, one more condition, or one fewer."""
    change = _one_of((_renumbered, _renumbered, _regrown, _widened, _shrunk), random)
    return change(node, random)


def _renumbered(node: Node, random: Generator) -> Node:
    """Return the tree with one number moved to a neighbour among those allowed."""
    numbers = list(_numbers(node))
    if not numbers:
        return _regrown(node, random)
    value, kind, path = _one_of(numbers, random)
    values = NUMBERS[kind]
    at = min(range(len(values)), key=lambda place: abs(values[place] - value))
    near = [values[place] for place in (at - 1, at, at + 1) if 0 <= place < len(values) and values[place] != value]
    return replaced(node, path, _one_of(near, random))


def _regrown(node: Node, random: Generator) -> Node:
    _, wanted, path = _one_of(list(below(node)), random)
    new = _condition(random) if wanted is Kind.CONDITION else _grown(wanted, random)
    return replaced(node, path, new) if path else new


def _widened(node: Node, random: Generator) -> Node:
    return Node(_one_of(("and", "or"), random), (node, _simple(random)))


def _shrunk(node: Node, random: Generator) -> Node:
    """Return one of the conditions within the tree in its place."""
    inner = [part for part, wanted, path in below(node) if path and wanted is Kind.CONDITION]
    return _one_of(inner, random) if inner else _renumbered(node, random)


def _numbers(node: Node, path: tuple[int, ...] = ()) -> Iterator[tuple[int, Kind, tuple[int, ...]]]:
    for place, (part, kind) in enumerate(zip(node.takes, wants(node), strict=True)):
        if isinstance(part, Node):
            yield from _numbers(part, (*path, place))
        else:
            yield part, kind, (*path, place)


def _condition(random: Generator) -> Node:
    if random.random() < _JOINED:
        return Node(_one_of(("and", "and", "or"), random), (_simple(random), _simple(random)))
    return _simple(random)


def _simple(random: Generator) -> Node:
    return _of_word(_one_of(_SIMPLE, random), random)


def _grown(wanted: Kind, random: Generator) -> Node:
    """Return a new tree of a kind; where a price is wanted, a line more often than a bare column."""
    names = [name for name, word in WORDS.items() if fits(word.gives, wanted) and name not in _RARE]
    if wanted is Kind.PRICE and random.random() < 0.75:
        names = [name for name in names if WORDS[name].takes]
    if wanted is Kind.COLUMN:
        names += ["close"] * 4
    return _of_word(_one_of(names, random), random)


def _of_word(name: str, random: Generator) -> Node:
    kinds = WORDS[name].takes
    return Node(name, tuple(_one_of(NUMBERS[k], random) if k in NUMBERS else _grown(k, random) for k in kinds))


def _one_of(values: Sequence[T], random: Generator) -> T:
    return values[int(random.integers(len(values)))]
