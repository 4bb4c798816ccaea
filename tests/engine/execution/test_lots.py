"""EXECUTION 2: how many lots, decided at the close; and what resizing does."""

import numpy as np
import pytest
from stage import abc, bars_of, hour, play, shown, skips, the_trade

import quantbench as qb

FLAT = [100.0] * 6
LONG = [1, 1, 1, 1, 1, 1]


def lots(result):
    return the_trade(result).lots


def test_fixed_lots_are_as_given_times_the_target(engine):
    assert lots(play(engine, bars_of(FLAT), [0.5] * 6, sizing=qb.FixedLots(3))) == 1.5
    assert lots(play(engine, bars_of(FLAT), [-0.5] * 6, sizing=qb.FixedLots(3))) == 1.5


def test_percent_risk_divides_by_the_stop(engine):
    # 10,000 x 1 % / (2.00 x 100 units) = 0.5 lots; a trail beside a stop changes nothing.
    sizing = qb.PercentRisk(0.01)
    assert lots(play(engine, bars_of(FLAT), LONG, sizing=sizing, stop=2.0)) == 0.5
    assert lots(play(engine, bars_of(FLAT), LONG, sizing=sizing, stop=2.0, trail=4.0)) == 0.5


def test_percent_risk_takes_the_trail_where_there_is_no_stop(engine):
    # 10,000 x 1 % / (4.00 x 100) = 0.25
    result = play(engine, bars_of(FLAT), LONG, sizing=qb.PercentRisk(0.01), trail=4.0)
    assert lots(result) == 0.25
    assert the_trade(result).stop == 96.0


def test_percent_risk_without_stop_or_trail_is_skipped(engine):
    result = play(engine, bars_of(FLAT), LONG, sizing=qb.PercentRisk(0.01), take=2.0)
    assert result.trades.empty
    assert skips(result) == [(1, "no stop")]


def test_percent_risk_loses_that_fraction_at_the_stop(engine):
    # 0.5 lots x 100 x 2.00 = 100 = 1 % of 10,000 (no costs)
    bars = bars_of([100.0, (100.0, 100.0, 97.0, 97.5), 97.5])
    assert the_trade(play(engine, bars, [1, 1, 1], sizing=qb.PercentRisk(0.01), stop=2.0)).profit == -100.0


def test_percent_equity_is_decided_at_the_close_and_not_at_the_fill(engine):
    # 10,000 / (100 x 100) = 1.00 at the close of bar 0; at the open it would be 10,000 / 12,500 = 0.80.
    bars = bars_of([100.0, 125.0, 125.0])
    assert lots(play(engine, bars, [1, 1, 1], sizing=qb.PercentEquity(1.0))) == 1.0


def test_lots_use_the_equity_at_the_close_of_the_decision(engine):
    # Long 1.00 lot from 100; at the close of bar 2 (110) equity is 11,000: 11,000 / (110 x 100) = 1.00 lots short.
    # The open of bar 3 is 90: equity there would be 9,000.
    bars = bars_of([100.0, 100.0, (100.0, 110.0, 100.0, 110.0), 90.0, 90.0])
    result = play(engine, bars, [1, 1, -1, -1, -1], sizing=qb.PercentEquity(1.0))
    assert shown(result, "side", "lots", "entry_price") == [(1, 1.0, 100.0), (-1, 1.0, 90.0)]


# Returns +10 % and -10 %: their ddof-1 deviation is sqrt(0.02 / 1) = 0.141421.
WILD = [100.0, (100.0, 110.0, 100.0, 110.0), (110.0, 110.0, 99.0, 99.0), 99.0, 99.0]


