"""The trial ledger: every trial of every search, appended and never rewritten.

A folder of Parquet parts. Each append writes one new part under a name of its own, so writers never
meet; a part is there in full or not at all. Readers take all parts together and say which are broken.
"""

from __future__ import annotations

import json
import os
import platform
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

import numpy as np

from quantbench.config import settings
from quantbench.core.errors import StoreError
from quantbench.core.study import Study
from quantbench.data.code import code_hash
from quantbench.data.trial_key import TrialKey, canonical, canonical_each, guards

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

__all__ = ["SCHEMA", "append_study", "count_distinct", "read_ledger", "tried"]

SCHEMA: Final = 1
"""Version of the layout of a part."""

_METRICS: Final = ("sharpe", "total_return", "max_drawdown", "trades")


def append_study(
    study: Study,
    *,
    kind: str,
    now: datetime,
    engine: str = "kernel",
    folder: Path | None = None,
) -> Path:
    """Append every trial of a study, the failed ones too, as one new part.

    Parameters
    ----------
    study : Study
        What was tried.
    kind : str
        What tried it: ``"sweep"``.
    now : datetime
        Aware; when it was tried.
    engine : str
        What traded it.
    folder : Path, optional
        The ledger; by default that of the settings.

    Returns
    -------
    Path
        The part written.

    Raises
    ------
    StoreError
        When the ledger cannot be written to.
    """
    from quantbench.data.parquet import write_atomically

    when = _utc(now)
    writer = re.sub(r"[^A-Za-z0-9]+", "-", f"{platform.node()}-{os.getpid()}").strip("-")
    part = f"{when:%Y%m%dT%H%M%S%fZ}-{writer}-{uuid4().hex}.parquet"
    frame = _rows(study, {"schema": SCHEMA, "time_utc": when, "writer": writer, "kind": kind, "engine": engine})
    return write_atomically(frame, (folder or settings().ledger) / part)


def read_ledger(folder: Path | None = None) -> pd.DataFrame:
    """Return every trial ever appended, oldest part first.

    Parameters
    ----------
    folder : Path, optional
        The ledger; by default that of the settings.

    Returns
    -------
    DataFrame
        One row a trial. ``study`` is the same for a search repeated, ``trial`` its number within.
        Times are UTC; ``failure`` is empty for a trial that ran. ``attrs["broken"]`` names the parts
        that could not be read, with the reason.

    Warns
    -----
    UserWarning
        When parts could not be read: their trials are not counted.
    """
    frame, broken = _trials(folder)
    table = frame.to_pandas()
    table.attrs["broken"] = broken
    return table


def count_distinct(*, family: str | None = None, data_version: str | None = None, folder: Path | None = None) -> int:
    """Return how many different trials were made, by `TrialKey`; failed ones count, repeated ones once.

    Parameters
    ----------
    family, data_version : str, optional
        Count only these.
    folder : Path, optional
        The ledger; by default that of the settings.
    """
    frame, _ = _trials(folder)
    for name, value in (("family", family), ("data_version", data_version)):
        if value is not None:
            frame = frame.filter(frame[name] == value)
    return frame.select(TrialKey._fields).n_unique()


def tried(*, family: str | None = None, symbol: str | None = None, folder: Path | None = None) -> pd.DataFrame:
    """Return what was tried: one row a strategy, market and kind of search, the latest first.

    Parameters
    ----------
    family, symbol : str, optional
        Only these.
    folder : Path, optional
        The ledger; by default that of the settings.

    Returns
    -------
    DataFrame
        ``family, symbol, timeframe, first_bar, last_bar, kind, trials`` (made), ``distinct`` (different by
        `TrialKey`), ``failed, best`` (highest Sharpe), ``since, until`` (when, UTC).
    """
    from quantbench.data.parquet import pl

    frame, _ = _trials(folder)
    for name, value in (("family", family), ("symbol", symbol)):
        if value is not None:
            frame = frame.filter(pl.col(name) == value)
    key = pl.struct(TrialKey._fields)
    table = frame.group_by("family", "symbol", "timeframe", "first_bar", "last_bar", "kind").agg(
        pl.len().alias("trials"),
        key.n_unique().alias("distinct"),
        (pl.col("failure") != "").sum().alias("failed"),
        pl.col("sharpe").fill_nan(None).max().alias("best"),
        pl.col("time_utc").min().alias("since"),
        pl.col("time_utc").max().alias("until"),
    )
    return table.sort("until", "family", "symbol", "kind", descending=[True, False, False, False]).to_pandas()


