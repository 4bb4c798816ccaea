"""Snapshots of a broker's specifications: kept, read back, compared, never filled in."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime

import pytest

from quantbench.core.errors import DataError
from quantbench.data.broker import diff, read_snapshot, snapshot, write_snapshot
from quantbench.data.instruments import instrument

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EURUSD, XAUUSD = instrument("EURUSD"), instrument("XAUUSD")


def taken(*facts, **terms):
    terms = {"broker": "Fake", "server_clock": "Europe/Athens", "now": NOW} | terms
    return snapshot(lambda: [asdict(one) for one in facts], **terms)


def test_a_snapshot_is_read_back_as_it_was(tmp_path):
    before = taken(EURUSD, XAUUSD, suffix=".r")
    file = write_snapshot(before, tmp_path / "fake.json")
    assert read_snapshot(file) == before
    assert json.loads(file.read_text("utf-8"))["schema"] == 1
    assert before.taken == "2026-01-02T03:04:05+00:00"


def test_a_missing_fact_is_asked_for_not_assumed():
    facts = asdict(EURUSD)
    del facts["contract_size"]
    with pytest.raises(DataError, match="instrument EURUSD lacks contract_size: none is assumed"):
        snapshot(lambda: [facts], broker="Fake", server_clock="UTC", now=NOW)


@pytest.mark.parametrize(
    ("facts", "message"), [((), "gave no specifications"), ((EURUSD, EURUSD), "EURUSD more than once")]
)
def test_none_or_twice_the_same_is_refused(facts, message):
    with pytest.raises(DataError, match=message):
        taken(*facts)


def test_a_time_without_zone_is_refused():
    with pytest.raises(DataError, match="must know its zone"):
        taken(EURUSD, now=NOW.replace(tzinfo=None))


def test_the_difference_is_every_fact_that_changed_and_no_other():
    before = taken(EURUSD, XAUUSD)
    after = taken(replace(EURUSD, swap_long_points=-7.5, leverage=20.0), suffix=".r")
    assert [(one.symbol, one.fact, one.before, one.after) for one in diff(before, after)] == [
        ("", "suffix", "", ".r"),
        ("EURUSD", "leverage", 30.0, 20.0),
        ("EURUSD", "swap_long_points", -6.0, -7.5),
        ("XAUUSD", "symbol", "there", None),
    ]
    assert diff(before, before) == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 1}', '{"schema": 2}'])
def test_a_file_that_is_no_snapshot_is_refused(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"no snapshot of a broker|has schema 2"):
        read_snapshot(file)
