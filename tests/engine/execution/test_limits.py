"""EXECUTION 7: limits block entries and additions, never exits."""

import numpy as np
import pytest
from stage import abc, bars_of, hour, play, shown, skips, the_trade

import quantbench as qb
from quantbench.core.limits import Blackout, Event

FLAT = [100.0] * 8
ALWAYS = [1] * 8
FLIP = [1, -1, 1, -1, 1, -1, 1, -1]  # an episode a bar, filled on bars 1 .. 7


def flips(engine, limits, bars=None, **others):
    return skips(play(engine, bars or bars_of(FLAT), FLIP, limits=limits, **others))


# --- rules of bars and clock -----------------------------------------------------------------------------------


def test_sessions_allow_hours_of_the_server_clock(engine):
    # 2024-01-02 00:00 UTC is 19:00 in New York and 02:00 on the server. 04:00-06:00 is bars 2 and 3.
    result = flips(engine, qb.Limits(sessions=("04:00-06:00",)))
    assert result == [(k, "sessions") for k in (1, 4, 5, 6, 7)]


def test_a_session_may_pass_midnight_and_there_may_be_several(engine):
    # Bars 1 .. 7 are 03:00 .. 09:00 on the server.
    limits = qb.Limits(sessions=("22:00-04:00", "08:00-09:00"))
    assert flips(engine, limits) == [(k, "sessions") for k in (2, 3, 4, 5, 7)]


def test_sessions_follow_the_server_through_summer_time(engine):
    # July: 00:00 UTC is 20:00 in New York and 03:00 on the server: 04:00-06:00 is bars 1 and 2.
    bars = bars_of(FLAT, start="2024-07-02T00:00")
    assert flips(engine, qb.Limits(sessions=("04:00-06:00",)), bars) == [(k, "sessions") for k in (3, 4, 5, 6, 7)]


def test_a_wide_spread_blocks_and_the_limit_itself_does_not(engine):
    bars = bars_of(FLAT, spread=[0, 10, 11, 10, 12, 0, 30, 0])
    assert flips(engine, qb.Limits(max_spread_points=10), bars) == [(k, "max_spread_points") for k in (2, 4, 6)]


def test_the_spread_that_counts_is_the_one_traded(engine):
    bars = bars_of(FLAT, spread=[0, 6, 6, 4, 4, 4, 4, 4])
    doubled = flips(engine, qb.Limits(max_spread_points=10), bars, costs=qb.Costs(spread_factor=2))
    assert doubled == [(1, "max_spread_points"), (2, "max_spread_points")]


def test_volatility_is_that_of_fourteen_closed_bars_in_percent(engine):
    # Ranges of 2.00 around 100: 2 % of the close. The first 14 bars know no range; bar 14 is the first blocked.
    rows = [(100.0, 101.0, 99.0, 100.0)] * 17
    target = [1, -1] * 8 + [1]
    result = play(engine, bars_of(rows), target, limits=qb.Limits(max_atr_percent=1.9))
    assert skips(result) == [(k, "max_atr_percent") for k in (14, 15, 16)]
    assert skips(play(engine, bars_of(rows), target, limits=qb.Limits(max_atr_percent=2.0))) == []


def test_the_range_of_the_bar_of_the_fill_is_not_known_yet(engine):
    rows = [100.0] * 14 + [(100.0, 150.0, 50.0, 100.0), 100.0]  # bar 14: 100 / 14 = 7 % once it has closed
    target = [0] * 13 + [1, -1, -1]
    result = play(engine, bars_of(rows), target, limits=qb.Limits(max_atr_percent=1.0))
    assert skips(result) == [(15, "max_atr_percent")]


def test_blackout_blocks_around_events_of_either_currency(engine):
    events = (
        Event("2024-01-02T02:30", "USD", "high"),  # +- 30 minutes: bars 2 (02:00) and 3 (03:00)
        Event("2024-01-02T05:00", "ABC", "High"),  # bar 5
        Event("2024-01-02T06:00", "JPY", "high"),  # not ours
        Event("2024-01-02T07:00", "USD", "low"),  # not asked for
    )
    limits = qb.Limits(blackout=Blackout(events))
    assert flips(engine, limits) == [(k, "blackout") for k in (2, 3, 5)]


