"""The words of a rule: what each takes, what it gives, and the numbers evolution may put in.

A rule is a tree of nodes. Every word is causal, every condition holds or does not hold at the close of a
bar, and an event (a crossing) counts only as `recent`, so that no condition remembers for ever.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final, NamedTuple

from quantbench.core.errors import ParamsError, did_you_mean

__all__ = [
    "ALWAYS",
    "COLUMNS",
    "DEEPEST",
    "LARGEST",
    "NEVER",
    "NUMBERS",
    "WORDS",
    "Kind",
    "Node",
    "Word",
    "below",
    "depth",
    "fits",
    "replaced",
    "size",
    "wants",
    "word",
]


class Kind(Enum):
    """What a node stands for; a COLUMN is a PRICE too."""

    COLUMN = "a column of the bars"
    PRICE = "a price"
    PERCENT = "an oscillator, 0 to 100"
    WIDTH = "a distance in price"
    EVENT = "an event"
    CONDITION = "a condition"
    LOOKBACK = "a lookback"
    MEMORY = "the lookback of an average that forgets slowly"
    LEVEL = "a level, 0 to 100"
    AGE = "an age in bars"


class Node(NamedTuple):
    """A word and what it takes: nodes, and whole numbers."""

    word: str
    takes: tuple[Node | int, ...] = ()

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes among what it takes."""
        return tuple(part for part in self.takes if isinstance(part, Node))


class Word(NamedTuple):
    """What a word takes and gives; `forgets` says after how many bars of its own, in terms of its number."""

    takes: tuple[Kind, ...]
    gives: Kind
    forgets: tuple[int, int] = (0, 0)  # times its number, plus


COLUMNS: Final = ("open", "high", "low", "close")
_PRICES, _LEVELED = (Kind.PRICE, Kind.PRICE), (Kind.PERCENT, Kind.LEVEL)

WORDS: Final = {
    **{name: Word((), Kind.COLUMN) for name in COLUMNS},
    "sma": Word((Kind.COLUMN, Kind.LOOKBACK), Kind.PRICE, (1, 0)),
    "ema": Word((Kind.COLUMN, Kind.LOOKBACK), Kind.PRICE, (12, 0)),
    **{name: Word((Kind.LOOKBACK,), Kind.PRICE, (1, 0)) for name in ("highest", "lowest", "upper_band", "lower_band")},
    "rsi": Word((Kind.MEMORY,), Kind.PERCENT, (20, 0)),
    "stochastic": Word((Kind.MEMORY,), Kind.PERCENT, (1, 2)),
    "adx": Word((Kind.MEMORY,), Kind.PERCENT, (25, 0)),
    "atr": Word((Kind.MEMORY,), Kind.WIDTH, (20, 0)),
    "span": Word((), Kind.WIDTH),
    "above": Word(_PRICES, Kind.CONDITION),
    "wider": Word((Kind.WIDTH, Kind.WIDTH), Kind.CONDITION),
    "over": Word(_LEVELED, Kind.CONDITION),
    "under": Word(_LEVELED, Kind.CONDITION),
    "crossed": Word(_PRICES, Kind.EVENT, (0, 1)),
    "crossed_above": Word(_LEVELED, Kind.EVENT, (0, 1)),
    "crossed_below": Word(_LEVELED, Kind.EVENT, (0, 1)),
    "recent": Word((Kind.EVENT, Kind.AGE), Kind.CONDITION, (1, 0)),
    "not": Word((Kind.CONDITION,), Kind.CONDITION),
    "and": Word((Kind.CONDITION, Kind.CONDITION), Kind.CONDITION),  # and more of them
    "or": Word((Kind.CONDITION, Kind.CONDITION), Kind.CONDITION),
    "always": Word((), Kind.CONDITION),
    "never": Word((), Kind.CONDITION),
}
"""Every word there is. ``highest`` and ``lowest`` leave the bar itself out; bands are two deviations away."""

NUMBERS: Final = {
    Kind.LOOKBACK: (5, 8, 13, 21, 34, 55, 89, 144),
    Kind.MEMORY: (5, 8, 13, 21, 34),
    Kind.LEVEL: (20, 30, 40, 50, 60, 70, 80),
    Kind.AGE: (3, 5, 8, 13, 21),
}
"""What evolution may put in; a rule of your own may hold other whole numbers."""

LARGEST: Final = 25  # words on one side of an evolved rule
DEEPEST: Final = 7  # words above one another: and, or, not, recent, crossed, sma, close
ALWAYS, NEVER = Node("always"), Node("never")


def word(name: str) -> Word:
    """Return the word of a name.

    Raises
    ------
    ParamsError
        When there is none.
    """
    if name not in WORDS:
        raise ParamsError(f"a rule has no word {name!r}: {did_you_mean(name, WORDS)}")
    return WORDS[name]


def fits(kind: Kind, wanted: Kind) -> bool:
    """Return whether one kind may stand where another is wanted."""
    return kind is wanted or (kind is Kind.COLUMN and wanted is Kind.PRICE)


def wants(node: Node) -> tuple[Kind, ...]:
    """Return the kinds a node takes, one for each part: ``and`` and ``or`` take any number of conditions."""
    takes = WORDS[node.word].takes
    return takes if node.word not in {"and", "or"} else (Kind.CONDITION,) * len(node.takes)


def size(node: Node) -> int:
    """Return how many words a tree has; numbers belong to their word, and the opposite of a word is as long."""
    return (node.word != "not") + sum(map(size, node.nodes))


def depth(node: Node) -> int:
    """Return how many words stand above one another."""
    return 1 + max(map(depth, node.nodes), default=0)


def below(
    node: Node, wanted: Kind = Kind.CONDITION, path: tuple[int, ...] = ()
) -> Iterator[tuple[Node, Kind, tuple[int, ...]]]:
    """Yield every node of a tree with the kind wanted in its place and the way to it, from the top."""
    yield node, wanted, path
    for place, (part, kind) in enumerate(zip(node.takes, wants(node), strict=True)):
        if isinstance(part, Node):
            yield from below(part, kind, (*path, place))


def replaced(node: Node, path: tuple[int, ...], new: Node | int) -> Node:
    """Return the tree with another node, or number, at the end of a way."""
    first, *rest = path
    part = node.takes[first]
    inner = replaced(part, tuple(rest), new) if rest and isinstance(part, Node) else new
    return Node(node.word, (*node.takes[:first], inner, *node.takes[first + 1 :]))
