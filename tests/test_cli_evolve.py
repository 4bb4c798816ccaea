"""`qb evolve`: what a person and a machine get, and a file that is a strategy."""

import json

import pytest
from typer.testing import CliRunner

import quantbench
from quantbench.cli import app
from quantbench.runs.choices import find_strategy

WORDS = ("evolve", "EURUSD", "H1", "--from", "2017-01", "--to", "2017-07", "--trials", "120", "--seed", "5")


def qb(*words):
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "100"})


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


def test_the_front_is_shown_rule_by_rule_and_the_best_becomes_a_strategy_of_ones_own(home):
    shown = qb(*WORDS, "--export", "FirstBred")
    assert shown.exit_code == 0, shown.output
    assert "120 trials" in shown.output
    assert "words," in shown.output
    file = home / "research" / "strategies" / "first_bred.py"
    assert f"{file}:FirstBred" in shown.output
    found = json.loads(qb(*WORDS, "--json").stdout)
    best = quantbench.Rule.from_params(found["front"][0]["params"])
    bars = quantbench.load("EURUSD", "H1", "2017-01", "2017-07")
    made = find_strategy(f"{file}:FirstBred")()
    assert (made.signals(bars).target == best.signals(bars).target).all()
    assert (found["trials"], found["seed"], found["file"]) == (120, 5, None)


def test_wrong_words_are_answered_in_a_sentence():
    shown = qb(*WORDS, "--score", "sharp")
    assert shown.exit_code == 1
    assert "unknown objective 'sharp': did you mean sharpe?" in shown.output
    assert "Traceback" not in shown.output
    shown = qb(*WORDS, "--export", "first bred")
    assert "an exported rule needs the name of a class" in shown.output
    assert len(quantbench.read_ledger()) == 0, "said before the work"


def test_every_rule_can_be_written_to_a_file(tmp_path):
    qb(*WORDS, "--csv", str(tmp_path / "all.csv"))
    assert len((tmp_path / "all.csv").read_text("utf-8").splitlines()) == 121
