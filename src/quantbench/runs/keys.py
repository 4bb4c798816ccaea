"""The key of a run: a hash of all its result depends on, and why two keys differ."""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from quantbench.data.code import is_installed, names_in
from quantbench.runs.files import read_notebook
from quantbench.runs.parameters import literal
from quantbench.runs.plan import Plan, PlannedRun

__all__ = ["Ingredients", "explain_miss", "ingredients", "key_of"]

Ingredients = dict[str, Any]

_NUMERIC: Final = ("numpy", "pandas", "numba", "scipy", "TA-Lib", "polars", "scikit-learn", "vectorbt")
_SHORT: Final = 16


def ingredients(planned: PlannedRun, plan: Plan, *, home: Path) -> Ingredients:
    """Return what the result of a run depends on: code cells, modules of yours, parameters, data, numeric libraries.

    Text cells, outputs, tags and the order of keys do not count.

    Parameters
    ----------
    planned : PlannedRun
    plan : Plan
        Whose data it uses.
    home : Path
        The project's folder, where its modules are looked for.
    """
    code = _code(planned)
    return {
        "code": _digest("\0".join(code)),
        "modules": {name: _digest(text) for name, text in sorted(_modules(code, planned, home).items())},
        "parameters": {name: literal(value) for name, value in sorted(planned.parameters.items())},
        "required": sorted(planned.required),
        "data": dict(sorted(plan.data.items())),
        "libraries": _libraries(),
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def key_of(found: Ingredients) -> str:
    """Return the key: 16 hexadecimal digits."""
    return _digest(json.dumps(found, sort_keys=True))[:_SHORT]


def explain_miss(now: Ingredients, before: Ingredients) -> list[str]:
    """Return what moved between two runs, one line each; empty where nothing did."""
    said = []
    for name in now:
        new, old = now[name], before.get(name)
        if new == old:
            continue
        if isinstance(new, Mapping) and isinstance(old, Mapping):
            changed = sorted(key for key in {*new, *old} if new.get(key) != old.get(key))
            said += [f"{name}: {key} {_moved(old.get(key), new.get(key))}" for key in changed]
        else:
            said.append(f"{name} {_moved(old, new)}")
    return said


def _moved(old: Any, new: Any) -> str:
    if old is None:
        return f"is new ({_shown(new)})"
    return "is gone" if new is None else f"was {_shown(old)}, is {_shown(new)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text


def _code(planned: PlannedRun) -> list[str]:
    """Return the sources of the code cells as written, or the name of the function."""
    if planned.notebook is None:
        return [planned.function or ""]
    return list(_sources(planned.notebook, planned.notebook.stat().st_mtime_ns if planned.notebook.exists() else 0))


@lru_cache(maxsize=32)
def _sources(notebook: Path, changed: int) -> tuple[str, ...]:  # noqa: ARG001  (a changed file is another answer)
    """Return the code of a notebook; read once for all runs of a plan."""
    cells = read_notebook(notebook).cells
    return tuple(
        cell.source
        for cell in cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    )


def _modules(code: list[str], planned: PlannedRun, home: Path) -> dict[str, str]:
    """Return the texts of the modules of yours that are reached, by name, and of files that parameters name."""
    wanted = [name for text in code for name in _imported(text)]
    if planned.function is not None:
        wanted.append(planned.function.partition(":")[0])
    found: dict[str, str] = {}
    for name in wanted:
        _reach(name, home, found)
    for value in planned.parameters.values():
        file = home / str(value).partition(":")[0] if isinstance(value, str) and ".py" in value else None
        if file is not None and file.is_file():
            text = file.read_text("utf-8")
            found[str(value).partition(":")[0]] = text
            for name in _imported(text):
                _reach(name, home, found)
    return found


def _reach(name: str, home: Path, found: dict[str, str]) -> None:
    if name in found:
        return
    file = _file_of(name, home)
    if file is None:
        return
    found[name] = text = file.read_text("utf-8")
    for other in _imported(text, package=name if file.name == "__init__.py" else name.rpartition(".")[0]):
        _reach(other, home, found)


def _file_of(name: str, home: Path) -> Path | None:
    """Return the file of a module if it is yours: beside the project or in its `src`, or not installed."""
    parts = name.split(".")
    if parts[0] == "quantbench" or parts[0] in sys.stdlib_module_names or not all(parts):  # its version counts
        return None
    for root in (home, home / "src"):
        for file in (root.joinpath(*parts).with_suffix(".py"), root.joinpath(*parts) / "__init__.py"):
            if file.is_file():
                return file
    try:
        spec = find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None
    origin = None if spec is None else spec.origin
    found = None if origin in {None, "built-in", "frozen"} else Path(str(origin))
    return found if found is not None and found.suffix == ".py" and not is_installed(found) else None


def _imported(source: str, *, package: str = "") -> tuple[str, ...]:
    """Return the modules a text imports; magics of a notebook are no Python."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return names_in("\n".join(lines), package)
    except SyntaxError:
        return ()


@cache
def _libraries() -> dict[str, str]:
    from quantbench import __version__

    found = {"quantbench": __version__}
    for name in _NUMERIC:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
