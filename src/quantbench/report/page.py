"""One backtest, and the search it came from, as a single HTML file that needs nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from quantbench import __version__
from quantbench.config import settings
from quantbench.core.errors import MissingExtra
from quantbench.core.evidence import Evidence
from quantbench.core.results import Backtest
from quantbench.core.study import Study
from quantbench.data.openings import Opening, openings
from quantbench.report import figures, limit_tables, search_figures, tables
from quantbench.report.embedding import Drawing, drawing, plotly_packed, template_json
from quantbench.report.judgement import gauntlet, opened_note
from quantbench.report.provenance import provenance
from quantbench.report.publishing import publish
from quantbench.report.search_data import has_score, varied, widest_pair
from quantbench.report.verdict import distinct_trials, judged
from quantbench.report.wording import tried_phrase
from quantbench.research.stress import AtCosts, at_costs

try:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup
except ImportError as missing:
    raise MissingExtra("writing a report needs jinja2: pip install 'quantbench[lab]'") from missing

__all__ = ["SCHEMA", "page_html", "write_report"]

SCHEMA: Final = 1
"""Version of the page's structure."""

_HERE: Final = Path(__file__).parent
_LEVELS: Final = {"green": "It holds", "amber": "Not proven", "red": "Stop here"}
_ROLLING_DAYS: Final = 60


def write_report(
    result: Backtest,
    study: Study | None = None,
    *,
    evidence: Evidence | None = None,
    to: str | os.PathLike[str] | None = None,
    now: datetime | None = None,
    seed: int | None = None,
    tried: int | None = None,
) -> Path:
    """Write a self-contained HTML report and return its path.

    Parameters
    ----------
    result : Backtest
        What is reported; it is traded again at higher costs.
    study : Study, optional
        The search it was chosen from.
    evidence : Evidence, optional
        What `validate` said of the strategy; its gates are shown.
    to : path, optional
        The file; ``STRATEGY-SYMBOL-TIMEFRAME.html`` in the reports folder where not given. An older
        report of that name is replaced.
    now : datetime, optional
        When the report is made, printed in its provenance. Without it two reports of the same
        result, after as many trials, are the same bytes.
    seed : int, optional
        The seed of whatever was drawn at random, printed too.
    tried : int, optional
        Distinct trials of this strategy on these bars; those in the ledger where not given.

    Raises
    ------
    StoreError
        When the folder cannot be made or written to; an older report is then untouched.
    ExecutionError
        When the study is not the one the result came from.

    Examples
    --------
    >>> import quantbench as qb, tempfile, pathlib
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     qb.write_report(result, to=pathlib.Path(folder) / "ma.html").name
    'ma.html'
    """
    file = settings().reports / _file_name(result) if to is None else Path(to)
    known = distinct_trials(result) if tried is None else tried
    opened = openings(result.bars)
    text = page_html(result, study, evidence=evidence, now=now, seed=seed, tried=known, opened=opened)
    return publish(file, text)


def _file_name(result: Backtest) -> str:
    parts = (type(result.strategy).__name__, result.bars.symbol, result.bars.timeframe)
    # A broker's symbol may hold anything, a file's name may not.
    return "-".join(re.sub(r"[^A-Za-z0-9_.]+", "_", part).strip(".") or "_" for part in parts) + ".html"


def page_html(
    result: Backtest,
    study: Study | None = None,
    *,
    evidence: Evidence | None = None,
    now: datetime | None = None,
    seed: int | None = None,
    tried: int = 0,
    opened: Sequence[Opening] = (),
) -> str:
    """Return the report as text: the same bytes for the same arguments; the ledger is not asked."""
    room = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    stress = at_costs(result)
    facts = _head(result, study, stress, tried=tried) | _numbers(result, stress) | _trades(result)
    return room.get_template("page.html.j2").render(
        facts,
        figures=_figures(result, stress),
        search=None if study is None else _search(study, tried),
        gauntlet=None if evidence is None else gauntlet(evidence),
        opened=opened_note(opened),
        parameters=tables.parameters(result),
        provenance=provenance(result, now=now, seed=seed),
        version=__version__,
        schema=SCHEMA,
        css=_own("page.css"),
        script=_own("page.js"),
        template=template_json(),
        plotly=plotly_packed(),
    )


