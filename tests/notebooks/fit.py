"""Whether the notebooks are fit: `python tests/notebooks/fit.py lint|small FOLDER|engines [NOTEBOOK...]`.

``lint`` reads them, ``small`` writes copies that are given small values, for nbval to execute, and ``engines``
runs them small by fork and by kernel, which must say and measure the same. Ends with 1 and a line a fault.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

from quantbench.core.errors import QuantbenchError, RunError
from quantbench.runs.batch import run_plan
from quantbench.runs.files import write_notebook
from quantbench.runs.lint import lint
from quantbench.runs.notebook import prepare
from quantbench.runs.plan import Plan, PlannedRun

ROOT = Path(__file__).parents[2]
FEW = {"fast": [10, 20], "slow": [60, 100]}
SMALL = {
    "calibrate": {"years": 3.0, "trials": 12, "carrying": 3, "worlds": 2, "sharpes": [0.0, 2.0]},
    "data_quality": {},
    "evolve_rules": {"trials": 60},
    "experiment": {"fast": 10, "slow": 60},
    "genetic": {"trials": 40, "min_trades": 5},
    "monte_carlo": {"paths": 100, "retraded": 5},
    "quickstart": {"space": FEW},
    "sweep": {"trials": 12, "min_trades": 5},
    "validate": {"space": FEW},
    "walk_forward": {"train": "120D", "test": "60D", "space": FEW},
}
"""What each notebook is given to run from top to bottom in seconds; nothing where its defaults are small."""
DIFFERS = re.compile(r"\d+(?:\.\d+)? (?:s|ms|min)\b|\d{4}-\d\d-\d\d[T ]\d\d:\d\d\S*")  # how long it took, and when


def small_of(path):
    if path.stem not in SMALL:
        raise RunError(f"{path.name} has no small values; give it some in {Path(__file__).name}")
    return SMALL[path.stem]


def read_them(notebooks):
    began = time.perf_counter()
    found = [f"{fault.notebook}, {fault.place}: {fault.message}" for fault in lint(notebooks)]
    sys.stdout.write(f"{len(notebooks)} notebooks read in {time.perf_counter() - began:.2f} s\n")
    return found


def write_small(notebooks, folder):
    """Write copies with small values, beside the hook that makes a cell that timed out a failure."""
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "conftest.py", folder)
    for path in notebooks:
        write_notebook(prepare(path, small_of(path)), folder / path.name)
    return []


def compare_engines(notebooks):
    runs = tuple(PlannedRun(path.resolve(), None, small_of(path)) for path in notebooks)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        made = {engine: made_by(engine, runs, Path(place, engine)) for engine in ("fork", "kernel")}
        found = [f"{one.source} by {engine}: {one.error}" for engine in made for one in made[engine] if one.error]
        for path, fork, kernel in zip(notebooks, *made.values(), strict=True):
            if fork.metrics != kernel.metrics:
                found.append(f"{path.name}: fork measures {dict(fork.metrics)}, kernel {dict(kernel.metrics)}")
            for number, (one, other) in enumerate(zip(shown(fork), shown(kernel), strict=True), 1):
                if one != other:
                    found.append(f"{path.name}, cell {number}: fork shows {one!r}, kernel {other!r}")
    return found


def made_by(engine, runs, home):
    """Return the records of runs in a home of their own: what one engine tried is in no other's ledger."""
    home.mkdir()
    os.environ["QUANTBENCH_HOME"] = str(home)
    result = run_plan(Plan("small", runs), engine=engine, workers=1)  # one by one: each reads what the last tried
    sys.stdout.write(f"{engine}: {result.counts()} in {result.seconds:.0f} s\n")
    return result.records


def shown(record):
    """Return what each cell shows in the end, without what may differ: times and places."""
    home = str(record.folder.parents[3])
    text = (record.folder / "notebook.ipynb").read_text("utf-8").replace(home, "HOME")
    cells = json.loads(text)["cells"]
    return [DIFFERS.sub("...", "".join(results(cell))) for cell in cells if cell["cell_type"] == "code"]


def results(cell):
    for output in cell["outputs"]:
        if output.get("name") == "stdout":
            yield "".join(output["text"])
        if output["output_type"] == "execute_result":
            held = output["data"]
            yield "".join(held.get("text/html", held.get("text/plain", "")))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("lint", "small", "engines"))
    parser.add_argument("paths", nargs="*", type=Path)
    asked = parser.parse_args()
    paths = asked.paths[1:] if asked.what == "small" else asked.paths
    chosen = paths or sorted((ROOT / "notebooks").glob("*.ipynb"))
    try:
        if asked.what == "lint":
            faults = read_them(chosen)
        else:
            faults = write_small(chosen, asked.paths[0]) if asked.what == "small" else compare_engines(chosen)
    except QuantbenchError as fault:
        faults = [str(fault)]
    sys.exit("\n".join(faults) or 0)
