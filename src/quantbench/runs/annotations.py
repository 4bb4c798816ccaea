"""Whether a value fits an annotation that is only known as text; nothing is evaluated."""

from __future__ import annotations

import ast
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

__all__ = ["fits", "read_as"]


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
    "date": lambda value: isinstance(value, date) and not isinstance(value, datetime),
    "datetime": lambda value: isinstance(value, datetime),
    "time": lambda value: isinstance(value, time),
    "Decimal": lambda value: isinstance(value, Decimal),
    "Path": lambda value: isinstance(value, Path),
}
_READ: Final[dict[str, Callable[[str], Any]]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "Decimal": Decimal,
    "Path": Path,
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


def read_as(value: Any, annotation: str) -> Any:
    """Return what text (or a list) of a file means for an annotation; the value itself where it means nothing else.

    A file has no dates, decimals, paths and tuples: ``"2017-01-02"`` for a ``date`` is that date.

    Examples
    --------
    >>> read_as("2017-01-02", "date | None"), read_as([1, 2], "tuple[int, int]")
    (datetime.date(2017, 1, 2), (1, 2))
    """
    return _read(value, ast.parse(annotation, mode="eval").body)


def _read(value: Any, wanted: ast.expr) -> Any:
    if isinstance(wanted, ast.Constant) and isinstance(wanted.value, str):
        return _read(value, ast.parse(wanted.value, mode="eval").body)
    for choice in _choices(wanted):
        found = _read_one(value, choice)
        if _fits(found, choice):
            return found
    return value


def _choices(wanted: ast.expr) -> list[ast.expr]:
    if isinstance(wanted, ast.BinOp) and isinstance(wanted.op, ast.BitOr):
        return [*_choices(wanted.left), *_choices(wanted.right)]
    if isinstance(wanted, ast.Subscript) and _name(wanted.value) in {"Optional", "Union", "Annotated", "Final"}:
        parts = wanted.slice.elts if isinstance(wanted.slice, ast.Tuple) else [wanted.slice]
        return _choices(parts[0]) if _name(wanted.value) in {"Annotated", "Final"} else parts
    return [wanted]


def _read_one(value: Any, wanted: ast.expr) -> Any:
    name = _name(wanted.value if isinstance(wanted, ast.Subscript) else wanted)
    if isinstance(value, str) and name in _READ:
        try:
            return _READ[name](value)
        except (ValueError, InvalidOperation):
            return value
    inner = wanted.slice if isinstance(wanted, ast.Subscript) else None
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner] if inner else []
    if not isinstance(value, list) or name not in {"list", "Sequence", "tuple"}:
        return value
    each = _each(parts, len(value))
    items = [_read(item, part) for item, part in zip(value, each, strict=True)] if len(each) == len(value) else value
    return tuple(items) if name == "tuple" else items


def _each(parts: list[ast.expr], many: int) -> list[ast.expr]:
    is_one = len(parts) == 1 or (len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...)
    return [parts[0]] * many if is_one else parts
