"""CSV import beside plain pandas, each in a process of its own. `python benchmarks/import_csv.py [rows] [rounds]`.

Two layouts of the same M1 bars: an ordinary CSV (`time,open,high,low,close,volume`) and MetaTrader 5's export.
Quantbench parses, accounts for every field and types the time; pandas reads and types the time, nothing else.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from worlds import measured, peak_mb, prices, say

LAYOUTS = ("ordinary CSV", "MetaTrader 5 export")
SIDES = ("quantbench", "pandas")


def write(rows: int, layout: str, file: Path) -> None:
    """Write the bars."""
    import polars as pl

    start = datetime(2000, 1, 1)  # noqa: DTZ001  (naive, as in the files)
    moments = pl.datetime_range(start, start + timedelta(minutes=rows - 1), "1m", eager=True)
    volume = np.random.default_rng(1).integers(1, 400, rows)
    if layout == LAYOUTS[0]:
        frame = pl.DataFrame({"time": moments.dt.strftime("%Y-%m-%d %H:%M:%S"), **prices(rows), "volume": volume})
        frame.write_csv(file, float_precision=5)
        return
    columns = {f"<{name.upper()}>": values for name, values in prices(rows).items()}
    days, times = moments.dt.strftime("%Y.%m.%d"), moments.dt.strftime("%H:%M:%S")
    frame = pl.DataFrame(
        {"<DATE>": days, "<TIME>": times, **columns, "<TICKVOL>": volume, "<VOL>": 0, "<SPREAD>": volume % 20}
    )
    frame.write_csv(file, separator="\t", float_precision=5, line_terminator="\r\n")


def by_quantbench(file: Path, _layout: str) -> Any:
    from quantbench.data.readers import read

    return read(file).frame


def by_pandas(file: Path, layout: str) -> Any:
    import pandas as pd

    if layout == LAYOUTS[0]:
        return pd.read_csv(file, parse_dates=["time"])
    frame = pd.read_csv(file, sep="\t")
    moments = pd.to_datetime(frame["<DATE>"] + " " + frame["<TIME>"], format="%Y.%m.%d %H:%M:%S")
    return frame.assign(time=moments, close=frame["<CLOSE>"])


def one_side(side: str, layout: str, file: Path) -> None:
    """Read once and say how long it took; imports are not what is measured."""
    if side == SIDES[0]:
        import quantbench.data.readers  # noqa: F401
    else:
        import pandas  # noqa: F401, ICN001

    began = time.perf_counter()
    frame = (by_quantbench if side == SIDES[0] else by_pandas)(file, layout)
    took, held = time.perf_counter() - began, peak_mb()
    ends = [
        str(np.datetime64(next(iter(frame["time"][row : row + 1])), "s"))
        for row in (0, len(frame) // 2, len(frame) - 1)
    ]
    say(rows=len(frame), times=ends, close=round(float(frame["close"].sum()), 3), seconds=took, peak_mb=held)


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
    print("| layout | Quantbench, s | pandas, s | ratio (min .. max) | Quantbench, MB | pandas, MB |")
    print("|---|--:|--:|--:|--:|--:|")
    for layout in LAYOUTS:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "EURUSD_M1.csv"
            measured("import_csv.py", "write", rows, layout, file)  # a child counts what its parent held when it forked
            runs = [[measured("import_csv.py", side, layout, file) for side in SIDES] for _ in range(rounds)]
        if any(mine[key] != theirs[key] for mine, theirs in runs for key in ("rows", "times", "close")):
            raise SystemExit("the two sides read different numbers: a ratio would be worth nothing")
        ratios = [theirs["seconds"] / mine["seconds"] for mine, theirs in runs]
        ours, others = ([median(run[side][key] for run in runs) for key in ("seconds", "peak_mb")] for side in (0, 1))
        print(
            f"| {layout}, {rows:,} rows | {ours[0]:.2f} | {others[0]:.2f} | **{median(ratios):.1f}x** "
            f"({min(ratios):.1f} .. {max(ratios):.1f}) | {ours[1]:.0f} | {others[1]:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
