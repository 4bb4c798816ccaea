"""Results as plain JSON and CSV, for machines: NaN is null, times are ISO, keys never change meaning."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.core.errors import StoreError

if TYPE_CHECKING:
    import pandas as pd

    from quantbench.core.bars import Bars
    from quantbench.core.evidence import Evidence
    from quantbench.core.results import Backtest
    from quantbench.core.study import Study, Trial
    from quantbench.research.calibration.calibrate import Calibration
    from quantbench.research.chance.result import MonteCarlo
    from quantbench.research.folds import WalkForward
    from quantbench.runs.batch import BatchResult
    from quantbench.runs.demo import DemoResult
    from quantbench.runs.doctor import Finding
    from quantbench.runs.extending import Extended
    from quantbench.runs.reporting import Report
    from quantbench.runs.rerunning import Exact

__all__ = [
    "best_trials",
    "of_backtest",
    "of_batch",
    "of_calibration",
    "of_demo",
    "of_evidence",
    "of_evolution",
    "of_findings",
    "of_monte_carlo",
    "of_report",
    "of_rerun",
    "of_runs",
    "of_study",
    "of_symbols",
    "of_tried",
    "of_walk_forward",
    "write_csv",
]

SCHEMA: Final = 1


def of_backtest(result: Backtest) -> str:
    """Return a backtest: what was traded, on what terms, and every metric (null: `reasons` says why)."""
    return _text(_backtest(result))


def of_study(study: Study, top: int) -> str:
    """Return a study with its best trials, best first."""
    found = {
        "headline": study.headline,
        "strategy": study.strategy.__name__,
        "bars": _bars(study.bars),
        "score": study.score,
        "trials": len(study),
        "failed": sum(text is not None for text in study.failures),
        "refused": study.refused,
        "space": study.space,
        **_terms(study),
        "top": [_trial(trial) for trial in best_trials(study, top)],
    }
    return _text(found)


def of_evolution(study: Study, top: int, file: Path | None) -> str:
    """Return an evolution with its front, from the best score to the fewest words, and the file of the best."""
    found = {
        "headline": study.headline,
        "bars": _bars(study.bars),
        "objectives": study.objectives,
        "constraints": [str(one) for one in study.constraints],
        "seed": study.seed,
        "trials": len(study),
        "refused": study.refused,
        **_terms(study),
        "front": [_trial(trial) for trial in study.front[:top]],
        "file": None if file is None else str(file),
    }
    return _text(found)


def of_walk_forward(found: WalkForward) -> str:
    """Return a walk-forward: the number that counts, and every fold."""
    rows = found.table().to_dict("records")
    return _text(
        {
            "headline": found.headline,
            "strategy": found.strategy.__name__,
            "bars": _bars(found.bars),
            "t_statistic": found.t_statistic,
            "why_no_t": found.why_no_t,
            "total_return": float(found.equity_array[-1] / found.account.balance - 1),
            "efficiency": found.efficiency,
            "drift": found.drift.to_dict(),
            "folds": [{**row, **{key: row[key].isoformat() for key in ("train_from", "test_from")}} for row in rows],
        }
    )


def of_monte_carlo(found: MonteCarlo) -> str:
    """Return a Monte Carlo: what it answers, and how each figure spreads over the paths."""
    return _text(
        {
            "method": found.method,
            "question": found.question,
            "not_proved": found.not_proved,
            "seed": found.seed,
            "settings": dict(found.settings),
            "ruin": found.ruin(),
            "figures": found.table().to_dict("index"),
        }
    )


def of_evidence(found: Evidence) -> str:
    """Return evidence: every gate, and the verdict."""
    return _text(found.to_dict())


def of_batch(result: BatchResult) -> str:
    """Return a batch: how many runs ended how, and each of them."""
    rows = [
        {
            "run": one.key,
            "status": one.status,
            "parameters": dict(one.parameters),
            "metrics": dict(one.metrics),
            "error": None if one.error is None else asdict(one.error),
            "seconds": one.seconds,
            "folder": str(one.folder),
        }
        for one in result.records
    ]
    return _text({"study": result.study, "counts": result.counts(), "seconds": result.seconds, "runs": rows})


def of_runs(table: pd.DataFrame) -> str:
    """Return the runs that ended."""
    return _text({"runs": table.to_dict("records")})


def of_rerun(found: Exact | Extended) -> str:
    """Return an old study beside what came of running it again."""
    head = {"study": found.study, "again": found.again, "headline": found.headline, "notes": list(found.notes)}
    return _text({**head, "rows": found.table.to_dict("records")})


def of_calibration(found: Calibration) -> str:
    """Return error rates by true Sharpe."""
    return _text({"kind": found.kind, "seed": found.seed, "rates": found.table().reset_index().to_dict("records")})


def of_tried(table: pd.DataFrame) -> str:
    """Return what the ledger holds."""
    return _text({"tried": table.to_dict("records")})


def best_trials(study: Study, top: int) -> list[Trial]:
    """Return the trials with the highest scores, best first, equals in their order; none without a score."""
    rows, points = np.flatnonzero(study.feasible), study.points[:, 0]
    return [study.trial(int(row)) for row in rows[np.argsort(-points[rows], kind="stable")][:top]]


def of_report(report: Report) -> str:
    """Return where the report is, its verdict, and the backtest it judges."""
    trials = None if report.study is None else len(report.study)
    return _text({"report": report.path, "verdict": report.verdict, "trials": trials, **_backtest(report.result)})


def of_demo(result: DemoResult) -> str:
    """Return what the demo left behind."""
    return _text(
        {"report": result.report, "notebook": result.notebook, "verdict": result.verdict, "seconds": result.seconds}
    )


def of_findings(findings: tuple[Finding, ...]) -> str:
    """Return what the doctor found."""
    return _text({"findings": [asdict(finding) for finding in findings]})


def of_symbols(table: pd.DataFrame) -> str:
    """Return one object a symbol and timeframe."""
    return _text({"symbols": table.to_dict("records")})


def write_csv(table: pd.DataFrame, file: Path) -> None:
    """Write a table whole or not at all.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    text = table.to_csv(lineterminator="\n")
    partial = file.with_name(f".{file.name}.part")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(file)
    except OSError as fault:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise StoreError(f"cannot write {file}: {fault.strerror or fault}") from fault


