"""The worked cases of the acceptance file, replayed through the public functions."""

import json
from pathlib import Path

import pytest

from quantbench.engine.metrics import REFERENCE

FILE = Path(__file__).resolve().parents[3] / "shared" / "metrics" / "reference.json"
pytestmark = pytest.mark.skipif(not FILE.exists(), reason="the acceptance file is not beside this checkout")


def acceptance():
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {"cases": [], "series": {}}


def cases():
    return [case for case in acceptance()["cases"] if case["metric"] in REFERENCE]


@pytest.fixture(scope="module")
def series():
    return acceptance()["series"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case["id"])
def test_a_worked_case_comes_out_within_its_tolerance(case, series):
    inputs = dict(case["inputs"])
    if "series" in inputs:
        inputs["series"] = series[inputs["series"]]
    agree(REFERENCE[case["metric"]](**inputs), case["expected"], case["tolerance"]["abs"])


def agree(found, expected, tolerance):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        found, expected = [found[name] for name in expected], list(expected.values())
    if isinstance(expected, list):
        for one, other in zip(found, expected, strict=True):
            agree(one, other, tolerance)
    elif expected is None:
        assert found is None
    else:
        assert abs(found - expected) <= tolerance
