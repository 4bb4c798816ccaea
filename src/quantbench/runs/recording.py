"""What a notebook keeps: metrics as JSON, figures as their data, tables as Parquet, files as they are.

Inside a batch it goes to the folder of the run, anywhere else to one folder a session below
``experiments/runs/interactive``, so that a notebook looks the same explored and executed.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.config import now, settings
from quantbench.core.errors import RunError, StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INTERACTIVE", "RUN", "RUN_FOLDER", "Recorded", "record", "recorded", "run_folder"]

SCHEMA: Final = 1
RUN: Final = "QUANTBENCH_RUN"
"""The variable that tells a kernel the folder of its run."""
RUN_FOLDER: ContextVar[Path | None] = ContextVar("quantbench_run_folder", default=None)
"""The same for a run inside this process; it comes before the variable."""
INTERACTIVE: Final = "interactive"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}")
_LARGEST: Final = 200_000_000


@dataclass(frozen=True)
class Recorded:
    """What a run kept.

    Attributes
    ----------
    metrics : mapping of str to float
        NaN where it could not be computed.
    figures, tables, files : mapping of str to Path
        By name: figures as plotly's JSON, tables as Parquet.
    """

    metrics: Mapping[str, float]
    figures: Mapping[str, Path]
    tables: Mapping[str, Path]
    files: Mapping[str, Path]


def record(
    *,
    metric: Mapping[str, Any] | pd.Series[float] | None = None,
    figure: Mapping[str, Any] | None = None,
    table: Mapping[str, Any] | None = None,
    artifact: Mapping[str, Any] | None = None,
) -> Path:
    """Keep results of this notebook, known secrets taken out; recording a name again replaces it.

    Parameters
    ----------
    metric : mapping or Series, optional
        Numbers by name; ``result.metrics()`` as it is. NaN says that it cannot be computed.
    figure : mapping, optional
        Figures of plotly by name; kept as their data, so that a report can draw them again.
    table : mapping, optional
        DataFrames or Series by name, kept as Parquet with their index. A table ``equity`` is what
        `list_runs` draws.
    artifact : mapping, optional
        Anything else by name: the path of a file, which is copied, or text, or bytes.

    Returns
    -------
    Path
        The folder that holds them.

    Raises
    ------
    RunError
        When a metric is no number, a figure none of plotly, a table no table, or a name no file name.
    StoreError
        When it cannot be written.

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "D1"))
    >>> folder = qb.record(metric=result.metrics(), table={"equity": result.equity})
    >>> sorted(file.name for file in folder.rglob("*.parquet"))
    ['equity.parquet']
    """
    given = {"metric": metric, "figure": figure, "table": table, "artifact": artifact}
    if all(part is None for part in given.values()):
        raise RunError("nothing to record: give metric=, figure=, table= or artifact=, each a mapping of name to value")
    parts = {kind: _named(kind, part) for kind, part in given.items()}
    numbers = {name: _number(name, value) for name, value in parts["metric"].items()}
    folder = run_folder()
    try:
        for kind, (place, write) in _WRITTEN.items():
            for name, value in parts[kind].items():
                (folder / place).mkdir(parents=True, exist_ok=True)
                write(folder / place, name, value)
        if numbers:
            _add_metrics(folder, numbers)
    except OSError as fault:
        raise StoreError(f"cannot record in {folder}: {fault.strerror or fault}") from fault
    if folder.parent.name == INTERACTIVE:  # a run is looked through when it ends; a session has no end
        from quantbench.runs.hiding import hide_secrets

        hide_secrets(folder, {})
    return folder


def recorded(folder: Path) -> Recorded:
    """Return what a run kept in its folder; nothing where it kept nothing.

    Raises
    ------
    StoreError
        When its metrics are no JSON.
    """
    places = {kind: _files(folder / place) for kind, (place, _) in _WRITTEN.items()}
    return Recorded(
        metrics=MappingProxyType(_read_metrics(folder)),
        figures=places["figure"],
        tables=places["table"],
        files=places["artifact"],
    )


def run_folder() -> Path:
    """Return where this notebook records: the folder of its run, or that of this session."""
    inside = RUN_FOLDER.get()
    if inside is not None:
        return inside
    if os.environ.get(RUN):
        return Path(os.environ[RUN])
    return settings().experiments / "runs" / INTERACTIVE / _session(os.getpid())


@cache
def _session(process: int) -> str:
    return f"{now():%Y%m%d-%H%M%S}-{process}"


def _named(kind: str, given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if kind == "metric" and hasattr(given, "to_dict"):
        given = given.to_dict()
    if not isinstance(given, Mapping):
        raise RunError(f"{kind}= takes values by name, such as {kind}={{'equity': ...}}; found {type(given).__name__}")
    for name in given:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise RunError(f"{kind} {name!r} cannot be a file name: letters, digits, ' ', '_', '.', '-'; at most 80")
    return dict(given)


def _number(name: str, value: Any) -> float | int | bool:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None:
        return math.nan
    if not isinstance(value, bool | int | float):
        raise RunError(
            f"metric {name!r} must be a number, found {value!r} ({type(value).__name__}); a table takes text"
        )
    return value


# JSON has no NaN and no infinity: null and the words stand for them, so that anything can read the file.
def _as_json(value: float) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def _add_metrics(folder: Path, numbers: Mapping[str, float]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    both = {**_read_metrics(folder), **numbers}
    text = json.dumps({"schema": SCHEMA, "metrics": {name: _as_json(value) for name, value in both.items()}}, indent=1)
    _write(folder / "metrics.json", lambda part: part.write_text(text, "utf-8"))


def _read_metrics(folder: Path) -> dict[str, float]:
    file = folder / "metrics.json"
    try:
        found = json.loads(file.read_text("utf-8"))["metrics"]
        return {name: math.nan if v is None else float(v) if isinstance(v, str) else v for name, v in found.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise StoreError(f"{file} is broken: {fault}; delete the run's folder and run it again") from fault


def _files(folder: Path) -> Mapping[str, Path]:
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    keep_suffix = folder.name == "files"
    return MappingProxyType(
        {file.name if keep_suffix else file.stem: file for file in found if not file.name.startswith(".")}
    )


def _write(file: Path, write: Callable[[Path], object]) -> None:
    partial = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        write(partial)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _write_figure(folder: Path, name: str, figure: Any) -> None:
    if isinstance(figure, Mapping) and "data" in figure:
        text = json.dumps(figure)
    elif hasattr(figure, "to_plotly_json"):
        text = figure.to_json()
    else:
        kind = f"{type(figure).__module__.partition('.')[0]}.{type(figure).__name__}"
        raise RunError(f"figure {name!r} must be one of plotly, found {kind}; save it to a file and give artifact=")
    _write(folder / f"{name}.json", lambda part: part.write_text(text, "utf-8"))


def _write_table(folder: Path, name: str, table: Any) -> None:
    frame = table.to_frame() if hasattr(table, "to_frame") else table
    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    if not hasattr(frame, "to_parquet"):
        raise RunError(f"table {name!r} must be a DataFrame or a Series, found {type(table).__name__}")
    frame = frame.rename(columns=str)
    try:
        _write(folder / f"{name}.parquet", frame.to_parquet)
    except (ValueError, TypeError) as fault:  # objects that are no columns
        raise RunError(f"table {name!r} cannot be kept: {str(fault).splitlines()[0]}") from fault


def _write_file(folder: Path, name: str, value: Any) -> None:
    if isinstance(value, bytes):
        _write(folder / name, lambda part: part.write_bytes(value))
    elif isinstance(value, Path):
        _refuse_no_file(name, value)
        _write(folder / name, lambda part: shutil.copyfile(value, part))
    elif isinstance(value, str):
        _write(folder / name, lambda part: part.write_text(value, "utf-8"))
    else:
        raise RunError(f"artifact {name!r} must be a Path, text or bytes, found {type(value).__name__}")


def _refuse_no_file(name: str, path: Path) -> None:
    if not path.is_file():
        raise RunError(f"artifact {name!r}: there is no file {path}")
    if path.stat().st_size > _LARGEST:
        raise RunError(f"artifact {name!r} has {path.stat().st_size:,} bytes; at most {_LARGEST:,} are copied")


_WRITTEN: Final[dict[str, tuple[str, Callable[[Path, str, Any], None]]]] = {
    "figure": ("figures", _write_figure),
    "table": ("tables", _write_table),
    "artifact": ("files", _write_file),
}
