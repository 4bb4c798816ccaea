"""Forty runs of a backtest notebook: forked from a warm process, and by stock papermill in two processes.

`python benchmarks/runs.py [runs]`; its figures are in results/runs.md. With `store` it measures a thousand small runs.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import psutil
from machine import processor

SOURCES = (
    "# Load\nimport quantbench as qb\n\nbars = qb.load('EURUSD', 'H1')",
    "# Trade\nresult = qb.backtest(qb.MaCross(fast, slow), bars)\nresult",
    (
        "# Say what it made\nfound = result.metrics()\n"
        "[float(found['sharpe']), float(found['max_drawdown']), len(result.trades)]"
    ),
)
WORKERS = 2


def cell(number: int, source: str, *tags: str) -> dict:
    kind = {"cell_type": "code", "id": f"c{number}", "execution_count": None, "metadata": {"tags": list(tags)}}
    return {**kind, "outputs": [], "source": source}


def write(folder: Path) -> Path:
    """Write the notebook and return its path."""
    cells = [cell(0, "fast: int = 20\nslow: int = 100", "parameters")]
    cells += [cell(i, source) for i, source in enumerate(SOURCES, 1)]
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path = folder / "backtest.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}))
    return path


def choices(runs: int) -> list[dict]:
    return [{"fast": 5 + i % 20, "slow": 60 + 10 * (i // 20)} for i in range(runs)]


def answer(notebook: Path) -> str:
    """Return what the last cell showed."""
    outputs = json.loads(notebook.read_text())["cells"][-1]["outputs"]
    return "".join(outputs[-1]["data"]["text/plain"])


def stock(job: tuple[str, str, dict]) -> float:
    """Run one notebook as papermill does it by itself; return the megabytes it and its kernel held at most."""
    import threading

    import papermill

    peak, over = [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            held = [psutil.Process(), *psutil.Process().children(recursive=True)]
            with contextlib.suppress(psutil.Error):  # one of them has ended meanwhile
                peak[0] = max(peak[0], sum(one.memory_full_info().uss for one in held) / 2**20)

    threading.Thread(target=watch, daemon=True).start()
    papermill.execute_notebook(job[0], job[1], parameters=job[2], kernel_name="python3", progress_bar=False)
    over.set()
    return peak[0]


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1].isdigit() else 40
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        os.environ["QUANTBENCH_HOME"] = place
        notebook, asked = write(home), choices(runs)
        print(f"# Runs\n\n{processor()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}.\n")
        if "store" in sys.argv:
            store(home)
            return
        compare(home, notebook, asked)


def compare(home: Path, notebook: Path, asked: list[dict]) -> None:
    from quantbench.runs.batch import run_plan
    from quantbench.runs.plan import Plan, PlannedRun

    planned = tuple(PlannedRun(notebook, None, one) for one in asked)
    began = time.perf_counter()
    run_plan(Plan("warm", planned[:2]), workers=WORKERS, engine="fork")
    cold = time.perf_counter() - began
    began = time.perf_counter()
    ours = run_plan(Plan("fork", planned), workers=WORKERS, engine="fork", force=True)
    seconds = time.perf_counter() - began
    warm = [one for one in psutil.Process().children() if "standby" in " ".join(one.cmdline())]
    shared = warm[0].memory_full_info().uss / 2**20
    private = max(one.peak_mb for one in ours.records)

    (home / "stock").mkdir()
    jobs = [(str(notebook), str(home / "stock" / f"{i}.ipynb"), one) for i, one in enumerate(asked)]
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        pool.map(stock, jobs[:WORKERS], chunksize=1)
        began = time.perf_counter()
        theirs = pool.map(stock, jobs, chunksize=1)
        other = time.perf_counter() - began
    for i, one in enumerate(ours.records):
        mine, its = answer(one.folder / "notebook.ipynb"), answer(home / "stock" / f"{i}.ipynb")
        if mine != its:
            raise SystemExit(f"run {i} gives {mine} by fork and {its} by papermill")
    print(f"{len(asked)} runs of a backtest notebook (EURUSD H1, 6,225 bars), {WORKERS} workers; answers equal.\n")
    print("| | seconds | runs a second | MB a worker |\n|---|---|---|---|")
    print(
        f"| fork, warm | {seconds:.1f} | {len(asked) / seconds:.1f} | {private:.0f} (and {shared:.0f} shared by all) |"
    )
    print(f"| stock papermill, {WORKERS} processes | {other:.1f} | {len(asked) / other:.2f} | {max(theirs):.0f} |")
    print(f"\nThroughput {other / seconds:.1f} times, memory a worker 1/{max(theirs) / private:.1f}.")
    print(f"Getting warm and making the first two runs took {cold:.1f} s, once a session.\n")


def store(home: Path) -> None:
    """Measure a thousand small runs: listing, index, disk."""
    from quantbench.runs.batch import run_plan
    from quantbench.runs.plan import Plan, PlannedRun
    from quantbench.runs.store import list_records, rebuild_index

    path = home / "small.ipynb"
    held = {"cells": [cell(0, "fast: int = 1", "parameters"), cell(1, "print(fast)\nfast * 2")]}
    spec = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({**held, "metadata": spec, "nbformat": 4, "nbformat_minor": 5}))
    planned = tuple(PlannedRun(path, None, {"fast": i}) for i in range(1_000))
    began = time.perf_counter()
    run_plan(Plan("many", planned), workers=WORKERS, engine="fork")
    made = time.perf_counter() - began
    began = time.perf_counter()
    again = run_plan(Plan("many", planned), workers=WORKERS, engine="fork").counts()
    known = time.perf_counter() - began
    began = time.perf_counter()
    listed = len(list_records())
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    rebuild_index()
    built = time.perf_counter() - began
    used = sum(f.stat().st_blocks * 512 for f in (home / "experiments" / "runs" / "many").rglob("*") if f.is_file())
    print(f"{listed:,} small runs: made in {made:.0f} s, known again in {known:.1f} s ({again});")
    print(f"listed in {seconds:.2f} s,", end=" ")
    print(f"index rebuilt in {built:.2f} s, {used / listed / 1024:.0f} kB on disk each.\n")


if __name__ == "__main__":
    main()
