"""Versions held fast: for as long as asked, by all that loads meanwhile, and no longer."""

import pytest

import quantbench as qb
from quantbench.core.errors import DataError
from quantbench.data.pins import SAMPLE, pinned, pins


def test_pins_hold_inside_and_end_with_what_asked_for_them():
    assert pins() == {}
    with pinned({"EURUSD H1": "a"}):
        with pinned({"EURUSD H1": "b"}):
            assert pins() == {"EURUSD H1": "b"}
        assert pins() == {"EURUSD H1": "a"}
    assert pins() == {}


def test_pins_end_with_an_error_too():
    with pytest.raises(DataError), pinned({"EURUSD H1": "0" * 16}):
        qb.load("EURUSD", "H1")
    assert pins() == {}


def test_a_version_that_is_not_there_is_an_error_and_never_another_one():
    with pinned({"EURUSD H1": "0" * 16}):
        for timeframe in ("H1", "D1"):
            with pytest.raises(DataError, match="EURUSD H1 is not in the lake"):
                qb.load("EURUSD", timeframe)
        assert len(qb.load("BTCUSD", "H1"))
    with pinned({"EURUSD H1": SAMPLE}):
        assert len(qb.load("EURUSD", "H1"))


def test_pins_that_cannot_be_read_are_said_not_ignored(monkeypatch):
    for text in ("{", '["EURUSD H1"]'):
        monkeypatch.setenv("QUANTBENCH_PINS", text)
        with pytest.raises(DataError, match="must be versions by dataset as JSON"):
            qb.load("EURUSD", "H1")
