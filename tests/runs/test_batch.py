"""A batch: what is known is taken, the rest is run, and each run ends with a status that is true."""

import json
import sys
import time

import psutil
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError, RunError, StoreError
from quantbench.runs.batch import run_plan, why
from quantbench.runs.keys import ingredients, key_of
from quantbench.runs.lock import only_one
from quantbench.runs.plan import Plan, PlannedRun, RunLimits
from quantbench.runs.record import Fault, RunRecord, read_record, write_record
from quantbench.runs.store import find_run, list_records, put_aside, rebuild_index, root, run_folder

forks = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

RECORDS = """
import json, os, pathlib
pathlib.Path(os.environ["QUANTBENCH_RUN"], "metrics.json").write_text(json.dumps({"metrics": {"got": fast}}))
"""
CASES = {
    "raises": (["# Divide\n1 / 0"], "failed", "ZeroDivisionError"),
    "syntax": (["def f(:\n  pass"], "failed", "SyntaxError"),
    "exits": (["exit()", "1"], "failed", "KernelExit"),
    "ends its process": (["import os\nos._exit(3)"], "dead", "ProcessDied"),
    "removes its folder": (["import os, shutil\nshutil.rmtree(os.environ['QUANTBENCH_RUN'])"], "dead", "ProcessDied"),
    "sleeps": (["# Sleep\nimport time\ntime.sleep(60)"], "timeout", "Timeout"),
    "eats": (
        ["held = bytearray(400_000_000)\nheld[::4096] = b'1' * len(held[::4096])\nimport time\ntime.sleep(9)"],
        "dead",
        "MemoryLimit",
    ),
    "prints without end": (
        ["for _ in range(60):\n    print('x' * 1_000_000)\nimport os\nos.system('yes | head -c 20000000')"],
        "ok",
        None,
    ),
    "goes elsewhere": (["import os\nos.chdir('/')"], "ok", None),
    "leaves children": (["import subprocess\nprint(subprocess.Popen(['sleep', '300']).pid)"], "ok", None),
    "is good": ([RECORDS], "ok", None),
}


@pytest.fixture
def bad_batch(notebook, plan_of):
    paths = {name: notebook(name.replace(" ", "_"), *cells) for name, (cells, _, _) in CASES.items()}
    limits = RunLimits(cell_seconds=3.0, memory_mb=300)
    return plan_of(*((path, {"fast": i}) for i, path in enumerate(paths.values())), limits=limits)


def ended(result):
    return {name: (one.status, one.error and one.error.type) for name, one in zip(CASES, result.records, strict=True)}


