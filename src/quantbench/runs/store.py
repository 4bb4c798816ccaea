"""The runs of all studies, as folders: `experiments/runs/<study>/<key>/`. Files are the truth; the index is derived."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quantbench.config import settings
from quantbench.core.errors import RunError, StoreError, did_you_mean
from quantbench.runs.record import FILE, RunRecord, read_record

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AGAIN",
    "ATTEMPTS",
    "find_run",
    "list_records",
    "put_aside",
    "rebuild_index",
    "root",
    "run_folder",
    "studies",
]

AGAIN: Final = "@"
"""Between the name of a study and how it was run again: no name in a spec holds it."""
ATTEMPTS: Final = "attempts"
_MOST_ATTEMPTS: Final = 3
_INDEX: Final = "index.parquet"


def root() -> Path:
    """Return the folder of all runs."""
    return settings().experiments / "runs"


def run_folder(study: str, key: str) -> Path:
    """Return the folder of one run."""
    return root() / study / key


def studies() -> list[str]:
    """Return the names of all studies that have a folder."""
    return sorted(folder.name for folder in root().glob("*") if folder.is_dir())


def list_records(study: str | None = None) -> list[RunRecord]:
    """Return every run that ended, of one study or of all, in the order they ended.

    Raises
    ------
    RunError
        When there is no such study.
    """
    if study is not None and study not in studies():
        raise RunError(f"no study {study!r} has runs: {did_you_mean(study, studies())}")
    found = [read_record(folder) for folder in _folders(study)]
    return sorted((one for one in found if one is not None), key=lambda one: (one.ended, one.key))


def _folders(study: str | None) -> Iterator[Path]:
    pattern = f"*/*/{FILE}" if study is None else f"{study}/*/{FILE}"
    return (file.parent for file in sorted(root().glob(pattern)))


def find_run(name: str) -> RunRecord:
    """Return the run of a key, or of the beginning of one, or ``study/key``; a rerun only where nothing else is meant.

    Raises
    ------
    RunError
        When there is none, or more than one.
    """
    study, _, key = name.rpartition("/")
    every = [one for one in list_records(study or None) if one.key.startswith(key)]
    if not study:
        every = [one for one in every if AGAIN not in one.study] or every
    if len(every) == 1 and key:
        return every[0]
    if not every or not key:
        raise RunError(f"no run {name!r}; `qb runs` lists them")
    raise RunError(f"{name!r} is the beginning of {len(every)} runs: {', '.join(one.key for one in every[:5])}")


def put_aside(folder: Path) -> int:
    """Move what an earlier attempt left into `attempts/N` and return the number of the next attempt.

    Three are kept; the oldest goes.
    """
    if not folder.exists():
        return 1
    inside = [part for part in folder.iterdir() if part.name != ATTEMPTS]
    kept = sorted((int(p.name) for p in (folder / ATTEMPTS).glob("*") if p.name.isdigit()), reverse=True)
    last = kept[0] if kept else 0
    if not inside:
        return last + 1
    place = folder / ATTEMPTS / str(last + 1)
    try:
        place.mkdir(parents=True)
        for part in inside:
            part.rename(place / part.name)
        for number in kept[_MOST_ATTEMPTS - 1 :]:
            shutil.rmtree(folder / ATTEMPTS / str(number), ignore_errors=True)
    except OSError as fault:
        raise StoreError(f"cannot move an earlier attempt to {place}: {fault.strerror}") from fault
    return last + 2


def rebuild_index() -> Path:
    """Read every `run.json` again and write the index, a Parquet file; return it. Every batch ends with that."""
    from quantbench.data.parquet import pl, write_atomically

    rows = [_row(one) for one in list_records()]
    text = (
        "key",
        "study",
        "status",
        "source",
        "engine",
        "started",
        "ended",
        "parameters",
        "metrics",
        "error",
        "folder",
    )
    schema = {
        **dict.fromkeys(text, pl.String()),
        "attempt": pl.Int64(),
        "seconds": pl.Float64(),
        "peak_mb": pl.Float64(),
    }
    return write_atomically(pl.DataFrame(rows, schema=schema), root() / _INDEX)


def _row(one: RunRecord) -> dict[str, Any]:
    names = ("key", "study", "status", "source", "engine", "started", "ended", "attempt", "seconds", "peak_mb")
    return {
        **{name: getattr(one, name) for name in names},
        "parameters": json.dumps(dict(one.parameters)),
        "metrics": json.dumps(dict(one.metrics)),
        "error": "" if one.error is None else f"{one.error.type}: {one.error.message}",
        "folder": str(one.folder),
    }


def frame_of(records: list[RunRecord]) -> pd.DataFrame:
    """Return one row a run: what it is, its parameters, its metrics."""
    import pandas as pd

    rows = [
        {
            "study": one.study,
            "run": one.key,
            "status": one.status,
            **{f"params.{name}": value for name, value in one.parameters.items()},
            **{name: value for name, value in one.metrics.items() if not isinstance(value, dict)},
            "seconds": one.seconds,
            "ended": pd.Timestamp(one.ended),
            "error": "" if one.error is None else f"{one.error.type}: {one.error.message}",
        }
        for one in records
    ]
    return pd.DataFrame(rows)
