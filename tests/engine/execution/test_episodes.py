"""EXECUTION 2: when a decision is known, when an episode starts and ends."""

import numpy as np
import pytest
from stage import bars_of, hour, play, shown, skips, the_trade

import quantbench as qb
from quantbench.core.errors import ExecutionError

RISING = [(100.0, 100.5, 99.5, 100.2), 101.0, (102.0, 102.9, 101.9, 102.7), (103.0, 103.5, 102.5, 103.1), 104.0, 105.0]


def test_a_decision_at_a_close_fills_at_the_next_open(engine):
    # Decided at the close of bar 1, bought at the open of bar 2 (102); decided out at bar 3, sold at 104.
    result = play(engine, bars_of(RISING), [0, 1, 1, 0, 0, 0])
    trade = the_trade(result)
    assert (trade.entry_time, trade.exit_time, trade.bars) == (hour(2), hour(4), 2)
    assert (trade.entry_price, trade.exit_price, trade.reason) == (102.0, 104.0, "signal")
    assert trade.profit == pytest.approx(200.0)  # 2.00 x 100 units
    # Marked at the closes 102.7 and 103.1 while it is held.
    assert result.equity.tolist() == pytest.approx([10_000, 10_000, 10_070, 10_110, 10_200, 10_200])
    assert result.position.tolist() == [0, 0, 1, 1, 0, 0]


def test_the_first_bar_decides_but_never_fills(engine):
    result = play(engine, bars_of(RISING), [1, 0, 0, 0, 0, 0])
    assert shown(result, "entry_time", "entry_price", "exit_price") == [(hour(1), 101.0, 102.0)]
    assert result.equity.iloc[0] == 10_000


def test_the_decision_of_the_last_bar_is_never_filled(engine):
    result = play(engine, bars_of(RISING), [0, 0, 0, 0, 0, 1])
    assert result.trades.empty
    assert result.skipped.empty
    assert (result.equity == 10_000).all()


def test_a_decision_of_the_last_bar_but_one_opens_at_the_last_open_and_ends_at_its_close(engine):
    bars = bars_of([100.0, 100.0, (101.0, 103.0, 100.0, 102.0)])
    result = play(engine, bars, [0, 1, 1])
    trade = the_trade(result)
    assert (trade.entry_price, trade.exit_price, trade.reason, trade.bars) == (101.0, 102.0, "end_of_data", 0)


def test_one_bar_alone_trades_nothing(engine):
    result = play(engine, bars_of([100.0]), [1])
    assert result.trades.empty
    assert result.equity.tolist() == [10_000]


def test_no_bars_are_an_error_and_not_an_empty_result(engine):
    with pytest.raises(ExecutionError, match="no bars"):
        play(engine, bars_of([100.0])[:0], [])


def test_an_episode_starts_at_the_first_bar_after_the_warm_up(engine):
    # Bars 0 and 1 count as target 0, so bar 2's 1 is a change of sign: filled at the open of bar 3.
    result = play(engine, bars_of(RISING), [1, 1, 1, 1, 1, 1], warmup=2)
    assert shown(result, "entry_time", "entry_price") == [(hour(3), 103.0)]


def test_the_warm_up_may_hold_anything_and_its_enter_is_masked(engine):
    target = [np.nan, np.nan, 0, 1, 1, 1]
    result = play(engine, bars_of(RISING), target, warmup=2, enter=[True, True, False, False, False, False])
    assert shown(result, "episode", "entry_time") == [(0, hour(4))]


def test_decisions_before_trade_from_count_as_flat(engine):
    result = play(engine, bars_of(RISING), [1] * 6, trade_from="2024-01-02T02:00")
    assert shown(result, "entry_time", "entry_price") == [(hour(3), 103.0)]


def test_trade_from_masks_enter_too(engine):
    result = play(engine, bars_of(RISING), [1] * 6, trade_from="2024-01-02T02:00", enter=True)
    assert shown(result, "episode", "entry_time") == [(0, hour(3))]


def test_a_change_of_sign_reverses_at_one_open(engine):
    result = play(engine, bars_of(RISING), [1, 1, -1, -1, -1, -1])
    assert shown(result, "episode", "side", "entry_price", "exit_price", "reason", "profit") == [
        (0, 1, 101.0, 103.0, "reversal", pytest.approx(200.0)),
        (1, -1, 103.0, 105.0, "end_of_data", pytest.approx(-200.0)),
    ]
    assert result.position.tolist() == [0, 1, 1, -1, -1, 0]


def test_a_bar_of_zero_ends_an_episode_and_the_same_side_starts_another(engine):
    result = play(engine, bars_of(RISING), [1, 0, 1, 1, 1, 1])
    assert shown(result, "episode", "entry_time", "exit_time", "reason") == [
        (0, hour(1), hour(2), "signal"),
        (1, hour(3), hour(5), "end_of_data"),
    ]


# Bought at 100 with the stop at 99; bar 2 falls through it, and the target stays where it was.
STOPPED = [100.0, 100.0, (100.0, 100.2, 98.5, 99.5), 99.5, 99.5, 99.5, 99.5]


