"""EXECUTION 3.3, 3.4: what a fill pays, where levels stand, and how they are reached inside a bar."""

import numpy as np
import pytest
from stage import abc, bars_of, hour, play, shown, the_trade

import quantbench as qb

SLIP = qb.Costs(slippage_points=2)  # 0.02
FLAT = [100.0, 100.0, 100.0, 100.0]


def levels(result):
    trade = the_trade(result)
    return trade.stop, trade.take


def test_a_long_pays_the_ask_and_slippage_and_sells_at_the_bid_less_slippage(engine):
    # Spread 0.10: bought at 100 + 0.10 + 0.02, sold at 101 - 0.02; 0.86 x 100 units.
    result = play(engine, bars_of([100.0, 100.0, 101.0, 101.0], spread=10), [1, 0, 0, 0], costs=SLIP)
    trade = the_trade(result)
    assert (trade.entry_price, trade.exit_price) == (100.12, 100.98)
    assert trade.profit == pytest.approx(86.0)


def test_a_short_sells_the_bid_less_slippage_and_buys_back_at_the_ask_and_slippage(engine):
    # Sold at 100 - 0.02, bought at 101 + 0.10 + 0.02: -1.14 x 100 units.
    result = play(engine, bars_of([100.0, 100.0, 101.0, 101.0], spread=10), [-1, 0, 0, 0], costs=SLIP)
    trade = the_trade(result)
    assert (trade.entry_price, trade.exit_price) == (99.98, 101.12)
    assert trade.profit == pytest.approx(-114.0)


def test_the_spread_is_that_of_the_bar_of_the_fill(engine):
    result = play(engine, bars_of(FLAT, spread=[10, 20, 30, 40]), [1, 1, -1, -1])
    assert shown(result, "side", "entry_price", "exit_price") == [
        (1, 100.20, 100.0),
        (-1, 100.0, 100.40),  # end of data: closed at bar 3's close, spread 40
    ]


def test_levels_are_measured_from_the_entry_quote_before_slippage(engine):
    # Long: ask 100.10, so 99.10 and 102.10 although 100.12 was paid. Short: bid 100.00, so 101.00 and 98.00.
    bars = bars_of(FLAT, spread=10)
    assert levels(play(engine, bars, [1] * 4, stop=1.0, take=2.0, costs=SLIP)) == (99.10, 102.10)
    assert levels(play(engine, bars, [-1] * 4, stop=1.0, take=2.0, costs=SLIP)) == (101.0, 98.0)


def test_levels_are_measured_at_the_open_of_the_fill_and_not_at_the_close_of_the_decision(engine):
    bars = bars_of([100.0, 110.0, 110.0])
    assert levels(play(engine, bars, [1] * 3, stop=1.0, take=2.0)) == (109.0, 112.0)


def test_no_distance_is_no_level(engine):
    assert np.isnan(levels(play(engine, bars_of(FLAT), [1] * 4))).all()
    assert np.isnan(levels(play(engine, bars_of(FLAT), [1] * 4, stop=np.nan, take=np.nan))).all()


def test_the_stops_level_keeps_levels_outside_the_market(engine):
    # m = 0.50. Long, quotes 100.00 / 100.10: 100.10 - 0.05 is too near, at most 100.00 - 0.50;
    # the take 100.15 too near, at least 100.00 + 0.50. Short: at least 100.10 + 0.50, at most 100.10 - 0.50.
    bars = bars_of(FLAT, spread=10, instrument=abc(stops_level_points=50))
    assert levels(play(engine, bars, [1] * 4, stop=0.05, take=0.05)) == (99.50, 100.50)
    assert levels(play(engine, bars, [-1] * 4, stop=0.05, take=0.05)) == (100.60, 99.60)


def test_without_a_stops_level_a_level_is_still_one_point_away(engine):
    # Long: 100.10 - 0.05 = 100.05 would be above the bid: at most 99.99. The take 100.15 is beyond 100.01.
    # Short: stop 100.05 is below the ask: at least 100.11. The take 99.95 is within 100.10 - 0.01.
    bars = bars_of(FLAT, spread=10)
    assert levels(play(engine, bars, [1] * 4, stop=0.05, take=0.05)) == (99.99, 100.15)
    assert levels(play(engine, bars, [-1] * 4, stop=0.05, take=0.05)) == (100.11, 99.95)


def test_a_level_further_than_the_stops_level_is_left_alone(engine):
    bars = bars_of(FLAT, spread=10, instrument=abc(stops_level_points=50))
    assert levels(play(engine, bars, [1] * 4, stop=2.0, take=3.0)) == (98.10, 103.10)


def test_a_trail_without_a_stop_sets_the_first_level(engine):
    assert levels(play(engine, bars_of(FLAT), [1] * 4, trail=2.0))[0] == 98.0
    assert levels(play(engine, bars_of(FLAT), [-1] * 4, trail=2.0))[0] == 102.0
    assert levels(play(engine, bars_of(FLAT), [1] * 4, trail=2.0, stop=3.0))[0] == 97.0


def test_prices_and_levels_are_rounded_to_the_digits(engine):
    # 100 + 0.016 -> 100.02; 100 - 0.333 -> 99.67; 100 + 0.777 -> 100.78
    result = play(engine, bars_of(FLAT), [1] * 4, stop=0.333, take=0.777, costs=qb.Costs(slippage_points=1.6))
    assert the_trade(result).entry_price == 100.02
    assert levels(result) == (99.67, 100.78)


