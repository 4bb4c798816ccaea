"""EXECUTION 3.1: swap at 17:00 New York."""

import numpy as np
import pandas as pd
import pytest
from stage import abc, bars_of, play, shown, the_trade

import quantbench as qb

# A point is 0.01 and a lot 100 units: 5 points are 5 USD a lot and night.
PAYS = abc(swap_long_points=-5, swap_short_points=2)
NIGHTLY = abc(swap_long_points=-5, swap_short_points=2, swap_multipliers=(1, 1, 1, 1, 1, 1, 1))
LATE = "2024-01-09T20:00"  # a Tuesday: 17:00 New York is 22:00 UTC, the label of bar 2


def charged(result):
    """Return when equity moved and by how much; with prices that stand still that is the swap."""
    moved = result.equity.diff().fillna(0)
    return [(time.isoformat()[:16], float(value)) for time, value in moved[moved != 0].items()]


def held(engine, times, instrument, side=1):
    """Return what a position of one lot, opened on bar 1, was charged at a price that stands still."""
    bars = bars_of([100.0] * len(times), times=times, instrument=instrument)
    return charged(play(engine, bars, [side] * len(times)))


def hours(start, n):
    return np.datetime64(start, "h") + np.arange(n)


def test_a_position_held_into_the_bar_of_the_rollover_pays(engine):
    result = play(engine, bars_of([100.0] * 5, start=LATE, instrument=PAYS), [1, 1, 1, 1, 1])
    assert charged(result) == [("2024-01-09T22:00", -5.0)]
    trade = the_trade(result)
    assert (trade.swap, trade.profit, trade.commission) == (-5.0, -5.0, 0.0)


def test_a_short_earns_by_its_own_points(engine):
    result = play(engine, bars_of([100.0] * 5, start=LATE, instrument=PAYS), [-1] * 5)
    assert (the_trade(result).swap, the_trade(result).profit) == (2.0, 2.0)


def test_a_position_opened_at_the_rollover_pays_nothing_and_one_closed_there_pays(engine):
    bars = bars_of([100.0] * 5, start=LATE, instrument=PAYS)
    assert shown(play(engine, bars, [0, 1, 1, 1, 1]), "swap") == [(0.0,)]  # opened at 22:00
    assert shown(play(engine, bars, [1, 0, 0, 0, 0]), "swap") == [(-5.0,)]  # closed at 22:00


def test_swap_counts_lots(engine):
    bars = bars_of([100.0] * 5, start=LATE, instrument=PAYS)
    assert the_trade(play(engine, bars, [1] * 5, sizing=qb.FixedLots(2.5))).swap == pytest.approx(-12.5)


def test_wednesday_counts_three_nights_and_the_weekend_none(engine):
    # Monday 2024-01-08 12:00 to the next Monday 24:00; winter, so 22:00 UTC.
    assert held(engine, hours("2024-01-08T12", 180), PAYS) == [
        ("2024-01-08T22:00", -5.0),
        ("2024-01-09T22:00", -5.0),
        ("2024-01-10T22:00", -15.0),
        ("2024-01-11T22:00", -5.0),
        ("2024-01-12T22:00", -5.0),
        ("2024-01-15T22:00", -5.0),
    ]


def test_the_multipliers_go_from_monday_to_sunday(engine):
    instrument = abc(swap_long_points=-1, swap_multipliers=(1, 2, 3, 4, 5, 6, 7))
    nights = held(engine, hours("2024-01-08T12", 180), instrument)
    assert [value for _, value in nights] == [-1, -2, -3, -4, -5, -6, -7, -1]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        # New York goes to summer time on Sunday 2024-03-10: 17:00 is 22:00 UTC on Saturday, 21:00 on Sunday.
        ("2024-03-08T12", ["2024-03-08T22:00", "2024-03-09T22:00", "2024-03-10T21:00", "2024-03-11T21:00"]),
        # and back on Sunday 2024-11-03
        ("2024-11-01T12", ["2024-11-01T21:00", "2024-11-02T21:00", "2024-11-03T22:00", "2024-11-04T22:00"]),
    ],
)
def test_the_rollover_keeps_17_00_new_york_over_both_clock_changes(engine, start, expected):
    assert held(engine, hours(start, 84), NIGHTLY) == [(time, -5.0) for time in expected]


