"""Shared by the benchmarks: the bars, the grid, and one fresh process per measurement."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import quantbench as qb

HERE = Path(__file__).parent
FEE = 1e-4
LOTS = 0.1
BALANCE = 1_000_000.0


def prices(bars: int, seed: int = 7) -> dict[str, np.ndarray]:
    """Return hourly random-walk OHLC: open near the close before, extremes outside.

    Two things make the figures of engines comparable that mean different things by details. Prices have
    ten decimals, so that no two averages tie; and the first and last bars fall steadily, so that every
    pair of averages begins and ends flat (vectorbt marks a trade left open, we close it and pay the fee).
    """
    rng = np.random.default_rng(seed)
    change, edge = rng.normal(0, 0.0008, bars), min(300, bars // 50)
    change[:edge] = change[:edge] / 10 - 0.0008
    change[-edge:] = change[-edge:] / 10 - 0.0008
    close = 1.2 * np.exp(np.cumsum(change))
    open_ = np.append(close[0], close[:-1] * np.exp(rng.normal(0, 0.00008, bars - 1)))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.0004, bars)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.0004, bars)))
    return {
        "open": np.round(open_, 10),
        "high": np.round(np.maximum.reduce([high, open_, close]) + 5e-11, 10),
        "low": np.round(np.minimum.reduce([low, open_, close]) - 5e-11, 10),
        "close": np.round(close, 10),
    }


def windows(combinations: int) -> list[int]:
    """Return the moving-average lengths whose pairs (fast < slow) are about as many combinations."""
    count = round((1 + (1 + 8 * combinations) ** 0.5) / 2)
    return list(range(5, 5 + 2 * count, 2))


def qb_bars(bars: int) -> qb.Bars:
    """Return the prices as Quantbench bars of an instrument without any cost of its own."""
    import quantbench as qb

    fx = qb.Instrument(
        symbol="EURUSD", digits=10, point=1e-10, contract_size=100_000, volume_min=0.01, volume_step=0.01,
        volume_max=1_000.0, base_currency="EUR", quote_currency="USD", leverage=500,
    )  # fmt: skip
    time_ = np.datetime64("2010-01-04T00:00", "ns") + np.arange(bars) * np.timedelta64(1, "h")
    return qb.Bars("EURUSD", "H1", fx, time_, **prices(bars))


def repeat(work: Callable[[], object], *, rounds: int, warm: int = 1) -> list[float]:
    """Return wall seconds of each round after `warm` uncounted ones."""
    for _ in range(warm):
        work()
    seconds = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - began)
    return seconds


def peak_mb() -> float:
    """Return the largest memory of this process plus that of each living worker, MB; what they share counts in each."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (own + sum(_peak_kb(child) for child in _children(os.getpid()))) / 1024


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *_children(int(child))]
    return found


def _peak_kb(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), 0)


def home() -> Path:
    """Return the folder the measured processes may write to."""
    folder = Path(os.environ.get("QUANTBENCH_HOME", Path(tempfile.gettempdir()) / "quantbench-bench"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def measured(script: str, *arguments: object) -> dict:
    """Run a side of a benchmark in a fresh process and return the JSON line it prints last."""
    done = subprocess.run(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        capture_output=True, text=True, check=False, env={**os.environ, "QUANTBENCH_HOME": str(home())},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{script} {arguments} failed:\n{done.stderr[-3_000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def say(**figures: object) -> None:
    """Print one side's figures as the JSON line `measured` reads."""
    print(json.dumps(figures))
