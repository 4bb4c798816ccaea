"""One hash for the code of a strategy, so that a changed rule is never taken for the old one."""

from __future__ import annotations

import ast
import inspect
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from quantbench.core.strategy import Strategy

__all__ = ["code_hash", "is_installed", "names_in", "own_modules"]

_INSTALLED: Final = tuple(
    {Path(sysconfig.get_paths()[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
)
_CONSTANTS: Final = (bool, int, float, str, tuple, frozenset, type(None))


def code_hash(strategy: type[Strategy]) -> str:
    """Return a hash of the code that decides: the class and its bases below `Strategy`.

    A class of a module counts as that module's whole source text and that of the modules of yours it
    imports: an edit anywhere in them gives another hash, an update of an installed package does not. A
    class defined in a notebook has no file;
    it counts as its bytecode with the functions and constants of the notebook it names, and its
    hash therefore holds for one version of Python only.

    Parameters
    ----------
    strategy : type
        A subclass of `Strategy`.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> from quantbench.strategies import MaCross
    >>> len(code_hash(MaCross))
    16
    """
    digest = blake2b(digest_size=8)
    for part in strategy.__mro__:
        if part in {Strategy, object}:
            continue
        digest.update(f"\0{part.__qualname__}\0".encode())
        for text in _source(part):
            digest.update(text.encode())
    return digest.hexdigest()


def own_modules(strategy: type) -> list[ModuleType]:
    """Return the modules of yours that a strategy is made of: where its classes stand, and what those import."""
    homes = [sys.modules[part.__module__] for part in strategy.__mro__ if part.__module__ in sys.modules]
    homes = [home for home in homes if _is_yours(home)]
    found = {module.__name__: module for home in homes for module in (home, *_imported(home))}
    return list(found.values())


def _source(part: type) -> Iterator[str]:
    module = sys.modules.get(part.__module__)
    if module is not None and part.__module__ != "__main__":
        try:
            yield inspect.getsource(module)
        except (OSError, TypeError):  # made by exec, or its file is gone
            yield from _bytecode(part)
        else:
            yield from (_text(other) for other in _imported(module))
    else:
        yield from _bytecode(part)


def _imported(module: ModuleType) -> list[ModuleType]:
    """Return the modules of yours that a module imports, and those that they import, by name."""
    found: dict[str, ModuleType] = {}
    waiting = [module]
    while waiting:
        for name in _names(waiting.pop()):
            other = sys.modules.get(name)
            if other is not None and other is not module and name not in found and _is_yours(other):
                found[name] = other
                waiting.append(other)
    return [found[name] for name in sorted(found)]


def _names(module: ModuleType) -> tuple[str, ...]:
    """Return the names a module's text imports, those in a function too."""
    return names_in(_text(module), module.__package__ or "")


@lru_cache(maxsize=256)
def names_in(text: str, package: str) -> tuple[str, ...]:
    """Return the names a text imports; parsed once a text, for a walk-forward asks in every fold."""
    found, above = list[str](), package.split(".")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ".".join((*above[: len(above) + 1 - node.level], node.module or "") if node.level else ())
            origin = base.rstrip(".") or node.module or ""
            found += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _is_yours(module: ModuleType) -> bool:
    """Whether a module is neither Python's, nor installed, nor Quantbench's."""
    file = getattr(module, "__file__", None)
    if not file or module.__name__ == "__main__" or module.__name__.partition(".")[0] == "quantbench":
        return False
    return not is_installed(Path(file))


def is_installed(file: Path) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    return any(file.is_relative_to(place) for place in _INSTALLED)


def _text(module: ModuleType) -> str:
    try:
        return inspect.getsource(module)
    except (OSError, TypeError):  # compiled, or its file is gone
        return f"{module.__name__!r}"


def _bytecode(part: type) -> Iterator[str]:
    seen: set[CodeType] = set()
    for name, value in sorted(vars(part).items()):
        function = getattr(value, "fget", None) or getattr(value, "__func__", None) or value
        if isinstance(function, FunctionType):
            yield name
            yield from _function(function.__code__, function.__globals__, seen)
        elif not name.startswith("__") and isinstance(value, _CONSTANTS):
            yield f"{name}={_constant(value)}"


def _function(code: CodeType, namespace: Mapping[str, Any], seen: set[CodeType]) -> Iterator[str]:
    """Yield a function's code and that of the functions and constants it names."""
    if code in seen:
        return
    seen.add(code)
    yield code.co_code.hex()
    yield repr((code.co_names, code.co_varnames, code.co_freevars))
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _function(value, namespace, seen)
        else:
            yield _constant(value)
    for name in code.co_names:
        value = namespace.get(name)
        if isinstance(value, FunctionType) and value.__globals__ is namespace:
            yield from _function(value.__code__, namespace, seen)
        elif not name.startswith("__") and isinstance(value, _CONSTANTS):
            yield f"{name}={_constant(value)}"


def _constant(value: object) -> str:
    """Return the same text in every process: a set's order is not."""
    return repr(sorted(map(repr, value))) if isinstance(value, frozenset) else repr(value)