def _rows(study: Study, same: Mapping[str, Any]) -> pl.DataFrame:
    """Return the trials in the columns of the ledger."""
    from quantbench.data.parquet import pl

    many = len(study)
    choices = canonical_each(study.params)
    missing = np.full(many, np.nan)
    measured: Mapping[str, Any] = study.values  # noqa: PD011  (a mapping of arrays, no frame)
    trials = pl.DataFrame(
        {
            "trial": np.arange(many),
            "params": choices,
            "score_value": measured.get(study.score, missing),
            **{name: measured.get(name, missing) for name in _METRICS},
            "failure": [text or "" for text in study.failures],
        },
        schema=_schema(("trial", "params", "score_value", *_METRICS, "failure")),
    )
    constant = {**same, **_described(study, choices)}
    types = _schema(tuple(constant))
    return trials.with_columns(**{name: pl.lit(value, dtype=types[name]) for name, value in constant.items()}).select(
        list(_schema())
    )


def _described(study: Study, choices: list[str]) -> dict[str, Any]:
    """Return what all trials of the study share."""
    bars = study.bars
    shared = {
        "family": study.strategy.__name__,
        "code_hash": code_hash(study.strategy),
        "data_version": bars.version,
        "costs": canonical(study.costs),
        "sizing": canonical(study.sizing),
        "limits": guards(study.limits),
        "account": canonical(study.account),
        "score": study.score,
    }
    digest = blake2b(json.dumps([shared, choices]).encode(), digest_size=8)
    first, last = (int(bars.time_ns[row]) for row in (0, -1)) if len(bars) else (None, None)
    return {
        **shared,
        "study": digest.hexdigest(),
        "symbol": bars.symbol,
        "timeframe": bars.timeframe,
        "first_bar": first,
        "last_bar": last,
    }


def _schema(names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the columns of a part, in order, with their types; only those named if any are."""
    from quantbench.data.parquet import pl

    text, number, moment = pl.String(), pl.Float64(), pl.Datetime("ns", "UTC")
    kinds = {
        "schema": pl.Int32(),
        "time_utc": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("writer", "kind", "study", "family", "code_hash", "data_version"), text),
        **dict.fromkeys(("symbol", "timeframe"), text),
        **dict.fromkeys(("first_bar", "last_bar"), moment),
        "trial": pl.Int64(),
        **dict.fromkeys(("params", "costs", "sizing", "limits", "account", "engine", "score"), text),
        **dict.fromkeys(("score_value", *_METRICS), number),
        "failure": text,
    }
    return {name: kinds[name] for name in names or kinds}


def _trials(folder: Path | None) -> tuple[pl.DataFrame, list[str]]:
    """Return all trials and the parts that could not be read."""
    from quantbench.data.parquet import pl

    parts, broken = [pl.DataFrame(schema=_schema())], []
    for file in sorted((folder or settings().ledger).glob("*.parquet")):
        try:
            parts.append(_part(file))
        except StoreError as fault:
            broken.append(str(fault))
    if broken:
        warnings.warn(
            f"parts of the ledger are broken, their trials are not counted ({len(broken)}): {'; '.join(broken)}",
            stacklevel=3,
        )
    return pl.concat(parts), broken


def _part(file: Path) -> pl.DataFrame:
    from quantbench.data.parquet import UNREADABLE, pl

    try:
        part = pl.read_parquet(file, glob=False)
        if part["schema"].unique().to_list() not in ([SCHEMA], []):
            raise StoreError(f"{file.name}: its schema is {part['schema'][0]}, this Quantbench reads {SCHEMA}")
        return part.select(list(_schema())).cast(pl.Schema(_schema()))
    except UNREADABLE as fault:
        if isinstance(fault, StoreError):
            raise
        raise StoreError(f"{file.name}: {str(fault).splitlines()[0]}") from fault


def _utc(now: datetime) -> datetime:
    if now.tzinfo is None:
        raise StoreError(f"the time of a trial must know its zone, found {now!r}; use datetime.now(UTC)")
    return now.astimezone(UTC)
