"""EXECUTION 3.5: trailing stops and break-even."""

import math

import pytest
from stage import abc, bars_of, hour, play, the_trade

import quantbench as qb


def trade_of(engine, rows, side=1, *, spread=0.0, instrument=None, **exits):
    bars = bars_of(rows, spread=spread, instrument=instrument or abc())
    return the_trade(play(engine, bars, [side] * len(rows), **exits))


def test_a_trail_follows_the_high_from_the_next_bar_on_and_never_loosens(engine):
    rows = [
        100.0,
        (100.0, 101.0, 98.5, 100.5),  # first level 98: not reached. High 101: the stop is 99 from bar 2 on
        (100.5, 103.0, 99.2, 102.5),  # high 103: 101
        (102.5, 102.6, 101.5, 102.0),  # 102.6 - 2 = 100.6 would loosen: stays 101
        (102.0, 102.0, 100.9, 101.5),  # reached
        101.5,
    ]
    trade = trade_of(engine, rows, trail=2.0)
    assert (trade.reason, trade.exit_price, trade.exit_time, trade.stop) == ("trail", 101.0, hour(4), 98.0)


def test_a_trail_does_not_act_on_the_bar_that_moves_it(engine):
    # Bar 2 rises to 105 (stop 103 from bar 3 on) and falls to 99: only the level 98 counts in bar 2.
    rows = [100.0, 100.0, (100.0, 105.0, 99.0, 104.0), (104.0, 104.0, 102.0, 103.0), 103.0]
    trade = trade_of(engine, rows, trail=2.0)
    assert (trade.reason, trade.exit_price, trade.exit_time) == ("trail", 103.0, hour(3))


def test_a_trail_is_kept_a_point_below_the_close(engine):
    # 110 - 2 = 108 lies above the close 101: 100.99 instead. Bar 3 falls to 100.
    rows = [100.0, 100.0, (100.0, 110.0, 100.0, 101.0), (101.0, 101.0, 100.0, 100.0), 100.0]
    assert trade_of(engine, rows, trail=2.0).exit_price == 100.99


def test_a_trail_is_kept_the_stops_level_below_the_close(engine):
    rows = [100.0, 100.0, (100.0, 110.0, 100.0, 101.0), (101.0, 101.0, 99.0, 100.0), 100.0]
    assert trade_of(engine, rows, trail=2.0, instrument=abc(stops_level_points=50)).exit_price == 100.50


def test_the_trail_of_a_short_follows_the_low_of_the_ask(engine):
    # Spread 0.10. First level 100 + 2. Bar 2: low 96, ask 96.10, so 98.10; bar 3: the bid's high 98 is ask 98.10.
    rows = [100.0, 100.0, (100.0, 100.0, 96.0, 96.5), (96.5, 98.0, 96.5, 97.0), 97.0]
    trade = trade_of(engine, rows, -1, spread=10, trail=2.0)
    assert (trade.reason, trade.exit_price, trade.stop) == ("trail", 98.10, 102.0)
    # One point lower it is not reached: the bid's high is 97.99.
    rows[3] = (96.5, 97.99, 96.5, 97.0)
    assert trade_of(engine, rows, -1, spread=10, trail=2.0).reason == "end_of_data"


def test_the_trail_of_a_short_is_kept_beyond_the_ask_of_the_close(engine):
    # low 90 + 0.10 + 2 = 92.10 lies below the ask of the close, 99.10: 99.11 instead.
    rows = [100.0, 100.0, (100.0, 100.0, 90.0, 99.0), (99.0, 100.0, 99.0, 99.5), 99.5]
    assert trade_of(engine, rows, -1, spread=10, trail=2.0).exit_price == 99.11


def test_a_stop_that_has_not_moved_is_a_stop(engine):
    rows = [100.0, 100.0, (100.0, 100.0, 97.5, 98.5), 98.5]
    assert trade_of(engine, rows, trail=2.0).reason == "stop"
    # Held at 95, the trail's first move would be 100 - 6 = 94: looser, so it stays a stop.
    rows = [100.0, 100.0, (100.0, 100.0, 94.5, 98.5), 98.5]
    assert trade_of(engine, rows, trail=6.0, stop=5.0).reason == "stop"


