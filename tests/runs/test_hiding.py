"""A secret planted wherever a run can put one: refused before it runs, or gone from all that the run leaves."""

import json
import subprocess
import sys

import pandas as pd
import pytest

import quantbench as qb
from quantbench.core.errors import RunError, StoreError
from quantbench.report.publishing import publish
from quantbench.runs.batch import run_plan

forks = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

VALUE = 'hush<&">hush-1'
CELL = f"""# A title with {VALUE}
import pandas as pd, quantbench as qb
key = qb.secret("FEED")
print("printed", key)
qb.record(
    metric={{"sharpe": 1.0}},
    figure={{"line": {{"data": [{{"name": key}}], "layout": {{}}}}}},
    table={{"rows": pd.DataFrame({{"who": [key, "else"], "n": [1, 2]}}, index=[key, "other"])}},
    artifact={{"page.html": f"<p>{{key}}</p>", "raw": b"\\xff" + key.encode() + b"\\xfe"}},
)
import os
os.system("echo logged $FEED")
"""


@pytest.fixture
def planted(home, monkeypatch):
    monkeypatch.setenv("FEED", VALUE)
    return home


def holding(folder):
    """Return the files below a folder in which the value, or a part of it, can be read."""
    return [file for file in sorted(folder.rglob("*")) if file.is_file() and b"hush-1" in file.read_bytes()]


@forks
@pytest.mark.parametrize("engine", ["fork", "kernel"])
def test_what_a_run_leaves_holds_no_secret_that_its_cells_reveal(planted, notebook, plan_of, engine):
    path = notebook("leaky", CELL, "1 / 0 if fast == 2 else key")
    result = run_plan(plan_of((path, {"fast": 1}), (path, {"fast": 2})), engine=engine)
    assert [one.status for one in result.records] == ["ok", "failed"]
    assert holding(planted / "experiments") == []
    folder = result.records[0].folder
    assert "printed ***" in (folder / "notebook.ipynb").read_text(encoding="utf-8")
    table = pd.read_parquet(folder / "tables" / "rows.parquet")
    assert (list(table["who"]), list(table.index), list(table["n"])) == (["***", "else"], ["***", "other"], [1, 2])
    assert json.loads((folder / "figures" / "line.json").read_text())["data"] == [{"name": "***"}]
    assert (folder / "files" / "raw").read_bytes() == b"\xff***\xfe"


def test_what_a_notebook_records_while_it_is_explored_holds_none(planted, monkeypatch):
    monkeypatch.delenv("QUANTBENCH_RUN", raising=False)
    key = qb.secret("FEED")
    folder = qb.record(
        metric={"sharpe": 1.0}, table={"rows": pd.DataFrame({"who": [key]})}, artifact={"note.txt": f"it was {key}"}
    )
    assert holding(planted / "experiments") == []
    assert (folder / "files" / "note.txt").read_text("utf-8") == "it was ***"
    assert list(pd.read_parquet(folder / "tables" / "rows.parquet")["who"]) == ["***"]


def test_one_notebook_executed_by_itself_holds_none(planted, notebook):
    path = notebook("leaky", CELL)
    copy = planted / "experiments" / "copy.ipynb"
    qb.run_notebook(path, copy)
    assert copy not in holding(copy.parent)
    assert "***" in copy.read_text(encoding="utf-8")


@forks
def test_a_notebook_opened_to_debug_holds_none(planted, notebook, plan_of):
    path = notebook("leaky", CELL, "1 / 0")
    (record,) = run_plan(plan_of((path, {"fast": 1}))).records
    assert holding(qb.debug_run(record.key).parent) == []


@forks
def test_the_error_a_cell_raises_with_a_secret_in_it_is_told_without(planted, notebook, plan_of):
    path = notebook("raises", f"# {VALUE}\nimport quantbench as qb\nraise ValueError(qb.secret('FEED'))")
    (record,) = run_plan(plan_of((path, {"fast": 1}))).records
    assert (record.error.message, record.error.title) == ("***", "***")
    assert "hush" not in qb.list_runs("study")._repr_html_()


def test_a_spec_or_a_parameter_that_holds_a_secret_is_refused_by_name_and_line(home, notebook):
    (home / ".env").write_text("FEED_KEY=hush-hush-1\n", encoding="utf-8")
    path = notebook("takes", "1", parameters="key: str = ''")
    (home / "a.yaml").write_text("name: a\nnotebook: takes.ipynb\nparams: {key: hush-hush-1}\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"a\.yaml: line 3 holds the secret FEED_KEY; .*\{secret: NAME\}") as fault:
        qb.plan_of(home / "a.yaml")
    assert "hush" not in str(fault.value)
    with pytest.raises(RunError, match=r"takes\.ipynb: the parameters: line 2 holds the secret FEED_KEY") as fault:
        qb.run_notebook(path, home / "out.ipynb", parameters={"key": "hush-hush-1"})
    assert "hush" not in str(fault.value)
    assert not (home / "out.ipynb").exists()
    (home / "a.yaml").write_text(
        "name: a\nnotebook: takes.ipynb\nparams: {key: {secret: FEED_KEY}}\n", encoding="utf-8"
    )
    assert len(qb.plan_of(home / "a.yaml").runs) == 1


@forks
def test_the_difference_to_the_commit_that_is_kept_holds_none(home, notebook, plan_of):
    path = notebook("plain", "1")

    def git(*words):
        subprocess.run(["git", "-C", str(home), "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    (home / "conf.py").write_text("key = ''\n")
    git("init", "-q")
    git("add", "conf.py")
    git("commit", "-qm", "one")
    (home / "conf.py").write_text("key = 'hush-hush-1'\n")
    (home / ".env").write_text("FEED_KEY=hush-hush-1\n")
    run_plan(plan_of((path, {"fast": 1})))
    (diff,) = (home / "experiments" / "runs" / "study" / "provenance").glob("*.diff")
    assert "+key = '***'" in diff.read_text()


def test_a_page_with_a_secret_in_it_is_not_written_and_an_older_one_stays(home):
    (home / ".env").write_text(f"FEED_KEY={VALUE}\n", encoding="utf-8")
    page = publish(home / "reports" / "page.html", "an older page")
    for text in (VALUE, "hush&lt;&amp;&quot;&gt;hush-1", 'hush\\u003c\\u0026\\"\\u003ehush-1'):
        with pytest.raises(StoreError, match=r"page\.html was not written: line 2 holds the secret FEED_KEY") as fault:
            publish(page, f"first\n{text}")
        assert "hush" not in str(fault.value)
    with pytest.raises(StoreError, match="line 1 holds a password in an address"):
        publish(page, "postgres://me:pa55word@host/db")
    assert page.read_text() == "an older page"


def test_a_report_and_the_page_of_a_study_go_through_that_door(home, notebook):
    (home / ".env").write_text("FEED_KEY=MaCross\n", encoding="utf-8")
    result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1", "2017-01", "2017-03"))
    with pytest.raises(StoreError, match="holds the secret FEED_KEY"):
        qb.write_report(result)
    assert not list((home / "reports").glob("*"))
