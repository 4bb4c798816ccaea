"""From a choice to its report in one call: backtest, sweep of the space around it, one HTML file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quantbench.engine.backtest import backtest
from quantbench.report.page import write_report
from quantbench.report.verdict import verdict
from quantbench.research.sweep import sweep

if TYPE_CHECKING:
    from quantbench.core.account import Account, Costs, Sizing
    from quantbench.core.bars import Bars
    from quantbench.core.results import Backtest
    from quantbench.core.strategy import Strategy
    from quantbench.core.study import Study

__all__ = ["Report", "report_on"]


@dataclass(frozen=True)
class Report:
    """A report and what it was written from.

    Attributes
    ----------
    path : Path
        One self-contained HTML file.
    result : Backtest
        The choice it judges.
    study : Study or None
        Everything that was tried around it.
    verdict : tuple of str
        Three lines.
    """

    path: Path
    result: Backtest
    study: Study | None
    verdict: tuple[str, ...]


def report_on(
    strategy: type[Strategy],
    bars: Bars,
    *,
    params: Mapping[str, Any] | None = None,
    search: bool = True,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    workers: int | None = None,
    progress: bool = True,
    to: str | os.PathLike[str] | None = None,
    now: datetime | None = None,
) -> Report:
    """Backtest a choice, sweep the declared space around it, write the report.

    Parameters
    ----------
    strategy : type of Strategy
        The class.
    bars : Bars
        What to trade on.
    params : mapping, optional
        The choice to judge. Without it: the best of the sweep, or the defaults when nothing is swept.
    search : bool
        Whether to sweep the space the strategy declares.
    account, costs, sizing : optional
        As `backtest` takes them.
    workers : int, optional
        Cores for the sweep; all where not given.
    progress : bool
        Whether the sweep shows how far it is.
    to : path, optional
        Where the report goes; named by `write_report` where not given.
    now : datetime, optional
        When the report is made, printed in it.

    Returns
    -------
    Report

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.runs.reporting import report_on
    >>> report_on(qb.MaCross, qb.load("EURUSD", "H1")).path  # doctest: +SKIP
    """
    money: dict[str, Any] = {"account": account, "costs": costs, "sizing": sizing}
    study = sweep(strategy, bars, workers=workers, progress=progress, **money) if search else None
    choice = strategy.from_params(params or {}) if params or study is None else study.best_strategy
    result = backtest(choice, bars, **money)
    path = write_report(result, study, to=to, now=now)
    return Report(path, result, study, verdict(result, study).lines)
