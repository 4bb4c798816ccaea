"""Run the benchmarks side by side, in turn, and write RESULTS.md. `python benchmarks/run.py [rounds]`."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

from worlds import HERE, measured

SWEEPS = (
    # combinations, bars, rounds of ours in a process, of theirs, pairs of theirs (0: all), target
    (1_500, 6_000, 7, 2, 0, 30),
    (10_000, 50_000, 3, 1, 105, 60),
)
TOLERANCE = 1e-10


def compared(ours: dict, theirs: dict) -> float:
    """Return the largest difference of any figure of any trial both sides have; stop when there is one."""
    worst = 0.0
    for name, row in theirs["figures"].items():
        for mine, other in zip(ours["figures"][name], row, strict=True):
            both_missing = (mine is None or mine != mine) and (other is None or other != other)
            worst = worst if both_missing else max(worst, abs(mine - other))
    if not worst <= TOLERANCE:
        raise SystemExit(f"the two sides differ by {worst}: a ratio would be worth nothing")
    return worst


def sweeps(rounds: int) -> list[str]:
    """Return the table of sweeps."""
    lines = [
        "| sweep | Quantbench, s | vectorbt, s | ratio (min .. max) | target | peak MB | difference |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for combinations, bars, ours_in, theirs_in, pairs, target in SWEEPS:
        ours, theirs, ratios = [], [], []
        for _ in range(rounds):
            mine = measured("sweep_quantbench.py", combinations, bars, ours_in, 0)
            other = measured("sweep_vectorbt.py", combinations, bars, theirs_in, pairs)
            worst = compared(mine, other)
            ours.append(median(mine["seconds"]))
            theirs.append(median(other["seconds"]))
            ratios.append(theirs[-1] / ours[-1])
            print(
                f"{combinations} x {bars}: {ours[-1]:.3f} s against {theirs[-1]:.1f} s, {ratios[-1]:.0f}x", flush=True
            )
        scaled = "" if not pairs else f" (scaled from {other['measured']} pairs)"
        lines.append(
            f"| {mine['trials']:,} pairs x {bars:,} bars | {median(ours):.3f} | {median(theirs):.1f}{scaled} "
            f"| **{median(ratios):.0f}x** ({min(ratios):.0f} .. {max(ratios):.0f}) | {target}x "
            f"| {mine['peak_mb']:.0f} / {other['peak_mb']:.0f} | {worst:.0e} |"
        )
    return lines


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    packages = ", ".join(f"{name} {version(name)}" for name in ("quantbench", "vectorbt", "numba", "numpy", "pandas"))
    text = [
        "# Last results",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, "  # noqa: TID251
        f"Python {platform.python_version()}; {packages}.",
        "",
        "Repeat with `python benchmarks/run.py`. Each side runs in a process of its own, in turn, warm; medians of",
        f"{rounds} rounds. A ratio is printed only after the figures of every trial both sides have agree to 1e-10.",
        "",
        "## Sweeps of an ordinary Python strategy against vectorbt's ordinary call",
        "",
        "`MA.run_combs`, `from_signals` at the next open with fees, total return, Sharpe, maximum drawdown, trades, win",
        "rate (vectorbt is single-threaded); against `qb.sweep` on all cores, the trial ledger and the daily returns of",
        "every trial included.",
        "",
        *sweeps(rounds),
        "",
    ]
    (HERE / "RESULTS.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