def test_blackout_has_minutes_before_and_after(engine):
    events = (Event("2024-01-02T04:00", "USD", "medium"),)
    before = Blackout(events, impact=("medium",), before=120, after=0)
    after = Blackout(events, impact=("medium",), before=0, after=119)
    assert flips(engine, qb.Limits(blackout=before)) == [(k, "blackout") for k in (2, 3, 4)]
    assert flips(engine, qb.Limits(blackout=after)) == [(k, "blackout") for k in (4, 5)]


def test_a_decision_of_friday_expires_over_the_weekend(engine):
    times = ["2024-01-05T19:00", "2024-01-05T20:00", "2024-01-05T21:00", "2024-01-07T22:00", "2024-01-07T23:00"]
    bars = bars_of([100.0] * 5, times=times)
    result = play(engine, bars, [1, -1, 1, -1, -1], limits=qb.Limits(max_wait="2h"))
    # Friday's last close is 22:00; the Sunday open is 48 hours later. The exit of the short is not blocked.
    assert skips(result) == [(3, "max_wait")]
    assert shown(result, "side", "reason") == [(1, "reversal"), (-1, "reversal"), (-1, "end_of_data")]


def test_max_wait_counts_from_the_close_of_the_decision(engine):
    times = ["2024-01-02T00:00", "2024-01-02T03:00", "2024-01-02T04:00"]  # closed at 01:00, filled at 03:00
    for wait, expected in (("2h", []), ("119min", [(1, "max_wait")])):
        bars = bars_of([100.0] * 3, times=times)
        assert skips(play(engine, bars, [1, 1, 1], limits=qb.Limits(max_wait=wait))) == expected


# --- rules that remember -----------------------------------------------------------------------------------------


def test_max_trades_per_day_counts_until_the_trading_day_ends(engine):
    # Winter: the day ends at 22:00 UTC, bar 3. Two fills on bars 1 and 2, then two on bars 3 and 4.
    bars = bars_of(FLAT, start="2024-01-09T19:00")
    result = flips(engine, qb.Limits(max_trades_per_day=2), bars)
    assert result == [(k, "max_trades_per_day") for k in (5, 6, 7)]


def test_an_addition_counts_as_a_trade_and_is_blocked_like_one(engine):
    target = [0.2, 0.4, 0.6, 0.8, 0.6, 0.6, 0.6, 0.6]
    result = play(engine, bars_of(FLAT), target, limits=qb.Limits(max_trades_per_day=2))
    # 0.2 and 0.2 more; then 0.6 and 0.8 are blocked; 0.6 again, from 0.8: still blocked (0.4 are held).
    assert skips(result) == [(k, "max_trades_per_day") for k in (3, 4, 5)]
    assert result.position.max() == 0.4


def test_closing_lots_is_never_blocked(engine):
    limits = qb.Limits(max_trades_per_day=1)
    result = play(engine, bars_of(FLAT), [1, 1, 0.5, 0.5, 0, 0, 0, 0], limits=limits)
    assert shown(result, "lots", "reason") == [(0.5, "resize"), (0.5, "signal")]
    assert result.skipped.empty


def test_a_daily_loss_blocks_until_the_next_trading_day(engine):
    # -150 by the stop in bar 1; the day ends at bar 3 (22:00 UTC).
    rows = [100.0, (100.0, 100.0, 98.0, 98.5), 98.5, 98.5, 98.5, 98.5]
    bars = bars_of(rows, start="2024-01-09T19:00")
    target = [1, -1, 1, -1, -1, -1]
    for limit in (150.0, 0.015):  # 1.5 % of 10,000
        result = play(engine, bars, target, stop=1.5, limits=qb.Limits(max_daily_loss=limit))
        assert skips(result) == [(2, "max_daily_loss")]
        assert shown(result, "side", "entry_time") == [
            (1, hour(1, "2024-01-09T19:00")),
            (1, hour(3, "2024-01-09T19:00")),
            (-1, hour(4, "2024-01-09T19:00")),
        ]
    for limit in (150.01, 0.0151):
        assert skips(play(engine, bars, target, stop=1.5, limits=qb.Limits(max_daily_loss=limit))) == []