def test_a_half_is_rounded_to_the_even_neighbour(engine):
    # digits 0: 100 + 2.5 -> 102, 100 + 3.5 -> 104, 100 - 1.5 -> 98, 100 - 2.5 -> 98 (as rint does)
    bars = bars_of(FLAT, instrument=abc(digits=0, point=1.0))
    assert levels(play(engine, bars, [1] * 4, stop=1.5, take=2.5)) == (98.0, 102.0)
    assert levels(play(engine, bars, [1] * 4, stop=2.5, take=3.5)) == (98.0, 104.0)


def test_no_fill_is_below_one_step_of_the_grid(engine):
    # Slippage of 0.05 on a price of 0.02: sold at 0.01, not at -0.03.
    bars = bars_of([0.02, 0.02, 0.02, 0.02])
    costs = qb.Costs(slippage_points=5)
    assert shown(play(engine, bars, [1, 0, 0, 0], costs=costs), "entry_price", "exit_price") == [(0.07, 0.01)]
    assert shown(play(engine, bars, [-1, 0, 0, 0], costs=costs), "entry_price", "exit_price") == [(0.01, 0.07)]


# --- inside the bar: bought or sold at the open of bar 1 at 100, levels 1.00 below and 2.00 above -----------


def inside(engine, bar, side=1, *, spread=0.0, costs=SLIP, **others):
    """Return the trade of a position opened on bar 1, with `bar` as bar 2."""
    bars = bars_of([100.0, 100.0, bar, (bar[3],) * 4], spread=spread)
    return the_trade(play(engine, bars, [side] * 4, stop=1.0, take=2.0, costs=costs, **others))


def test_a_stop_fills_at_its_level_made_worse_by_slippage(engine):
    trade = inside(engine, (100.0, 100.5, 98.5, 99.5))
    assert (trade.reason, trade.exit_price, trade.exit_time, trade.ambiguous) == ("stop", 98.98, hour(2), False)
    trade = inside(engine, (100.0, 101.5, 99.5, 100.5), -1)
    assert (trade.reason, trade.exit_price) == ("stop", 101.02)


def test_a_take_fills_exactly_at_its_level(engine):
    trade = inside(engine, (100.0, 102.5, 99.5, 101.0))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("take", 102.0, False)
    trade = inside(engine, (100.0, 100.5, 97.5, 99.0), -1)
    assert (trade.reason, trade.exit_price) == ("take", 98.0)


def test_a_touch_is_enough(engine):
    assert inside(engine, (100.0, 100.5, 99.0, 100.0)).reason == "stop"
    assert inside(engine, (100.0, 102.0, 99.5, 101.0)).reason == "take"
    assert inside(engine, (100.0, 101.0, 99.5, 100.0), -1).reason == "stop"
    assert inside(engine, (100.0, 100.5, 98.0, 99.0), -1).reason == "take"


def test_one_point_short_of_a_level_is_not_enough(engine):
    assert inside(engine, (100.0, 101.99, 99.01, 100.0)).reason == "end_of_data"
    assert inside(engine, (100.0, 100.99, 98.01, 100.0), -1).reason == "end_of_data"


def test_with_both_in_reach_the_stop_is_taken_and_the_trade_marked(engine):
    trade = inside(engine, (100.0, 102.5, 98.5, 101.0))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, True)
    trade = inside(engine, (100.0, 101.5, 97.5, 99.0), -1)
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 101.02, True)


def test_levels_are_checked_on_the_bar_of_the_entry_too(engine):
    bars = bars_of([100.0, (100.0, 100.2, 98.5, 99.5), 99.5])
    trade = the_trade(play(engine, bars, [1] * 3, stop=1.0))
    assert (trade.reason, trade.exit_price, trade.bars) == ("stop", 99.0, 0)
    assert trade.entry_time == trade.exit_time == hour(1)
    bars = bars_of([100.0, (100.0, 102.2, 99.5, 101.5), 101.5])
    assert the_trade(play(engine, bars, [1] * 3, take=2.0)).reason == "take"


def test_the_stop_of_a_short_is_triggered_by_the_ask(engine):
    # Sold at the bid 100: stop 101. Spread 0.10: the ask reaches 101 where the bid's high is 100.90.
    assert inside(engine, (100.0, 100.9, 99.5, 100.0), -1, spread=10).exit_price == 101.02
    assert inside(engine, (100.0, 100.89, 99.5, 100.0), -1, spread=10).reason == "end_of_data"


def test_the_take_of_a_short_is_triggered_by_the_ask(engine):
    # Take 98: the ask's low must reach it, so the bid's low 97.90.
    assert inside(engine, (100.0, 100.5, 97.9, 99.0), -1, spread=10).exit_price == 98.0
    assert inside(engine, (100.0, 100.5, 97.91, 99.0), -1, spread=10).reason == "end_of_data"


def test_the_levels_of_a_long_are_triggered_by_the_bid(engine):
    # Bought at the ask 100.10: stop 99.10, take 102.10, both against bid prices.
    assert inside(engine, (100.0, 102.09, 99.11, 100.0), spread=10).reason == "end_of_data"
    assert inside(engine, (100.0, 102.10, 99.11, 100.0), spread=10).reason == "take"
    assert inside(engine, (100.0, 102.09, 99.10, 100.0), spread=10).reason == "stop"


def test_an_exit_by_signal_at_the_open_comes_before_the_levels_inside(engine):
    bars = bars_of([100.0, 100.0, (100.0, 103.0, 97.0, 100.0), 100.0])
    result = play(engine, bars, [1, 0, 0, 0], stop=1.0, take=2.0)
    assert shown(result, "reason", "exit_price") == [("signal", 100.0)]
