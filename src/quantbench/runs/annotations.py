"""Whether a value fits an annotation that is only known as text; nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

__all__ = ["fits"]


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_SIMPLE: Final[dict[str, Callable[[Any], bool]]] = {
    "bool": lambda value: isinstance(value, bool),
    "int": _is_int,
    "float": lambda value: isinstance(value, float) or _is_int(value),
    "str": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "list": lambda value: isinstance(value, list),
    "tuple": lambda value: isinstance(value, tuple),
    "dict": lambda value: isinstance(value, dict),
    "Sequence": lambda value: isinstance(value, list | tuple),
    "Mapping": lambda value: isinstance(value, dict),
}


def fits(value: Any, *, annotation: str | None, default: Any, computed: bool) -> bool:
    """Return whether a value may take the place of a parameter's default.

    Without an annotation the type of a literal default decides: an int fits a float, a tuple a
    list. A default of None, or one that is computed, says nothing. An annotation this module does
    not know (a class of the notebook) is not judged.

    Examples
    --------
    >>> fits(20, annotation="int | None", default=None, computed=False)
    True
    >>> fits("20", annotation=None, default=20, computed=False)
    False
    """
    if annotation is not None:
        return _fits(value, ast.parse(annotation, mode="eval").body)
    if computed or default is None:
        return True
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple)
    judge = _SIMPLE.get(type(default).__name__)
    return judge is None or judge(value)


def _fits(value: Any, wanted: ast.expr) -> bool:
    if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):  # a quoted annotation
        return _fits(value, ast.parse(wanted.value, mode="eval").body)
    if isinstance(wanted, ast.BinOp) and isinstance(wanted.op, ast.BitOr):
        return _fits(value, wanted.left) or _fits(value, wanted.right)
    if isinstance(wanted, ast.Subscript):
        return _fits_generic(value, _name(wanted.value), wanted.slice)
    judge = _SIMPLE.get(_name(wanted))
    return judge is None or judge(value)


def _name(node: ast.expr) -> str:
    return ast.unparse(node).rsplit(".", 1)[-1]


def _fits_generic(value: Any, name: str, inner: ast.expr) -> bool:
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    judge: dict[str, Callable[[], bool]] = {
        "Optional": lambda: value is None or _fits(value, inner),
        "Union": lambda: any(_fits(value, part) for part in parts),
        "Literal": lambda: _is_one_of(value, [ast.literal_eval(part) for part in parts]),
        "Annotated": lambda: _fits(value, parts[0]),
        "Final": lambda: _fits(value, parts[0]),
        "list": lambda: isinstance(value, list) and all(_fits(item, inner) for item in value),
        "Sequence": lambda: isinstance(value, list | tuple) and all(_fits(item, inner) for item in value),
        "tuple": lambda: isinstance(value, tuple) and _fits_tuple(value, parts),
        "dict": lambda: isinstance(value, dict) and _fits_dict(value, parts),
        "Mapping": lambda: isinstance(value, dict) and _fits_dict(value, parts),
    }
    return name not in judge or judge[name]()


def _is_one_of(value: Any, allowed: list[Any]) -> bool:
    return any(value == choice and type(value) is type(choice) for choice in allowed)


def _fits_dict(value: dict[Any, Any], parts: list[ast.expr]) -> bool:
    return all(_fits(key, parts[0]) and _fits(item, parts[-1]) for key, item in value.items())


def _fits_tuple(value: tuple[Any, ...], parts: list[ast.expr]) -> bool:
    if len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...:
        return all(_fits(item, parts[0]) for item in value)
    return len(value) == len(parts) and all(map(_fits, value, parts))