def is_gone(pid, seconds=10.0):
    """Whether a process has ended; who adopted it may take a moment to bury it, and is given the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


@forks
def test_every_kind_of_bad_notebook_ends_truthfully_and_harms_no_other(home, bad_batch):
    result = run_plan(bad_batch, workers=2, engine="fork")
    assert ended(result) == {name: (status, fault) for name, (_, status, fault) in CASES.items()}
    by_name = dict(zip(CASES, result.records, strict=True))
    assert by_name["raises"].error == Fault("ZeroDivisionError", "division by zero", 2, "Divide")
    assert by_name["sleeps"].error.title == "Sleep"
    assert by_name["is good"].metrics == {"got": 10}
    loud = by_name["prints without end"].folder
    assert (loud / "log.txt").stat().st_size <= 1_000_000
    assert (loud / "notebook.ipynb").stat().st_size < 3_000_000
    children = json.loads((by_name["leaves children"].folder / "notebook.ipynb").read_text())
    pid = int("".join(children["cells"][-1]["outputs"][0]["text"]))
    assert is_gone(pid)


@forks
def test_the_saved_notebook_marks_the_cell_in_which_its_process_died(home, notebook, plan_of):
    path = notebook("dies", "print('before')", "# Crash\nimport os\nos._exit(9)", "print('after')")
    (record,) = run_plan(plan_of((path, {"fast": 3})), engine="fork").records
    assert (record.status, record.error.cell, record.error.title) == ("dead", 3, "Crash")
    cells = json.loads((record.folder / "notebook.ipynb").read_text())["cells"]
    assert "fast: int = 3" in "".join(cells[1]["source"]) or "fast = 3" in "".join(cells[1]["source"])
    assert cells[3]["outputs"][0]["ename"] == "ProcessDied"
    assert cells[4]["outputs"] == []


def test_a_kernel_gives_what_a_fork_gives(home, notebook, plan_of):
    source = (
        "import quantbench as qb\nbars = qb.load('EURUSD', 'H1', '2017-01', '2017-03')\n"
        "float(qb.backtest(qb.MaCross(fast, 100), bars).path.equity[-1])"
    )
    path = notebook("trades", source)
    shown = []
    for engine in ("kernel", "fork") if sys.platform != "win32" else ("kernel",):
        (record,) = run_plan(plan_of((path, {"fast": 7}), study=engine), engine=engine).records
        assert (record.status, record.engine) == ("ok", engine)
        cell = json.loads((record.folder / "notebook.ipynb").read_text())["cells"][-1]
        shown.append([out["data"]["text/plain"] for out in cell["outputs"] if out["output_type"] == "execute_result"])
    assert all(one == shown[0] for one in shown)
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-03")
    assert float("".join(shown[0][0])) == float(qb.backtest(qb.MaCross(7, 100), bars).path.equity[-1])


def test_a_kernel_that_dies_is_dead_and_a_cell_that_raises_failed(home, notebook, plan_of):
    dies, raises = notebook("dies", "import os\nos._exit(3)"), notebook("raises", "1 / 0")
    result = run_plan(plan_of((dies, {"fast": 1}), (raises, {"fast": 2})), engine="kernel", workers=2)
    assert [(one.status, one.error.type) for one in result.records] == [
        ("dead", "DeadKernelError"),
        ("failed", "ZeroDivisionError"),
    ]


@forks
def test_what_is_known_is_not_run_again_and_what_failed_is(home, notebook, plan_of):
    good, bad = notebook("good", RECORDS), notebook("bad", "1 / 0")
    plan = plan_of((good, {"fast": 1}), (good, {"fast": 2}), (bad, {"fast": 3}))
    first = run_plan(plan, engine="fork")
    assert first.counts() == {"ok": 2, "failed": 1}
    assert not first.ok
    again = run_plan(plan, engine="fork")
    assert again.counts() == {"cached": 2, "failed": 1}
    assert again.records[2].attempt == 2
    assert (again.records[2].folder / "attempts" / "1" / "run.json").exists()
    assert run_plan(plan, engine="fork", force=True).counts() == {"ok": 2, "failed": 1}
    wider = plan_of((good, {"fast": 1}), (bad, {"fast": 3}), (good, {"fast": 9}))
    assert run_plan(wider, engine="fork", only="failed").counts() == {"cached": 1, "failed": 1}


@forks
def test_a_secret_is_used_and_stands_nowhere(home, notebook, plan_of, monkeypatch):
    monkeypatch.setenv("FEED_KEY", "s3cret-value-17")
    says = "print(key)\nimport os\nos.system(f'echo {key}')\nassert key.startswith('s3cret')\nraise ValueError(key)"
    path = notebook("uses", says, parameters="key: str = ''")
    (record,) = run_plan(plan_of((path, {"key": {"secret": "FEED_KEY"}})), engine="fork").records
    assert (record.status, record.error.type, record.error.message) == ("failed", "ValueError", "***")
    written = [file for file in (home / "experiments").rglob("*") if file.is_file()]
    assert written
    assert not [file for file in written if b"s3cret-value-17" in file.read_bytes()]


@forks
def test_a_required_metric_that_is_not_recorded_is_a_failure(home, notebook, plan_of):
    path = notebook("silent", "1 + 1")
    (record,) = run_plan(plan_of((path, {"fast": 1}), required=("sharpe",)), engine="fork").records
    assert (record.status, record.error.message) == ("failed", "it must record sharpe and did not")


@forks
def test_a_function_is_run_in_place_of_a_notebook(home):
    (home / "mine.py").write_text("def run(fast):\n    assert fast > 1, 'too fast'\n", encoding="utf-8")
    plan = Plan("calls", tuple(PlannedRun(None, "mine:run", {"fast": fast}) for fast in (1, 2)))
    bad, good = run_plan(plan, engine="fork").records
    assert (bad.status, bad.error.message, good.status) == ("failed", "too fast", "ok")


def test_text_and_outputs_do_not_count_but_code_parameters_and_your_modules_do(home, notebook):
    (home / "mine.py").write_text("from other import x\n", encoding="utf-8")
    (home / "other.py").write_text("x = 1\n", encoding="utf-8")
    path = notebook("keyed", "import mine\nmine.x")

    def key(fast=1, seed=1):
        planned = PlannedRun(path, None, {"fast": fast, "seed": seed})
        return key_of(ingredients(planned, Plan("s", (planned,)), home=home))

    first = key()
    held = json.loads(path.read_text())
    held["cells"].insert(0, {"cell_type": "markdown", "id": "m", "metadata": {}, "source": "words"})
    held["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "seen"}]
    path.write_text(json.dumps(held))
    assert key() == first
    assert key(fast=2) != first
    (home / "other.py").write_text("x = 2\n", encoding="utf-8")
    assert key() != first


@forks
def test_why_a_run_would_be_made_again_is_said_in_words(home, notebook, plan_of):
    (home / "mine.py").write_text("x = 1\n", encoding="utf-8")
    plan = plan_of((notebook("good", "import mine"), {"fast": 1}))
    (record,) = run_plan(plan, engine="fork").records
    assert why(plan, record) == []
    (home / "mine.py").write_text("x = 2\n", encoding="utf-8")
    (said,) = why(plan, record)
    assert said.startswith("modules: mine was ")
    with pytest.raises(RunError, match="its parameters are gone from the spec"):
        why(plan_of((notebook("good", "import mine"), {"fast": 2})), record)


def test_two_coordinators_cannot_run_one_study(home, notebook, plan_of):
    plan = plan_of((notebook("good", "1"), {"fast": 1}))
    with only_one(root() / "study"), pytest.raises(RunError, match="is being run by another process"):
        run_plan(plan, engine="kernel")


def test_the_lock_of_a_process_that_died_is_no_lock(home):
    folder = root() / "study"
    folder.mkdir(parents=True)
    (folder / ".lock").write_text("process 999999", encoding="utf-8")
    with only_one(folder):
        pass


@forks
def test_a_missing_notebook_or_one_without_parameters_is_said_before_anything_runs(home, notebook, plan_of):
    with pytest.raises(RunError, match="there is no notebook"):
        run_plan(plan_of((home / "none.ipynb", {})), engine="fork")
    bare = notebook("bare", "1", parameters=None)
    (record,) = run_plan(plan_of((bare, {})), engine="fork").records
    assert (record.status, record.error.message) == (
        "failed",
        "bare.ipynb has no cell tagged 'parameters'; tag exactly one in JupyterLab: property inspector, cell tags",
    )


def test_runs_are_found_by_the_beginning_of_their_key_and_the_index_is_made_anew(home):
    for key in ("aa11", "aa22", "bb33"):
        folder = run_folder("study", key)
        folder.mkdir(parents=True)
        write_record(made(key, folder))
    assert find_run("bb").key == "bb33"
    assert find_run("study/aa2").key == "aa22"
    with pytest.raises(RunError, match="is the beginning of 2 runs: aa11, aa22"):
        find_run("aa")
    with pytest.raises(RunError, match="no run 'zz'"):
        find_run("zz")
    with pytest.raises(RunError, match="did you mean study"):
        list_records("stud")
    file = rebuild_index()
    assert list(qb.sql("select key from runs order by key")["key"]) == ["aa11", "aa22", "bb33"]
    (run_folder("study", "bb33") / "run.json").unlink()
    assert rebuild_index() == file
    assert len(qb.sql("select key from runs")) == 2


def made(key, folder):
    return RunRecord(
        key=key,
        study="study",
        status="ok",
        source="a.ipynb",
        parameters={"fast": 1},
        metrics={"sharpe": float("nan")},
        error=None,
        attempt=1,
        engine="fork",
        started="2026-01-01T00:00:00",
        ended=f"2026-01-01T00:00:0{len(key)}",
        seconds=1.0,
        peak_mb=2.0,
        provenance={},
        files=(),
        folder=folder,
    )


def test_a_record_that_is_cut_short_is_no_record(home, tmp_path):
    write_record(made("aa11", tmp_path))
    assert read_record(tmp_path).metrics == {"sharpe": None}
    (tmp_path / "run.json").write_text('{"schema": 1, "key"', encoding="utf-8")
    assert read_record(tmp_path) is None


def test_three_attempts_are_kept_and_the_oldest_goes(tmp_path):
    for attempt in range(1, 6):
        assert put_aside(tmp_path) == attempt
        (tmp_path / "run.json").write_text(str(attempt), encoding="utf-8")
    assert sorted(p.name for p in (tmp_path / "attempts").iterdir()) == ["2", "3", "4"]


def test_a_study_that_cannot_be_written_is_one_sentence(home, notebook, plan_of):
    (home / "experiments").write_text("a file in the way", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot write to"):
        run_plan(plan_of((notebook("good", "1"), {"fast": 1})), engine="kernel")


def test_workers_are_at_least_one(plan_of):
    with pytest.raises(ParamsError, match="workers must be at least 1"):
        run_plan(plan_of(), workers=0)


@forks
def test_a_lost_run_is_marked_and_made_again(home, notebook, plan_of):
    plan = plan_of((notebook("good", "1"), {"fast": 1}))
    key = key_of(ingredients(plan.runs[0], plan, home=home))
    folder = run_folder("study", key)
    folder.mkdir(parents=True)
    (folder / "started.json").write_text('{"started": "2026-01-01T00:00:00", "attempt": 1}', encoding="utf-8")
    (record,) = run_plan(plan, engine="fork").records
    assert (record.status, record.attempt) == ("ok", 2)
    lost = read_record(folder / "attempts" / "1")
    assert (lost.status, lost.error.type) == ("lost", "CoordinatorDied")


@forks
def test_progress_is_told_run_by_run(home, notebook, plan_of):
    told = []
    plan = plan_of(*((notebook("good", "1"), {"fast": i}) for i in range(3)))
    run_plan(plan, engine="fork", progress=lambda done, many, one: told.append((done, many, one.status)))
    assert told == [(1, 3, "ok"), (2, 3, "ok"), (3, 3, "ok")]
