"""Signals: what a strategy may return, and the two helpers against loops too simple to be wrong."""

import pickle
from copy import copy, deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import SignalError

FLAGS = st.lists(st.tuples(*[st.booleans()] * 4), max_size=40)


def test_scalars_are_spread_over_the_bars():
    signals = qb.Signals(1.0, stop=0.01, enter=True, hold=5).over(4, 0)
    assert signals.target.tolist() == [1.0] * 4
    assert signals.stop.tolist() == [0.01] * 4
    assert signals.enter.tolist() == [True] * 4
    assert signals.hold.tolist() == [5.0] * 4
    assert signals.take is None


def test_series_lists_and_whole_numbers_are_taken_by_position():
    series = pd.Series([0, 1, -1], index=[9, 8, 7])
    signals = qb.Signals(series, stop=[1, 2, 3], enter=pd.Series([True, False, True])).over(3, 0)
    assert signals.target.tolist() == [0.0, 1.0, -1.0]
    assert signals.stop.tolist() == [1.0, 2.0, 3.0]
    assert signals.enter.tolist() == [True, False, True]
    assert (signals.target.dtype, signals.enter.dtype) == (np.float64, np.bool_)


@pytest.mark.parametrize(
    ("value", "what"), [(np.nan, "is NaN"), (1.001, r"is 1\.001"), (-2.0, r"is -2\.0"), (np.inf, "is inf")]
)
def test_a_target_outside_its_range_is_refused_with_the_first_bar(value, what):
    with pytest.raises(SignalError, match=rf"target must be finite and in \[-1, 1\].*; 1 bars are not, bar 2 {what}"):
        qb.Signals(np.array([0.0, 1.0, value, -1.0])).over(4, 0)


def test_the_limits_of_the_target_are_allowed():
    assert qb.Signals(np.array([-1.0, 1.0, 0.0, -0.0])).over(4, 0).target.tolist() == [-1, 1, 0, 0]


@pytest.mark.parametrize("name", ["target", "stop", "take", "trail", "breakeven", "hold", "enter"])
def test_a_wrong_length_is_refused_by_name(name):
    values = {"target": np.zeros(5), name: np.ones(3)}
    with pytest.raises(SignalError, match=rf"{name} has shape \(3,\), the bars have 5"):
        qb.Signals(**values).over(5, 0)
    with pytest.raises(SignalError, match=rf"{name} has shape \(5, 1\)"):
        qb.Signals(**{**values, name: np.ones((5, 1))}).over(5, 0)


@pytest.mark.parametrize("name", ["stop", "take", "trail", "breakeven", "hold"])
@pytest.mark.parametrize("value", [0.0, -0.1, np.inf, -np.inf])
def test_a_distance_that_is_not_positive_is_refused(name, value):
    distances = np.array([0.1, np.nan, value, 0.1])
    with pytest.raises(SignalError, match=rf"{name} must be .* or NaN; bar 2 has {value}"):
        qb.Signals(1.0, **{name: distances}).over(4, 0)


def test_no_distance_at_all_is_no_level():
    assert np.isnan(qb.Signals(1.0, stop=np.full(3, np.nan)).over(3, 0).stop).all()


