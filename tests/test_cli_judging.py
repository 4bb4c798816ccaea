"""`qb monte-carlo`, `qb validate`, `qb calibrate`, for a person and for a machine."""

import json

import pytest
from typer.testing import CliRunner

from quantbench.cli import app

MARKET = ("MaCross", "EURUSD", "H1")
SPACE = ("--set", "fast=10,20", "--set", "slow=60,100")


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "100"})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_monte_carlo_says_what_it_answers_and_what_it_does_not_prove():
    shown = run("monte-carlo", *MARKET, "--set", "fast=20", "--paths", 200)
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("How different could the result be")
    assert "It does not prove that there is an edge" in " ".join(shown.stdout.split())


def test_a_monte_carlo_is_one_json_object_for_a_machine():
    found = json.loads(run("monte-carlo", *MARKET, "--method", "execution", "--paths", 5, "--json").stdout)
    assert found["method"] == "execution"
    assert set(found["figures"]) == {"total_return", "max_drawdown", "sharpe", "trades"}


def test_a_method_that_is_none_is_one_sentence():
    shown = run("monte-carlo", *MARKET, "--method", "blocks")
    assert shown.exit_code == 1
    assert "did you mean block" in shown.stderr


def test_validation_shows_every_gate_and_the_verdict_last_and_fails_on_red():
    shown = run("validate", *MARKET, *SPACE)
    assert shown.exit_code == 1, shown.output
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("MaCross(")
    assert any(line.startswith("green   certificate") for line in lines)
    assert "RED: Not this one" in shown.stdout


def test_validation_of_several_markets_is_one_json_object_for_a_machine():
    found = json.loads(run("validate", *MARKET, "--also", "BTCUSD", *SPACE, "--json", "--holdout", 0.2).stdout)
    assert len(found["markets"]) == 2
    assert found["colour"] == "red"
    assert found["gates"][0]["name"] == "certificate"


def test_a_holdout_in_no_known_words_is_wrong_usage():
    shown = run("validate", *MARKET, *SPACE, "--holdout", "a year")
    assert shown.exit_code == 2
    assert "neither a fraction nor days" in shown.stderr


def test_calibration_prints_rates_with_their_intervals():
    words = ("--worlds", 3, "--trials", 20, "--years", 3, "--sharpe", 0, "--sharpe", 3)
    shown = run("calibrate", *words)
    assert shown.exit_code == 0, shown.output
    assert "true Sharpe 0: promoted 0.0%" in shown.stdout
    assert [row["sharpe"] for row in json.loads(run("calibrate", *words, "--json").stdout)["rates"]] == [0.0, 3.0]
