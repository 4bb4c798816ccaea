import numpy as np
import pytest

import quantbench as qb
from quantbench.config import settings
from quantbench.core.errors import DataError
from quantbench.data import lake
from quantbench.data.frames import frame_of
from quantbench.data.manifest import Dataset, Origin
from quantbench.data.together import load_many


@pytest.fixture
def stocked(tmp_path, monkeypatch, now):
    """EURUSD from the sample; BTCUSD of the same hours, some of them missing."""
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    frame = frame_of(qb.load("EURUSD", "H1", "2017-03-01", "2017-03-03"))
    holed = frame.filter([row not in {10, 11, 30} for row in range(len(frame))])
    lake.append(holed, Dataset("BTCUSD", "H1", settings().lake), origin=Origin(source="x"), now=now)


def test_missing_bars_are_an_error_that_counts_and_names_the_first(stocked):
    with pytest.raises(DataError, match=r"of 48 H1 bars .*\(BTCUSD 3\), the first BTCUSD at 2017-03-01 10:00 UTC; say"):
        load_many(["EURUSD", "BTCUSD"], "H1", "2017-03", "2017-03-03")


def test_drop_keeps_the_moments_all_have(stocked):
    both = load_many(["EURUSD", "BTCUSD"], "H1", "2017-03", "2017-03-03", missing="drop")
    assert list(both) == ["EURUSD", "BTCUSD"]
    assert [len(bars) for bars in both.values()] == [45, 45]
    np.testing.assert_array_equal(both["EURUSD"].time, both["BTCUSD"].time)
    np.testing.assert_array_equal(both["EURUSD"].close, both["BTCUSD"].close)


def test_fill_lets_the_others_stand_still(stocked):
    both = load_many(["EURUSD", "BTCUSD"], "H1", "2017-03", "2017-03-03", missing="fill")
    filled, whole = both["BTCUSD"], both["EURUSD"]
    np.testing.assert_array_equal(filled.time, whole.time)
    for name in ("open", "high", "low", "close"):
        assert (getattr(filled, name)[10:12] == whole.close[9]).all()
    assert list(filled.volume[9:13] > 0) == [True, False, False, True]
    assert np.isnan(filled.spread[10])
    assert filled.close[12] == whole.close[12]


def test_bars_that_all_have_need_no_policy():
    both = load_many(["SP500", "NASDAQ"], "D1", "2017", "2018")
    assert both["SP500"].version == qb.load("SP500", "D1", "2017", "2018").version


@pytest.mark.parametrize(
    ("names", "policy", "message"),
    [
        (["EURUSD", "EURUSD"], "error", "name each symbol once"),
        ([], "drop", "name each symbol once, found none"),
        (["EURUSD"], "ignore", "missing must be one of error, drop, fill, found 'ignore'"),
        (["EURUSD", "BTCUSD"], "drop", "EURUSD, BTCUSD have no D1 bar at a common time"),
    ],
)
def test_what_cannot_be_put_together_says_why(names, policy, message):
    with pytest.raises(DataError, match=message):
        load_many(names, "D1", missing=policy)