@pytest.mark.parametrize(
    ("timeframe", "calendar", "annual", "expected"),
    [
        # P = 260 x 24 = 6,240: 5 / sqrt(0.02 x 6,240) = 0.44757; x 10,000 / 9,900 = 0.45209
        ("H1", "fx", 5.0, 0.45),
        # P = 260 x max(1, 24 / 24): 1 / sqrt(5.2) = 0.43853; x 10,000 / 9,900 = 0.44296
        ("D1", "fx", 1.0, 0.44),
        # P = 252 x 6.5 = 1,638: 5 / sqrt(32.76) = 0.87357; x 10,000 / 9,900 = 0.88239
        ("H1", "us_equity", 5.0, 0.88),
        # P = 252 x max(1, 6.5 / 24) = 252: 1 / sqrt(5.04) = 0.44544; x 10,000 / 9,900 = 0.44994
        ("D1", "us_equity", 1.0, 0.44),
        # P = 365 x 24 = 8,760: 5 / sqrt(175.2) = 0.37775; x 10,000 / 9,900 = 0.38156
        ("H1", "crypto", 5.0, 0.38),
    ],
)
def test_volatility_target(engine, timeframe, calendar, annual, expected):
    bars = bars_of(WILD, timeframe=timeframe, instrument=abc(calendar=calendar))
    result = play(engine, bars, [0, 0, 1, 1, 1], sizing=qb.VolatilityTarget(annual, 2))
    assert lots(result) == expected


def test_volatility_not_yet_known_or_zero_opens_nothing(engine):
    early = play(engine, bars_of(WILD), [0, 1, 1, 1, 1], sizing=qb.VolatilityTarget(5.0, 2))
    assert skips(early) == [(2, "volume")]
    still = play(engine, bars_of(FLAT), [0, 0, 0, 1, 1, 1], sizing=qb.VolatilityTarget(5.0, 2))
    assert skips(still) == [(4, "volume")]


@pytest.mark.parametrize(
    ("step", "asked", "expected"),
    [
        (0.1, 0.3, 0.3),  # 0.3 / 0.1 = 2.9999999999999996 is three steps
        (0.01, 0.57, 0.57),  # 56.99999999999999
        (0.01, 1.13, 1.13),  # 112.99999999999999
        (0.1, 0.39, 0.3),
        (0.1, 0.2999, 0.2),
        (0.25, 0.99, 0.75),
    ],
)
def test_lots_are_floored_to_whole_steps_counted_as_an_integer(engine, step, asked, expected):
    bars = bars_of(FLAT, instrument=abc(volume_step=step, volume_min=step))
    assert lots(play(engine, bars, LONG, sizing=qb.FixedLots(asked))) == expected


def test_lots_are_at_most_volume_max(engine):
    bars = bars_of(FLAT, instrument=abc(volume_max=2.0))
    assert lots(play(engine, bars, LONG, sizing=qb.FixedLots(5))) == 2.0


def test_a_volume_max_between_steps_is_floored(engine):
    bars = bars_of(FLAT, instrument=abc(volume_max=2.5, volume_step=1.0, volume_min=1.0))
    assert lots(play(engine, bars, LONG, sizing=qb.FixedLots(5))) == 2.0


def test_the_least_volume_opens_and_less_is_skipped(engine):
    bars = bars_of(FLAT, instrument=abc(volume_min=0.3, volume_step=0.1))
    assert lots(play(engine, bars, LONG, sizing=qb.FixedLots(0.3))) == 0.3
    result = play(engine, bars, LONG, sizing=qb.FixedLots(0.29))
    assert result.trades.empty
    assert skips(result) == [(1, "volume")]


def test_an_entry_beyond_the_margin_is_skipped_and_never_made_smaller(engine):
    # 101 lots x 100 units x 100 / leverage 100 = 10,100 > 10,000; 100 lots need exactly what there is.
    result = play(engine, bars_of(FLAT), LONG, sizing=qb.FixedLots(101))
    assert result.trades.empty
    assert skips(result) == [(1, "margin")]
    assert lots(play(engine, bars_of(FLAT), LONG, sizing=qb.FixedLots(100), account=qb.Account(stop_out_level=0.0)))


def test_margin_is_counted_at_the_fill_price_spread_and_slippage_included(engine):
    # 100 lots at 100.01: 10,001 > 10,000
    for costs in (qb.Costs(slippage_points=1), qb.Costs(spread_points=1)):
        spread = np.nan if costs.spread_points else 0.0
        result = play(engine, bars_of(FLAT, spread=spread), LONG, sizing=qb.FixedLots(100), costs=costs)
        assert skips(result) == [(1, "margin")]


def test_margin_compares_with_equity_at_the_close_of_the_decision(engine):
    # A long of 10 lots loses at the open of bar 3: equity at the close of bar 2 was 10,000, now 10,000 - 5,000.
    # 60 lots x 100 x 95 / 100 = 5,700 <= 10,000: it opens.
    bars = bars_of([100.0, 100.0, 100.0, 95.0, 95.0])
    sizing = qb.FixedLots(100)
    result = play(engine, bars, [0.1, 0.1, -0.6, -0.6, -0.6], sizing=sizing)
    assert shown(result, "side", "lots") == [(1, 10.0), (-1, 60.0)]


