"""Remarks on source code: calls that often look ahead, or read what is not in the bars. Hints, not proof."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import PurePath
from types import ModuleType
from typing import Any, Final, NamedTuple

from quantbench.research.causality.source import Code

__all__ = ["Remark", "remarks_on"]

_WINDOWS: Final = frozenset({"rolling", "expanding", "ewm", "groupby", "resample", "sliding_window_view"})
_PLAIN: Final = ("mean", "std", "var", "min", "max", "median", "quantile", "percentile", "sum", "argmax", "argmin")
_STATISTICS: Final = frozenset(
    (
        *_PLAIN,
        *(f"nan{name}" for name in _PLAIN),
        "average",
        "amin",
        "amax",
        "ptp",
        "idxmax",
        "idxmin",
        "skew",
        "kurt",
        "describe",
    )
)
_WHOLE: Final = {
    **dict.fromkeys(("rank", "rankdata", "argsort", "qcut"), "ranks each bar among all bars, later ones too"),
    **dict.fromkeys(("zscore", "scale", "detrend", "normalize"), "uses the mean of the whole sample"),
    **dict.fromkeys(("fit", "fit_transform", "fit_predict", "polyfit", "lstsq"), "fits on every bar, later ones too"),
    **dict.fromkeys(("bfill", "backfill"), "fills from later bars"),
    **dict.fromkeys(("interpolate", "interp"), "draws a line to a later value"),
    **dict.fromkeys(("filtfilt", "sosfiltfilt", "savgol_filter", "find_peaks", "argrelextrema", "rfft", "fft"),
                    "reads bars on both sides"),
    "gradient": "is a difference around each bar: half of it is the next bar",
    "roll": "wraps around: the last bars come first",
    "flip": "turns time around",
}  # fmt: skip
_MOVES: Final = frozenset({"shift", "diff", "pct_change"})
_LATER: Final = frozenset({"bfill", "backfill", "nearest", "forward"})
_CLOCKS: Final = frozenset({"now", "today", "utcnow"})
_TIMES: Final = frozenset({"datetime64", "Timestamp", "to_datetime"})
_SEEDED: Final = frozenset({"default_rng", "Random", "RandomState", "Generator"})
_TEXTS: Final = frozenset({"read_text", "read_bytes"})
_READERS: Final = frozenset({"load", "loadtxt", "genfromtxt", "fromfile", "getenv", "urlopen"})


class Remark(NamedTuple):
    """What a line does that deserves a look; `reads_more` where it reads something other than bars."""

    file: str
    line: int
    end: int
    message: str
    reads_more: bool

    @property
    def where(self) -> str:
        """File and line, as a reader looks for them."""
        return f"{PurePath(self.file).name}:{self.line}"


def remarks_on(codes: tuple[Code, ...]) -> tuple[Remark, ...]:
    """Return the remarks on the functions that decide, in order, each once."""
    found = {
        Remark(code.file, node.lineno, node.end_lineno or node.lineno, message, reads_more)
        for code in codes
        if code.tree is not None
        for node, message, reads_more in _remarks(code.tree, code.namespace)
    }
    return tuple(sorted(found))


def _remarks(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[tuple[ast.expr | ast.stmt, str, bool]]:
    for node in _outside_windows(tree):
        if isinstance(node, ast.Global):
            yield node, f"keeps state in the module: global {', '.join(node.names)}", False
        elif isinstance(node, ast.Subscript):
            for message in _on_subscript(node):
                yield node, message, False
        elif isinstance(node, ast.Call):
            for message in (*_on_move(node), *_on_keywords(node), *_on_statistics(node), *_on_dice(node)):
                yield node, message, False
            for message in _on_reading(node, names):
                yield node, message, True


def _outside_windows(node: ast.AST) -> Iterator[ast.AST]:
    """Walk the tree, but not into what is applied to one window at a time."""
    yield node
    windowed = isinstance(node, ast.Call) and _is_windowed(node)
    for name, child in ast.iter_fields(node):
        for part in child if isinstance(child, list) else [child]:
            if isinstance(part, ast.AST) and not (windowed and name in {"args", "keywords"}):
                yield from _outside_windows(part)


def _on_subscript(node: ast.Subscript) -> Iterator[str]:
    index = node.slice
    if isinstance(index, ast.Slice) and _is_negative(index.step):
        yield "[::-1] turns time around: what runs over it comes from later bars"
    elif isinstance(node.ctx, ast.Load) and _number(index) == -1 and _tail(node.value) != "shape":
        yield "[-1] is the last bar of whatever history is given; it is the present only for the last decision"


def _on_move(node: ast.Call) -> Iterator[str]:
    name = _tail(node.func)
    given = [*node.args, *(k.value for k in node.keywords if k.arg in {"periods", "shift"})]
    if name in _MOVES and given and _is_negative(given[0]):
        yield f"{name} by a negative number brings later bars back"
    if name == "resample" and not any(k.arg == "label" and _value(k.value) == "right" for k in node.keywords):
        yield 'resample without label="right" names a period by its beginning, before it is known'


def _on_keywords(node: ast.Call) -> Iterator[str]:
    for keyword in node.keywords:
        value = _value(keyword.value)
        if keyword.arg == "center" and value is True:
            yield "center=True puts the window around the bar: half of it is later"
        elif keyword.arg in {"method", "direction", "fill_method"} and value in _LATER:
            yield f"{keyword.arg}={value!r} takes values of later bars"
        elif keyword.arg == "mode" and value == "same":
            yield 'mode="same" puts the window around the bar: half of it is later'


def _on_statistics(node: ast.Call) -> Iterator[str]:
    name = _tail(node.func)
    if _is_windowed(node) or _root(node.func) == "self":
        return
    if name in _WHOLE:
        yield f"{name} {_WHOLE[name]}"
    over_rows = any(k.arg == "axis" and _number(k.value) in {1, -1} for k in node.keywords)
    of_several = isinstance(node.func, ast.Name) and len(node.args) != 1  # max(a, b) is no statistic of a column
    if name in _STATISTICS and not over_rows and not of_several:
        yield f"{name} over a whole column knows later bars; use a rolling or expanding window"


def _on_dice(node: ast.Call) -> Iterator[str]:
    whole = ast.unparse(node.func)
    if whole == "object.__setattr__":
        yield "object.__setattr__ writes to what is frozen"
    elif whole.startswith(("random.", "np.random.", "numpy.random.", "secrets.")) and not _is_seeded(node):
        yield f"{whole} draws random numbers"


def _on_reading(node: ast.Call, names: Mapping[str, Any]) -> Iterator[str]:
    """Yield what reads a clock or a file; what the names mean is looked up, so that nobody is taken for another."""
    called, name, whole = _meaning(node.func, names), _tail(node.func), ast.unparse(node.func)
    module = (getattr(called, "__module__", None) or "").partition(".")[0]
    of_date = isinstance(getattr(called, "__self__", None), type) and issubclass(called.__self__, date)
    from_now = name in _TIMES and module in {"numpy", "pandas"} and {_value(a) for a in node.args} & {"now", "today"}
    if (of_date and name in _CLOCKS) or from_now or (module == "time" and called in {time.time, time.time_ns}):
        yield f"{whole} reads the clock"
    elif (
        called is open
        or (getattr(called, "__module__", None) or "").startswith("quantbench.data.")
        or name in _TEXTS
        or (module in {"pandas", "polars"} and name.startswith(("read_", "scan_")))
        or (module in {"numpy", "os", "urllib"} and name in _READERS)
    ):
        yield f"{whole} reads something that is not in the bars"


def _meaning(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return what a dotted name stands for, None where only running would tell."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _meaning(node.value, names)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType | type) else None
    return None


def _is_seeded(node: ast.expr) -> bool:
    """Whether the generator the numbers come from was given a seed, as in default_rng(7).normal()."""
    inner: ast.expr | None = node
    while inner is not None:
        if isinstance(inner, ast.Call) and _tail(inner.func) in _SEEDED:
            return bool(inner.args or inner.keywords)
        inner = _inner(inner)
    return False


def _is_windowed(node: ast.Call) -> bool:
    """Whether the value the method is called on comes from a window, as in x.rolling(20).mean()."""
    inner: ast.expr | None = node.func.value if isinstance(node.func, ast.Attribute) else None
    while inner is not None:
        if isinstance(inner, ast.Call) and _tail(inner.func) in _WINDOWS:
            return True
        inner = _inner(inner)
    return False


def _inner(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.Attribute | ast.Subscript):
        return node.value
    return node.func if isinstance(node, ast.Call) else None


def _root(node: ast.expr) -> str:
    while (inner := _inner(node)) is not None:
        node = inner
    return node.id if isinstance(node, ast.Name) else ""


def _tail(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _value(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _number(node: ast.expr | None) -> float | None:
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1.0
    value = node.value if isinstance(node, ast.Constant) else None
    return sign * value if isinstance(value, int | float) else None


def _is_negative(node: ast.expr | None) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
