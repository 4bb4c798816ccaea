"""What the figures were measured on."""

# ruff: noqa: E501, ISC004  (lines of the report, as they stand in it)

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("quantbench", "numba", "numpy", "pandas", "vectorbt", "vectorbt-rust", "backtesting")


def processor() -> str:
    """Return the processor's name as the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def header(rounds: int) -> list[str]:
    """Return the head of RESULTS.md: date, machine, versions, how to repeat."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0]
    return [
        "# Last results",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {processor()}, {os.cpu_count()} cores, {platform.system()}, "  # noqa: TID251
        f"Python {platform.python_version()}; {packages}. Load average when it began: {load:.1f}.",
        "",
        "Repeat: `pip install -e .[lab] -r benchmarks/requirements.txt`, then `python benchmarks/run.py` on a quiet machine",
        f"(ten minutes). Every side runs in a process of its own, in turn, warm; medians of {rounds} rounds. A ratio is",
        "printed only after the figures both sides have agree to 1e-10. Prices are a seeded random walk. Peak memory is",
        "the high-water marks of the process and its workers added up: pages they share count in each, so it is an upper bound.",
        "",
    ]
