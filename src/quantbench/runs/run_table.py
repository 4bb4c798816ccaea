"""The DataFrame `list_runs` returns: an ordinary one, which a notebook shows as a table to sort and to click in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pandas as pd

from quantbench.core.errors import QuantbenchError
from quantbench.report.runs_view import Left, runs_html
from quantbench.runs.engines.job import LOG, NOTEBOOK
from quantbench.runs.recording import recorded
from quantbench.runs.store import run_folder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["RunTable", "left_by"]

_MOST: Final = 200


class RunTable(pd.DataFrame):
    """Runs, one row each. All of pandas works; only how it looks at the end of a cell is different.

    What is filtered or sorted still shows links and equity; what no longer has the columns ``study``, ``run`` and
    ``status``, or is no table of runs otherwise, looks as pandas shows it.
    """

    @property
    def _constructor(self) -> type[RunTable]:
        return RunTable

    def _repr_html_(self) -> str | None:
        plain: str | None = super()._repr_html_()  # type: ignore[misc]  # None: asked to show text
        is_runs = self.columns.is_unique and {"study", "run", "status"} <= set(self.columns)
        if plain is None or not is_runs or not len(self):
            return plain
        shown = self.head(_MOST)
        note = f"the first {_MOST:,} of {len(self):,} rows" if len(self) > _MOST else ""
        pairs = zip(shown["study"], shown["run"], strict=True)
        return runs_html(shown, left_by(pairs, seen_from=Path.cwd()), note=note)


def left_by(runs: Iterable[tuple[str, str]], *, seen_from: Path) -> dict[tuple[str, str], Left]:
    """Return what runs left, by study and key: links as seen from a folder, and the equity if it was recorded."""
    found = {}
    for study, key in runs:
        folder = run_folder(study, key)
        if not (folder / "run.json").is_file():
            continue
        pages = sorted((folder / "files").glob("*.html"))
        places = [("executed notebook", folder / NOTEBOOK), *((page.stem, page) for page in pages)]
        places.append(("log", folder / LOG))
        links = tuple((name, _href(file, seen_from)) for name, file in places if file.is_file() and file.stat().st_size)
        found[study, key] = Left(links, _equity(folder))
    return found


def _href(file: Path, seen_from: Path) -> str:
    """Return a link from a folder: JupyterLab opens what lies beside the notebook, and no other address of a file."""
    try:
        return quote(Path(os.path.relpath(file, seen_from)).as_posix())
    except ValueError:  # another drive
        return file.absolute().as_uri()


def _equity(folder: Path) -> npt.NDArray[np.float64] | None:
    with suppress(QuantbenchError, OSError, ValueError, KeyError):
        file = recorded(folder).tables.get("equity")
        if file is not None:
            frame = pd.read_parquet(file, columns=["equity"])
            return frame["equity"].dropna().to_numpy("float64")
    return None
