"""What is shown of a batch when it is done: the runs with the highest of a metric, in words and as a page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from quantbench.config import settings
from quantbench.runs.batch import BatchResult
from quantbench.runs.spec import Report
from quantbench.runs.store import frame_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["best_runs", "headline", "with_page"]


def headline(result: BatchResult) -> str:
    """How many runs ended how."""
    return f"{result.study}: {', '.join(f'{many:,} {status}' for status, many in result.counts().items())}"


def best_runs(result: BatchResult) -> pd.DataFrame:
    """Return the runs with the highest of the report's metric, at most its number of them; as `list_runs` has them."""
    asked, table = result.report or Report(), frame_of(list(result.records))
    metrics = list(dict.fromkeys(name for one in result.records for name in one.metrics if name in table))
    by = asked.metric if asked.metric in metrics else next(iter(metrics), None)
    if by is not None:
        table = table.sort_values(by, ascending=False, kind="stable")
    return table.head(asked.top)


def with_page(result: BatchResult, report: Report) -> BatchResult:
    """Write the page of a batch, ``reports/study-NAME.html``, and return the result that knows it.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    from quantbench.report.publishing import publish
    from quantbench.report.runs_view import runs_html, runs_page
    from quantbench.runs.run_table import left_by

    asked = replace(result, report=report)
    file: Path = settings().reports / f"study-{result.study}.html"
    best = best_runs(asked)
    left = left_by(zip(best["study"], best["run"], strict=True), seen_from=file.parent)
    table = runs_html(best, left, note=_note(asked, shown=len(best)))
    text = runs_page(report.title or result.study, headline(asked), table)
    return replace(asked, page=publish(file, text))


def _note(result: BatchResult, *, shown: int) -> str:
    many, by = len(result.records), result.report and result.report.metric
    which = f"the {shown:,} of {many:,} runs with the highest {by}" if by else f"{shown:,} of {many:,} runs"
    return f"{which}; the best of many is partly luck, and qb validate says how much"
