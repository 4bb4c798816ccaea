"""Read a range of the lake, make hours of minutes, check: beside pandas. `python benchmarks/data_lake.py [rows]`.

Each side runs in a process of its own, in turn, warm; the figure is the median of its repetitions.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

REPEATS = 15
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SIDES = ("range ours", "range frame", "range pandas", "resample ours", "resample pandas", "stream ours", "check ours")
FIRST, LAST = "2000-03-01", "2001-03-01"


def minutes(many: int) -> dict[str, np.ndarray]:
    """Return FX minutes without weekends: a random walk on the grid of a point."""
    rng = np.random.default_rng(7)
    from quantbench.core.spans import wall_to_utc

    wall = np.datetime64("1996-01-01", "m").astype(np.int64) + np.arange(int(many * 1.41) + 10_080)
    wall = wall[(wall + 3 * 1440) % 10_080 < 5 * 1440][:many]  # Monday 00:00 to Friday 24:00 = 17:00 New York
    opens = np.unique(wall_to_utc(wall * 60_000_000_000, "America/New_York+7"))
    close = np.round(1.1 * np.exp(np.cumsum(rng.normal(0, 5e-5, many))), 5)
    start = np.concatenate([close[:1], close[:-1]])
    wick = rng.integers(0, 9, (2, many)) * 1e-5
    return {
        "time": opens.view("datetime64[ns]"),
        "open": start,
        "high": np.round(np.maximum(start, close) + wick[0], 5),
        "low": np.round(np.minimum(start, close) - wick[1], 5),
        "close": close,
        "volume": rng.integers(1, 99, many).astype(float),
        "spread": rng.integers(1, 9, many).astype(float),
    }


def timed(work: Callable[[], object]) -> tuple[list[float], object]:
    found = work()
    seconds = []
    for _ in range(REPEATS):
        start = perf_counter()
        found = work()
        seconds.append(perf_counter() - start)
    return seconds, found


def made(home: Path, many: int) -> None:
    import polars as pl

    from quantbench.data import lake
    from quantbench.data.manifest import Dataset, Origin

    frame = pl.DataFrame(minutes(many))
    lake.append(frame, Dataset("EURUSD", "M1", home / "data" / "lake"), origin=Origin(source="a benchmark"), now=NOW)
    frame.write_parquet(home / "one.parquet", compression="zstd")


def load_range() -> object:
    import quantbench as qb

    return qb.load("EURUSD", "M1", FIRST, LAST)


def frame_range() -> object:
    from quantbench.core.clock import as_ns
    from quantbench.data import lake
    from quantbench.data.manifest import Dataset

    return lake.read(Dataset("EURUSD", "M1"), start=as_ns(FIRST), end=as_ns(LAST))


def pandas_range(home: Path) -> object:
    import pandas as pd

    span = [("time", ">=", pd.Timestamp(FIRST)), ("time", "<", pd.Timestamp(LAST))]
    return pd.read_parquet(home / "one.parquet", filters=span)


def resampled(many: int) -> Callable[[], object]:
    import quantbench as qb
    from quantbench.core.resample import resample
    from quantbench.data.instruments import instrument

    bars = qb.Bars("EURUSD", "M1", instrument("EURUSD"), **minutes(many))
    return lambda: resample(bars, "H1")


def pandas_resampled(many: int) -> Callable[[], object]:
    import pandas as pd

    frame = pd.DataFrame(minutes(many)).set_index("time")
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "first"}
    return lambda: frame.resample("1h").agg(how).dropna(subset="open")


def streamed() -> object:
    import quantbench as qb

    return qb.load("EURUSD", "H1")


def checked(many: int) -> Callable[[], object]:
    import polars as pl

    from quantbench.data.checks import check
    from quantbench.data.instruments import instrument

    frame = pl.DataFrame(minutes(many))
    return lambda: check(frame, instrument("EURUSD"), timeframe="M1")


def side(name: str, home: Path, many: int) -> dict[str, object]:
    """Measure one side in this process."""
    work = {
        "range ours": lambda: load_range,  # as Bars, checked and frozen
        "range frame": lambda: frame_range,
        "range pandas": lambda: lambda: pandas_range(home),
        "resample ours": lambda: resampled(many),
        "resample pandas": lambda: pandas_resampled(many),
        "stream ours": lambda: streamed,
        "check ours": lambda: checked(many),
    }[name]()
    seconds, found = timed(work)
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]) / 1024
    return {"seconds": seconds, "peak_mb": peak, "rows": len(found) if hasattr(found, "__len__") else many}


def main(many: int) -> None:
    with tempfile.TemporaryDirectory(prefix="quantbench-benchmark-") as folder:
        made(Path(folder), many)
        for name in SIDES:
            command = [sys.executable, __file__, str(many), folder, name]
            answer = subprocess.run(
                command, check=True, capture_output=True, text=True, env=os.environ | {"QUANTBENCH_HOME": folder}
            )
            one = json.loads(answer.stdout)
            usual, least = median(one["seconds"]), min(one["seconds"])
            print(f"{name:16} {usual:.3f} s, least {least:.3f}, peak {one['peak_mb']:.0f} MB, {one['rows']:,} rows")


if __name__ == "__main__":
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    if len(sys.argv) > 2:
        print(json.dumps(side(sys.argv[3], Path(sys.argv[2]), rows)))
    else:
        main(rows)
