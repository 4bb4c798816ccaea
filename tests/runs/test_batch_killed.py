"""Killed at random moments: no run is lost, none counted twice, none called ok that was not.

`KILLS=30 pytest tests/runs/test_batch_killed.py` kills as often of each kind.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from quantbench.runs.batch import run_plan
from quantbench.runs.plan import Plan, PlannedRun
from quantbench.runs.record import read_record

MANY = 8
KILLS = int(os.environ.get("KILLS", "3"))
HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")

COUNTS = (
    "import os, pathlib, time\n"
    "time.sleep(0.1)\n"
    "place = pathlib.Path(os.environ['QUANTBENCH_RUN'])\n"
    "(place / 'artifact.txt').write_text(str(fast))\n"
    "time.sleep(0.05)"
)


@pytest.fixture
def study(home, notebook):
    notebook("short", COUNTS)
    return home


def start(home, engine="fork", many=MANY, most_bytes=0):
    return subprocess.Popen(
        [sys.executable, str(HERE / "run_it.py"), str(home), str(many), engine, str(most_bytes)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "QUANTBENCH_HOME": str(home)},
        start_new_session=True,
    )


def finished(home):
    folders = (home / "experiments" / "runs" / "killed").glob("*/run.json")
    return {record.key: record for record in (read_record(file.parent) for file in folders) if record is not None}


def when_running(home, process, seed):
    """Wait until runs are being made, and a random moment more."""
    place = home / "experiments" / "runs" / "killed"
    for _ in range(600):
        if list(place.glob("*/started.json")) or process.poll() is not None:
            break
        time.sleep(0.05)
    time.sleep(random.Random(seed).uniform(0.0, 0.6))


def all_is_well_in_the_end(home, before, many=MANY):
    runs = tuple(PlannedRun(home / "short.ipynb", None, {"fast": i}) for i in range(many))
    counts = run_plan(Plan("killed", runs), workers=2, engine="fork").counts()
    records = finished(home)
    assert len(records) == many
    for record in records.values():
        assert record.status == "ok"
        assert (record.folder / "artifact.txt").read_text() == str(record.parameters["fast"])
        notebook = json.loads((record.folder / "notebook.ipynb").read_text())
        assert notebook["metadata"]["quantbench"]["status"] == "ok"
    kept = sum(one.status == "ok" for one in before.values())
    assert counts.get("cached", 0) == kept  # the next call finishes the rest, and nothing more
    assert counts.get("ok", 0) == many - kept


@pytest.mark.parametrize("seed", range(KILLS))
def test_the_coordinator_is_killed(study, seed):
    process = start(study)
    when_running(study, process, seed)
    process.kill()
    process.communicate()
    time.sleep(0.3)
    before = finished(study)
    assert all(record.status == "ok" for record in before.values())
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(study) in " ".join(one.info["cmdline"] or [])]
    all_is_well_in_the_end(study, before)


@pytest.mark.parametrize("seed", range(KILLS))
def test_it_is_stopped_by_hand(study, seed):
    process = start(study)
    when_running(study, process, seed)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    before = finished(study)
    assert {record.status for record in before.values()} <= {"ok", "cancelled"}
    all_is_well_in_the_end(study, before)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_worker_is_killed(study, seed):
    process = start(study)
    when_running(study, process, seed)
    warm = [one for one in psutil.Process(process.pid).children() if process.poll() is None]
    workers = [child for one in warm for child in one.children()]
    if workers:
        random.Random(seed).choice(workers).kill()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    records = finished(study)
    assert len(records) == MANY
    assert {record.status for record in records.values()} <= {"ok", "dead"}
    assert "done" in out
    all_is_well_in_the_end(study, records)


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_kernel_is_killed(study, seed):
    """Each second time together with the coordinator, which leaves the kernel's worker without anyone to tell."""
    process, kernels = start(study, "kernel", many=3), []
    for _ in range(400):
        with_children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        kernels = [one for one in with_children if "ipykernel_launcher" in " ".join(cmdline(one))]
        if kernels:
            break
        time.sleep(0.05)
    time.sleep(random.Random(seed).uniform(0.0, 1.0))
    for one in kernels[:1]:
        if one.is_running():
            one.kill()
    if seed % 2:
        process.kill()
    _, err = process.communicate(timeout=120)
    assert seed % 2 or process.returncode == 0, err
    before = finished(study)
    assert {record.status for record in before.values()} <= {"ok", "dead", "failed"}
    assert seed % 2 or [record.status for record in before.values()].count("ok") >= 2
    all_is_well_in_the_end(study, before, many=3)


@pytest.mark.parametrize("seed", range(KILLS))
def test_the_disk_is_full(study, small_disk, seed):
    """A file system with room for some of it, or files that may not grow: what was not kept is not called ok."""
    room = random.Random(seed).randrange(20_000, 400_000)
    with small_disk(study / "experiments", room) as most_bytes:
        process = start(study, most_bytes=most_bytes)
        _, err = process.communicate(timeout=120)
        assert "Traceback" not in err
        before = finished(study)
        for record in before.values():
            assert record.status != "ok" or (record.folder / "artifact.txt").read_text() == str(
                record.parameters["fast"]
            )
    all_is_well_in_the_end(study, before)


@pytest.fixture
def small_disk():
    """Return a context that lets a folder hold so many bytes; where it cannot, it yields how long a file may get."""

    @contextmanager
    def small(folder, room):
        folder.mkdir(exist_ok=True)
        size = f"size={room // 4096 * 4096}"
        mounted = not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", size, "none", str(folder)], capture_output=True, check=False
        ).returncode
        try:
            yield 0 if mounted else room // 100
            if mounted:
                subprocess.run(["mount", "-o", "remount,size=64m", str(folder)], check=True)
        finally:
            if mounted:
                held.append(folder)

    held = []
    yield small
    for folder in held:
        subprocess.run(["umount", "-l", str(folder)], check=False)


def cmdline(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
