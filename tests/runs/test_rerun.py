"""An old study again: exactly as it was, number by number, and its frozen parameters on newer bars."""

import json
import sys
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app
from quantbench.core.errors import RunError
from quantbench.data import lake
from quantbench.data.manifest import Dataset, Origin
from quantbench.data.pins import pinned
from quantbench.runs.batch import run_plan
from quantbench.runs.extending import band, rerun_extended
from quantbench.runs.old_study import old_study, pins_for
from quantbench.runs.record import read_record, write_record
from quantbench.runs.rerunning import rerun_exactly
from quantbench.runs.store import list_records, root

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DATASET = ("EURUSD", "H1")
SPEC = """
name: ma
notebook: trades.ipynb
data: [EURUSD H1]
sweep: [{grid: {fast: [5, 10]}}]
metrics: [sharpe]
run: {workers: 2, cell_timeout: 60}
"""
CELLS = (
    "import quantbench as qb\nresult = qb.backtest(qb.MaCross(fast, 60), qb.load('EURUSD', 'H1'))",
    "qb.record(metric={'sharpe': float(result.metrics()['sharpe'])}, table={'equity': result.equity})",
)


def store(start, end, *, anew=False):
    with pinned({"EURUSD H1": "sample"}):
        bars = qb.load(*DATASET, start, end)
    columns = {name: getattr(bars, name) for name in ("time", "open", "high", "low", "close", "volume", "spread")}
    write = lake.replace if anew else lake.append
    origin = Origin(source="test", side="bid", spread_of="open")
    return write(pl.DataFrame(columns), Dataset(*DATASET), origin=origin, now=NOW)


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "200"})


def make(home, notebook, *cells, until="2017-02"):
    """Make a study of two runs on bars in a lake."""
    store("2017-01", until)
    notebook("trades", *cells)
    (home / "ma.yaml").write_text(SPEC, encoding="utf-8")
    assert qb.run_batch(home / "ma.yaml").ok


@pytest.fixture
def study(home, notebook):
    """A study of two runs on four months of bars in a lake."""
    make(home, notebook, *CELLS, until="2017-05")
    return home