def test_a_trail_tightens_a_stop_that_was_given(engine):
    rows = [100.0, (100.0, 103.0, 100.0, 102.5), (102.5, 102.5, 100.5, 101.0), 101.0]
    trade = trade_of(engine, rows, trail=2.0, stop=5.0)
    assert (trade.reason, trade.exit_price, trade.stop) == ("trail", 101.0, 95.0)


def test_break_even_moves_the_stop_to_the_entry_quote(engine):
    # Bought at the ask 100.10 + 0.02; the high reaches 101.10, so the stop is 100.10 (the quote, not the fill).
    rows = [100.0, 100.0, (100.0, 101.10, 100.0, 101.0), (101.0, 101.0, 99.5, 100.0), 100.0]
    costs = qb.Costs(slippage_points=2)
    bars = bars_of(rows, spread=10)
    trade = the_trade(play(engine, bars, [1] * 5, stop=3.0, breakeven=1.0, costs=costs))
    assert (trade.reason, trade.exit_price, trade.stop) == ("trail", 100.08, 97.10)


def test_break_even_waits_for_its_distance(engine):
    rows = [100.0, 100.0, (100.0, 100.99, 100.0, 100.5), (100.5, 100.5, 99.0, 99.5), 99.5]
    assert trade_of(engine, rows, stop=3.0, breakeven=1.0).reason == "end_of_data"


def test_break_even_of_a_short_is_measured_on_the_ask(engine):
    # Sold at the bid 100, break-even 1.00: the ask's low must reach 99, so the bid's low 98.90.
    late = [100.0, 100.0, (100.0, 100.0, 98.91, 99.5), (99.5, 100.5, 99.5, 100.0), 100.0]
    there = [100.0, 100.0, (100.0, 100.0, 98.90, 99.5), (99.5, 100.5, 99.5, 100.0), 100.0]
    assert trade_of(engine, late, -1, spread=10, stop=3.0, breakeven=1.0).reason == "end_of_data"
    assert trade_of(engine, there, -1, spread=10, stop=3.0, breakeven=1.0).exit_price == 100.0


def test_break_even_needs_no_stop(engine):
    rows = [100.0, 100.0, (100.0, 101.5, 100.0, 101.0), (101.0, 101.0, 99.5, 100.0), 100.0]
    trade = trade_of(engine, rows, breakeven=1.0)
    assert (trade.reason, trade.exit_price) == ("trail", 100.0)
    assert math.isnan(trade.stop)


def test_break_even_is_kept_below_the_close(engine):
    # Reached 101.5, closed at 99.7: the stop goes to 99.69 only.
    rows = [100.0, 100.0, (100.0, 101.5, 99.5, 99.7), (99.7, 99.8, 99.0, 99.5), 99.5]
    assert trade_of(engine, rows, stop=3.0, breakeven=1.0).exit_price == 99.69


def test_break_even_then_trail_keeps_the_tighter(engine):
    # Bar 2: high 104: break-even 100, trail 104 - 3 = 101.
    rows = [100.0, 100.0, (100.0, 104.0, 100.0, 103.0), (103.0, 103.0, 100.5, 101.0), 101.0]
    assert trade_of(engine, rows, trail=3.0, breakeven=1.0).exit_price == 101.0
    # With a trail of 5 break-even is the tighter.
    rows[3] = (103.0, 103.0, 99.5, 100.5)
    assert trade_of(engine, rows, trail=5.0, breakeven=1.0).exit_price == 100.0


@pytest.mark.parametrize("target", [[1, 1, 1, 1, 1], [0.5, 0.5, 1, 1, 1]])
def test_a_following_stop_serves_all_parts(engine, target):
    rows = [100.0, 100.0, (100.0, 103.0, 100.0, 102.5), (102.5, 102.5, 100.5, 101.0), 101.0]
    result = play(engine, bars_of(rows), target, trail=2.0)
    assert set(result.trades.exit_price) == {101.0}
    assert set(result.trades.reason) == {"trail"}


def test_a_trailed_level_is_rounded_to_the_digits(engine):
    # 103 - 1.777 = 101.223 -> 101.22
    rows = [100.0, 100.0, (100.0, 103.0, 100.0, 102.5), (102.5, 102.5, 100.5, 101.0), 101.0]
    assert trade_of(engine, rows, trail=1.777).exit_price == 101.22
