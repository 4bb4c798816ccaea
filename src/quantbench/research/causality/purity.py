"""Purity: the answer is the same every time, and asking changes nothing else."""

from __future__ import annotations

import inspect
import pickle
import random
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from types import FrameType
from typing import Any

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError
from quantbench.core.strategy import Strategy
from quantbench.research.causality.certificate import Finding, moment
from quantbench.research.causality.lint import Remark
from quantbench.research.causality.outputs import Outputs, asked, column_of
from quantbench.research.causality.source import Code, globals_of, parts_of

__all__ = ["Before", "asked_again", "before", "executed", "unchanged"]

_STATE = (dict, list, set, bytearray, np.ndarray, bool, int, float, str, tuple, type(None))

Before = Mapping[str, Any]
"""What may not change, by what it is called."""


def before(strategy: Strategy, bars: Bars, codes: tuple[Code, ...]) -> Before:
    """Return what the strategy could change by deciding: itself, its class, its module, the bars."""
    found: dict[str, Any] = {}
    for part in parts_of(strategy):
        found |= _fields(part) | _class_state(type(part))
    found |= {
        f"the module's {name}": _text(value)
        for (_, name), value in globals_of(codes).items()
        if isinstance(value, _STATE) and not name.startswith("__")
    }
    columns = ("time", "open", "high", "low", "close", "volume", "spread")
    return found | {f"the bars' {name}": getattr(bars, name).tobytes() for name in columns}


def _fields(strategy: Strategy) -> dict[str, Any]:
    """Return the values of its fields and attributes, but for memos: they are computed, not remembered."""
    kind = type(strategy)
    memos = {name for name in dir(kind) if isinstance(inspect.getattr_static(kind, name), cached_property)}
    held = {**strategy.params, **vars(strategy)}
    return {f"{kind.__name__}().{name}": _text(value) for name, value in held.items() if name not in memos}


def _class_state(kind: type) -> dict[str, Any]:
    return {
        f"{part.__name__}.{name}": _text(value)
        for part in kind.__mro__
        if part not in {Strategy, object}
        for name, value in vars(part).items()
        if isinstance(value, _STATE) and not name.startswith("__")
    }


def unchanged(then: Before, now: Before) -> list[Finding]:
    """Return a fault for each thing that is not what it was."""
    names = sorted(name for name in {**then, **now} if then.get(name) != now.get(name))
    return [
        Finding("fault", "impure", f"decide changed {name}; a strategy is a value: let it hold and change nothing")
        for name in names
    ]


def asked_again(strategy: Strategy, bars: Bars, known: Outputs, seed: int) -> list[Finding]:
    """Return what differs when the same strategy and copies are asked, under other global dice."""
    findings: list[Finding] = []
    try:
        again, same_bars = pickle.loads(pickle.dumps((strategy, bars)))  # noqa: S301  (our own bytes)
    except (pickle.PicklingError, AttributeError, TypeError) as fault:
        again, same_bars = strategy, replace(bars, close=bars.close.copy())
        message = f"it cannot be pickled, so a search cannot hand it to workers ({fault}); define it in a module"
        findings.append(Finding("hint", "impure", message))
    with _other_dice(seed) as dice:
        answers = {
            "asked a second time": asked(strategy, bars),
            "asked as an unpickled copy on copied bars": asked(again, same_bars),
        }
        equal = _made_anew(strategy)
        if equal is not None:
            answers["asked of an equal strategy"] = asked(equal, bars)
        rolled = dice()
    if rolled:
        message = "decide draws from the global random numbers; results of other code now depend on it"
        findings.append(Finding("hint", "impure", message))
    for how, found in answers.items():
        if isinstance(found, Exception):
            findings.append(Finding("fault", "error", f"it raises when {how} ({type(found).__name__}: {found})"))
        else:
            findings.extend(_differing(bars, known, found, how))
    return _first_of_each(findings)


def executed(strategy: Strategy, bars: Bars, remarks: tuple[Remark, ...]) -> tuple[Remark, ...]:
    """Return the remarks whose lines run when the strategy decides."""
    files = {remark.file for remark in remarks}
    ran: set[tuple[str, int]] = set()

    def line(frame: FrameType, event: str, _: Any) -> Any:
        if event in {"line", "call"}:
            ran.add((frame.f_code.co_filename, frame.f_lineno))
        return line

    tracer = sys.gettrace()
    sys.settrace(lambda frame, event, arg: line(frame, event, arg) if frame.f_code.co_filename in files else None)
    try:
        asked(strategy, bars)
    finally:
        sys.settrace(tracer)
    return tuple(r for r in remarks if any((r.file, row) in ran for row in range(r.line, r.end + 1)))


def _text(value: Any) -> Any:
    """Return what tells a changed value from the same one; a strategy inside is watched by itself."""
    if isinstance(value, Strategy | tuple):
        return repr(value)
    try:
        return pickle.dumps(value)
    except (pickle.PicklingError, AttributeError, TypeError):
        return repr(value)


def _made_anew(strategy: Strategy) -> Strategy | None:
    try:
        return type(strategy).from_params(strategy.params)
    except (ParamsError, TypeError):  # fields that are not params of the constructor
        return None


@contextmanager
def _other_dice(seed: int) -> Iterator[Any]:
    """Set the global generators elsewhere; what is yielded says whether somebody used them."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    elsewhere = np.random.RandomState(seed + 1).get_state(), random.Random(seed + 1).getstate()  # noqa: S311
    np.random.set_state(elsewhere[0])  # noqa: NPY002
    random.setstate(elsewhere[1])

    def used() -> bool:
        now = np.random.get_state()  # noqa: NPY002
        return repr(now) != repr(elsewhere[0]) or random.getstate() != elsewhere[1]

    try:
        yield used
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def _differing(bars: Bars, known: Outputs, found: Outputs, how: str) -> Iterator[Finding]:
    for name in {**known, **found}:
        now, then = column_of(found, name, len(bars)), column_of(known, name, len(bars))
        differs = (now != then) & ~(np.isnan(now) & np.isnan(then))
        if differs.any():
            row = int(np.argmax(differs))
            message = (
                f"another answer when {how} ({int(differs.sum()):,} bars); read nothing but the bars and the fields"
            )
            yield Finding("fault", "impure", message, name, row, moment(bars, row))


def _first_of_each(findings: list[Finding]) -> list[Finding]:
    """One finding an output is enough: the first way of asking that showed it."""
    found: dict[tuple[str | None, str], Finding] = {}
    for finding in findings:
        found.setdefault((finding.output, "" if finding.output else finding.message), finding)
    return list(found.values())
