"""EXECUTION 3.2: a position held into a bar that opens beyond its levels."""

import pytest
from stage import bars_of, hour, play, shown, the_trade

import quantbench as qb

SLIP = qb.Costs(slippage_points=2)  # 0.02


def gapped(engine, opens, side=1, *, spread=0.0, **others):
    """Return the result of a position opened at 100 on bar 1; bar 2 opens at `opens`."""
    bars = bars_of([100.0, 100.0, (opens, opens + 0.5, opens - 0.5, opens), opens, opens], spread=spread)
    others = {"stop": 1.0, "take": 2.0, "costs": SLIP} | others
    return play(engine, bars, [side] * 5, **others)


def test_a_gap_through_the_stop_fills_at_the_open_with_slippage(engine):
    trade = the_trade(gapped(engine, 97.0))
    assert (trade.reason, trade.exit_price, trade.exit_time, trade.stop) == ("stop", 96.98, hour(2), 99.0)
    # 0.02 paid at the entry too: (96.98 - 100.02) x 100
    assert trade.profit == pytest.approx(-304.0)


def test_a_short_gaps_on_the_ask(engine):
    # Spread 0.10: the ask opens at 103.10; bought back at 103.12.
    trade = the_trade(gapped(engine, 103.0, -1, spread=10))
    assert (trade.reason, trade.exit_price) == ("stop", 103.12)
    # The stop stands at 101: a bid of 100.90 is an ask of 101.00.
    assert the_trade(gapped(engine, 100.90, -1, spread=10)).exit_price == 101.02


def test_a_gap_through_the_take_fills_at_the_open_without_slippage(engine):
    trade = the_trade(gapped(engine, 105.0))
    assert (trade.reason, trade.exit_price) == ("take", 105.0)
    trade = the_trade(gapped(engine, 95.0, -1, spread=10))
    assert (trade.reason, trade.exit_price) == ("take", 95.10)


def test_an_open_at_the_level_counts_as_reached(engine):
    assert shown(gapped(engine, 99.0), "reason", "exit_price") == [("stop", 98.98)]
    assert shown(gapped(engine, 102.0), "reason", "exit_price") == [("take", 102.0)]


def test_a_gap_is_never_ambiguous(engine):
    # Bar 2 opens beyond the stop and later reaches the take.
    bars = bars_of([100.0, 100.0, (98.0, 103.0, 97.0, 100.0), 100.0])
    trade = the_trade(play(engine, bars, [1] * 4, stop=1.0, take=2.0))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.0, False)


def test_a_gap_comes_before_the_decision(engine):
    # Out by decision and gapped at the same open: the stop was there first.
    bars = bars_of([100.0, 100.0, 97.0, 97.0])
    assert shown(play(engine, bars, [1, 0, 0, 0], stop=1.0), "reason", "exit_price") == [("stop", 97.0)]


def test_a_gap_does_not_undo_the_entry_decided_for_that_open(engine):
    bars = bars_of([100.0, 100.0, 97.0, 97.0])
    result = play(engine, bars, [1, -1, -1, -1], stop=1.0)
    assert shown(result, "side", "entry_price", "exit_price", "reason") == [
        (1, 100.0, 97.0, "stop"),
        (-1, 97.0, 97.0, "end_of_data"),
    ]


def test_a_gap_undoes_a_resize_decided_for_that_open(engine):
    bars = bars_of([100.0, 100.0, 97.0, 97.0])
    result = play(engine, bars, [0.5, 1, 1, 1], stop=1.0)
    assert shown(result, "lots", "reason") == [(0.5, "stop")]


def test_an_entry_is_not_a_position_held_into_the_bar(engine):
    # Decided at 100, opened at 97: its levels are measured there, nothing gaps.
    bars = bars_of([100.0, 97.0, 97.0])
    trade = the_trade(play(engine, bars, [1] * 3, stop=1.0))
    assert (trade.entry_price, trade.stop, trade.reason) == (97.0, 96.0, "end_of_data")


def test_a_moved_stop_gaps_as_a_trail(engine):
    # Bar 1 rises to 103: the trail stands at 101 from bar 2, which opens at 100.50.
    bars = bars_of([100.0, (100.0, 103.0, 100.0, 102.5), (100.5, 100.5, 100.0, 100.2), 100.2])
    trade = the_trade(play(engine, bars, [1] * 4, trail=2.0, costs=SLIP))
    assert (trade.reason, trade.exit_price, trade.stop) == ("trail", 100.48, 98.0)
