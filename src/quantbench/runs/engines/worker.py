"""A process that executes one job: `python -m quantbench.runs.engines.worker FILE`."""

from __future__ import annotations

import sys
from pathlib import Path

from quantbench.runs.engines.job import carry_out, read_job

if __name__ == "__main__":
    carry_out(read_job(Path(sys.argv[1])))
