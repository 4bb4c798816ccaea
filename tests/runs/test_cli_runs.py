"""`qb run` and what looks back at it: from a spec on disk to runs, their table, and why one is made again."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app
from quantbench.core.errors import RunError
from quantbench.runs.planning import plan_of

forks = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

SPEC = """
name: ma
notebook: trades.ipynb
params: {symbol: EURUSD}
sweep:
  - grid: {fast: [5, 10], slow: [40, 80]}
where: fast < slow
metrics: [sharpe]
run: {workers: 2, cell_timeout: 60}
"""
CELLS = (
    (
        "import quantbench as qb\nbars = qb.load(symbol, 'H1', '2017-01', '2017-04')\n"
        "result = qb.backtest(qb.MaCross(fast, slow), bars)"
    ),
    "qb.record(metric={'sharpe': float(result.metrics()['sharpe']), 'trades': len(result.trades)})",
)
PARAMETERS = "symbol: str = 'EURUSD'\nfast: int = 10\nslow: int = 50"


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "160"})


@pytest.fixture
def spec(home, notebook):
    notebook("trades", *CELLS, parameters=PARAMETERS)
    (home / "ma.yaml").write_text(SPEC, encoding="utf-8")
    return home / "ma.yaml"


@forks
def test_a_batch_is_run_once_listed_and_known_the_second_time(home, spec):
    assert "ma: 4 runs, 0 known, 4 left to run" in run("run", spec, "--dry-run").stdout
    shown = run("run", spec)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("ma: 4 ok, in ")
    again = json.loads(run("run", spec, "--json").stdout)
    assert again["counts"] == {"cached": 4}
    assert "4 known, 0 left" in run("run", spec, "--dry-run").stdout
    table = qb.list_runs("ma")
    assert list(table["status"]) == ["ok"] * 4
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
    for row in table.to_dict("records"):
        result = qb.backtest(qb.MaCross(row["params.fast"], row["params.slow"]), bars)
        assert row["sharpe"] == pytest.approx(float(result.metrics()["sharpe"]), rel=1e-12)
    assert len(json.loads(run("runs", "ma", "--json").stdout)["runs"]) == 4
    one, other = table["run"][:2]
    assert "params." in run("compare", one[:8], other[:8]).stdout
    assert "Nothing moved" in run("why", spec, one[:8]).stdout
    found = qb.sql("select count(*) as n, avg((metrics->>'trades')::double) as t from runs where study = 'ma'")
    assert int(found["n"][0]) == 4


@forks
def test_a_run_that_fails_is_told_opened_again_and_explained(home, notebook):
    notebook("breaks", "# Divide\nfast / (slow - 40)", parameters=PARAMETERS)
    text = SPEC.replace("trades.ipynb", "breaks.ipynb").replace("metrics: [sharpe]\n", "")
    (home / "ma.yaml").write_text(text, encoding="utf-8")
    shown = run("run", home / "ma.yaml")
    assert shown.exit_code == 1
    assert "2 ok, 2 failed" in shown.stdout or "2 failed, 2 ok" in shown.stdout
    assert "ZeroDivisionError: division by zero" in shown.stdout
    failed = qb.list_runs("ma").query("status == 'failed'")["run"].iloc[0]
    opened = run("debug", failed[:10]).stdout.split()[-1]
    cells = json.loads(Path(opened).read_text(encoding="utf-8"))["cells"]
    at = next(i for i, one in enumerate(cells) if one["cell_type"] == "markdown")
    assert "ended here: failed" in "".join(cells[at]["source"])
    assert "# Divide" in "".join(cells[at + 1]["source"])
    assert "it was failed: only runs that are ok" in run("why", home / "ma.yaml", failed[:10]).stdout
    again = run("run", home / "ma.yaml", "--only", "failed", "--json")
    assert json.loads(again.stdout)["counts"] == {"cached": 2, "failed": 2}


def test_what_is_wrong_with_a_spec_is_said_before_anything_runs(home, spec):
    for old, new, says in (
        ("slow: [40, 80]}", "slow: [40, 80], fats: [1]}", "did you mean fast?"),
        ("trades.ipynb", "none.ipynb", "notebook: there is no none.ipynb"),
        ("fast: [5, 10]", "fast: [five]", "fast"),
        ("where: fast < slow", "where: fast > 1000", "refuses all 4 combinations"),
    ):
        spec.write_text(SPEC.replace(old, new), encoding="utf-8")
        with pytest.raises(RunError) as found:
            plan_of(spec)
        assert says in str(found.value)
    assert run("run", home / "nothing.yaml").exit_code == 1
    assert not (home / "experiments").exists()


def test_data_that_a_spec_names_counts_by_its_version(home, spec):
    spec.write_text(SPEC + "data: [EURUSD H1]\n", encoding="utf-8")
    assert plan_of(spec).data == {"EURUSD H1": qb.load("EURUSD", "H1").version}
    spec.write_text(SPEC + "data: [EURUSD]\n", encoding="utf-8")
    with pytest.raises(RunError, match="write symbol and timeframe"):
        plan_of(spec)


def test_the_same_spec_has_the_same_digest_and_another_one_has_not(home, spec):
    first = plan_of(spec).digest
    spec.write_text("# a comment\n" + SPEC, encoding="utf-8")
    assert plan_of(spec).digest == first
    spec.write_text(SPEC.replace("[5, 10]", "[5, 11]"), encoding="utf-8")
    assert plan_of(spec).digest != first


def test_engines_and_choices_that_are_none_are_wrong_usage(home, spec):
    assert run("run", spec, "--engine", "threads").exit_code == 2
    assert run("run", spec, "--only", "ok").exit_code == 2
    assert run("schedule", spec, "--every", "0 22 * * 1-5", "--for", "launchd").exit_code == 2


def test_a_schedule_is_printed_for_each_scheduler(home, spec):
    assert "0 22 * * 1-5" in run("schedule", spec, "--every", "0 22 * * 1-5").stdout
    assert "OnCalendar" in run("schedule", spec, "--every", "0 22 * * 1-5", "--for", "systemd").stdout
    assert "<Task" in run("schedule", spec, "--every", "0 22 * * 1-5", "--for", "windows").stdout


def test_nothing_was_run_yet(home):
    assert "Nothing was run yet." in run("runs").stdout
    assert run("runs", "none").exit_code == 1
    assert run("debug", "abc").exit_code == 1
