"""The files of a dataset: written once, named by content, put where the manifest wants them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import StoreError
from quantbench.data.frames import COLUMNS, columns_of
from quantbench.data.manifest import Dataset, Part, read_current, read_versions
from quantbench.data.parquet import UNREADABLE, pl, write_atomically
from quantbench.data.spilled import release

__all__ = ["collected", "digest_of", "files_of", "sweep", "write_parts", "year_of"]

_GROUP: Final = 65_536
"""Rows a Parquet group: a month of M1 reads one or two."""
_TOGETHER: Final = 3
"""Years written at the same time: some are hashed while others are on their way to the disk."""
_NS: Final = {"ms": 1_000_000, "us": 1_000, "ns": 1}


def files_of(dataset: Dataset, parts: Iterable[Part]) -> list[Path]:
    """Return where the files of a version are now: those only older versions need end in ``.old``."""
    pairs = ((dataset.place / part.name, dataset.place / f"{part.name}.old") for part in parts)
    return [plain if plain.exists() else old for plain, old in pairs]


def write_parts(frame: pl.DataFrame, place: Path) -> list[Part]:
    """Write one file a year; a file of that content that is there already is left alone."""
    stamps = frame["time"].dt.epoch("ns").to_numpy()
    years = np.arange(year_of(stamps[0]), year_of(stamps[-1]) + 2)
    bounds = np.searchsorted(stamps, (years - 1970).astype("datetime64[Y]").astype("datetime64[ns]").astype(np.int64))
    filled = [
        (int(year), frame[int(a) : int(b)]) for year, a, b in zip(years, bounds, bounds[1:], strict=False) if b > a
    ]
    with ThreadPoolExecutor(_TOGETHER) as pool:
        return list(pool.map(lambda one: _write_year(place, *one), filled))


def _write_year(place: Path, year: int, rows: pl.DataFrame) -> Part:
    columns = columns_of(rows)
    stamps = columns["time"].view(np.int64)
    content = digest_of(stamps, *(columns[name] for name in COLUMNS))
    name = f"year={year}-{content[:12]}.parquet"
    ends = {"first": int(stamps[0]), "last": int(stamps[-1])}
    part = Part(name=name, year=year, rows=len(rows), content=content, **ends)
    if not (place / part.name).exists():
        # Microseconds, as DuckDB's functions of time take no nanoseconds.
        kept = rows.with_columns(pl.col("time").dt.cast_time_unit("us"))
        write_atomically(kept, place / part.name, compression="lz4", group=_GROUP)
    release(columns.values(), slice(0, len(rows)))
    return part


def sweep(place: Path) -> None:
    """Put each file where the manifest wants it: current, old, or gone because a writer died over it."""
    current = read_current(place)
    now = {part.name for part in current.parts} if current else set()
    ever = {part.name for version in read_versions(place) for part in version.parts}
    for file in list(place.glob("year=*.parquet*")):
        plain, old = place / file.name.removesuffix(".old"), place / f"{file.name.removesuffix('.old')}.old"
        with suppress(PermissionError):  # Windows: a reader has it open; the next sweep gets it
            if plain.name not in now | ever:
                file.unlink(missing_ok=True)
            elif plain.name not in now and file == plain:
                plain.replace(old)
            elif plain.name in now and file == old:
                _bring_back(plain, old)
    for file in (*place.glob(".*.tmp"), *place.glob("versions/.*.tmp")):
        file.unlink(missing_ok=True)


def _bring_back(plain: Path, old: Path) -> None:
    """Let a version that is current again have its file under the plain name."""
    if plain.exists():
        old.unlink(missing_ok=True)
    else:
        old.replace(plain)


def collected(files: list[Path], start: int | None = None, end: int | None = None) -> pl.DataFrame:
    """Return the bars of files whose open lies in ``[start, end)``.

    Raises
    ------
    FileNotFoundError
        When a writer has renamed one meanwhile.
    StoreError
        When one is broken.
    """
    if not files:
        return pl.DataFrame(schema={"time": pl.Datetime("ns", "UTC"), **dict.fromkeys(COLUMNS, pl.Float64)})
    wanted = pl.scan_parquet(files, hive_partitioning=False, glob=False)
    try:
        stamp = wanted.collect_schema()["time"]
        for bound, is_start in ((start, True), (end, False)):
            if bound is not None:
                unit = _NS[getattr(stamp, "time_unit", "ns")]
                edge = pl.lit(-(-bound // unit)).cast(stamp)  # the first stamp of the file's unit at or after it
                wanted = wanted.filter(pl.col("time") >= edge if is_start else pl.col("time") < edge)
        return wanted.with_columns(pl.col("time").dt.cast_time_unit("ns")).collect()
    except FileNotFoundError:
        raise
    except UNREADABLE as fault:
        raise StoreError(f"cannot read {files[0].parent}: {str(fault).splitlines()[0]}; add the data again") from fault


def digest_of(*values: str | npt.NDArray[Any]) -> str:
    """Return one hash of texts and columns."""
    digest = blake2b(digest_size=16)
    for value in values:
        digest.update(f"{value}\0".encode() if isinstance(value, str) else np.ascontiguousarray(value).data)
    return digest.hexdigest()


def year_of(stamp: int) -> int:
    """Return the year of a moment in UTC nanoseconds."""
    return int(np.datetime64(int(stamp), "ns").astype("datetime64[Y]").astype(int)) + 1970
