"""Events against loops too simple to be wrong."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from quantbench.indicators.events import NEVER, bar_before, bars_since, crossed_above, crossed_below

VALUES = st.lists(st.sampled_from([np.nan, 1.0, 2.0, 3.0]), max_size=30).map(np.array)


@given(VALUES)
def test_a_cross_is_a_bar_beyond_the_level_after_one_that_was_not(values):
    above = [t > 0 and values[t] > 2 and values[t - 1] <= 2 for t in range(len(values))]
    below = [t > 0 and values[t] < 2 and values[t - 1] >= 2 for t in range(len(values))]
    assert crossed_above(values, 2.0).tolist() == above
    assert crossed_below(values, 2.0).tolist() == below


@given(st.lists(st.booleans(), max_size=30))
def test_bars_since_counts_from_the_last_event(events):
    expected, count = [], NEVER
    for event in events:
        count = 0 if event else count if count == NEVER else count + 1
        expected.append(count)
    assert bars_since(np.array(events, dtype=bool)).tolist() == expected


def test_the_bar_before_the_first_is_not_a_number():
    np.testing.assert_array_equal(bar_before(np.array([1.0, 2.0])), [np.nan, 1.0])
    assert bar_before(np.array([])).size == 0