def test_a_distance_where_nothing_is_wanted_is_read_by_nobody():
    # A market that has not moved has an ATR of 0: no trade, no level, no reason to stop a search.
    signals = qb.Signals(np.array([0.0, 0.0, 1.0]), stop=np.array([0.0, 0.0, 0.1]))
    assert signals.over(3, 0).target.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("value", ["long", [object()], [[1.0], [1.0, 2.0]]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(SignalError, match="target must be numbers, found"):
        qb.Signals(value)


def test_warm_up_bars_are_flat_whatever_they_hold():
    target, enter = np.array([np.nan, 7.0, 1.0, -1.0]), np.array([True, True, True, False])
    stop = np.array([-1.0, 0.0, 0.1, 0.1])
    given_signals = qb.Signals(target, stop=stop, enter=enter)
    signals = given_signals.over(4, 2)
    assert signals.target.tolist() == [0.0, 0.0, 1.0, -1.0]
    assert signals.enter.tolist() == [False, False, True, False]
    assert enter[0]  # the strategy's own arrays are left alone
    assert np.isnan(given_signals.target[0])


@pytest.mark.parametrize("warmup", [5, 99])
def test_a_history_inside_the_warm_up_is_flat(warmup):
    assert qb.Signals(1.0, enter=True, stop=0.1).over(5, warmup).target.tolist() == [0.0] * 5


@pytest.mark.parametrize("length", [0, 1])
def test_the_shortest_histories_are_fine(length):
    assert qb.Signals(np.zeros(length), stop=0.1).over(length, 10).target.shape == (length,)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_when_is_long_minus_short(flags):
    long, short = (np.array([pair[i] for pair in flags], dtype=bool) for i in (0, 1))
    target = qb.Signals.when(long=long, short=short).target
    assert target.tolist() == [1.0 * a - 1.0 * b for a, b in flags]
    assert target.dtype == np.float64


def test_when_takes_series_and_one_side_only_and_passes_the_exits_on():
    signals = qb.Signals.when(long=pd.Series([True, False]), stop=0.1, hold=3)
    assert signals.target.tolist() == [1.0, 0.0]
    assert (float(signals.stop), float(signals.hold)) == (0.1, 3.0)
    assert qb.Signals.when(short=np.array([True, False])).target.tolist() == [-1.0, 0.0]


def test_signals_of_flags_are_as_any_when_copied_stored_or_changed():
    flags = np.array([True, False, True])
    for way in (copy, deepcopy, lambda one: pickle.loads(pickle.dumps(one)), lambda one: replace(one, stop=2.0)):
        assert way(qb.Signals.when(long=flags)).target.tolist() == [1.0, 0.0, 1.0]
    signals = qb.Signals.when(long=flags)
    flags[0] = False
    signals.target[2] = 0.5
    assert signals.target.tolist() == signals.narrow_target.tolist() == [1.0, 0.0, 0.5]
    assert qb.Signals.when(long=True).spread_over(2).target.tolist() == [1.0, 1.0]


def test_signals_have_no_other_names():
    for signals in (qb.Signals.when(long=np.array([True])), qb.Signals(np.zeros(1))):
        with pytest.raises(AttributeError, match="'Signals' object has no attribute 'traget'"):
            _ = signals.traget


@pytest.mark.parametrize("flags", [np.array([1.0, 0.0]), np.array([1, 0]), np.array([None, True])])
def test_flags_that_are_no_booleans_are_refused(flags):
    with pytest.raises(SignalError, match="must be True or False per bar, found dtype"):
        qb.Signals.when(long=flags)
    with pytest.raises(SignalError, match="an event must be True or False per bar"):
        qb.Signals.from_entries(flags)


def slow_from_entries(events):
    """Walk the bars with one state, as a person would."""
    state, path = 0.0, []
    for enter_long, exit_long, enter_short, exit_short in events:
        buys = enter_long and not exit_long and not enter_short
        sells = enter_short and not exit_short and not enter_long
        if buys:
            state = 1.0
        elif sells:
            state = -1.0
        elif (state > 0 and exit_long and not enter_long) or (state < 0 and exit_short and not enter_short):
            state = 0.0
        path.append(state)
    return path


@given(FLAGS)
def test_from_entries_is_the_walk_through_the_bars(events):
    columns = [np.array([bar[i] for bar in events], dtype=bool) for i in range(4)]
    assert qb.Signals.from_entries(*columns).target.tolist() == slow_from_entries(events)


@given(FLAGS, st.integers(0, 40))
def test_from_entries_does_not_see_the_future(events, cut):
    columns = [np.array([bar[i] for bar in events], dtype=bool) for i in range(4)]
    whole, prefix = (qb.Signals.from_entries(*(c[:n] for c in columns)).target for n in (len(events), cut))
    assert prefix.tolist() == whole[:cut].tolist()


def test_from_entries_takes_scalars_and_one_side_and_passes_levels_on():
    signals = qb.Signals.from_entries([False, True, False], enter=[False, True, False], stop=0.1)
    assert signals.target.tolist() == [0.0, 1.0, 1.0]
    assert signals.enter.tolist() == [False, True, False]
    assert float(signals.stop) == 0.1