def files_of(folder):
    return {file: file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_study_is_the_same_on_the_data_it_had_although_the_lake_has_moved_on(study):
    before = files_of(root() / "ma")
    store("2017-05", "2017-06")
    shown = run("rerun", "ma", "--exact")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip() == "ma again: 2 runs, 4 numbers, 4 the same"
    assert files_of(root() / "ma") == before
    again = list_records("ma@exact")
    assert [one.provenance["ingredients"]["data"] for one in again] == [
        old.provenance["ingredients"]["data"] for old in list_records("ma")
    ]
    equity = qb.load(*DATASET)
    assert len(equity) > len(qb.load(*DATASET, end="2017-05")), "the pin ends with the rerun"


def test_a_number_is_computed_again_each_time(study):
    rerun_exactly("ma")
    first = {one.key: one.ended for one in list_records("ma@exact")}
    rerun_exactly("ma")
    assert all(one.attempt == 2 and one.ended > first[one.key] for one in list_records("ma@exact"))


def test_what_moved_a_number_is_named(study, notebook):
    notebook("trades", CELLS[0].replace("60", "80"), CELLS[1])
    found = rerun_exactly("ma")
    moved = found.table[~found.table["same"]]
    assert set(moved["number"]) == {"sharpe"}
    assert set(moved["because"]) == {"code"}
    assert "2 moved (2 by code)" in found.headline
    assert any(note.startswith("code was ") and note.endswith("(2 runs)") for note in found.notes)
    shown = run("rerun", "ma", "--exact")
    assert shown.exit_code == 1
    assert "code" in shown.stdout


def test_libraries_that_differ_are_named_beside_code(study, notebook):
    for one in list_records("ma"):
        held = json.loads((one.folder / "run.json").read_text())
        held["provenance"]["ingredients"]["libraries"]["numpy"] = "1.0"
        (one.folder / "run.json").write_text(json.dumps(held))
    assert rerun_exactly("ma").same, "what differs and moved nothing is no cause"
    notebook("trades", CELLS[0].replace("60", "80"), CELLS[1])
    found = rerun_exactly("ma")
    assert set(found.table[~found.table["same"]]["because"]) == {"code and libraries"}
    assert any("libraries: numpy was 1.0, is " in note for note in found.notes)


def test_a_number_that_moves_with_nothing_to_blame_is_not_reproducible(home, notebook):
    make(home, notebook, "import quantbench as qb\nimport time\nqb.record(metric={'sharpe': time.time()})")
    found = rerun_exactly("ma")
    assert set(found.table[~found.table["same"]]["because"]) == {"nothing recorded"}
    assert found.notes[0].startswith("2 runs are not reproducible: code, data and libraries are as they were")


def test_a_number_that_could_not_be_computed_then_and_now_is_the_same(home, notebook):
    make(home, notebook, "import quantbench as qb\nqb.record(metric={'sharpe': 1.0, 'sortino': float('nan')})")
    found = rerun_exactly("ma")
    assert found.table["number"].tolist() == ["status", "sharpe", "sortino"] * 2
    assert found.same, found.headline


def test_data_that_is_gone_is_said_in_one_sentence_and_counts_as_a_cause(study):
    store("2017-02", "2017-06", anew=True)
    lake.prune(Dataset(*DATASET), keep=1)
    found = rerun_exactly("ma")
    assert found.notes[0].startswith("EURUSD H1: nothing stored gives the bars the study had (version ")
    assert set(found.table[~found.table["same"]]["because"]) == {"data"}


def test_a_study_on_the_sample_is_found_again_under_data_of_your_own(home, notebook):
    version = qb.load(*DATASET).version
    store("2017-01", "2017-02")
    assert qb.load(*DATASET).version != version
    assert pins_for("EURUSD H1", version) == {"EURUSD H1": "sample"}
    daily = qb.load("EURUSD", "D1")
    with pinned({"EURUSD H1": "sample"}):
        assert len(qb.load("EURUSD", "D1")) > len(daily)
    assert pins_for("EURUSD H1", "0" * 16) is None


def test_frozen_parameters_on_newer_bars_are_set_beside_the_band_of_then(study):
    before = files_of(root() / "ma")
    store("2017-05", "2017-06")
    found = rerun_extended("ma")
    assert files_of(root() / "ma") == before
    assert found.again == "ma@extend"
    assert found.notes == ()
    whole, past = qb.load(*DATASET), qb.load(*DATASET, end="2017-05")
    for row, fast in zip(found.table.to_dict("records"), (5, 10), strict=True):
        equity = qb.backtest(qb.MaCross(fast, 60), whole).equity
        new = equity[equity.index > past.frame.index[-1]]
        assert row["days"] == new.index.normalize().nunique()
        assert row["return"] == pytest.approx(equity.iloc[-1] / equity[past.frame.index[-1]] - 1, rel=1e-12)
        assert row["low"] < row["middle"] < row["high"]
        inside = row["low"] <= row["return"] <= row["high"]
        assert (row["place"] == "inside") == inside
    shown = run("rerun", "ma", "--extend", "--json")
    assert json.loads(shown.stdout)["rows"][0]["days"] == found.table["days"][0]
    assert "ma on newer bars: of 2 runs" in run("rerun", "ma", "--extend").stdout


def test_newer_bars_are_traded_each_time_also_where_the_spec_names_no_data(study):
    (study / "ma.yaml").write_text(SPEC.replace("data: [EURUSD H1]\n", "").replace("name: ma", "name: bare"))
    qb.run_batch(study / "ma.yaml")
    store("2017-05", "2017-06")
    days = rerun_extended("bare").table["days"].iloc[0]
    store("2017-06", "2017-07")
    assert rerun_extended("bare").table["days"].iloc[0] > days
    assert rerun_exactly("bare").notes[0].startswith("its spec names no data")


def test_old_bars_that_no_longer_give_the_old_equity_are_told(study, notebook):
    store("2017-05", "2017-06")
    notebook("trades", CELLS[0].replace("60", "80"), CELLS[1])
    assert any("2 runs no longer make on the old bars" in note for note in rerun_extended("ma").notes)


def test_without_newer_bars_or_a_recorded_equity_one_sentence_says_so(study, notebook):
    with pytest.raises(RunError, match="no newer bars, the data is what it was"):
        rerun_extended("ma")
    store("2017-05", "2017-06")
    notebook("trades", CELLS[0].replace("'H1'", "'H1', end='2017-05'"), CELLS[1])
    found = rerun_extended("ma")
    assert "nothing newer was traded" in found.notes[0]
    assert "no run can be compared" in found.headline
    for one in list_records("ma"):
        (one.folder / "tables" / "equity.parquet").unlink()
    assert 'recorded no table "equity"' in rerun_extended("ma").notes[0]


def test_the_band_of_days_that_are_all_alike_is_narrow_and_of_wild_ones_wide():
    calm = band(1.001 ** np.arange(100), 10, seed=1)
    assert calm[:3] == pytest.approx((1.001**10 - 1,) * 3)
    assert calm[3] == 0
    rng = np.random.default_rng(3)
    wild = band(np.cumprod(1 + rng.normal(0, 0.02, 500)), 10, seed=1)
    spread = 1.645 * 0.02 * 10**0.5
    assert wild[2] - wild[0] == pytest.approx(2 * spread, rel=0.2)
    assert band(np.cumprod(1 + rng.normal(0, 0.02, 500)), 10, seed=2) != wild
    with pytest.raises(RunError, match="predict no band"):
        band(np.ones(10), 10, seed=1)
    with pytest.raises(RunError, match="not above zero"):
        band(np.append(np.ones(30), -1.0), 10, seed=1)


def test_a_run_that_failed_then_and_is_ok_now_has_moved(study):
    one = list_records("ma")[0]
    write_record(type(one)(**{**vars(one), "status": "failed", "folder": one.folder}))
    assert read_record(one.folder).status == "failed"
    found = rerun_exactly("ma").table
    row = found[found["run"] == one.key].iloc[0]
    assert (row["number"], row["before"], row["now"], row["same"]) == ("status", "failed", "ok", False)


def test_what_cannot_be_run_again_is_refused_with_the_reason(home, notebook, plan_of):
    assert run("rerun", "ma", "--exact").exit_code == 1
    assert run("rerun", "ma").exit_code == 2
    assert run("rerun", "ma", "--exact", "--extend").exit_code == 2
    path = notebook("none", "1")
    run_plan(plan_of((path, {"fast": 1})))
    with pytest.raises(RunError, match="not planned from a spec"):
        old_study("study")
    with pytest.raises(RunError, match="name the study itself: study"):
        old_study("study@exact")
    (root() / "study" / "plan.json").unlink()
    with pytest.raises(RunError, match=r"plan\.json is missing or broken"):
        old_study("study")
