"""CSV import beside plain pandas, each side in a process of its own. `python benchmarks/data.py [rows] [rounds]`.

Two layouts of the same M1 bars: an ordinary CSV (`time,open,high,low,close,volume`) and MetaTrader 5's export.
pandas reads and types the time, nothing else. Quantbench is measured three times: it parses (every field accounted
for), it parses and checks (clock, UTC, all checks), and it imports (the same, and stores a version in the lake).
`data_lake.py` measures what is done with stored bars.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from data_lake import minutes
from worlds import measured, peak_mb, say

LAYOUTS = ("ordinary", "MetaTrader 5")
SIDES = ("pandas", "parse", "check", "import")
NOW = datetime(2100, 1, 1, tzinfo=UTC)


def write(rows: int, layout: str, file: Path) -> None:
    """Write the bars."""
    import polars as pl

    bars = pl.DataFrame(minutes(rows)).with_columns(pl.col("volume", "spread").cast(pl.Int64))
    if layout == LAYOUTS[0]:
        frame = bars.drop("spread").with_columns(pl.col("time").dt.strftime("%Y-%m-%d %H:%M:%S"))
        frame.write_csv(file, float_precision=5)
        return
    day, moment = (pl.col("time").dt.strftime(form) for form in ("%Y.%m.%d", "%H:%M:%S"))
    prices = (pl.col(name).alias(f"<{name.upper()}>") for name in ("open", "high", "low", "close"))
    counts = (pl.col("volume").alias("<TICKVOL>"), pl.lit(0).alias("<VOL>"), pl.col("spread").alias("<SPREAD>"))
    frame = bars.select(day.alias("<DATE>"), moment.alias("<TIME>"), *prices, *counts)
    frame.write_csv(file, separator="\t", float_precision=5, line_terminator="\r\n")


def by_pandas(file: Path, layout: str) -> Any:
    import pandas as pd

    if layout == LAYOUTS[0]:
        return pd.read_csv(file, parse_dates=["time"])
    frame = pd.read_csv(file, sep="\t")
    moments = pd.to_datetime(frame["<DATE>"] + " " + frame["<TIME>"], format="%Y.%m.%d %H:%M:%S")
    return frame.assign(time=moments, close=frame["<CLOSE>"])


def by_quantbench(file: Path, side: str) -> Any:
    """Return the frame; for an import, what it stored."""
    from quantbench.data import lake
    from quantbench.data.checks import check
    from quantbench.data.clock_conversion import to_utc
    from quantbench.data.importing import add
    from quantbench.data.instruments import instrument
    from quantbench.data.manifest import Dataset
    from quantbench.data.readers import read

    if side == "import":
        with tempfile.TemporaryDirectory() as folder:
            add(file, clock="UTC", into=Path(folder), now=NOW)
            spent, held = time.perf_counter(), peak_mb()
            return lake.read(Dataset("EURUSD", "M1", Path(folder))), spent, held
    frame = read(file).frame
    if side == "check":
        frame, _ = to_utc(frame, "UTC")
        found = check(frame, instrument("EURUSD"), timeframe="M1")
        if found.errors:
            raise SystemExit(f"the bars of the benchmark are not clean: {found.errors[0].sentence}")
    return frame, time.perf_counter(), peak_mb()


def one_side(side: str, layout: str, file: Path) -> None:
    """Do it once and say how long it took; imports of modules are not what is measured."""
    if side == "pandas":
        import pandas  # noqa: F401, ICN001
    else:
        import quantbench.data.importing  # noqa: F401

    began = time.perf_counter()
    if side == "pandas":
        frame = by_pandas(file, layout)
        ended, held = time.perf_counter(), peak_mb()
    else:
        frame, ended, held = by_quantbench(file, side)
    ends = []
    for row in (0, len(frame) // 2, len(frame) - 1):
        moment = next(iter(frame["time"][row : row + 1]))
        ends.append(str(np.datetime64(moment.replace(tzinfo=None), "s")))
    say(rows=len(frame), times=ends, close=round(float(frame["close"].sum()), 3), seconds=ended - began, peak_mb=held)


def main() -> None:
    if sys.argv[1:2] == ["write"]:
        write(int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
        say(written=True)
        return
    if sys.argv[1:2] and sys.argv[1] in SIDES:
        one_side(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
        return
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"| {rows:,} M1 bars | seconds | as fast as pandas | peak MB | of pandas' memory |")
    print("|---|--:|--:|--:|--:|")
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "EURUSD_M1.csv"
            measured("data.py", "write", rows, layout, file)  # a child counts what its parent held when it forked
            runs = [{side: measured("data.py", side, layout, file) for side in SIDES} for _ in range(rounds)]
        for run in runs:
            if len({(run[side]["rows"], *run[side]["times"], run[side]["close"]) for side in SIDES}) > 1:
                raise SystemExit("the sides read different numbers: a ratio would be worth nothing")
        for side in SIDES:
            seconds, peak = (median(run[side][key] for run in runs) for key in ("seconds", "peak_mb"))
            ratio = median(run["pandas"]["seconds"] / run[side]["seconds"] for run in runs)
            share = median(run[side]["peak_mb"] / run["pandas"]["peak_mb"] for run in runs)
            print(f"| {layout}: {side} | {seconds:.2f} | {ratio:.2f}x | {peak:.0f} | {share:.2f} |", flush=True)


if __name__ == "__main__":
    main()