def test_the_daily_loss_is_measured_from_the_equity_the_day_began_with(engine):
    # +1,000 on the first day; from 22:00 UTC (bar 3) the day starts at 11,000: 1 % is 110.
    rows = [100.0, (100.0, 110.0, 100.0, 110.0), 110.0, 110.0, (110.0, 110.0, 108.0, 109.0), 109.0, 109.0]
    bars = bars_of(rows, start="2024-01-09T19:00")
    lost = play(engine, bars, [1, 1, 1, 1, -1, 1, 1], limits=qb.Limits(max_daily_loss=0.009))
    # Marked at 109: -100 of 11,000 is 0.909 %.
    assert skips(lost) == [(5, "max_daily_loss"), (6, "max_daily_loss")]
    assert skips(play(engine, bars, [1, 1, 1, 1, -1, 1, 1], limits=qb.Limits(max_daily_loss=0.0095))) == []


def test_an_open_loss_counts_and_a_breach_lasts_for_the_day_even_if_it_is_made_good(engine):
    # -200 at the close of bar 1, made good at bar 2: the entry of bar 3 is blocked all the same.
    bars = bars_of([100.0, (100.0, 100.0, 98.0, 98.0), (98.0, 101.0, 98.0, 101.0), 101.0, 101.0])
    result = play(engine, bars, [1, 1, -1, -1, -1], limits=qb.Limits(max_daily_loss=200))
    assert skips(result) == [(3, "max_daily_loss")]


# Two losing longs, stopped on bars 1 and 3; the day ends at bar 6 (22:00 UTC).
LOSING = [100.0, (100.0, 100.0, 98.0, 99.0), 99.0, (99.0, 99.0, 97.0, 98.0), 98.0, 98.0, 98.0, 98.0]
ENTER = [False, False, True, False, True, True, True, False]


def test_losses_in_a_row_block_until_the_next_trading_day(engine):
    bars = bars_of(LOSING, start="2024-01-09T16:00")
    result = play(engine, bars, ALWAYS, stop=1.0, enter=ENTER, limits=qb.Limits(max_consecutive_losses=2))
    # Entries on bars 1 and 3 lose; 5 is blocked; the decision of bar 5 fills on bar 6, the next day.
    assert skips(result) == [(5, "max_consecutive_losses")]
    assert len(result.trades) == 3
    assert skips(play(engine, bars, ALWAYS, stop=1.0, enter=ENTER, limits=qb.Limits(max_consecutive_losses=3))) == []


def test_a_win_ends_the_row_of_losses(engine):
    rows = [
        100.0,
        (100.0, 100.0, 98.0, 99.0),
        99.0,
        (99.0, 101.5, 99.0, 100.0),
        100.0,
        (100.0, 100.0, 98.0, 99.0),
        99.0,
        99.0,
    ]
    enter = [False, False, True, False, True, False, True, False]
    result = play(
        engine, bars_of(rows), ALWAYS, stop=1.0, take=2.0, enter=enter, limits=qb.Limits(max_consecutive_losses=2)
    )
    assert [reason for (reason,) in shown(result, "reason")] == ["stop", "take", "stop", "end_of_data"]
    assert result.skipped.empty


def test_a_position_closed_in_parts_is_one_loss(engine):
    # Long 1 lot: half leaves at 99, half at 98: one losing position, so the second entry is allowed.
    bars = bars_of([100.0, 100.0, 99.0, 98.0, 98.0, 97.0, 97.0, 97.0])
    target = [1, 0.5, 0, 1, 0, 1, 1, 1]
    result = play(engine, bars, target, limits=qb.Limits(max_consecutive_losses=2))
    assert skips(result) == [(6, "max_consecutive_losses")]


