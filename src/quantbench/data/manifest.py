"""What a dataset of the lake holds: its versions, where each came from, and the files it is made of."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote

from quantbench.config import settings, writable
from quantbench.core.errors import DataError, StoreError
from quantbench.core.timeframe import timeframe_ns

__all__ = [
    "SCHEMA",
    "Dataset",
    "Origin",
    "Part",
    "Version",
    "publish",
    "read_current",
    "read_versions",
    "symbol_folder",
    "version_named",
]

SCHEMA: Final = 1
"""Version of the layout of a manifest."""

_CURRENT: Final = "manifest.json"
_HISTORY: Final = "versions"


@dataclass(frozen=True)
class Dataset:
    """One symbol's bars of one timeframe in a lake; naming it does not make it.

    Parameters
    ----------
    symbol, timeframe : str
        Any symbol; a timeframe's name.
    lake : Path, optional
        The lake; by default that of the settings.

    Examples
    --------
    >>> Dataset("EUR/USD", "H1", Path("lake")).place.as_posix()
    'lake/symbol=EUR%2FUSD/timeframe=H1'
    """

    symbol: str
    timeframe: str
    lake: Path = field(default_factory=lambda: settings().lake)

    def __post_init__(self) -> None:
        """Refuse names that are none."""
        timeframe_ns(self.timeframe)
        if not self.symbol:
            raise DataError("a dataset needs a symbol, found an empty name")

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe}"

    @property
    def place(self) -> Path:
        """Its folder; awkward letters are quoted as in an URL, as DuckDB and Polars expect."""
        return symbol_folder(self.lake, self.symbol) / f"timeframe={self.timeframe}"


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where rows came from and what was done to them on the way.

    Parameters
    ----------
    source : str
        A file, a terminal, an address: what a person would call it.
    clock : str
        The clock of the source, which was turned into UTC.
    licence : str
        Under which the source may be used; empty when unknown.
    side : {"bid", "ask", "last"} or None
        Which prices the bars are; None when unknown.
    spread_of : {"open", "minimum"} or None
        What the bars' spread is; a minimum is kept, and never used for fills.
    repairs : tuple of dict
        Each repair as recorded: ``{"name": ..., "rows": ..., "sentence": ...}``.
    accepted : tuple of str
        Findings of severity error that were accepted by name.
    findings : tuple of dict
        What the checks found, without the rows.
    """

    source: str
    clock: str = "UTC"
    licence: str = ""
    side: Literal["bid", "ask", "last"] | None = None
    spread_of: Literal["open", "minimum"] | None = None
    repairs: tuple[dict[str, Any], ...] = ()
    accepted: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a version: the bars of one year.

    Parameters
    ----------
    name : str
        Of the file, in the dataset's folder; it says the year and the content.
    year, rows : int
        How many bars of which year (UTC).
    first, last : int
        Opens of the first and the last bar, UTC nanoseconds.
    content : str
        Hash of the columns.
    """

    name: str
    year: int
    rows: int
    first: int
    last: int
    content: str


@dataclass(frozen=True, kw_only=True)
class Version:
    """One state of a dataset, never changed once written.

    Parameters
    ----------
    symbol, timeframe : str
        Of the dataset.
    number : int
        1, 2, ... in the order written.
    content : str
        Hash of all bars: equal content, equal hash.
    created : str
        When, ISO 8601 in UTC.
    action : str
        What was written, as a sentence.
    origin : Origin
        Of the rows written last.
    parts : tuple of Part
        The files, oldest year first.
    """

    symbol: str
    timeframe: str
    number: int
    content: str
    created: str
    action: str
    origin: Origin
    parts: tuple[Part, ...] = field(repr=False)

    @property
    def rows(self) -> int:
        """Bars in all."""
        return sum(part.rows for part in self.parts)

    @property
    def first(self) -> int:
        """Open of the first bar, UTC nanoseconds."""
        return self.parts[0].first

    @property
    def last(self) -> int:
        """Open of the last bar, UTC nanoseconds."""
        return self.parts[-1].last

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, with the schema."""
        return {"schema": SCHEMA, "rows": self.rows, "first": self.first, "last": self.last, **asdict(self)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Version:
        """Build a version from plain values.

        Raises
        ------
        KeyError, TypeError
            When they are not what `to_dict` gives.
        """
        origin: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values["origin"].items()}
        names = ("symbol", "timeframe", "number", "content", "created", "action")
        parts = tuple(Part(**part) for part in values["parts"])
        return cls(**{name: values[name] for name in names}, origin=Origin(**origin), parts=parts)


def symbol_folder(lake: Path, symbol: str) -> Path:
    """Return the folder of a symbol, awkward letters quoted as in an URL."""
    return lake / f"symbol={quote(symbol, safe='')}"


def read_current(folder: Path) -> Version | None:
    """Return the current version of a dataset, or None when there is no dataset.

    Raises
    ------
    StoreError
        When the manifest is broken or of another schema.
    """
    return _read(folder / _CURRENT)


def read_versions(folder: Path) -> list[Version]:
    """Return every version of a dataset that was published and not pruned, oldest first."""
    current = read_current(folder)
    if current is None:
        return []
    files = sorted((folder / _HISTORY).glob("*.json"))  # a number beyond the current was never published
    found = (_read(file) for file in files if int(file.stem) <= current.number)
    return [version for version in found if version is not None]


def version_named(dataset: Dataset, which: int | str | None) -> Version:
    """Return one version: by number, by the beginning of its content hash, or the current one.

    Raises
    ------
    DataError
        When there is none, or several begin that way.
    """
    current = read_current(dataset.place)
    if current is None:
        raise DataError(f"{dataset} is not in the lake")
    if which is None or which in (current.content, current.number):
        return current
    versions = read_versions(dataset.place)
    if isinstance(which, str):
        found = [version for version in versions if which and version.content.startswith(which)]
    else:
        found = [version for version in versions if version.number == which]
    if len({version.content for version in found}) != 1:
        what = "has several" if found else "has no"
        known = ", ".join(f"{version.number} ({version.content[:8]})" for version in versions[-8:])
        raise DataError(f"{dataset} {what} version {which!r}; there are: {known}")
    return found[-1]


def publish(folder: Path, version: Version) -> None:
    """Make a version the current one: its own file first, then, in one rename, the manifest.

    Raises
    ------
    StoreError
        When the folder cannot be written to.
    """
    text = json.dumps(version.to_dict(), indent=1, sort_keys=True, ensure_ascii=False)
    _write(folder / _HISTORY / f"{version.number:06d}.json", text)
    _write(folder / _CURRENT, text)


def _write(file: Path, text: str) -> None:
    from quantbench.data.parquet import sync_folder

    writable(file.parent)
    temporary = file.with_name(f".{file.name}.tmp")
    try:
        with temporary.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except OSError as fault:
        raise StoreError(f"cannot write {file}: {fault.strerror or fault}; free some disk space and repeat") from fault


def _read(file: Path) -> Version | None:
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise StoreError(f"cannot read {file}: {fault.strerror or fault}") from fault
    try:
        values = json.loads(text)
        schema = values["schema"]
        if schema == SCHEMA:
            return Version.from_dict(values)
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise StoreError(f"{file} is no manifest: {fault}; restore it from a backup or add the data again") from fault
    raise StoreError(f"{file} has schema {schema}, this Quantbench reads {SCHEMA}; install a newer one")
