"""What a backtest needs of this machine, checked, with what to do about each thing that is missing."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from quantbench.config import settings, writable
from quantbench.core.errors import QuantbenchError

__all__ = ["Finding", "examine"]

_OLDEST: Final = (3, 11)
_FREE_GB: Final = 1.0
_INSTALL: Final = 'pip install "quantbench[lab]"'


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes
    ----------
    name : str
        What was checked.
    status : {"ok", "note", "problem"}
        A note leaves something out that research can do without.
    found : str
        What is there.
    fix : str
        What to do; empty when there is nothing to do.
    """

    name: str
    status: Literal["ok", "note", "problem"]
    found: str
    fix: str = ""


def examine() -> tuple[Finding, ...]:
    """Check Python, packages, caches, data, folders, disk and terminal.

    Examples
    --------
    >>> from quantbench.runs.doctor import examine
    >>> [finding.name for finding in examine()][:2]
    ['Python', 'Packages']
    """
    checks: tuple[Callable[[], Finding], ...] = (_python, _packages, _cache, _data, _folders, _disk, _terminal)
    return tuple(check() for check in checks)


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}, {os.cpu_count()} cores"
    if sys.version_info < _OLDEST:
        return Finding("Python", "problem", found, "install Python 3.11 or newer and make a new environment with it")
    return Finding("Python", "ok", found)


def _packages() -> Finding:
    missing = {extra: [name for name in _named(extra) if not _installed(name)] for extra in ("", "lab")}
    if missing[""]:
        return Finding("Packages", "problem", f"missing: {', '.join(missing[''])}", "pip install quantbench")
    if missing["lab"]:
        found = f"the extra `lab` lacks {', '.join(missing['lab'])}: no notebooks, reports or sweeps without it"
        return Finding("Packages", "problem", found, _INSTALL)
    return Finding("Packages", "ok", f"quantbench {metadata.version('quantbench')} with the extra `lab`")


def _named(extra: str) -> list[str]:
    """Return the distributions an extra brings ("" is the base), as the installed package declares them."""
    names = []
    for requirement in metadata.requires("quantbench") or ():
        wanted, _, marker = requirement.partition(";")
        if "sys_platform" in marker or "platform_system" in marker:
            continue  # the terminal has a check of its own
        of = re.search(r"extra\s*==\s*['\"](\w+)['\"]", marker)
        if (of.group(1) if of else "") == extra:
            names.append(re.split(r"[^\w.-]", wanted.strip())[0])
    return [name for name in names if name != "quantbench"]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _cache() -> Finding:
    """Compiled kernels are kept in a folder that any process of this user finds again."""
    from quantbench.config._kernels import kernel_cache

    folder = kernel_cache()
    if folder.name.startswith("kernels-"):
        return Finding("Compiled code", "ok", f"kept in {folder}")
    found = "cannot be kept anywhere: every start compiles for half a minute"
    return Finding("Compiled code", "problem", found, "set NUMBA_CACHE_DIR to a folder you may write to")


def _data() -> Finding:
    try:
        from quantbench.data.store import load, symbols

        bars = load("EURUSD", "H1")
        return Finding("Data", "ok", f"{len(symbols())} sets of bars, EURUSD H1 reads with {len(bars):,} bars")
    except (QuantbenchError, ModuleNotFoundError) as fault:
        return Finding("Data", "problem", str(fault), f"{_INSTALL} again, or restore data/sample")


def _folders() -> Finding:
    try:
        home = settings().home
        for folder in (settings().reports, settings().experiments):
            writable(folder if folder.exists() else home)
    except QuantbenchError as fault:
        return Finding("Folders", "problem", str(fault), "go to your project's folder, or set QUANTBENCH_HOME")
    return Finding("Folders", "ok", f"reports and experiments go to {home}")


def _disk() -> Finding:
    place = next(folder for folder in (Path.cwd(), *Path.cwd().parents) if folder.exists())
    free = shutil.disk_usage(place).free / 1e9
    if free < _FREE_GB:
        return Finding(
            "Disk", "problem", f"{free:.1f} GB free at {place}", "free some space: runs and reports need 1 GB"
        )
    return Finding("Disk", "ok", f"{free:,.0f} GB free")


def _terminal() -> Finding:
    if sys.platform != "win32":
        found = f"MetaTrader 5 runs on Windows, this is {platform.system()}: research works without it"
        return Finding("Terminal", "note", found)
    if importlib.util.find_spec("MetaTrader5") is None:
        return Finding(
            "Terminal",
            "note",
            "the package MetaTrader5 is missing: research works without it",
            "pip install MetaTrader5",
        )
    return Finding("Terminal", "ok", f"MetaTrader5 {metadata.version('MetaTrader5')}")