# --- resizing ------------------------------------------------------------------------------------------------

STEPS = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]


def test_a_larger_target_opens_a_further_part(engine):
    result = play(engine, bars_of(STEPS), [0.5, 0.5, 1, 1, 0, 0, 0], sizing=qb.FixedLots(2))
    assert shown(result, "episode", "lots", "entry_price", "exit_price", "reason", "profit", "bars") == [
        (0, 1.0, 101.0, 105.0, "signal", pytest.approx(400.0), 4),
        (0, 1.0, 103.0, 105.0, "signal", pytest.approx(200.0), 2),
    ]
    assert result.position.tolist() == [0, 1, 1, 2, 2, 0, 0]


def test_a_smaller_target_closes_the_oldest_lots_first_and_may_split_a_part(engine):
    # Parts of 1 lot at 101 and 1 lot at 102; then 0.5 of 2 lots are wanted: 1.0 + 0.5 close at 103.
    # Commission 2 a lot and side: a whole lot pays 4, a half 2.
    result = play(
        engine,
        bars_of(STEPS),
        [0.5, 1, 0.25, 0.25, 0.25, 0, 0],
        sizing=qb.FixedLots(2),
        costs=qb.Costs(commission_per_lot=2.0),
    )
    assert shown(result, "lots", "entry_price", "exit_price", "reason", "commission", "profit") == [
        (1.0, 101.0, 103.0, "resize", pytest.approx(-4.0), pytest.approx(196.0)),
        (0.5, 102.0, 103.0, "resize", pytest.approx(-2.0), pytest.approx(48.0)),
        (0.5, 102.0, 106.0, "signal", pytest.approx(-2.0), pytest.approx(198.0)),
    ]
    assert result.position.tolist() == [0, 1, 2, 0.5, 0.5, 0.5, 0]


def test_a_resize_pays_spread_and_slippage_like_any_fill(engine):
    # Spread 0.10, slippage 0.02. Bought at 101.12 and 102.12; the oldest 0.5 sold at 103 - 0.02.
    result = play(
        engine,
        bars_of(STEPS, spread=10),
        [0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.5],
        sizing=qb.FixedLots(1),
        costs=qb.Costs(slippage_points=2),
    )
    assert shown(result, "lots", "entry_price", "exit_price", "reason")[0] == (0.5, 101.12, 102.98, "resize")
    assert shown(result, "entry_price")[1] == (102.12,)


def test_a_resize_below_the_least_volume_closes_all_and_is_recorded(engine):
    bars = bars_of(STEPS, instrument=abc(volume_min=0.5))
    result = play(engine, bars, [1, 1, 0.4, 0.4, 1, 1, 1])
    assert shown(result, "reason", "exit_time", "lots") == [("resize", hour(3), 1.0)]
    assert skips(result) == [(3, "volume")]


def test_an_addition_below_the_least_volume_is_skipped(engine):
    bars = bars_of(STEPS, instrument=abc(volume_min=0.5, volume_step=0.1))
    result = play(engine, bars, [0.6, 0.6, 1, 1, 1, 1, 1])
    assert shown(result, "lots", "reason") == [(0.6, "end_of_data")]
    assert skips(result) == [(3, "volume")]


def test_equity_moving_does_not_resize(engine):
    result = play(engine, bars_of(STEPS), [1] * 7, sizing=qb.PercentEquity(1.0))
    assert shown(result, "lots") == [(1.0,)]


def test_a_resize_counts_the_wanted_lots_anew(engine):
    # 0.5 x 10,000 / 10,000 = 0.5 lots at 101. At the close of bar 2 (102): equity 10,050,
    # 1.0 x 10,050 / 10,200 = 0.9852 -> 0.98: 0.48 more at 103.
    result = play(engine, bars_of(STEPS), [0.5, 0.5, 1, 1, 1, 1, 1], sizing=qb.PercentEquity(1.0))
    assert shown(result, "lots", "entry_price") == [(0.5, 101.0), (0.48, 103.0)]


