"""A batch that stops: everything that runs is ended, and as much is written down as the disk lets."""

import sys
import time

import psutil
import pytest

from quantbench.core.errors import StoreError
from quantbench.runs.batch import run_plan
from quantbench.runs.record import read_record
from quantbench.runs.store import root

ENGINES = ["kernel"] if sys.platform == "win32" else ["fork", "kernel"]
WAITS = "import os, pathlib, time\nplace = pathlib.Path(os.environ['QUANTBENCH_RUN'])\n(place / 'began').touch()\n"
SLEEPS = f"{WAITS}time.sleep(300)"
BLOCKS = f"{WAITS}(place / 'run.json').mkdir()\n"  # a record cannot be written over a folder: as good as a full disk
AFTER_ALL_BEGAN = (
    "for _ in range(600):\n    if len(list(place.parent.glob('*/began'))) == 3:\n        break\n    time.sleep(0.05)"
)


def still_at_work(home):
    """Return the processes that belong to the runs of a home."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get("QUANTBENCH_RUN", "").startswith(str(home)):
                found.append(one)
        except psutil.Error:
            continue
    return found


def records():
    found = [read_record(folder) for folder in (root() / "study").iterdir() if folder.is_dir()]
    return [one for one in found if one is not None]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_record_that_cannot_be_written_stops_the_batch_and_every_run_of_it(home, notebook, plan_of, engine):
    bad, good = notebook("bad", BLOCKS + AFTER_ALL_BEGAN), notebook("good", SLEEPS)
    plan = plan_of((good, {"fast": 1}), (bad, {"fast": 2}), (good, {"fast": 3}))
    with pytest.raises(StoreError, match=r"cannot write .*run\.json: Is a directory"):
        run_plan(plan, workers=3, engine=engine)
    time.sleep(0.2)
    assert still_at_work(home) == []
    told = {one.parameters["fast"]: (one.status, one.error.message.split(":")[0]) for one in records()}
    assert told == {1: ("cancelled", "the batch stopped"), 3: ("cancelled", "the batch stopped")}


@pytest.mark.parametrize("engine", ENGINES)
def test_ctrl_c_ends_every_run_also_where_one_of_them_cannot_be_written_down(home, notebook, plan_of, engine):
    bad, good = notebook("bad", BLOCKS + "time.sleep(300)"), notebook("good", SLEEPS)
    last = notebook("last", WAITS + AFTER_ALL_BEGAN)
    plan = plan_of((bad, {"fast": 1}), (good, {"fast": 2}), (last, {"fast": 3}))

    def stop(_done, _many, _record):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_plan(plan, workers=3, engine=engine, progress=stop)
    time.sleep(0.2)
    assert still_at_work(home) == []
    told = {one.parameters["fast"]: (one.status, one.error and one.error.message) for one in records()}
    assert told == {2: ("cancelled", "it was stopped (Ctrl-C)"), 3: ("ok", None)}