def test_cooldown_counts_from_the_last_entry(engine):
    # Fills on bars 1, 4, 7: three hours apart; bars 2, 3, 5, 6 are too soon.
    assert flips(engine, qb.Limits(cooldown="3h")) == [(k, "cooldown") for k in (2, 3, 5, 6)]
    assert flips(engine, qb.Limits(cooldown="60min")) == []


def test_an_addition_is_held_by_the_cooldown_and_starts_it_anew(engine):
    target = [0.2, 0.4, 0.6, 0.8, 0.8, 0.8, 0.8, 0.8]
    result = play(engine, bars_of(FLAT), target, limits=qb.Limits(cooldown="2h"))
    assert skips(result) == [(2, "cooldown"), (4, "cooldown")]
    assert result.position.tolist() == [0, 0.2, 0.2, 0.6, 0.6, 0.6, 0.6, 0]


def test_max_drawdown_blocks_for_good(engine):
    # The peak is 10,000; -500 at the close of bar 1, later made good, and a new day begins at bar 3.
    rows = [100.0, (100.0, 100.0, 95.0, 95.0), (95.0, 101.0, 95.0, 101.0), 101.0, 101.0, 101.0]
    bars = bars_of(rows, start="2024-01-09T19:00")
    result = play(engine, bars, [1, 1, -1, 1, -1, -1], limits=qb.Limits(max_drawdown=0.05))
    assert skips(result) == [(k, "max_drawdown") for k in (3, 4, 5)]
    assert skips(play(engine, bars, [1, 1, -1, 1, -1, -1], limits=qb.Limits(max_drawdown=0.0501))) == []


def test_drawdown_is_measured_from_the_highest_equity(engine):
    # 11,000 at the close of bar 1, 10,450 at bar 2: 5 % below the peak and 4.5 % above the start.
    rows = [100.0, (100.0, 110.0, 100.0, 110.0), (110.0, 110.0, 104.5, 104.5), 104.5, 104.5]
    result = play(engine, bars_of(rows), [1, 1, -1, -1, -1], limits=qb.Limits(max_drawdown=0.05))
    assert skips(result) == [(3, "max_drawdown")]


def test_a_broken_drawdown_leaves_the_position_alone_without_flatten(engine):
    rows = [100.0, (100.0, 100.0, 95.0, 95.0), 95.0, 96.0]
    result = play(engine, bars_of(rows), [1] * 4, limits=qb.Limits(max_drawdown=0.05))
    assert shown(result, "reason") == [("end_of_data",)]


def test_flatten_closes_at_the_next_open(engine):
    rows = [100.0, (100.0, 100.0, 95.0, 95.0), 94.0, 96.0, 97.0]
    result = play(
        engine,
        bars_of(rows),
        [1, 1, 1, -1, -1],
        limits=qb.Limits(max_drawdown=0.05, flatten=True),
        costs=qb.Costs(slippage_points=2),
    )
    assert shown(result, "reason", "exit_time", "exit_price") == [("limit", hour(2), 93.98)]
    assert skips(result) == [(4, "max_drawdown")]


def test_flatten_comes_before_the_signal(engine):
    rows = [100.0, (100.0, 100.0, 95.0, 95.0), 94.0, 96.0]
    result = play(engine, bars_of(rows), [1, 0, 0, 0], limits=qb.Limits(max_drawdown=0.05, flatten=True))
    assert shown(result, "reason") == [("limit",)]


def test_after_flatten_a_gap_through_the_stop_is_still_a_stop(engine):
    # Broken at the close of bar 1 (95), bar 2 opens at 90 beyond the stop 92.
    rows = [100.0, (100.0, 100.0, 95.0, 95.0), 90.0, 90.0]
    result = play(engine, bars_of(rows), [1] * 4, stop=8.0, limits=qb.Limits(max_drawdown=0.05, flatten=True))
    assert shown(result, "reason", "exit_price") == [("stop", 90.0)]


# --- all of them -------------------------------------------------------------------------------------------------


