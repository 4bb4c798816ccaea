"""Shared by the benchmarks: the bars, the grid, and one fresh process per measurement."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
FEE = 1e-4
LOTS = 0.1
BALANCE = 1_000_000.0


def prices(bars: int, seed: int = 7) -> dict[str, np.ndarray]:
    """Return hourly random-walk OHLC on a five-decimal grid: open near the close before, extremes outside."""
    rng = np.random.default_rng(seed)
    close = 1.2 * np.exp(np.cumsum(rng.normal(0, 0.0008, bars)))
    open_ = np.append(close[0], close[:-1] * np.exp(rng.normal(0, 0.00008, bars - 1)))
    high = np.maximum(open_, close) * np.exp(np.abs(rng.normal(0, 0.0004, bars)))
    low = np.minimum(open_, close) * np.exp(-np.abs(rng.normal(0, 0.0004, bars)))
    return {
        "open": np.round(open_, 5),
        "high": np.round(np.maximum.reduce([high, open_, close]) + 5e-6, 5),
        "low": np.round(np.minimum.reduce([low, open_, close]) - 5e-6, 5),
        "close": np.round(close, 5),
    }


def windows(combinations: int) -> list[int]:
    """Return the moving-average lengths whose pairs (fast < slow) are about as many combinations."""
    count = round((1 + (1 + 8 * combinations) ** 0.5) / 2)
    return list(range(5, 5 + 2 * count, 2))


def qb_bars(bars: int):
    """Return the prices as Quantbench bars of an instrument without any cost of its own."""
    import quantbench as qb

    fx = qb.Instrument(
        symbol="EURUSD", digits=5, point=1e-5, contract_size=100_000, volume_min=0.01, volume_step=0.01,
        volume_max=1_000.0, base_currency="EUR", quote_currency="USD", leverage=500,
    )  # fmt: skip
    time_ = np.datetime64("2010-01-04T00:00", "ns") + np.arange(bars) * np.timedelta64(1, "h")
    return qb.Bars("EURUSD", "H1", fx, time_, **prices(bars))


def repeat(work, *, rounds: int, warm: int = 1) -> list[float]:
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
    """Return the largest memory this process and its workers have held, in MB."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    workers = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return (own + 2 * workers) / 1024


def measured(script: str, *arguments: object) -> dict:
    """Run a side of a benchmark in a fresh process and return the JSON line it prints last."""
    environment = {**os.environ, "QUANTBENCH_HOME": os.environ.get("QUANTBENCH_HOME", "/tmp/quantbench-bench")}  # noqa: S108
    Path(environment["QUANTBENCH_HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, str(HERE / script), *map(str, arguments)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{script} {arguments} failed:\n{done.stderr[-3_000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def say(**figures: object) -> None:
    """Print one side's figures as the JSON line `measured` reads."""
    print(json.dumps(figures))