def _own(name: str) -> Markup:
    return Markup((_HERE / name).read_text(encoding="utf-8"))  # noqa: S704  (a file of this package)


def _head(result: Backtest, study: Study | None, stress: AtCosts, *, tried: int) -> dict[str, Any]:
    found = judged(result, study, stress, tried=tried)
    bars = result.bars
    return {
        "title": f"{type(result.strategy).__name__} on {bars.symbol} {bars.timeframe}",
        "strategy": repr(result.strategy),
        "headline": tables.headline(result, study, tried=tried),
        "verdict": found,
        "level_says": _LEVELS[found.level],
    }


def _numbers(result: Backtest, stress: AtCosts) -> dict[str, Any]:
    found = result.metrics()
    return {
        "tiles": tables.metric_rows(result, tables.TILES),
        "main_metrics": tables.metric_rows(result, tables.MAIN),
        "more_metrics": tables.metric_rows(result, [name for name in found.index if name not in tables.MAIN]),
        "notes": found.attrs.get("notes", []),
        "days_per_year": f"{result.bars.instrument.trading_calendar.days_per_year:g}",
        "months": tables.month_table(result),
        "stress": tables.stress_table(stress, result.limits),
        "money": tables.where_it_went(result),
    }


def _trades(result: Backtest) -> dict[str, Any]:
    return {
        "trade_count": len(result.path.trades),
        "trade_list": tables.trade_list(result),
        "currency": result.account.currency,
        "ambiguous": limit_tables.ambiguous_note(result),
        "rules": limit_tables.rule_rows(result),
        "skipped": limit_tables.skipped_note(result),
    }


def _figures(result: Backtest, stress: AtCosts) -> dict[str, Drawing | None]:
    drawn: dict[str, Drawing | None] = {
        "equity": drawing(figures.equity_figure(result)),
        "costs": drawing(figures.costs_figure(stress)),
        "exposure": drawing(figures.exposure_figure(result)),
        "rolling": None,
    }
    if len(result.daily) > _ROLLING_DAYS:
        drawn["rolling"] = drawing(figures.rolling_sharpe_figure(result))
    if len(result.path.trades):
        drawn["profits"] = drawing(figures.profits_figure(result), note="Orange lost, blue won.")
        drawn["calendar"] = drawing(figures.calendar_figure(result), note=_CALENDAR, least_width=_CALENDAR_WIDTH)
        drawn["excursions"] = drawing(figures.excursions_figure(result), note=_EXCURSIONS)
        drawn["candles"] = drawing(figures.candles_figure(result), note=_CANDLES)
    return drawn


_CANDLES: Final = "Bid prices, times in UTC, without the hours that have no bars. Filled candles closed lower."
_CALENDAR: Final = "A row is a week, Monday first. Orange lost, blue won, grey: nothing was opened, blank: no bars."
_CALENDAR_WIDTH: Final = 800
_EXCURSIONS: Final = "Losers high up gave back a profit; winners far left nearly did not become one."


def _search(study: Study, tried: int) -> dict[str, Any]:
    drawn = []
    if has_score(study):
        names = varied(study)
        if len(names) > 1:
            drawn.append(drawing(search_figures.surface_figure(study, *widest_pair(study)), note=_SURFACE))
        if len(names) > 2:
            drawn.append(drawing(search_figures.parallel_figure(study)))
        if len(names) == 1:
            drawn.append(drawing(search_figures.plot_study(study)))
        drawn.append(drawing(search_figures.trials_figure(study, tried=tried), note=_LUCK))
    more = f"{tried_phrase(len(study), tried)}: luck is reckoned for all of them." if tried > len(study) else ""
    return {"figures": drawn, "more": more, **tables.best_trials(study)}


_SURFACE: Final = (
    "A blank cell was refused by the strategy or failed. "
    "A good region is broad; a lone good cell among bad ones is luck."
)
_LUCK: Final = "Luck: what the best of so many trials would show on average if none had any skill."
