"""What gates add up to."""

import json
import math

import pytest

from quantbench.core.evidence import Evidence, Gate


def gate(name, colour, *, hard=False, value=1.0):
    return Gate(name=name, value=value, threshold="", null="", colour=colour, says=f"{name} says so.", hard=hard)


def evidence(*gates):
    return Evidence(strategy="MaCross", params={"fast": 5}, markets=("EURUSD",), profile="full", gates=gates, facts={})


def test_one_red_gate_is_enough():
    found = evidence(gate("a", "green"), gate("b", "red"), gate("c", "red"))
    assert found.colour == "red"
    assert found.verdict == "Not this one: b says so. (2 gates are red.)"
    assert not found.promotable


def test_two_doubts_pass_with_a_reason_in_writing_and_three_do_not():
    two = evidence(gate("a", "amber"), gate("b", "amber"), gate("c", "green", hard=True))
    assert two.promotable
    assert two.verdict == "It passed. Give a reason in writing for each doubt: a, b."
    three = evidence(*(gate(name, "amber") for name in "abc"))
    assert (three.colour, three.promotable) == ("amber", False)
    assert three.verdict == "Too many doubts for money: a, b, c."


def test_a_hard_gate_that_was_not_run_holds_it_back():
    found = evidence(gate("a", "green"), gate("holdout", "not run", hard=True))
    assert found.colour == "amber"
    assert found.verdict == "Nothing speaks against it yet; not run: holdout."


def test_a_soft_gate_that_was_not_run_and_a_report_hold_nothing_back():
    assert evidence(gate("a", "green"), gate("b", "not run"), gate("c", "report")).promotable


def test_no_gates_are_no_evidence():
    assert not evidence().promotable


def test_evidence_is_json_with_its_schema_and_no_nan():
    held = json.loads(json.dumps(evidence(gate("a", "red", value=math.nan)).to_dict(), allow_nan=False))
    assert held["schema"] == 1
    assert held["gates"][0]["value"] is None


def test_a_gate_is_found_by_its_name():
    assert evidence(gate("a", "green"))["a"].colour == "green"
    with pytest.raises(KeyError, match="no gate 'b': a"):
        evidence(gate("a", "green"))["b"]
