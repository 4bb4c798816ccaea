"""What the checks found: findings with a severity each, as a table, as JSON, and what refuses an import."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import DataError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["SCHEMA", "Finding", "Report", "Severity"]

SCHEMA: Final = 1
"""Version of the layout of a report in JSON."""

Severity = Literal["error", "warning", "note"]
_ORDER: Final = ("error", "warning", "note")


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing a check found.

    Parameters
    ----------
    name : str
        Of the check: what ``--accept`` takes.
    severity : {"error", "warning", "note"}
        An error refuses the import, a warning is to be looked at, a note is to be known.
    count : int
        How often.
    sentence : str
        What, how bad and where first.
    rows : tuple of dict
        The first cases; ``time`` (ISO, UTC) and what belongs to it.
    repair : str or None
        Name of the repair that removes it.
    """

    name: str
    severity: Severity
    count: int
    sentence: str
    rows: tuple[dict[str, Any], ...] = field(default=(), repr=False)
    repair: str | None = None

    def to_dict(self, *, rows: bool = True) -> dict[str, Any]:
        """Return plain values, with or without the first cases."""
        found: dict[str, Any] = {
            "name": self.name,
            "severity": self.severity,
            "count": self.count,
            "sentence": self.sentence,
            "repair": self.repair,
        }
        return found | ({"rows": list(self.rows)} if rows else {})


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """All that was found in one set of bars.

    Parameters
    ----------
    symbol, timeframe : str
        What was checked.
    rows : int
        How many bars.
    first, last : str
        Opens of the first and last bar, ISO, UTC; empty when there are none.
    findings : tuple of Finding
        Errors first.
    coverage : float
        Share of the hours the market should have traded that have a bar; NaN when unknown.
    days : int64 array
        Days since 1970 (UTC).
    day_coverage : float array
        The same share by day: NaN on a free day, 2 on a free day with bars.
    """

    symbol: str
    timeframe: str
    rows: int
    first: str
    last: str
    findings: tuple[Finding, ...]
    coverage: float = float("nan")
    days: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64), repr=False)
    day_coverage: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), repr=False)

    def __post_init__(self) -> None:
        """Put the worst first."""
        ordered = sorted(self.findings, key=lambda finding: _ORDER.index(finding.severity))
        object.__setattr__(self, "findings", tuple(ordered))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that refuse an import."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def require_accepted(self, accepted: Iterable[str] = ()) -> None:
        """Refuse the bars unless every error is accepted by name.

        Raises
        ------
        DataError
            When an error is not accepted, or a name is of no check.
        """
        from quantbench.data.checks import NAMES

        names = set(accepted)
        for name in sorted(names - set(NAMES)):
            raise DataError(f"there is no check {name!r} to accept: {did_you_mean(name, NAMES)}")
        refused = [finding for finding in self.errors if finding.name not in names]
        if refused:
            ways = " ".join(dict.fromkeys(f"--repair {one.repair}" for one in refused if one.repair))
            what = " ".join(f"{one.name}: {one.sentence}" for one in refused)
            accept = " ".join(f"--accept {one.name}" for one in refused)
            raise DataError(
                f"{self.symbol} {self.timeframe} is refused. {what} "
                + (f"Repair it ({ways}) or take it as it is ({accept})" if ways else f"Right it, or take it ({accept})")
            )

    def table(self) -> pd.DataFrame:
        """Return one row a finding: ``name, severity, count, sentence, repair``."""
        import pandas as pd

        names = ["name", "severity", "count", "sentence", "repair"]
        return pd.DataFrame([one.to_dict(rows=False) for one in self.findings], columns=names)

    def to_json(self) -> str:
        """Return the report as JSON with a schema; a coverage that is unknown is null."""
        return json.dumps(
            {
                "schema": SCHEMA,
                "symbol": self.symbol,
                "timeframe": self.timeframe,
                "rows": self.rows,
                "first": self.first,
                "last": self.last,
                "coverage": None if np.isnan(self.coverage) else round(self.coverage, 6),
                "findings": [finding.to_dict() for finding in self.findings],
            },
            indent=1,
            ensure_ascii=False,
            allow_nan=False,
        )

    def to_html(self) -> str:
        """Return a page of its own, with a heatmap of coverage by day."""
        from quantbench.data.checks.page import page

        return page(self)

    def __repr__(self) -> str:
        """Return one line: how many findings of each severity."""
        counts = ", ".join(f"{sum(one.severity == kind for one in self.findings)} {kind}s" for kind in _ORDER)
        return f"Report({self.symbol} {self.timeframe}, {self.rows:,} bars, {counts})"
