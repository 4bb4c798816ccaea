"""The certificate: what was tested, what was found, and the verdict in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError
from quantbench.core.strategy import Strategy
from quantbench.strategies.naming import name_of

__all__ = ["Certificate", "Finding", "Severity", "What", "moment"]

Severity = Literal["fault", "open", "hint"]
What = Literal["look-ahead", "warm-up", "impure", "error", "untested", "rounding", "source"]

SCHEMA: Final = 1


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes
    ----------
    severity : {"fault", "open", "hint"}
        A fault fails the certificate. What is open could not be tested on these bars. A hint is
        worth reading and accuses nobody.
    what : str
        ``look-ahead``, ``warm-up``, ``impure``, ``error``, ``untested``, ``rounding`` or ``source``.
    message : str
        What was seen, and what to do.
    output : str, optional
        The output concerned: ``target``, ``stop``, ..., or ``indicator NAME``.
    bar : int, optional
        Position of the first bar, among those tested, on which it was seen.
    time : str, optional
        The open of that bar, UTC.
    lag : int, optional
        How many bars of the future the output needs, at least; None where it needs the whole sample
        or where it cannot be said.
    where : str, optional
        File and line of the code concerned.
    """

    severity: Severity
    what: What
    message: str
    output: str | None = None
    bar: int | None = None
    time: str | None = None
    lag: int | None = None
    where: str | None = None

    def __str__(self) -> str:
        place = [self.output or "", f"bar {self.bar:,} ({self.time} UTC)" if self.bar is not None else "", self.where]
        found = ", ".join(part for part in place if part)
        return f"{self.severity.upper():5} {self.what}: {found + ': ' if found else ''}{self.message}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Certificate:
    """What the causality tests say about one strategy on one range of bars.

    Attributes
    ----------
    strategy : Strategy
        What was tested, with its params.
    code : str
        Hash of its code.
    bars : str
        What it was tested on, in words; ``bars_version`` is its hash.
    seed, cuts, starts, decided : int
        Seed of the choice of cuts and of the futures; how many cuts and later beginnings of the history
        were tried; how many bars lie after the warm-up.
    findings : tuple of Finding
        Faults first.
    memory : mapping of str to int or None
        For each output the bars after which more history changed nothing (relative 1e-9);
        None where that never ended or could not be measured.
    declared_warmup : int
        What the strategy says.
    """

    strategy: Strategy
    code: str
    bars: str
    bars_version: str
    seed: int
    cuts: int
    starts: int
    decided: int
    findings: tuple[Finding, ...]
    memory: Mapping[str, int | None]
    declared_warmup: int

    @property
    def faults(self) -> tuple[Finding, ...]:
        """The findings that fail the strategy."""
        return tuple(finding for finding in self.findings if finding.severity == "fault")

    @property
    def hints(self) -> tuple[Finding, ...]:
        """The findings that accuse nobody."""
        return tuple(finding for finding in self.findings if finding.severity == "hint")

    @property
    def verdict(self) -> Literal["passed", "failed", "not proved"]:
        """Failed on any fault; not proved where the bars could not show enough."""
        if self.faults:
            return "failed"
        return "not proved" if any(finding.severity == "open" for finding in self.findings) else "passed"

    @property
    def passed(self) -> bool:
        """True where everything could be tested and no fault was found."""
        return self.verdict == "passed"

    @property
    def measured_warmup(self) -> int | None:
        """Bars after which more history changed no output, the largest of `memory`."""
        found = list(self.memory.values())
        if not found or None in found:
            return None
        return max(bars for bars in found if bars is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain values for JSON, with its schema."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "strategy": _name(self.strategy),
            "params": {name: _plain(value) for name, value in self.strategy.params.items()},
            "code": self.code,
            "bars": self.bars,
            "bars_version": self.bars_version,
            "seed": self.seed,
            "cuts": self.cuts,
            "starts": self.starts,
            "decided": self.decided,
            "declared_warmup": self.declared_warmup,
            "measured_warmup": self.measured_warmup,
            "memory": dict(self.memory),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def __str__(self) -> str:
        lines = [
            f"Causality of {self.strategy!r}: {self.verdict.upper()}",
            *(str(finding) for finding in self.findings),
            f"warm-up: declared {self.declared_warmup:,} bars, {self._measured_in_words()}",
            f"tested on {self.bars}, version {self.bars_version}: {self.decided:,} bars after the warm-up",
            f"tried {self.cuts:,} cuts with two other futures each, {self.starts:,} later beginnings, seed {self.seed}",
        ]
        return "\n".join(lines)

    def _measured_in_words(self) -> str:
        if not self.starts:
            return "not measured"
        measured = self.measured_warmup
        if measured is not None:
            return f"measured {measured:,}"
        return f"no end measured of {', '.join(name for name, bars in self.memory.items() if bars is None)}"


def moment(bars: Bars, row: int) -> str:
    """Return the open of a bar as text, to the minute, UTC."""
    return str(np.datetime_as_string(bars.time[row], unit="m")).replace("T", " ")


def _name(strategy: Strategy) -> str:
    try:
        return name_of(type(strategy))
    except ParamsError:  # made inside a function: it can be certified, though not saved
        return f"{type(strategy).__module__}:{type(strategy).__qualname__}"


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)