def test_a_new_size_that_rounds_to_the_same_lots_changes_nothing(engine):
    bars = bars_of(STEPS, instrument=abc(volume_min=0.1, volume_step=0.1))
    result = play(engine, bars, [0.52, 0.52, 0.58, 0.58, 0.58, 0.58, 0.58])
    assert shown(result, "lots") == [(0.5,)]
    assert result.skipped.empty


def test_all_parts_share_the_levels_of_the_episode(engine):
    # The first part's stop is 101 - 3 = 98; bar 5 falls to 97: both parts leave at 98.
    bars = bars_of([100.0, 101.0, 102.0, 103.0, 104.0, (104.0, 104.0, 97.0, 99.0), 99.0])
    result = play(engine, bars, [0.5, 0.5, 1, 1, 1, 1, 1], stop=3.0)
    assert shown(result, "entry_price", "stop", "exit_price", "reason") == [
        (101.0, 98.0, 98.0, "stop"),
        (103.0, 98.0, 98.0, "stop"),
    ]


def test_hold_counts_from_the_entry_of_the_episode_and_not_of_a_part(engine):
    result = play(engine, bars_of(STEPS), [0.5, 0.5, 1, 1, 1, 1, 1], hold=4)
    assert shown(result, "reason", "exit_time", "bars") == [("time", hour(5), 4), ("time", hour(5), 2)]


def test_risk_sizing_without_a_stop_at_the_resize_is_skipped_and_keeps_what_is_open(engine):
    # 10,000 x 1 % / (2 x 100) x 0.5 = 0.25 lots; bar 2 asks for more and names no stop.
    stop = [2.0, 2.0, np.nan, 2.0, 2.0, 2.0, 2.0]
    result = play(engine, bars_of(STEPS), [0.5, 0.5, 1, 1, 1, 1, 1], sizing=qb.PercentRisk(0.01), stop=stop)
    assert shown(result, "lots", "reason") == [(0.25, "end_of_data")]
    assert skips(result) == [(3, "no stop")]


@pytest.mark.parametrize(("opens", "expected"), [(120.0, [(3, "margin")]), (100.0, [])])
def test_an_addition_needs_margin_beside_what_stays_open(engine, opens, expected):
    # Leverage 1. 0.5 lots at 100; at the close of bar 2 (120) equity is 10,000 + 50 x 20 = 11,000 and the
    # open part binds 0.5 x 100 x 120 = 6,000: 5,000 are free. At 120 the addition needs 6,000, at 100 5,000.
    bars = bars_of([100.0, 100.0, (100.0, 120.0, 100.0, 120.0), (opens, 120.0, 100.0, 110.0), 110.0])
    bars = bars_of(list(zip(bars.open, bars.high, bars.low, bars.close, strict=True)), instrument=abc(leverage=1))
    result = play(engine, bars, [0.5, 0.5, 1, 1, 1])
    assert skips(result) == expected
    assert len(result.trades) == (1 if expected else 2)


def test_the_margin_of_an_open_short_is_counted_at_the_ask(engine):
    # Leverage 1, spread 1.00. Short 0.5 at 100; at the close of bar 2 (bid 100, ask 101) equity is
    # 10,000 - 50 = 9,950, the part binds 0.5 x 100 x 101 = 5,050: 4,900 are free.
    # At 98 the addition needs 4,900: it opens. With the bid for both it would have 10,000 - 5,000 = 5,000.
    instrument = abc(leverage=1)
    opens = bars_of([100.0, 100.0, 100.0, 98.0, 98.0], instrument=instrument, spread=100)
    less = bars_of([100.0, 100.0, 100.0, 98.5, 98.5], instrument=instrument, spread=100)
    assert len(play(engine, opens, [-0.5, -0.5, -1, -1, -1]).trades) == 2
    assert skips(play(engine, less, [-0.5, -0.5, -1, -1, -1])) == [(3, "margin")]


def test_enter_while_held_does_not_hide_a_resize(engine):
    # `enter` on bar 2 starts nothing, the position is open; the new size of that bar is a resize all the same.
    enter = [False, False, True, False, False, False, False]
    result = play(engine, bars_of(STEPS), [0.5, 0.5, 1, 1, 1, 1, 1], enter=enter)
    assert shown(result, "episode", "lots", "entry_price") == [(0, 0.5, 101.0), (0, 0.5, 103.0)]