def test_after_a_stop_the_account_stays_flat_until_the_next_episode(engine):
    result = play(engine, bars_of(STOPPED), [1] * 7, stop=1.0)
    assert shown(result, "reason", "exit_time", "exit_price") == [("stop", hour(2), 99.0)]
    assert result.position.tolist() == [0, 1, 0, 0, 0, 0, 0]
    assert result.skipped.empty


def test_a_change_of_size_does_not_reopen_what_a_stop_closed(engine):
    result = play(engine, bars_of(STOPPED), [1, 1, 1, 0.5, 0.5, 1, 1], stop=1.0)
    assert len(result.trades) == 1
    assert result.skipped.empty


def test_enter_starts_an_episode_where_nothing_is_open(engine):
    enter = [False, True, False, True, False, False, False]  # bar 1: the position is open, so nothing happens
    result = play(engine, bars_of(STOPPED), [1] * 7, stop=1.0, enter=enter)
    assert shown(result, "episode", "entry_time", "entry_price", "stop") == [
        (0, hour(1), 100.0, 99.0),
        (1, hour(4), 99.5, 98.5),
    ]


def test_enter_on_the_very_bar_of_the_stop_starts_an_episode(engine):
    # At the close of bar 2 nothing is open any more.
    enter = [False, False, True, False, False, False, False]
    result = play(engine, bars_of(STOPPED), [1] * 7, stop=1.0, enter=enter)
    assert shown(result, "episode", "entry_time") == [(0, hour(1)), (1, hour(3))]


def test_enter_says_nothing_where_the_target_is_zero(engine):
    assert play(engine, bars_of(RISING), [0] * 6, enter=True).trades.empty


def test_enter_beside_a_change_of_sign_is_one_episode(engine):
    result = play(engine, bars_of(RISING), [0, 1, 1, 0, 0, 0], enter=[False, True, False, False, False, False])
    assert shown(result, "episode", "bars") == [(0, 2)]


def test_a_skipped_entry_is_not_retried_within_its_episode(engine):
    # PercentRisk needs a stop: bar 1 has none, bar 2 and later have one, and it is too late.
    stop = [np.nan, np.nan, 1.0, 1.0, 1.0, 1.0]
    result = play(engine, bars_of(RISING), [0, 1, 1, 1, 1, 1], sizing=qb.PercentRisk(0.01), stop=stop)
    assert result.trades.empty
    assert skips(result) == [(2, "no stop")]


def test_a_skipped_entry_counts_as_an_episode_and_enter_starts_the_next(engine):
    stop = [np.nan, np.nan, 1.0, 1.0, 1.0, 1.0]
    enter = [False, False, True, False, False, False]
    result = play(engine, bars_of(RISING), [0, 1, 1, 1, 1, 1], sizing=qb.PercentRisk(0.01), stop=stop, enter=enter)
    assert skips(result) == [(2, "no stop")]
    assert shown(result, "episode", "entry_time") == [(1, hour(3))]


def test_the_distances_are_those_of_the_bar_that_started_the_episode(engine):
    # Bar 0 decides 5, later bars 1: the stop stands at 100 - 5 whatever they say.
    bars = bars_of([100.0, 100.0, (100.0, 100.0, 96.0, 98.0), 98.0])
    result = play(engine, bars, [1] * 4, stop=[5.0, 1.0, 1.0, 1.0], take=[9.0, 1.0, 1.0, 1.0])
    trade = the_trade(result)
    assert (trade.stop, trade.take, trade.reason) == (95.0, 109.0, "end_of_data")


def test_hold_closes_after_that_many_bars(engine):
    # Entered on bar 1: 3 - 1 >= 2, so it leaves at the open of bar 3, and stays out.
    result = play(engine, bars_of(RISING), [1] * 6, hold=2)
    assert shown(result, "reason", "exit_time", "exit_price", "bars") == [("time", hour(3), 103.0, 2)]


def test_hold_is_that_of_the_start_and_not_of_later_bars(engine):
    result = play(engine, bars_of(RISING), [1] * 6, hold=[3, 1, 1, 1, 1, 1])
    assert shown(result, "reason", "bars") == [("time", 3)]


def test_a_signal_to_leave_comes_before_hold(engine):
    result = play(engine, bars_of(RISING), [1, 1, 0, 0, 0, 0], hold=2)
    assert shown(result, "reason", "exit_time") == [("signal", hour(3))]


def test_a_reversal_comes_before_hold_and_opens_the_other_side(engine):
    result = play(engine, bars_of(RISING), [1, 1, -1, -1, -1, -1], hold=2)
    assert shown(result, "side", "reason", "exit_time") == [(1, "reversal", hour(3)), (-1, "time", hour(5))]


def test_enter_at_the_close_before_hold_ends_it_comes_too_early(engine):
    # At the close of bar 2 the position is still open, so `enter` starts nothing; at bar 3 it does.
    early = play(engine, bars_of(RISING), [1] * 6, hold=2, enter=[False, False, True, False, False, False])
    late = play(engine, bars_of(RISING), [1] * 6, hold=2, enter=[False, False, False, True, False, False])
    assert shown(early, "entry_time") == [(hour(1),)]
    assert shown(late, "entry_time") == [(hour(1),), (hour(4),)]
