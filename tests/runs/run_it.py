"""Runs a batch of short notebooks until it is killed: `run_it.py HOME RUNS ENGINE MOST_BYTES_A_FILE [CLUSTER]`."""

import sys
from contextlib import nullcontext
from pathlib import Path

from quantbench.core.errors import QuantbenchError
from quantbench.research.cluster import cluster
from quantbench.runs.batch import run_plan
from quantbench.runs.plan import Plan, PlannedRun

if __name__ == "__main__":
    if sys.argv[4] != "0":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
    home, many = Path(sys.argv[1]), int(sys.argv[2])
    runs = tuple(PlannedRun(home / "short.ipynb", None, {"fast": i}) for i in range(many))
    sys.stdout.write("begin\n")
    try:
        with cluster(sys.argv[5]) if sys.argv[5:] else nullcontext():
            result = run_plan(Plan("killed", runs), workers=2, engine=sys.argv[3])
    except QuantbenchError as fault:
        sys.exit(f"stopped: {fault}")
    sys.stdout.write(f"done {result.counts()}\n")
