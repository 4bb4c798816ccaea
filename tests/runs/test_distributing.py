"""A batch on a Dask cluster: the same runs with the same keys and metrics, whoever of it vanishes."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app
from quantbench.core.errors import ExecutionError, RunError, StoreError
from quantbench.research import cluster
from quantbench.runs import batch, distributing
from quantbench.runs.batch import run_plan
from quantbench.runs.record import read_record
from quantbench.runs.store import root

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, from threads that outlive the test

TRADES = (
    "import quantbench as qb\n"
    "result = qb.backtest(qb.MaCross(fast, 100), qb.load('EURUSD', 'H1', '2017-01', '2017-03'))\n"
    "qb.record(metric={'equity': float(result.path.equity[-1])}, table={'equity': result.equity})"
)
WAITS = "import os, pathlib, time\nplace = pathlib.Path(os.environ['QUANTBENCH_RUN'])\ntime.sleep(1.0)\n"
COUNTS = WAITS + "(place / 'artifact.txt').write_text(str(fast))"
FEW = ("fork", "kernel") if sys.platform != "win32" else ("kernel",)


@pytest.fixture(scope="module")
def address():
    with cluster.start_local(2) as address:
        yield address


def kept(study="study"):
    return {file.parent.name: read_record(file.parent) for file in (root() / study).glob("*/run.json")}


@pytest.mark.parametrize("engine", FEW)
def test_a_cluster_makes_the_runs_that_this_machine_makes_and_its_answers_are_known(
    home, notebook, plan_of, address, engine
):
    path = notebook("trades", TRADES)
    bad = notebook("bad", "# Divide\n1 / 0")
    here = run_plan(plan_of((path, {"fast": 7}), (path, {"fast": 9}), (bad, {"fast": 1}), study="here"), engine=engine)
    plan = plan_of((path, {"fast": 7}), (path, {"fast": 9}), (bad, {"fast": 1}))
    told = []
    with qb.cluster(address):
        there = run_plan(plan, engine=engine, progress=lambda *found: told.append(found[:2]))
    assert there.engine == "cluster"
    assert told == [(1, 3), (2, 3), (3, 3)]
    for one, other in zip(here.records, there.records, strict=True):
        assert (one.key, one.status, one.metrics, one.error) == (other.key, other.status, other.metrics, other.error)
        assert (one.files, one.source, one.engine) == (other.files, other.source, other.engine)
        assert all((other.folder / name).exists() for name in other.files)
        assert other.provenance["worker"] == "shared"
    assert run_plan(plan, engine=engine).counts() == {"cached": 2, "failed": 1}
    assert not (root() / "study" / ".making").exists()


def test_the_command_runs_a_spec_on_a_cluster(home, notebook, address):
    notebook("trades", TRADES)
    spec = "name: study\nnotebook: trades.ipynb\nsweep:\n  - grid: {fast: [7, 9]}\n"
    (home / "spec.yaml").write_text(spec, encoding="utf-8")
    shown = CliRunner().invoke(app, ["run", "spec.yaml", "--cluster", address.removeprefix("tcp://")])
    assert shown.exit_code == 0, shown.output
    assert re.match(r"study: 2 ok, in [\d.]+ s, cluster engine", shown.stdout)
    assert {one.provenance["worker"] for one in kept().values()} == {"shared"}


def test_where_the_folder_is_not_shared_files_are_returned(home, notebook, plan_of, address, monkeypatch):
    monkeypatch.setattr(distributing, "written", lambda *_: None)  # no token: the worker sees another disk
    plan = plan_of((notebook("trades", TRADES), {"fast": 7}))
    with qb.cluster(address) as client:
        (record,) = run_plan(plan).records
        homes = set(client.run(os.getenv, "QUANTBENCH_HOME").values())
    assert str(home) not in homes
    assert (record.status, record.provenance["worker"]) == ("ok", "returned")
    assert record.source == str(home / "trades.ipynb")
    assert "metrics.json" in record.files
    assert all((record.folder / name).stat().st_size for name in record.files if name != "log.txt")
    assert json.loads((record.folder / "notebook.ipynb").read_text())["metadata"]["quantbench"]["status"] == "ok"


def test_a_worker_that_would_make_another_run_is_refused_in_a_sentence(home, notebook, plan_of, address, monkeypatch):
    (home / "mine.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(distributing, "written", lambda *_: None)
    plan = plan_of((notebook("uses", "import mine"), {"fast": 7}))
    with (
        qb.cluster(address),
        pytest.raises(RunError, match=r"would make another run than planned: modules: mine is gone there; install"),
    ):
        run_plan(plan)
    (record,) = kept().values()
    assert (record.status, record.error.message[:18]) == ("cancelled", "the batch stopped:")


def test_workers_with_another_numpy_are_refused(address, monkeypatch):
    here = cluster._versions()

    class Other:
        nthreads = staticmethod(lambda: {"w": 1})
        run = staticmethod(lambda _: {"w": {**here, "numpy": "1.0"}})

    with pytest.raises(ExecutionError, match=r"a worker at a:1 has numpy 1\.0, and this process has .*: install the"):
        cluster._check_alike(Other, "a:1")
    Other.run = staticmethod(lambda _: {"w": {**here, "quantbench": None}})
    with pytest.raises(ExecutionError, match=r"the workers at a:1 lack quantbench: install quantbench \d"):
        cluster._check_alike(Other, "a:1")


@pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")
def test_a_worker_is_killed_and_no_run_is_lost_or_counted_twice(home, notebook, plan_of, address):
    path = notebook("short", COUNTS)
    plan = plan_of(*((path, {"fast": i}) for i in range(6)))
    told = []

    def progress(_done, _many, record):
        told.append(record.key)
        if len(told) == 1:
            os.kill(pids.pop(), signal.SIGKILL)

    with qb.cluster(address) as client:
        client.wait_for_workers(2, timeout=60)
        pids = list(client.run(os.getpid).values())
        result = run_plan(plan, progress=progress)
    assert result.counts() == {"ok": 6}
    assert sorted(told) == sorted(kept())
    for record in kept().values():
        assert (record.folder / "artifact.txt").read_text() == str(record.parameters["fast"])
    assert run_plan(plan).counts() == {"cached": 6}


def still_at_work(workers):
    """Return what the workers run, once that is nothing or a minute has passed."""
    for _ in range(600):
        found = [kid for pid in workers for warm in psutil.Process(pid).children() for kid in warm.children()]
        if not found:
            break
        time.sleep(0.1)
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")
def test_the_coordinator_is_killed_and_what_it_asked_for_ends(home, notebook, plan_of, address):
    path = notebook("short", "import os, time\ntime.sleep(0 if os.path.exists('quick') else 300)")
    with qb.cluster(address) as client:
        client.wait_for_workers(2, timeout=60)  # an earlier test may have killed some
        workers = list(client.run(os.getpid).values())
    words = [sys.executable, Path(__file__).parent / "run_it.py", home, "3", "auto", "0", address]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.DEVNULL) as coordinator:
        for _ in range(300):
            if len(list((root() / "killed" / ".making").glob("*/progress.json"))) == 2:
                break
            time.sleep(0.1)
        coordinator.kill()
    assert still_at_work(workers) == []
    assert kept("killed") == {}
    (home / "quick").touch()
    with qb.cluster(address):
        result = run_plan(plan_of(*((path, {"fast": i}) for i in range(3)), study="killed"))
    assert result.counts() == {"ok": 3}
    assert sorted(one.attempt for one in result.records) == [1, 2, 2]
    lost = [read_record(file.parent) for file in (root() / "killed").glob("*/attempts/1/run.json")]
    assert [(one.status, one.error.type) for one in lost] == [("lost", "CoordinatorDied")] * 2


def test_a_run_that_takes_one_worker_after_the_other_with_it_is_lost(home, notebook, plan_of, monkeypatch):
    monkeypatch.setattr(batch, "cores", lambda: 1)
    monkeypatch.setattr(
        distributing, "done_by_cluster", lambda _, parts, **_words: ((i, None) for i, _ in enumerate(parts))
    )
    (lost,) = run_plan(plan_of((notebook("kills", "1"), {"fast": 1}))).records
    assert (lost.status, lost.error.type) == ("lost", "WorkersLost")
    assert lost.error.message == "one worker of the cluster after the other was lost while it ran"
    monkeypatch.setattr(batch, "cores", lambda: 0)
    assert run_plan(plan_of((home / "kills.ipynb", {"fast": 1}))).counts() == {"ok": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")
def test_ctrl_c_ends_what_the_workers_run(home, notebook, plan_of, address):
    quick = notebook("quick", "1")
    long = notebook("long", "import time\ntime.sleep(300)")
    plan = plan_of((quick, {"fast": 1}), (long, {"fast": 2}), (long, {"fast": 3}), (long, {"fast": 4}))

    def stop(_done, _many, _record):
        time.sleep(1.0)
        raise KeyboardInterrupt

    with qb.cluster(address) as client:
        client.wait_for_workers(2, timeout=60)  # an earlier test may have killed some
        workers = list(client.run(os.getpid).values())
        with pytest.raises(KeyboardInterrupt):
            run_plan(plan, progress=stop)
    assert not still_at_work(workers), "what the workers ran was not ended"
    told = {one.parameters["fast"]: one.status for one in kept().values()}
    assert told.pop(1) == "ok"
    assert set(told.values()) == {"cancelled"}


@pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")
def test_a_scheduler_that_vanishes_is_one_sentence_and_the_next_call_finishes_the_rest(home, notebook, plan_of):
    path = notebook("short", COUNTS)
    plan = plan_of(*((path, {"fast": i}) for i in range(4)))
    program = [sys.executable, "-m", "quantbench", "cluster", "start", "--workers", "1", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
        try:
            address = re.search(r"1 workers at (\S+);", started.stdout.readline())[1]

            def vanish(_done, _many, _record):
                threading.Timer(0.2, os.killpg, (started.pid, signal.SIGKILL)).start()

            with qb.cluster(address), pytest.raises(ExecutionError, match=r"the cluster was lost .*the same call goes"):
                run_plan(plan, progress=vanish)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    before = [one.status for one in kept().values()]
    assert before.count("ok") in {1, 2}
    assert set(before) == {"ok", "cancelled"}
    assert run_plan(plan).counts() == {"cached": before.count("ok"), "ok": 4 - before.count("ok")}


def test_a_record_that_cannot_be_written_stops_the_batch(home, notebook, plan_of, address, monkeypatch):
    plan = plan_of((notebook("good", "1"), {"fast": 1}))
    with qb.cluster(address):
        monkeypatch.setattr(distributing, "write_record", no_room)
        with pytest.raises(StoreError, match="No space left"):
            run_plan(plan)
        monkeypatch.undo()
        monkeypatch.setenv("QUANTBENCH_HOME", str(home))
        assert run_plan(plan).counts() == {"ok": 1}


def no_room(_record):
    raise StoreError("cannot write run.json: No space left on device")