def test_exits_are_never_blocked(engine):
    limits = qb.Limits(sessions=("03:00-04:00",), max_spread_points=5, max_wait="1s", max_trades_per_day=1)
    # Only bar 1 (03:00 on the server) may open; by signal and by stop it leaves outside the session.
    bars = bars_of(FLAT, spread=[0, 0, 99, 99, 99, 99, 99, 99])
    assert shown(play(engine, bars, [1, 0, 0, 0, 0, 0, 0, 0], limits=limits), "reason") == [("signal",)]
    rows = [100.0, 100.0, (100.0, 100.0, 98.0, 99.0), 99.0]
    assert shown(play(engine, bars_of(rows), [1] * 4, stop=1.0, limits=limits), "reason") == [("stop",)]


def test_a_blocked_entry_is_not_retried_within_its_episode(engine):
    result = play(engine, bars_of(FLAT), ALWAYS, limits=qb.Limits(sessions=("04:00-23:00",)))
    assert result.trades.empty
    assert skips(result) == [(1, "sessions")]


def test_a_reversal_whose_entry_is_blocked_still_closes(engine):
    result = play(engine, bars_of(FLAT), [1, -1, -1, -1, -1, -1, -1, -1], limits=qb.Limits(max_trades_per_day=1))
    assert shown(result, "side", "reason", "bars") == [(1, "reversal", 1)]
    assert skips(result) == [(2, "max_trades_per_day")]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"sessions": ("20:00-21:00",), "max_spread_points": 1}, "sessions"),
        ({"max_spread_points": 1, "max_atr_percent": 0.1}, "max_spread_points"),
        ({"max_atr_percent": 0.1, "max_wait": "1s"}, "max_atr_percent"),
        ({"blackout": Blackout((Event("2024-01-02T16:00", "USD", "high"),), before=0, after=600)}, "blackout"),
        ({"max_wait": "1s", "max_trades_per_day": 1}, "max_wait"),
        ({"max_trades_per_day": 1, "cooldown": "30d"}, "max_trades_per_day"),
        ({"cooldown": "30d", "max_drawdown": 0.001}, "cooldown"),
        ({"max_daily_loss": 10, "max_consecutive_losses": 1}, "max_daily_loss"),
        ({"max_consecutive_losses": 1, "cooldown": "30d"}, "max_consecutive_losses"),
        ({"max_drawdown": 0.001}, "max_drawdown"),
    ],
)
def test_the_first_rule_in_the_order_of_the_law_gives_its_name(engine, rules, expected):
    # Bar 15 loses 100 on a stop; the entry of bar 17 comes two hours late (the bar of 16:00 has no 17:00) with a
    # spread of 50 after fourteen bars of 2 %: every rule has cause to block it.
    rows = [(100.0, 101.0, 99.5, 100.0)] * 15 + [(100.0, 100.5, 98.9, 99.5), 99.5, 99.5, 99.5]
    times = [f"2024-01-02T{h:02d}:00" for h in (*range(17), 19, 20)]
    bars = bars_of(rows, times=times, spread=[0] * 16 + [50] * 3)
    first = play(engine, bars, [0] * 14 + [1] * 5, stop=1.0)  # without limits the stop is hit on bar 15
    assert the_trade(first).reason == "stop"
    enter = np.arange(19) == 16
    # The first entry must pass: rules that would block it too are asked from bar 16 on only.
    allowed = play(engine, bars, [0] * 14 + [1] * 5, stop=1.0, enter=enter, limits=qb.Limits(**rules))
    assert skips(allowed)[-1] == (17, expected)


def test_volume_comes_before_limits_and_limits_before_margin(engine):
    blocked = qb.Limits(sessions=("20:00-21:00",))
    bars = bars_of(FLAT, instrument=abc(volume_min=1.0))
    assert skips(play(engine, bars, ALWAYS, sizing=qb.FixedLots(0.5), limits=blocked)) == [(1, "volume")]
    assert skips(play(engine, bars_of(FLAT), ALWAYS, sizing=qb.FixedLots(101), limits=blocked)) == [(1, "sessions")]


def test_no_limits_are_the_default(engine):
    assert flips(engine, qb.Limits()) == []
    assert flips(engine, None) == []
