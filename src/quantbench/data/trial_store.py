"""Trials kept as they are made, by the question they answer: what a search that was stopped takes up again.

A folder a question, a Parquet part a batch, each there in full or not at all. The ledger says what was
tried; this also keeps what came of it, to the last daily return.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from quantbench.config import settings
from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.limits import Limits
from quantbench.core.strategy import Strategy
from quantbench.data.code import code_hash
from quantbench.data.trial_key import canonical, guards

__all__ = ["SCHEMA", "Kept", "folder_of", "keep", "kept"]

SCHEMA: Final = 1
"""Version of the layout of a part."""


class Kept(NamedTuple):
    """Trials, one row each.

    Attributes
    ----------
    choices : tuple of str
        Canonical JSON of each choice.
    values : float array of shape (trials, metrics)
        NaN where a trial failed.
    daily : float32 array of shape (trials, days)
        NaN where it failed.
    failures : tuple of (str or None)
    """

    choices: tuple[str, ...]
    values: npt.NDArray[np.float64]
    daily: npt.NDArray[np.float32]
    failures: tuple[str | None, ...]


def folder_of(
    strategy: type[Strategy],
    bars: Bars,
    *,
    account: Account,
    costs: Costs,
    sizing: Sizing,
    limits: Limits,
    also: Sequence[object],
) -> Path:
    """Return the folder of one question: all that a trial's figures depend on but its params.

    Parameters
    ----------
    strategy : type
        Its code counts, and that of the modules of yours it imports.
    bars : Bars
        Every price counts.
    account, costs, sizing, limits
        As in `backtest`.
    also : sequence
        What else the figures depend on (rates, finer bars, names of the metrics), as plain values.
    """
    from quantbench import __version__

    question = (
        *(SCHEMA, __version__, strategy.__qualname__, code_hash(strategy), bars.version),
        *map(canonical, (account, costs, sizing)),
        guards(limits),
        *map(str, also),
    )
    digest = blake2b("\0".join(map(str, question)).encode(), digest_size=8).hexdigest()
    return settings().experiments / "trials" / f"{strategy.__name__}-{bars.symbol}-{bars.timeframe}-{digest}"


def keep(folder: Path, trials: Kept) -> Path:
    """Write trials as one new part; return it.

    Raises
    ------
    StoreError
        When it cannot be written: nothing of the part is there then.
    """
    from quantbench.data.parquet import pl, write_atomically

    frame = pl.DataFrame(
        {
            "schema": np.full(len(trials.choices), SCHEMA, np.int32),
            "choice": trials.choices,
            "values": pl.Series(trials.values, dtype=pl.Array(pl.Float64, trials.values.shape[1])),
            "daily": pl.Series(trials.daily, dtype=pl.Array(pl.Float32, trials.daily.shape[1])),
            "failure": pl.Series(trials.failures, dtype=pl.String),
        }
    )
    return write_atomically(frame, folder / f"{uuid4().hex}.parquet", compression="lz4")


def kept(folder: Path, *, metrics: int, days: int) -> Kept:
    """Return all trials of a folder, each choice once; parts that are broken or of another shape hold none."""
    parts = [part for file in sorted(folder.glob("*.parquet")) if (part := _part(file, metrics, days)) is not None]
    if not parts:
        return Kept((), np.empty((0, metrics)), np.empty((0, days), np.float32), ())
    choices = [choice for part in parts for choice in part.choices]
    _, first = np.unique(choices, return_index=True)
    failures = [failure for part in parts for failure in part.failures]
    return Kept(
        tuple(choices[row] for row in first),
        np.concatenate([part.values for part in parts])[first],
        np.concatenate([part.daily for part in parts])[first],
        tuple(failures[row] for row in first),
    )


def _part(file: Path, metrics: int, days: int) -> Kept | None:
    from quantbench.data.parquet import UNREADABLE, pl

    try:
        frame = pl.read_parquet(file, glob=False)
        wanted: dict[str, Any] = {"values": pl.Array(pl.Float64, metrics), "daily": pl.Array(pl.Float32, days)}
        if frame["schema"].n_unique() != 1 or frame["schema"][0] != SCHEMA:
            return None
        if any(frame.schema[name] != kind for name, kind in wanted.items()):
            return None
        values, daily = (frame[name].to_numpy() for name in wanted)
    except UNREADABLE:
        return None
    return Kept(tuple(frame["choice"]), values, daily, tuple(frame["failure"]))
