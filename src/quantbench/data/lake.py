"""The lake: your own bars as Parquet, one dataset a symbol and timeframe, every version addressable.

``lake/symbol=EURUSD/timeframe=H1/year=2017-<content>.parquet``. A file is never changed once written;
``manifest.json`` beside it says which files are the current version and is replaced last, in one rename.
Readers follow the manifest, so they see one version whole, whatever a writer does or dies of. Files only
older versions need end in ``.parquet.old``: ``lake/*/*/*.parquet`` is the current state for other tools,
except between a writer's death and the next write, which sweeps.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from typing import Final, NamedTuple, TypeVar

from quantbench.config import settings
from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError, StoreError
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.frames import COLUMNS, bar_frame, require_fit
from quantbench.data.lock import one_writer
from quantbench.data.manifest import (
    Dataset,
    Origin,
    Version,
    publish,
    read_current,
    read_versions,
    version_named,
)
from quantbench.data.parquet import pl
from quantbench.data.parts import collected, digest_of, files_of, sweep, write_parts, year_of

__all__ = ["append", "datasets", "prune", "read", "remove", "replace", "versions", "with_retries"]

T = TypeVar("T")

_RETRIES: Final = 50


def append(frame: pl.DataFrame, dataset: Dataset, *, origin: Origin, now: datetime) -> Version:
    """Add bars to a dataset, made when there is none; what is stored stays as it is.

    Parameters
    ----------
    frame : polars.DataFrame
        ``time`` (bar opens, UTC), ``open, high, low, close``, optional ``volume, spread``; in order and
        fit for `Bars`.
    dataset : Dataset
        Where to.
    origin : Origin
        Where the bars came from and what was done to them.
    now : datetime
        Aware; when it is written.

    Returns
    -------
    Version
        The current version: a new one, or the one there was if it holds every bar.

    Raises
    ------
    DataError
        When bars are not fit to be stored, or differ from those stored at the same time.
    StoreError
        When another process keeps writing the dataset, or the disk refuses.
    """

    def join(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
        if old.is_empty():
            return new
        low = new["time"].search_sorted(old["time"][0])
        high = new["time"].search_sorted(old["time"][-1], side="right")
        inside = new[low:high]  # both are in order: what lies before and after needs no look
        if not inside.equals(old):
            _require_equal(old, inside, dataset)
            old = pl.concat([old, inside.join(old, on="time", how="anti")]).sort("time")
        return pl.concat([new[:low], old, new[high:]])

    new = _fit(frame, dataset)
    return _written(new, dataset, origin, _Step("append", _stamp(new, 0), _stamp(new, -1) + 1, join, _iso(now)))


def replace(
    frame: pl.DataFrame,
    dataset: Dataset,
    *,
    origin: Origin,
    now: datetime,
    start: str | datetime | None = None,
    end: str | datetime | None = None,
) -> Version:
    """Put bars in the place of all that is stored in a range; the dataset is made when there is none.

    Parameters
    ----------
    frame, dataset, origin, now
        As in `append`.
    start, end : str or datetime, optional
        The range ``[start, end)``; by default from the first to the last of the new bars.

    Raises
    ------
    DataError
        When bars lie outside the range or are not fit to be stored.
    StoreError
        When another process keeps writing the dataset, or the disk refuses.
    """
    new = _fit(frame, dataset)
    first = _stamp(new, 0) if start is None else as_ns(start)
    after = _stamp(new, -1) + 1 if end is None else as_ns(end)
    if _stamp(new, 0) < first or _stamp(new, -1) >= after:
        raise DataError(
            f"{dataset}: bars from {_range(new)} lie outside the range to replace; widen start and end, or cut the bars"
        )

    def join(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
        at = pl.col("time").dt.epoch("ns")
        return pl.concat([old.filter(at < first), new, old.filter(at >= after)])

    return _written(new, dataset, origin, _Step("replace", first, after, join, _iso(now)))


def read(
    dataset: Dataset, *, start: int | None = None, end: int | None = None, version: int | str | None = None
) -> pl.DataFrame:
    """Return stored bars whose open lies in ``[start, end)``, UTC nanoseconds.

    Parameters
    ----------
    dataset : Dataset
        Which.
    start, end : int, optional
        UTC nanoseconds.
    version : int or str, optional
        A version's number, or the beginning of its content hash; by default the current one.

    Raises
    ------
    DataError
        When the dataset or the version is not there.
    StoreError
        When a file is broken or missing.
    """

    def once() -> pl.DataFrame:
        parts = version_named(dataset, version).parts
        wanted = [p for p in parts if (start is None or p.last >= start) and (end is None or p.first < end)]
        return collected(files_of(dataset, wanted), start, end)

    return with_retries(once)


def datasets(lake: Path | None = None) -> list[Version]:
    """Return the current version of every dataset, by symbol and length of bar."""
    files = (lake or settings().lake).glob("symbol=*/timeframe=*/manifest.json")
    found = [version for version in map(read_current, (file.parent for file in files)) if version is not None]
    return sorted(found, key=lambda version: (version.symbol, timeframe_ns(version.timeframe)))


def versions(dataset: Dataset) -> list[Version]:
    """Return every version of a dataset that was not pruned, oldest first."""
    return read_versions(dataset.place)


def remove(dataset: Dataset) -> None:
    """Delete a dataset with all its versions.

    Raises
    ------
    DataError
        When there is none.
    """
    with one_writer(_lock(dataset)):
        version_named(dataset, None)
        (dataset.place / "manifest.json").unlink()  # from here on there is no dataset
        rmtree(dataset.place, ignore_errors=True)
        with suppress(OSError):  # other timeframes of the symbol are there
            dataset.place.parent.rmdir()


def prune(dataset: Dataset, *, keep: int) -> int:
    """Forget all but the newest versions and delete files only they had; return how many were forgotten."""
    with one_writer(_lock(dataset)):
        version_named(dataset, None)
        forgotten = read_versions(dataset.place)[: -max(keep, 1)]
        for version in forgotten:
            (dataset.place / "versions" / f"{version.number:06d}.json").unlink()
        sweep(dataset.place)
    return len(forgotten)


def with_retries(attempt: Callable[[], T]) -> T:
    """Return what an attempt to read returns; a writer may rename a file between finding and opening it.

    Raises
    ------
    StoreError
        When a file of the manifest is really missing.
    """
    for _ in range(_RETRIES):
        with suppress(FileNotFoundError):
            return attempt()
    try:
        return attempt()
    except FileNotFoundError as fault:
        raise StoreError(f"the lake lacks a file its manifest names ({fault}); add the data again") from fault


class _Step(NamedTuple):
    """One change of a dataset: what it does to the rows stored in the years it touches."""

    verb: str
    first: int
    after: int
    join: Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
    created: str


def _written(new: pl.DataFrame, dataset: Dataset, origin: Origin, step: _Step) -> Version:
    """Write the years a step touches, publish the new version, and put away what it no longer needs."""
    with one_writer(_lock(dataset)):
        sweep(dataset.place)
        current = read_current(dataset.place)
        old = current.parts if current else ()
        touched = [part for part in old if year_of(step.first) <= part.year <= year_of(step.after - 1)]
        stored = collected(files_of(dataset, touched)) if touched else new[:0]
        whole = step.join(stored, new)
        if touched:
            require_fit(whole, str(dataset), timeframe=dataset.timeframe)
        kept = [part for part in old if part not in touched]
        if current and (kept or len(whole) > len(new)):
            _require_same_kind(current.origin, origin, dataset)
        parts = sorted([*kept, *write_parts(whole, dataset.place)], key=lambda part: part.year)
        content = digest_of(dataset.symbol, dataset.timeframe, *(part.content for part in parts))
        if current and current.content == content:
            return current
        version = Version(
            symbol=dataset.symbol,
            timeframe=dataset.timeframe,
            number=current.number + 1 if current else 1,
            content=content,
            created=step.created,
            action=f"{step.verb} {len(new):,} bars, {_range(new)}",
            origin=origin,
            parts=tuple(parts),
        )
        publish(dataset.place, version)
        sweep(dataset.place)
    return version


def _fit(frame: pl.DataFrame, dataset: Dataset) -> pl.DataFrame:
    shaped = bar_frame(frame)
    require_fit(shaped, str(dataset), timeframe=dataset.timeframe)
    return shaped


def _require_equal(old: pl.DataFrame, new: pl.DataFrame, dataset: Dataset) -> None:
    both = new.join(old, on="time", how="inner", suffix="_stored")
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_stored")) for name in COLUMNS)
    other = both.filter(differs).sort("time")
    if len(other):
        name = next(name for name in COLUMNS if repr(other[name][0]) != repr(other[f"{name}_stored"][0]))
        raise DataError(
            f"{dataset}: {len(other)} of the new bars differ from those stored at the same time, the first at "
            f"{other['time'][0]:%Y-%m-%d %H:%M} ({name} {other[name][0]!r}, stored {other[f'{name}_stored'][0]!r}); "
            "replace the range if the new ones are right"
        )


def _require_same_kind(stored: Origin, origin: Origin, dataset: Dataset) -> None:
    """Refuse to mix bid with ask bars, or spreads at the open with smallest ones: no column says which is which."""
    for name, what in (("side", "bars are of the"), ("spread_of", "spread is that at the")):
        if getattr(stored, name) != getattr(origin, name):
            raise DataError(
                f"{dataset}: the stored {what} {getattr(stored, name) or 'unknown'}, the new {what} "
                f"{getattr(origin, name) or 'unknown'}; store them under a symbol of their own, or replace all"
            )


def _range(frame: pl.DataFrame) -> str:
    return f"{frame['time'][0]:%Y-%m-%d %H:%M} to {frame['time'][-1]:%Y-%m-%d %H:%M}"


def _lock(dataset: Dataset) -> Path:
    return dataset.lake / ".locks" / f"{dataset.place.parent.name}-{dataset.timeframe}"


def _stamp(frame: pl.DataFrame, row: int) -> int:
    return int(frame["time"].dt.epoch("ns")[row])


def _iso(now: datetime) -> str:
    if now.tzinfo is None:
        raise StoreError(f"the time of writing must know its zone, found {now!r}; use datetime.now(UTC)")
    return now.astimezone(UTC).isoformat(timespec="microseconds")