def test_a_bar_after_a_weekend_pays_every_moment_it_crosses(engine):
    # Friday 20:00 and 21:00, then Sunday 23:00: Friday's, Saturday's and Sunday's 22:00 lie between.
    times = ["2024-01-12T19:00", "2024-01-12T20:00", "2024-01-12T21:00", "2024-01-14T23:00", "2024-01-15T00:00"]
    assert held(engine, times, NIGHTLY) == [("2024-01-14T23:00", -15.0)]
    assert held(engine, times, PAYS) == [("2024-01-14T23:00", -5.0)]  # Saturday and Sunday count 0


def test_daily_bars_pay_the_moment_between_their_opens(engine):
    # Bars at 00:00 UTC: the bar of Thursday the 11th crosses Wednesday's 17:00.
    times = np.array(["2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"], "datetime64[D]")
    bars = bars_of([100.0] * 5, times=times, timeframe="D1", instrument=PAYS)
    assert charged(play(engine, bars, [1] * 5)) == [
        ("2024-01-10T00:00", -5.0),
        ("2024-01-11T00:00", -15.0),
        ("2024-01-12T00:00", -5.0),
    ]


def test_a_schedule_gives_the_points_valid_that_day(engine):
    rows = (("2024-01-09", -5, 2), ("2024-01-10", -7, 3))
    instrument = abc(swap_schedule=rows, swap_long_points=-99)
    nights = held(engine, hours("2024-01-08T12", 90), instrument)
    # Nothing before the first row; Wednesday's three nights by Wednesday's row.
    assert nights == [("2024-01-09T22:00", -5.0), ("2024-01-10T22:00", -21.0), ("2024-01-11T22:00", -7.0)]
    assert [value for _, value in held(engine, hours("2024-01-08T12", 90), instrument, -1)] == [2.0, 9.0, 3.0]


def test_costs_can_switch_swap_off(engine):
    bars = bars_of([100.0] * 5, start=LATE, instrument=PAYS)
    assert the_trade(play(engine, bars, [1] * 5, costs=qb.Costs(swap=False))).swap == 0.0


def test_costs_times_scales_swap_paid_and_never_swap_earned(engine):
    bars = bars_of([100.0] * 5, start=LATE, instrument=PAYS)
    assert the_trade(play(engine, bars, [1] * 5, costs=qb.Costs().times(3))).swap == -15.0
    assert the_trade(play(engine, bars, [-1] * 5, costs=qb.Costs().times(3))).swap == 2.0


def test_swap_is_converted_at_the_open_of_the_bar(engine):
    # Base currency is the account's: 5 USD at an open of 125 are 0.04 ABC (the close is 100).
    rows = [100.0, 100.0, (125.0, 125.0, 100.0, 100.0), 100.0, 100.0]
    bars = bars_of(rows, start=LATE, instrument=PAYS)
    account = qb.Account("ABC", 10_000)
    assert the_trade(play(engine, bars, [1] * 5, account=account)).swap == pytest.approx(-5.0 / 125.0)


def test_parts_pay_for_their_own_lots_and_a_split_part_takes_its_share(engine):
    # 0.5 lots from bar 1, 0.5 more from bar 3 (after the rollover); then 0.75 close: 0.5 and half of the second.
    bars = bars_of([100.0] * 7, start=LATE, instrument=PAYS)
    early = play(engine, bars, [0.5, 0.5, 1, 0.25, 0.25, 0.25, 0.25])
    assert shown(early, "lots", "swap") == [(0.5, -2.5), (0.25, 0.0), (0.25, 0.0)]
    # One lot pays 5; then a quarter of it closes and takes a quarter.
    split = play(engine, bars, [1, 1, 0.75, 0.75, 0.75, 0.75, 0.75])
    assert shown(split, "lots", "swap") == [(0.25, pytest.approx(-1.25)), (0.75, pytest.approx(-3.75))]
    assert split.equity.iloc[-1] == pytest.approx(9_995.0)


def test_the_first_bar_crosses_nothing(engine):
    times = pd.date_range("2024-01-09T22:00", periods=3, freq="h").to_numpy()
    assert held(engine, times, PAYS) == []