def _backtest(result: Backtest) -> dict[str, Any]:
    metrics = result.metrics()
    return {
        "headline": result.headline,
        "strategy": type(result.strategy).__name__,
        "params": result.strategy.params,
        "bars": _bars(result.bars),
        "engine": result.engine,
        **_terms(result),
        "metrics": metrics.to_dict(),
        "reasons": metrics.attrs.get("reasons", {}),
        "skipped": result.skipped["reason"].value_counts().to_dict(),
    }


def _bars(bars: Bars) -> dict[str, Any]:
    ends = {"first": bars.time[0], "last": bars.time[-1]} if len(bars) else {}
    return {"symbol": bars.symbol, "timeframe": bars.timeframe, "count": len(bars), **ends}


def _terms(result: Backtest | Study) -> dict[str, Any]:
    return {
        "account": asdict(result.account),
        "costs": asdict(result.costs.resolved(result.bars.instrument)),
        "sizing": {"kind": type(result.sizing).__name__, **asdict(result.sizing)},
    }


def _trial(trial: Trial) -> dict[str, Any]:
    return {"trial": trial.number, "params": trial.params, "metrics": trial.metrics}


def _text(found: Mapping[str, Any]) -> str:
    return json.dumps(_plain({"schema": SCHEMA, **found}), indent=2, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _scalar(value)


def _scalar(value: Any) -> str | float | bool | None:
    if isinstance(value, np.datetime64):
        return f"{np.datetime_as_string(value, unit='s')}Z"
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return plain if math.isfinite(plain) else None
    if isinstance(plain, bool | int | str | None):
        return plain
    return plain.isoformat() if isinstance(plain, date) else str(plain)
