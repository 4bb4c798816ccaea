"""The code that decides: `decide`, `indicators`, and the functions of the strategy's own package they use."""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from types import CodeType, FunctionType
from typing import Any, Final

from quantbench.core.strategy import Strategy

__all__ = ["Code", "code_of", "globals_of", "parts_of"]

_NOT_ITS_OWN: Final = ("quantbench.core", "quantbench.indicators")


@dataclass(frozen=True)
class Code:
    """One function: its object, and its syntax with line numbers as in its file."""

    function: FunctionType
    tree: ast.AST | None = field(compare=False)

    @property
    def file(self) -> str:
        """The file it is from, as Python knows it."""
        return self.function.__code__.co_filename

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name it or a function inside it uses."""
        return frozenset(_names(self.function.__code__))

    @cached_property
    def namespace(self) -> dict[str, Any]:
        """What its names mean: builtins, the module's, those it encloses, and the modules it imports itself."""
        found = {**vars(builtins), **self.function.__globals__, **_enclosed(self.function)}
        for node in ast.walk(self.tree) if self.tree is not None else ():
            if isinstance(node, ast.Import):
                found |= {(a.asname or a.name.partition(".")[0]): sys.modules.get(_imported(a)) for a in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = sys.modules.get(node.module or "")
                found |= {(a.asname or a.name): getattr(module, a.name, None) for a in node.names}
        return found


def code_of(strategy: Strategy) -> tuple[Code, ...]:
    """Return the functions that decide, each once; one whose source cannot be had comes without a tree."""
    found: dict[CodeType, Code] = {}
    for part in parts_of(strategy):
        waiting = [_function(getattr(type(part), name, None)) for name in ("decide", "indicators")]
        while waiting:
            function = waiting.pop()
            if function is None or function.__code__ in found:
                continue
            code = Code(function, _tree(function))
            found[function.__code__] = code
            waiting.extend(_callees(code, type(part)))
    return tuple(found.values())


def globals_of(codes: tuple[Code, ...]) -> dict[tuple[str, str], Any]:
    """Return the values of the module-level names the functions use, by module and name."""
    return {
        (code.function.__module__, name): code.function.__globals__[name]
        for code in codes
        for name in sorted(code.names)
        if name in code.function.__globals__
    }


def parts_of(strategy: Strategy) -> Iterator[Strategy]:
    """Yield the strategy and those it is made of."""
    yield strategy
    for value in strategy.params.values():
        for part in value if isinstance(value, tuple | list) else (value,):
            if isinstance(part, Strategy):
                yield from parts_of(part)


def _function(value: Any) -> FunctionType | None:
    """Return the Python function behind a method, a property, a wrapper or a compiled function."""
    for name in ("fget", "__func__", "func", "py_func"):
        value = getattr(value, name, value)
    value = inspect.unwrap(value) if callable(value) else None
    return value if isinstance(value, FunctionType) else None


def _callees(code: Code, owner: type) -> Iterator[FunctionType]:
    namespace = code.function.__globals__
    for name in sorted(code.names):
        for value in (namespace.get(name), inspect.getattr_static(owner, name, None)):
            function = _function(value)
            if function is not None and _is_own(function, owner):
                yield function


def _is_own(function: FunctionType, owner: type) -> bool:
    module = function.__module__ or ""
    if any(module == name or module.startswith(f"{name}.") for name in _NOT_ITS_OWN):
        return False
    return module.partition(".")[0] == owner.__module__.partition(".")[0] and module in sys.modules


def _enclosed(function: FunctionType) -> dict[str, Any]:
    try:
        return dict(inspect.getclosurevars(function).nonlocals)
    except ValueError:  # a cell that is still empty
        return {}


def _imported(alias: ast.alias) -> str:
    """Return the module a name stands for: `import a.b` binds a, `import a.b as c` binds a.b."""
    return alias.name if alias.asname else alias.name.partition(".")[0]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)


def _tree(function: FunctionType) -> ast.AST | None:
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError, TypeError):  # made by exec, or a lambda in the middle of a line
        return None
    return ast.increment_lineno(tree, first - 1)
