"""A rule as text and back: an expression as Python writes it, read word by word, never run."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import Final

from quantbench.core.errors import ParamsError
from quantbench.strategies.rule.grammar import COLUMNS, WORDS, Kind, Node, fits, wants, word

__all__ = ["SIGNS", "compared", "parsed", "text_of"]

_LONGEST: Final = 4_000  # characters
SIGNS: Final = {"above": (">", "<="), "wider": (">", "<="), "over": (">", "<="), "under": ("<", ">=")}
_JOINTS: Final = {ast.And: "and", ast.Or: "or"}
_SPELT: Final = ("above", "wider", "over", "under", "crossed", "not", "and", "or")  # written as signs, not called
_CROSSED: Final = ("crossed_above", "crossed_below")
_MEANT: Final = {  # is it less, and is it the opposite of what the words say
    ast.Gt: (False, False),
    ast.Lt: (True, False),
    ast.LtE: (False, True),
    ast.GtE: (True, True),
}
_BOUNDS: Final = {Kind.LOOKBACK: (2, 1_000), Kind.MEMORY: (2, 200), Kind.LEVEL: (0, 100), Kind.AGE: (1, 1_000)}


@lru_cache(maxsize=16_384)
def parsed(text: str) -> Node:
    """Return the condition a text says.

    Raises
    ------
    ParamsError
        When it is no condition: what is wrong, and where.

    Examples
    --------
    >>> parsed("close > sma(close, 50)")
    Node(word='above', takes=(Node(word='close', takes=()), Node(word='sma', takes=(Node(word='close', takes=()), 50))))
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        raise ParamsError(f"a rule is a text of at most {_LONGEST:,} characters, found {str(text)[:60]!r}")
    try:
        node = _read(ast.parse(text.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        if isinstance(fault, ParamsError):
            raise
        raise ParamsError(f"not a rule: {text[:80]!r} ({fault}); write it like close > sma(close, 50)") from fault
    _require(node, Kind.CONDITION)
    return node


def text_of(node: Node) -> str:
    """Return the text of a tree.

    Examples
    --------
    >>> text_of(parsed("not close>sma( close,50 )"))
    'close <= sma(close, 50)'
    """
    name, takes = node.word, _texts(node)
    if name in SIGNS:
        return compared(node, *takes, opposite=False)
    if name in {"and", "or"}:
        return f" {name} ".join(_within_a_joint(part) for part in node.nodes)
    if name == "not":
        inner = node.nodes[0]
        return (
            compared(inner, *_texts(inner), opposite=True) if inner.word in SIGNS else f"not {_within_a_joint(inner)}"
        )
    if name == "crossed":
        one, two = takes
        return f"crossed_below({two}, {one})" if _is_turned(node) else f"crossed_above({one}, {two})"
    return f"{name}({', '.join(takes)})" if takes else name


def compared(node: Node, left: str, right: str, *, opposite: bool) -> str:
    """Return a comparison of two texts with its sign; a line on the left of a bare column changes sides."""
    if node.word == "above" and _is_turned(node):
        return f"{right} {'>=' if opposite else '<'} {left}"
    return f"{left} {SIGNS[node.word][opposite]} {right}"


def _is_turned(node: Node) -> bool:
    """Return whether it reads better from the right: a bare column with a line on its left."""
    return node.nodes[1].word in COLUMNS and node.nodes[0].word not in COLUMNS


def _texts(node: Node) -> list[str]:
    return [text_of(part) if isinstance(part, Node) else str(part) for part in node.takes]


def _within_a_joint(part: Node) -> str:
    return f"({text_of(part)})" if part.word in {"and", "or"} else text_of(part)


def _read(tree: ast.expr) -> Node:
    if isinstance(tree, ast.BoolOp):
        return _checked(Node(_JOINTS[type(tree.op)], tuple(_read(part) for part in tree.values)))
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
        return _checked(Node("not", (_read(tree.operand),)))
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        return _compared(tree.left, tree.ops[0], tree.comparators[0])
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.keywords:
        return _called(tree.func.id, tuple(_part(part) for part in tree.args))
    if isinstance(tree, ast.Name):
        return _called(tree.id, ())
    raise ParamsError(f"a rule knows no {ast.unparse(tree)!r}: it compares (> < >= <=), joins (and, or, not) and calls")


def _part(tree: ast.expr) -> Node | int:
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return tree.value
    return _read(tree)


def _compared(left: ast.expr, sign: ast.cmpop, right: ast.expr) -> Node:
    """Return a comparison: the four signs are two words and their opposites."""
    one, two = _part(left), _part(right)
    if type(sign) not in _MEANT or not isinstance(one, Node):
        raise ParamsError("a rule compares with > < >= <=, an oscillator on the left and its level on the right")
    is_less, is_opposite = _MEANT[type(sign)]
    if isinstance(two, int):
        found = Node("under" if is_less else "over", (one, two))
    else:
        name = "wider" if WORDS[one.word].gives is Kind.WIDTH else "above"
        found = Node(name, (two, one) if is_less else (one, two))
    return Node("not", (_checked(found),)) if is_opposite else _checked(found)


def _called(name: str, takes: tuple[Node | int, ...]) -> Node:
    if name in _SPELT:
        raise ParamsError(f"{name} is no function of a rule: write > < and or not, crossed_above or crossed_below")
    if name in _CROSSED and len(takes) == 2 and _is_price(takes[1]):
        one, two = takes
        return _checked(Node("crossed", (one, two) if name == "crossed_above" else (two, one)))
    return _checked(Node(name, takes))


def _is_price(part: Node | int) -> bool:
    return isinstance(part, Node) and fits(WORDS[part.word].gives, Kind.PRICE)


def _checked(node: Node) -> Node:
    """Return the node if it takes what its word wants."""
    word(node.word)
    wanted = wants(node)
    if len(wanted) != len(node.takes):
        kinds = ", ".join(kind.value for kind in wanted) or "nothing"
        raise ParamsError(f"{node.word} takes {kinds}; found {len(node.takes)} of them")
    for part, kind in zip(node.takes, wanted, strict=True):
        _require(part, kind)
    return node


def _require(part: Node | int, kind: Kind) -> None:
    """Refuse what is not of the kind wanted."""
    if isinstance(part, int):
        if kind not in _BOUNDS:
            raise ParamsError(f"{part} stands where a rule wants {kind.value}")
        low, high = _BOUNDS[kind]
        if not low <= part <= high:
            raise ParamsError(f"{kind.value} is from {low:,} to {high:,} (found {part:,})")
    elif not fits(WORDS[part.word].gives, kind):
        raise ParamsError(f"{text_of(part)} is {WORDS[part.word].gives.value}, and a rule wants {kind.value} there")
