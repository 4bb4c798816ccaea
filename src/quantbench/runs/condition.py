"""A condition over parameters, such as ``fast < slow``: a small part of Python, walked and never evaluated by it."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from quantbench.core.errors import RunError, did_you_mean

__all__ = ["Condition", "condition"]

_LONGEST: Final = 1_000
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARED: Final[dict[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_CALLED: Final[dict[str, Callable[..., Any]]] = {"abs": abs, "max": max, "min": min}
_SYNTAX: Final = (
    ast.BoolOp,
    ast.boolop,
    ast.UnaryOp,
    ast.Not,
    ast.USub,
    ast.UAdd,
    ast.BinOp,
    *_ARITHMETIC,
    ast.Compare,
    *_COMPARED,
    ast.Constant,
    ast.Name,
    ast.Load,
    ast.List,
    ast.Tuple,
    ast.Call,
)


@dataclass(frozen=True)
class Condition:
    """What must hold for a combination to be run.

    Attributes
    ----------
    text : str
        As written.
    names : frozenset of str
        The parameters it speaks of.
    """

    text: str
    names: frozenset[str]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Return whether it holds for these values.

        Raises
        ------
        RunError
            When the values cannot be compared so, such as text with a number.
        """
        try:
            return bool(_value(ast.parse(self.text, mode="eval").body, values))
        except (TypeError, ZeroDivisionError, OverflowError) as fault:
            found = ", ".join(f"{name}={values[name]!r}" for name in sorted(self.names))
            raise RunError(f"where {self.text!r} fails for {found}: {fault}") from fault


def condition(text: str, known: Iterable[str]) -> Condition:
    """Return a condition, checked.

    Parameters
    ----------
    text : str
        Comparisons, ``and or not in``, arithmetic on numbers, ``abs min max``, and names.
    known : iterable of str
        The parameters there are.

    Raises
    ------
    RunError
        When it is no such expression, or speaks of a parameter there is not.

    Examples
    --------
    >>> condition("fast < slow / 2", ["fast", "slow"]).holds({"fast": 20, "slow": 100})
    True
    """
    if len(text) > _LONGEST:
        raise RunError(f"the condition has {len(text):,} characters; at most {_LONGEST:,}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as fault:
        raise RunError(f"{text!r} is no condition, such as fast < slow: {getattr(fault, 'msg', fault)}") from fault
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        _refuse_other_syntax(node, text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in called}
    for name in sorted(names - set(known)):
        raise RunError(f"{text!r} speaks of {name!r}, which is no parameter: {did_you_mean(name, known)}")
    return Condition(text.strip(), frozenset(names))


def _refuse_other_syntax(node: ast.AST, text: str) -> None:
    if not isinstance(node, _SYNTAX):
        what = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
        raise RunError(f"{text!r} may compare parameters only; {what!r} is not allowed")
    if isinstance(node, ast.Call) and (
        not isinstance(node.func, ast.Name) or node.func.id not in _CALLED or node.keywords
    ):
        raise RunError(f"{text!r} may call abs, min and max only; {ast.unparse(node)!r} is not allowed")


def _value(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return values[name]
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_value(part, values) for part in parts]
        case ast.BoolOp(op=op, values=parts):
            return (all if isinstance(op, ast.And) else any)(_value(part, values) for part in parts)
        case ast.Compare():
            return _compared(node, values)
        case _:
            return _computed(node, values)


def _computed(node: ast.expr, values: Mapping[str, Any]) -> Any:
    match node:
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return not _value(inner, values)
        case ast.UnaryOp(op=sign, operand=inner):
            number = _number(_value(inner, values))
            return -number if isinstance(sign, ast.USub) else number
        case ast.BinOp(left=left, op=op, right=right):
            return _ARITHMETIC[type(op)](_number(_value(left, values)), _number(_value(right, values)))
        case ast.Call(func=ast.Name(id=name), args=given):
            return _CALLED[name](*(_value(part, values) for part in given))
    raise TypeError(f"cannot compute {ast.unparse(node)}")


def _compared(node: ast.Compare, values: Mapping[str, Any]) -> bool:
    left = _value(node.left, values)
    for op, part in zip(node.ops, node.comparators, strict=True):
        right = _value(part, values)
        if not _COMPARED[type(op)](left, right):
            return False
        left = right
    return True


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value
