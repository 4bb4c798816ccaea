"""Strategies by name and as JSON."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.strategies import ALL, from_json, name_of, strategy_named, to_json


@dataclass(frozen=True)
class Holder(qb.Strategy):
    """Holds any value, to see what survives."""

    value: Any = None


def import_path(monkeypatch):
    """Make this test module importable under a name, as one of the user's own would be."""
    import sys
    from types import ModuleType

    own = ModuleType("own_strategies")
    own.Holder = Holder
    own.number = 3
    monkeypatch.setitem(sys.modules, "own_strategies", own)
    monkeypatch.setattr(Holder, "__module__", "own_strategies")


def test_every_listed_strategy_is_found_by_its_name():
    assert [listed.__name__ for listed in ALL] == ["MaCross", "RsiReversion", "DonchianBreakout"]
    for listed in ALL:
        assert strategy_named(listed.__name__) is listed
        assert name_of(listed) == listed.__name__


def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(ParamsError, match=r"unknown strategy 'macros': did you mean MaCross\?"):
        strategy_named("macros")


def test_a_strategy_of_your_own_is_found_by_module_and_class(monkeypatch):
    import_path(monkeypatch)
    assert strategy_named("own_strategies:Holder") is Holder
    assert name_of(Holder) == "own_strategies:Holder"
    assert from_json(to_json(Holder(5))) == Holder(5)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("no_such_module:X", "No module named 'no_such_module'"),
        ("own_strategies:Absent", "has no attribute 'Absent'"),
        ("own_strategies:number", "is no strategy but 3"),
        ("builtins:dict", "is no strategy but <class 'dict'>"),
        (":MaCross", "Empty module name"),
    ],
)
def test_an_import_path_that_leads_nowhere_is_refused(monkeypatch, name, why):
    import_path(monkeypatch)
    with pytest.raises(ParamsError, match=why):
        strategy_named(name)


def test_a_namesake_of_a_listed_strategy_keeps_its_own_name():
    own = type("MaCross", (qb.MaCross,), {"__module__": "own_strategies", "__qualname__": "MaCross"})
    assert name_of(own) == "own_strategies:MaCross"


def test_a_strategy_made_inside_a_function_cannot_be_saved():
    @dataclass(frozen=True)
    class Local(qb.Strategy):
        pass

    with pytest.raises(ParamsError, match="made inside a function; define it in a module"):
        to_json(Local())


@pytest.mark.parametrize("value", [3, -0.1, 1e-300, 0.1 + 0.2, True, None, "text", (1, (2.5, "x")), ()])
def test_plain_params_survive_exactly(monkeypatch, value):
    import_path(monkeypatch)
    again = from_json(to_json(Holder(value)))
    assert again.value == value
    assert type(again.value) is type(value)


def test_numpy_params_become_plain(monkeypatch):
    import_path(monkeypatch)
    assert from_json(to_json(Holder(np.int64(7)))) == Holder(7)
    assert from_json(to_json(Holder(np.float64(0.1)))) == Holder(0.1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [1], {"a": 1}, object(), (1, float("nan"))])
def test_params_that_json_cannot_hold_are_refused(monkeypatch, value):
    import_path(monkeypatch)
    with pytest.raises(ParamsError, match="value cannot be saved"):
        to_json(Holder(value))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not the JSON of a strategy"),
        ("[]", "not the JSON of a strategy, found"),
        ('{"strategy": "MaCross", "params": {}}', "it holds schema, strategy and params"),
        ('{"schema": 9, "strategy": "MaCross", "params": {}}', "schema 9, this version reads 1"),
        ('{"schema": 1, "strategy": "MaCros", "params": {}}', "did you mean MaCross"),
        ('{"schema": 1, "strategy": "MaCross", "params": {"fats": 3}}', "did you mean fast"),
        ('{"schema": 1, "strategy": "MaCross", "params": {"fast": 300}}', "fast must be shorter than slow"),
    ],
)
def test_json_that_is_no_strategy_is_refused(text, why):
    with pytest.raises(ParamsError, match=why):
        from_json(text)


def test_json_may_leave_out_params_that_have_defaults():
    text = json.dumps({"schema": 1, "strategy": "MaCross", "params": {"fast": 10}})
    assert from_json(text) == qb.MaCross(fast=10)
