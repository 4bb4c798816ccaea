"""A process that executes one job: `python -m quantbench.runs.engines.worker FILE`.

Its standard input is a pipe its coordinator holds open: when that ends, so does this process and its kernel.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

from quantbench.runs.engines.families import end, family
from quantbench.runs.engines.job import carry_out, read_job


def _end_with_coordinator() -> None:
    os.read(0, 1)  # not by sys.stdin: its lock, held by this thread, would abort Python at its end
    end(family(os.getpid())[:-1])
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_coordinator, daemon=True).start()
    carry_out(read_job(Path(sys.argv[1])))
