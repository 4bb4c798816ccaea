"""`qb data update`, from a server on this machine that is slow, broken, busy, cut short or has nothing."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app, views
from quantbench.data import fetching, update

sys.path.insert(0, str(Path(__file__).parent / "data"))
from candle_server import serving

DAYS = ("EURUSD", "--from", "2019-02-04", "--to", "2019-02-07")


@pytest.fixture(autouse=True)
def waits(tmp_path, monkeypatch):
    """A home of its own, a server that is given up on soon, and waits that are noted, not slept."""
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    slept = []
    patient = update.update_from_http.__kwdefaults__
    monkeypatch.setitem(patient, "manners", replace(fetching.POLITE, timeout=0.3))
    monkeypatch.setitem(patient, "sleep", slept.append)
    return slept


def run(*words):
    return CliRunner().invoke(app, ["data", "update", *map(str, words)], env={"COLUMNS": "100"})


def stored():
    return len(qb.load("EURUSD", "M1"))


def test_missing_days_are_fetched_and_the_next_update_asks_for_nothing():
    with serving() as (url, asked):
        shown = run(*DAYS, "--url", url)
        again = run(*DAYS, "--url", url)
    assert shown.exit_code == again.exit_code == 0, shown.output
    assert "EURUSD M1: 3 days asked for, 0 of them empty, 4,320 bars are new" in shown.stdout
    assert "EURUSD M1: 0 days asked for" in again.stdout
    assert len(asked) == 3
    assert stored() == 4320


@pytest.mark.parametrize(
    ("fault", "wait"),
    [("slow", 1.0), ("broken", 1.0), ("cut", 1.0), ("zeros", 1.0), (429, 7.0), (500, 7.0), (503, 7.0)],
)
def test_a_bad_answer_is_waited_for_and_asked_again(fault, wait, waits):
    with serving(fault) as (url, asked):
        shown = run(*DAYS, "--url", url)
    assert shown.exit_code == 0, shown.output
    assert len(asked) == 4
    assert waits == [wait, 0.2, 0.2], "once for the server's sake, then the pause between two days"
    assert stored() == 4320


def test_a_day_that_is_not_there_is_told_and_no_error():
    with serving(404) as (url, _):
        shown = run(*DAYS, "--url", url)
    assert shown.exit_code == 0
    assert "3 days asked for, 1 of them empty, 2,880 bars are new" in shown.stdout


def test_a_server_that_stays_broken_is_one_sentence_and_the_next_update_resumes():
    with serving(None, *["cut"] * 5) as (url, asked):
        shown = run(*DAYS, "--url", url)
        assert shown.exit_code == 1
        assert "gave no whole answer in 5 tries" in shown.output
        assert "Traceback" not in shown.output
        assert stored() == 1440
        asked.clear()
        assert run(*DAYS, "--url", url).exit_code == 0
    assert asked == [f"/EURUSD/2019/01/{day:02d}/BID_candles_min_1.bi5" for day in (5, 6)]
    assert stored() == 4320


def test_an_update_is_one_json_object_for_a_machine():
    with serving() as (url, _):
        found = json.loads(run(*DAYS, "--url", url, "--json").stdout)
    assert (found["asked"], found["empty"], found["rows"], found["dataset"]["stored"]) == (3, 0, 4320, 4320)


def test_progress_is_drawn_where_there_is_a_terminal(monkeypatch):
    from rich.console import Console

    monkeypatch.setattr(views, "console", lambda: Console(force_terminal=True, width=100))
    with serving() as (url, _):
        shown = run(*DAYS, "--url", url)
    assert "3/3" in shown.stdout


TERMINAL = """
import numpy as np

RATE = [("time", "i8"), ("open", "f8"), ("high", "f8"), ("low", "f8"), ("close", "f8"),
        ("tick_volume", "u8"), ("spread", "i4"), ("real_volume", "u8")]

def copy_rates_range(symbol, timeframe, start, end):
    hours = np.arange(-(-int(start.timestamp()) // 3600), int(end.timestamp()) // 3600 + 1)
    hours = hours[(hours // 24 + 3) % 7 < 5]
    rows = np.zeros(len(hours), RATE)
    rows["time"], rows["close"] = hours * 3600, 1.14 + np.round(np.sin(hours) * 0.002, 5)
    rows["open"] = rows["close"]
    rows["high"], rows["low"] = rows["close"] + 0.0007, rows["close"] - 0.0007
    rows["tick_volume"], rows["spread"] = 100 + hours % 11, 3
    return rows
"""


def test_a_terminal_is_a_function_of_yours(tmp_path):
    (tmp_path / "terminal.py").write_text(TERMINAL)
    words = ("EURUSD", "--from", "2026-01-05", "--rates", "terminal.py:copy_rates_range", "--timeframe", "H1")
    shown = run(*words, "--clock", "America/New_York+7")
    assert shown.exit_code == 0, shown.output
    assert "EURUSD H1: 1 pieces asked for, 0 of them empty" in shown.stdout
    assert "name the clock of the terminal's server" in run(*words).output
    refused = run("EURUSD", "--from", "2026-01-05", "--rates", "none.py:f", "--clock", "UTC")
    assert refused.exit_code == 1
    assert "there is no Python file none.py" in refused.output
