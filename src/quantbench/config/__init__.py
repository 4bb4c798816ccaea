"""Typed settings, parsed once at the door, and the one way to get a folder that can be written to."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from quantbench.core.errors import QuantbenchError, StoreError, did_you_mean

__all__ = ["Settings", "settings", "writable"]

_PREFIX: Final = "QUANTBENCH_"


@dataclass(frozen=True)
class Settings:
    """Where Quantbench keeps its files.

    Parameters
    ----------
    home : Path
        The folder that holds everything below; ``QUANTBENCH_HOME`` sets it. Without it: the nearest
        folder, from the current one upwards, that holds a ``pyproject.toml`` or an
        ``experiments/ledger``, so that a notebook in a subfolder finds its project; else the
        current folder.

    Examples
    --------
    >>> from pathlib import Path
    >>> Settings(Path("lab")).ledger.as_posix()
    'lab/experiments/ledger'
    """

    home: Path

    @property
    def reports(self) -> Path:
        """Rendered HTML."""
        return self.home / "reports"

    @property
    def experiments(self) -> Path:
        """Executed runs."""
        return self.home / "experiments"

    @property
    def lake(self) -> Path:
        """Your own bars."""
        return self.home / "data" / "lake"

    @property
    def ledger(self) -> Path:
        """Parts of the trial ledger."""
        return self.experiments / "ledger"


def settings() -> Settings:
    """Return the settings as the environment has them now.

    Raises
    ------
    QuantbenchError
        For a ``QUANTBENCH_...`` variable that is no setting, so that a misspelt one is not ignored.
    """
    ours = {name: value for name, value in os.environ.items() if name.upper().startswith(_PREFIX)}
    home = _home_of(tuple(ours.items())) if ours else None  # nothing to parse: the parser need not be loaded
    return Settings(_nearest_home(Path.cwd()) if home is None else home.expanduser().absolute())


@lru_cache(maxsize=4)
def _home_of(ours: tuple[tuple[str, str], ...]) -> Path | None:
    """Return the home our variables of the environment name, parsed once for each set of them."""
    (name, value), *others = ours
    if name == f"{_PREFIX}HOME" and value and not others:  # one path needs no parser
        return Path(value)
    environment = _environment()
    known = {_PREFIX + name.upper() for name in environment.model_fields}
    for name, _ in ours:
        if name.upper() not in known:
            raise QuantbenchError(f"unknown setting {name} in the environment: {did_you_mean(name, known)}")
    home: Path | None = environment().home
    return home


@cache
def _environment() -> Any:
    """Return the class that reads the environment; made on first use, as pydantic takes 0.2 s to import."""
    from pydantic_settings import BaseSettings, SettingsConfigDict

    class Environment(BaseSettings):
        model_config = SettingsConfigDict(env_prefix=_PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

        home: Path | None = None
        run: Path | None = None  # set by a batch for each of its runs; where `qb.record` writes
        pins: str | None = None  # set by a rerun: the versions of data that `qb.load` takes

    return Environment


def _nearest_home(start: Path) -> Path:
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() or (folder / "experiments" / "ledger").is_dir():
            return folder
    return start


def writable(folder: Path) -> Path:
    """Return the folder, made if it was missing and tried by writing to it.

    Raises
    ------
    StoreError
        When it cannot be made or written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as fault:
        why = fault.strerror or type(fault).__name__
        raise StoreError(
            f"cannot write to {folder}: {why}; free the path, change its permissions or disk space, "
            f"or set {_PREFIX}HOME to a folder you may write to"
        ) from fault
    return folder


def now() -> datetime:
    """Return the wall clock in UTC: the one place above `live` where it is read."""
    return datetime.now(UTC)  # noqa: TID251
