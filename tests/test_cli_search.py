"""`qb search`, `qb ledger`, `qb study`, `qb cluster`, for a person and for a machine."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app

MARKET = ("MaCross", "EURUSD", "H1", "--from", "2017-01", "--to", "2017-06")


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "80"})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_search_shows_its_headline_its_best_and_what_it_chose():
    shown = run("search", *MARKET, "--method", "sobol", "--trials", 60, "--require", "trades=5")
    assert shown.exit_code == 0, shown.output
    headline = " ".join(shown.stdout.split("MaCross")[0].split())
    assert re.fullmatch(r"60 trials \(.*meet the constraints\), 0\.4 years, net, in-sample", headline)
    assert "Chosen by plateau: MaCross(" in shown.stdout


def test_a_search_is_one_json_object_for_a_machine_and_a_table_in_a_file(home):
    words = ("--method", "nsga2", "--objective", "sharpe", "--objective", "max_drawdown", "--trials", 30)
    shown = run("search", *MARKET, *words, "--json", "--csv", home / "trials.csv")
    found = json.loads(shown.stdout)
    assert found["trials"] == 30
    assert len((home / "trials.csv").read_text().splitlines()) == 31


def test_what_is_searched_is_set_in_words_and_kept_for_optuna(home):
    words = ("--method", "grid", "--set", "fast=5,10", "--set", "slow=40:80:40", "--storage", home / "s.journal")
    shown = run("search", *MARKET, *words, "--select", "best", "--json")
    assert json.loads(shown.stdout)["trials"] == 4
    assert (home / "s.journal").stat().st_size > 0


def test_the_ledger_says_what_was_tried_distinct_and_when():
    run("search", *MARKET, "--method", "random", "--trials", 20)
    run("search", *MARKET, "--method", "random", "--trials", 20)
    shown = run("ledger")
    assert re.search(r"MaCross +EURUSD H1 +17-01 \.\. 17-05 +search +40 +20 ", shown.stdout), shown.stdout
    row = json.loads(run("ledger", "--family", "MaCross", "--json").stdout)["tried"][0]
    assert (row["trials"], row["distinct"], row["failed"]) == (40, 20, 0)
    assert "Nothing was tried yet." in run("ledger", "--symbol", "GBPUSD").stdout


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--method", "anneal"), 1, "unknown method 'anneal'"),
        (("--require", "trades=many"), 2, "'many' is no number"),
        (("--require", "trade=3"), 1, "unknown constraint 'trade'"),
        (("--select", "plato", "--trials", 10), 1, "cannot select by 'plato'"),
        (("--cluster", "127.0.0.1"), 1, "no Dask scheduler answers"),
    ],
)
def test_what_cannot_be_searched_is_one_sentence(words, code, message, monkeypatch):
    monkeypatch.setattr("quantbench.research.cluster._REACH_SECONDS", 0.3)
    shown = run("search", *MARKET, *words)
    assert shown.exit_code == code
    assert message in " ".join(shown.stderr.split())


def test_a_dashboard_that_is_not_installed_is_asked_for(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda _: None)
    shown = run("study", "dashboard", "s.journal")
    assert shown.exit_code == 1
    assert "pip install optuna-dashboard" in shown.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent another way there")
def test_a_cluster_runs_until_ctrl_c_and_a_search_uses_it():
    program = [sys.executable, "-m", "quantbench", "cluster", "start", "--workers", "1", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        address = re.search(r"1 workers at (\S+);", started.stdout.readline())[1]
        try:
            shown = run("search", *MARKET, "--method", "random", "--trials", 20, "--cluster", address, "--json")
        finally:
            started.send_signal(signal.SIGINT)
        assert started.wait(30) == 130
    assert json.loads(shown.stdout)["trials"] == 20, shown.output
    assert len(qb.read_ledger()) == 20
    assert Path.cwd().exists()
