"""Parquet files, read and written whole; the only door to polars for this package's other modules."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from quantbench.config import writable
from quantbench.core.errors import MissingExtra, StoreError

try:
    import polars as pl
except ImportError as missing:
    raise MissingExtra("reading and writing bars needs polars: pip install 'quantbench[lab]'") from missing

__all__ = ["UNREADABLE", "facts", "pl", "sync_folder", "write_atomically"]

UNREADABLE: Final = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises for a file that is missing, cut short or no Parquet at all."""


def facts(file: Path) -> dict[str, str]:
    """Return the key-value metadata of a Parquet file.

    Raises
    ------
    StoreError
        When it is missing or is no Parquet file.
    """
    try:
        return pl.read_parquet_metadata(file)
    except UNREADABLE as fault:
        raise StoreError(f"cannot read {file}: {fault}; restore it or install Quantbench again") from fault


def write_atomically(
    frame: pl.DataFrame,
    file: Path,
    *,
    metadata: Mapping[str, str] | None = None,
    compression: Literal["zstd", "lz4"] = "zstd",
    level: int = 3,
    group: int | None = None,
) -> Path:
    """Write a Parquet file so that it is either there in full or not there at all.

    It is written under a temporary name in its own folder (``.NAME.tmp``), forced to disk, then
    renamed; a crash leaves at most the temporary file, which no reader looks at.

    Parameters
    ----------
    frame : polars.DataFrame
        What to write.
    file : Path
        The final name; its folder is made when missing.
    metadata : mapping of str to str, optional
        Key-value facts kept in the file.
    compression : {"zstd", "lz4"}
        Small, or fast to read.
    level : int
        Of zstd compression.
    group : int, optional
        Rows a group: a range is read by groups.

    Raises
    ------
    StoreError
        When the folder cannot be written to, or the disk is full.
    """
    writable(file.parent)
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        with temporary.open("wb") as handle:
            frame.write_parquet(
                handle,
                compression=compression,
                compression_level=level if compression == "zstd" else None,
                row_group_size=group,
                metadata=dict(metadata) if metadata else None,
            )
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except (OSError, pl.exceptions.ComputeError) as fault:  # polars wraps what the disk says
        said = getattr(fault, "strerror", None) or fault
        raise StoreError(f"cannot write {file}: {said}; free some disk space and repeat") from fault
    finally:
        temporary.unlink(missing_ok=True)
    return file


def sync_folder(folder: Path) -> None:
    """Force the new name to disk; Windows neither needs it nor opens folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
