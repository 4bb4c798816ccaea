"""`qb data`: import, look, check, take out and remove, for a person and for a machine."""

import json

import polars as pl
import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app


def run(*words):
    return CliRunner().invoke(app, ["data", *map(str, words)], env={"COLUMNS": "100"})


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def file(home):
    frame = qb.load("EURUSD", "H1", "2017-03", "2017-04").frame.reset_index()
    frame["time"] = frame["time"].dt.strftime("%Y-%m-%d %H:%M")
    frame.rename(columns=str.title).drop(columns="Spread").to_csv(home / "GBPUSD_H1.csv", index=False)
    return home / "GBPUSD_H1.csv"


@pytest.fixture
def added(file):
    assert run("add", file, "--clock", "UTC").exit_code == 0
    return file


def test_a_file_is_added_and_loads_as_it_was(file):
    shown = run("add", file, "--clock", "UTC")
    assert shown.exit_code == 0, shown.output
    assert "clock UTC, as declared" in shown.stdout
    assert "550 bars imported: GBPUSD H1 is version 1" in shown.stdout
    before = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    assert (qb.load("GBPUSD", "H1").close == before.close).all()


def test_a_refused_file_leaves_with_1_and_stops_no_other(file, home):
    (home / "bad.csv").write_text("nothing of use\n")
    shown = run("add", home / "bad.csv", file, "--clock", "UTC")
    assert shown.exit_code == 1
    assert "bad.csv is not imported: " in shown.stdout
    assert "1 imported, 1 refused" in shown.stdout


def test_an_import_is_one_json_object_for_a_machine(file, home):
    (home / "bad.csv").write_text("nothing of use\n")
    found = json.loads(run("add", file, home / "bad.csv", "--clock", "UTC", "--json").stdout)
    assert [(one["symbol"], one["rows"]) for one in found["imported"]] == [("GBPUSD", 550)]
    assert [one["file"] for one in found["refused"]] == ["bad.csv"]


def test_what_was_added_is_listed(added):
    found = json.loads(run("list", "--json").stdout)["symbols"]
    assert [one["stored"] for one in found if one["symbol"] == "GBPUSD"] == ["lake"]


def test_check_shows_a_report_and_writes_the_page(added, home):
    shown = run("check", "GBPUSD", "H1", "--html", home / "check.html")
    assert shown.exit_code == 0, shown.output
    assert "550 bars, 2017-03-01 00:00 to 2017-03-31 20:00 UTC" in shown.stdout
    assert "Coverage by day" in (home / "check.html").read_text("utf-8")
    assert json.loads(run("check", "GBPUSD", "H1", "--json").stdout)["rows"] == 550


def test_show_names_the_origin_and_every_version(added):
    shown = run("show", "GBPUSD", "H1").stdout
    assert "GBPUSD_H1.csv" in shown
    assert "version 1" in shown
    assert json.loads(run("show", "GBPUSD", "H1", "--json").stdout)["origin"]["clock"] == "UTC"


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_exported_bars_are_the_loaded_ones(added, home, ending):
    out = home / f"out.{ending}"
    assert run("export", "GBPUSD", "H1", out).exit_code == 0
    frame = pl.read_csv(out) if ending == "csv" else pl.read_parquet(out)
    assert frame["close"].to_list() == qb.load("GBPUSD", "H1").close.tolist()
    assert [path.name for path in home.glob(".*.partial")] == []


def test_an_export_of_another_ending_is_refused(added, home):
    shown = run("export", "GBPUSD", "H1", home / "out.xlsx")
    assert shown.exit_code == 1
    assert "must end in .csv or .parquet" in shown.output


def test_remove_asks_first(added):
    assert CliRunner().invoke(app, ["data", "remove", "GBPUSD", "H1"], input="n\n").exit_code == 1
    assert len(qb.load("GBPUSD", "H1")) == 550
    assert run("remove", "GBPUSD", "H1", "--yes").exit_code == 0
    assert "GBPUSD" not in set(qb.symbols().symbol)
    assert run("remove", "GBPUSD", "H1", "--yes").exit_code == 1


def test_spreads_need_bars_that_carry_one(added):
    shown = run("spreads", "GBPUSD", "H1")
    assert shown.exit_code == 1
    assert "there is no spread to measure" in shown.output
