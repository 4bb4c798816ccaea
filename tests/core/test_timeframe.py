"""Timeframes by their MetaTrader names."""

import pytest

from quantbench.core.errors import DataError
from quantbench.core.timeframe import TIMEFRAMES, timeframe_ns

MINUTE = 60 * 10**9


@pytest.mark.parametrize(
    ("name", "minutes"), [("M1", 1), ("M15", 15), ("H1", 60), ("H4", 240), ("D1", 1440), ("W1", 10_080)]
)
def test_a_timeframe_lasts_what_its_name_says(name, minutes):
    assert timeframe_ns(name) == minutes * MINUTE


def test_the_21_timeframes_of_metatrader_are_there_in_order():
    lengths = list(TIMEFRAMES.values())
    assert len(lengths) == 21
    assert lengths == sorted(lengths)


@pytest.mark.parametrize(
    ("given", "hint"), [("h1", "did you mean H1"), ("1h", "unknown timeframe '1h'"), ("", "known: D1")]
)
def test_an_unknown_timeframe_is_refused_with_a_hint(given, hint):
    with pytest.raises(DataError, match=hint):
        timeframe_ns(given)
