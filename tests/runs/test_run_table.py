"""What `list_runs` shows at the end of a cell: a table to sort, with sketches and links; and a DataFrame."""

import json
import re
import shutil
import subprocess
import sys
from urllib.parse import unquote

import pandas as pd
import pytest

import quantbench as qb
from quantbench.report.runs_view import Left, runs_html
from quantbench.runs.batch import run_plan
from quantbench.runs.run_table import RunTable
from quantbench.runs.store import find_run

forks = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
CELLS = """
import pandas as pd, quantbench as qb
if fast == 3:
    raise ValueError("<b>bold</b> & broken")
equity = pd.Series([100.0, 90 + fast, 110 - fast], index=pd.date_range("2020", periods=3), name="equity")
qb.record(metric={"sharpe": 1 / fast, "trades": fast}, table={"equity": equity}, artifact={"page.html": "<p>"})
"""


@pytest.fixture
def runs(notebook, plan_of):
    path = notebook("keeps", CELLS)
    run_plan(plan_of(*((path, {"fast": fast}) for fast in (1, 2, 3))), workers=1)
    return qb.list_runs("study")


def shown(**columns):
    many = len(next(iter(columns.values())))
    base = {"study": ["s"] * many, "run": [f"k{i}" for i in range(many)], "status": ["ok"] * many, "error": [""] * many}
    return pd.DataFrame(base | columns)


@forks
def test_runs_are_shown_with_equity_numbers_and_links_that_lead_to_files(home, runs):
    html = runs._repr_html_()
    assert html.count("<svg") == 2
    links = [unquote(one) for one in re.findall(r'href="([^"]+)"', html)]
    assert len([one for one in links if one.endswith("/notebook.ipynb")]) == 3
    assert len([one for one in links if one.endswith("/files/page.html")]) == 2
    assert all((home / one).is_file() and not one.startswith("/") for one in links)
    assert '<td data-value="0.5">0.50</td>' in html
    assert ">n/a<" in html, "a run that failed has no sharpe"
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; broken" in html
    assert "<b>bold" not in html


@forks
def test_two_studies_with_the_same_run_have_links_of_their_own(home, runs):
    folder = home / "experiments" / "runs"
    shutil.copytree(folder / "study", folder / "study@exact")
    for file in (folder / "study@exact").rglob("run.json"):
        held = json.loads(file.read_text(encoding="utf-8")) | {"study": "study@exact"}
        file.write_text(json.dumps(held), encoding="utf-8")
    html = qb.list_runs()._repr_html_()
    links = [unquote(one) for one in re.findall(r'href="([^"]+notebook.ipynb)"', html)]
    assert sorted(one.split("/")[2] for one in links) == ["study"] * 3 + ["study@exact"] * 3
    key = runs["run"].iloc[0]
    assert find_run(key).study == "study"
    assert find_run(f"study@exact/{key}").study == "study@exact"


@forks
def test_it_is_a_dataframe_and_what_is_no_table_of_runs_looks_as_pandas_shows_it(runs):
    assert isinstance(runs, pd.DataFrame)
    failed = runs[runs["status"] == "failed"]
    assert failed._repr_html_().count("<tr>") == 2
    assert "data-qb" in runs.sort_values("sharpe")._repr_html_()
    for other in (runs[["run", "sharpe"]], runs.groupby("status")[["sharpe"]].mean(), runs.iloc[:0]):
        assert "data-qb" not in other._repr_html_()
    with pd.option_context("display.notebook_repr_html", False):
        assert runs._repr_html_() is None
    assert runs["sharpe"].max() == 1.0


@forks
def test_a_folder_that_is_gone_or_broken_takes_links_and_sketch_and_nothing_else(home, runs):
    folder = home / "experiments" / "runs" / "study"
    first, second, _ = (folder / key for key in runs["run"])
    shutil.rmtree(first)
    (second / "tables" / "equity.parquet").write_bytes(b"no parquet")
    html = runs._repr_html_()
    assert "<svg" not in html
    assert html.count("notebook.ipynb") == 2
    assert html.count("<tr>") == 4


def test_everything_that_a_run_can_name_is_escaped():
    evil = '"><script>alert(1)</script>'
    table = shown(**{f"params.{evil}": [evil, "b"], evil: [1.0, 2.0], "error": [evil, ""]})
    table["run"] = table["status"] = [evil, "x"]
    html = runs_html(table, {("s", evil): Left(links=((evil, f"a{evil}"), (evil, f"b{evil}")))}, note=evil)
    assert "<script>alert" not in html
    assert evil not in html
    assert html.count("<script>") == 1


def test_params_that_are_the_same_are_said_once_and_only_so_many_rows_are_drawn():
    table = shown(**{"params.fast": [1, 2], "params.symbol": ["EURUSD", "EURUSD"]})
    html = runs_html(table, {})
    assert "in every row: symbol = EURUSD" in html
    assert ">symbol</th>" not in html
    many = RunTable(shown(**{"params.fast": range(201)}))
    assert many._repr_html_().count("<tr>") == 201
    assert "the first 200 of 201 rows" in many._repr_html_()


@pytest.mark.skipif(shutil.which("node") is None, reason="node runs the script")
def test_a_click_sorts_by_number_both_ways_and_leaves_what_is_missing_last(tmp_path):
    html = runs_html(shown(sharpe=[0.5, float("nan"), -2.0, 11.0]), {})
    script = re.search(r"<script>(.*)</script>", html, re.DOTALL).group(1)
    values = re.findall(r'<td data-value="([^"]+)"', html)
    page = """
const cells = VALUES.map((v, i) => ({ cells: [{ dataset: { value: v }, textContent: v }], i }));
const body = { rows: cells.slice(),
  appendChild(row) { this.rows = this.rows.filter((r) => r !== row).concat([row]); } };
const attrs = { tabindex: "0" }; let click;
const head = { classList: { add() {} }, hasAttribute: (n) => n in attrs, getAttribute: (n) => attrs[n] || null,
  setAttribute: (n, v) => { attrs[n] = v; }, removeAttribute: (n) => { delete attrs[n]; },
  addEventListener: (n, f) => { if (n === "click") { click = f; } } };
const view = { dataset: {}, querySelector: () => body, querySelectorAll: () => [head] };
global.document = { querySelectorAll: () => [view] };
"""
    end = "const out = []; for (let i = 0; i < 2; i++) { click(); out.push(body.rows.map((r) => r.i)); }"
    file = tmp_path / "sort.js"
    file.write_text(page.replace("VALUES", json.dumps(values)) + script + end + "console.log(JSON.stringify(out));")
    done = subprocess.run(["node", str(file)], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [[3, 0, 2, 1], [2, 0, 3, 1]]
