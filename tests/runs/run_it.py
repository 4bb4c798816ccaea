"""Runs a batch of short notebooks until it is killed: `run_it.py HOME RUNS`."""

import sys
from pathlib import Path

from quantbench.runs.batch import run_plan
from quantbench.runs.plan import Plan, PlannedRun

if __name__ == "__main__":
    home, many = Path(sys.argv[1]), int(sys.argv[2])
    runs = tuple(PlannedRun(home / "short.ipynb", None, {"fast": i}) for i in range(many))
    sys.stdout.write("begin\n")
    result = run_plan(Plan("killed", runs), workers=2, engine=sys.argv[3])
    sys.stdout.write(f"done {result.counts()}\n")
