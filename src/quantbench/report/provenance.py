"""Where a result comes from: code, data, versions. What is not known is said to be not known."""

from __future__ import annotations

import inspect
import platform
import subprocess
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from quantbench import __version__
from quantbench.core.bars import Bars
from quantbench.core.errors import QuantbenchError
from quantbench.core.results import Backtest
from quantbench.core.strategy import Strategy
from quantbench.data.code import code_hash
from quantbench.data.store import load, symbols

__all__ = ["provenance"]

_LIBRARIES: Final = ("numpy", "pandas", "numba", "TA-Lib", "plotly")


def provenance(result: Backtest, *, now: datetime | None = None, seed: int | None = None) -> dict[str, str]:
    """Return what somebody needs to make this result again, by name.

    Parameters
    ----------
    result : Backtest
    now : datetime, optional
        When the report is made, with a time zone.
    seed : int, optional
        The seed of whatever was drawn at random.
    """
    bars = result.bars
    first, last = (np.datetime_as_string(bars.time[i], unit="m").replace("T", " ") for i in (0, -1))
    return {
        "Strategy": f"{type(result.strategy).__module__}.{type(result.strategy).__qualname__}",
        "Strategy code": code_hash(type(result.strategy)),
        "Git commit": _commit(type(result.strategy)) or "none",
        "Data": f"{bars.symbol} {bars.timeframe}, {len(bars):,} bars, {first} to {last} UTC",
        "Data version": bars.version,
        "Data source": _source(bars),
        "Engine": f"{result.engine}, quantbench {__version__}",
        "Libraries": ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        "Seed": "none: nothing was drawn at random" if seed is None else str(seed),
        "Created": "not stated" if now is None else f"{now:%Y-%m-%d %H:%M:%S %Z}".strip(),
    }


def _commit(strategy: type[Strategy]) -> str:
    """Return the commit of the repository that holds the strategy's file, and whether it has changed since."""
    try:
        file = Path(inspect.getfile(strategy))
    except (OSError, TypeError):
        return ""
    if not file.is_file():
        return ""
    commit = _git(file.parent, "rev-parse", "--short=12", "HEAD")
    if not commit:
        return ""
    return f"{commit}{' with changes' if _git(file.parent, 'status', '--porcelain') else ''}"


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603  (our own words)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _source(bars: Bars) -> str:
    """Return the source of stored bars, after making sure that these are they."""
    try:
        stored = load(bars.symbol, bars.timeframe, bars.time[0], bars.time[-1] + np.timedelta64(1, "ns"))
        if stored.version != bars.version:
            return "not known: not the stored bars of that name"
        stock = symbols()
    except QuantbenchError:
        return "not known: no bars of that name are stored"
    row = stock[(stock["symbol"] == bars.symbol) & (stock["timeframe"] == bars.timeframe)].iloc[0]
    return f"{row['source']} ({row['licence']})"
