"""A rule as a file of yours: proved to say the same and to be causal, or not written."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from quantbench.config import settings, writable
from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError, QuantbenchError, StoreError
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.research.causality import certify
from quantbench.strategies.rule import Rule
from quantbench.strategies.rule.source import file_name, source_of

__all__ = ["export_rule"]

_COLUMNS: Final = ("target", "stop")


def export_rule(rule: Strategy, bars: Bars, *, name: str, folder: Path | None = None) -> Path:
    """Write a rule as a Python file that defines an ordinary strategy, its numbers as params to search.

    The file is written only if its class gives the rule's signals bit for bit on the bars, and its causality
    certificate (`certify`) passes on them.

    Parameters
    ----------
    rule : Rule
        Such as ``study.best_strategy`` of `evolve`.
    bars : Bars
        What it is proved on: at least twice its warm-up.
    name : str
        Of the class, such as ``"TrendPullback"``; the file is ``trend_pullback.py``.
    folder : Path, optional
        Where it goes; by default ``research/strategies`` of the project.

    Returns
    -------
    Path
        The file; ``path/to/file.py:Name`` names the strategy wherever one is asked for.

    Raises
    ------
    ParamsError
        When the strategy is no `Rule`, or the name no name of a class.
    StoreError
        When another file of that name is there, or the folder cannot be written to.
    QuantbenchError
        When it could not be proved; nothing is written.

    Examples
    --------
    >>> import tempfile, quantbench as qb
    >>> from pathlib import Path
    >>> rule = qb.Rule(long="close > highest(34)", short="close < lowest(34)")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = qb.export_rule(rule, qb.load("EURUSD", "H1"), name="Breakout34", folder=Path(folder))
    ...     print(file.name, "bar_before(qb.donchian(bars, self.highest_lookback).upper)" in file.read_text())
    breakout34.py True
    """
    if not isinstance(rule, Rule):
        found = type(rule).__name__
        raise ParamsError(f"only a Rule is exported, found {found}: another strategy is a file already")
    about = f"A rule as a strategy, proved on {bars.symbol} {bars.timeframe} (version {bars.version})."
    file = (folder or settings().home / "research" / "strategies") / file_name(name)
    text = source_of(rule, name=name, about=about)
    if file.exists():
        if file.read_text("utf-8") == text:
            return file
        raise StoreError(f"{file} is there already, and says something else: choose another name, or move it away")
    writable(file.parent)
    with TemporaryDirectory(prefix="quantbench-") as folder_of_proof:
        draft = Path(folder_of_proof) / file.name
        draft.write_text(text, "utf-8")
        _prove(_loaded(draft, name), rule, bars)
    part = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    part.write_text(text, "utf-8")
    part.replace(file)
    return file


def _loaded(file: Path, name: str) -> Strategy:
    module_name = f"own_strategies_draft_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file.resolve())
    if spec is None or spec.loader is None:
        raise QuantbenchError(f"{file} cannot be imported; give a name such as TrendPullback")
    module = sys.modules[module_name] = importlib.util.module_from_spec(spec)  # dataclasses look it up there
    spec.loader.exec_module(module)
    made: Strategy = getattr(module, name)()
    return made


def _prove(made: Strategy, rule: Rule, bars: Bars) -> None:
    if made.warmup != rule.warmup or not _equal(made.signals(bars), rule.signals(bars)):
        raise QuantbenchError(f"the file does not say what {rule!r} says on {bars!r}; please report this rule")
    found = certify(made, bars)
    if not found.passed:
        raise QuantbenchError(f"not exported, for it is not proved to be causal on these bars:\n{found}")


def _equal(one: Signals, two: Signals) -> bool:
    pairs = [(getattr(one, name), getattr(two, name)) for name in _COLUMNS]
    return all(np.array_equal(left, right, equal_nan=True) for left, right in pairs)
