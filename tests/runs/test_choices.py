"""Words into strategies, params, spaces and sizes."""

import subprocess
import sys

import cloudpickle
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError, RunError
from quantbench.runs.choices import find_strategy, params_of, sizing_of, space_of

OWN = """
from dataclasses import dataclass
import quantbench as qb

@dataclass(frozen=True)
class Mine(qb.Strategy):
    fast: int = qb.param(3, among=(2, 3))
    long_only: bool = True
    average: str = "sma"
"""


def test_a_listed_strategy_is_found_by_name():
    assert find_strategy("MaCross") is qb.MaCross


def test_a_misspelt_strategy_gets_a_hint():
    with pytest.raises(RunError, match=r"unknown strategy 'macros': did you mean MaCross\?"):
        find_strategy("macros")


def test_an_own_strategy_comes_from_its_file(tmp_path):
    (tmp_path / "random.py").write_text(OWN)
    mine = find_strategy(f"{tmp_path}/random.py:Mine")
    assert mine().params == {"fast": 3, "long_only": True, "average": "sma"}
    import random

    assert hasattr(random, "Random")


def test_an_own_strategy_reaches_worker_processes(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    mine = find_strategy(f"{tmp_path}/own.py:Mine")
    sent = cloudpickle.dumps(mine(fast=2))
    code = f"import pickle; print(pickle.loads({sent!r}).params['fast'])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "2\n"


def test_an_own_strategy_comes_from_a_module():
    assert find_strategy("quantbench.strategies:MaCross") is qb.MaCross


@pytest.mark.parametrize(
    ("source", "called", "message"),
    [
        (OWN, "Mne", r"has no strategy 'Mne': did you mean Mine\?"),
        (OWN, "dataclass", "has no strategy 'dataclass'"),
        ("1 / 0", "Mine", "cannot be imported: ZeroDivisionError"),
        ("def", "Mine", "cannot be imported: SyntaxError"),
        (None, "Mine", "there is no file"),
    ],
)
def test_a_file_without_that_strategy_is_an_error(tmp_path, source, called, message):
    if source is not None:
        (tmp_path / "own.py").write_text(source)
    with pytest.raises(RunError, match=message):
        find_strategy(f"{tmp_path}/own.py:{called}")


def test_a_missing_module_is_an_error():
    with pytest.raises(RunError, match=r"cannot import nowhere\.at_all"):
        find_strategy("nowhere.at_all:Mine")


def test_params_are_read_as_their_fields_are_annotated(tmp_path):
    (tmp_path / "own.py").write_text(OWN)
    mine = find_strategy(f"{tmp_path}/own.py:Mine")
    assert params_of(mine, {"fast": "2", "long_only": "False", "average": "20"}) == {
        "fast": 2,
        "long_only": False,
        "average": "20",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"fats": "2"}, r"MaCross has no param 'fats': did you mean fast\?"),
        ({"fast": "2.5"}, "fast must be a whole number, found '2.5'"),
        ({"stop_atr": "wide"}, "stop_atr must be a number, found 'wide'"),
    ],
)
def test_a_param_that_does_not_fit_is_an_error(words, message):
    with pytest.raises(ParamsError, match=message):
        params_of(qb.MaCross, words)


def test_a_space_is_lists_and_ranges():
    space = space_of(qb.MaCross, {"fast": "5:60:5", "stop_atr": "2,3.5"})
    assert space["fast"] == tuple(range(5, 61, 5))
    assert space["stop_atr"] == (2.0, 3.5)
    assert list(space) == ["fast", "stop_atr"]
    assert space_of(qb.MaCross, {}) == qb.MaCross.space()


def test_a_range_of_fractions_has_no_rounding_dust():
    assert space_of(qb.MaCross, {"stop_atr": "0.1:0.5:0.1"})["stop_atr"] == (0.1, 0.2, 0.3, 0.4, 0.5)


@pytest.mark.parametrize("text", ["5:1", "1:5:0", "1:5:-1", "1:2:3:4"])
def test_a_range_that_leads_nowhere_is_an_error(text):
    with pytest.raises(ParamsError, match="a range is from:to or from:to:step"):
        space_of(qb.MaCross, {"fast": text})


def test_sizings_by_word():
    assert sizing_of("lots:0.1") == qb.FixedLots(0.1)
    assert sizing_of("equity:2") == qb.PercentEquity(2.0)
    assert sizing_of("volatility:0.1") == qb.VolatilityTarget(0.1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("risks:0.01", r"unknown sizing 'risks': did you mean risk\?"),
        ("risk", "sizing risk needs a number, found '': write risk:0.01"),
        ("risk:-1", "fraction must be above 0"),
    ],
)
def test_a_sizing_that_is_none_is_an_error(words, message):
    with pytest.raises(ParamsError, match=message):
        sizing_of(words)
