"""EXECUTION 3.4: the broker's stop-out, and ruin."""

import pytest
from stage import abc, bars_of, hour, play, shown, skips, the_trade

import quantbench as qb

TEN = abc(leverage=10)
FIVE = qb.FixedLots(5)  # 500 units at 100: 50,000 notional, 5,000 margin
SLIP = qb.Costs(slippage_points=2)


def stopped_out(engine, bar, side=1, *, sizing=FIVE, instrument=TEN, spread=0.0, **others):
    bars = bars_of([100.0, 100.0, bar, (bar[3],) * 4], instrument=instrument, spread=spread)
    return play(engine, bars, [side] * 4, sizing=sizing, **others)


def test_a_long_is_stopped_out_where_equity_is_the_level_times_margin(engine):
    # 10,000 + 500 (p - 100) = 0.5 x 500 p / 10 = 25 p, so 475 p = 40,000 and p = 84.2105 -> 84.21
    trade = the_trade(stopped_out(engine, (100.0, 100.0, 84.21, 90.0)))
    assert (trade.reason, trade.exit_price, trade.exit_time) == ("stop_out", 84.21, hour(2))
    assert the_trade(stopped_out(engine, (100.0, 100.0, 84.22, 90.0))).reason == "end_of_data"


def test_a_stop_out_fills_at_its_level_made_worse_by_slippage(engine):
    # Bought at 100.02: 10,000 + 500 (p - 100.02) = 25 p, p = 40,010 / 475 = 84.2316 -> 84.23; sold at 84.21
    trade = the_trade(stopped_out(engine, (100.0, 100.0, 84.0, 90.0), costs=SLIP))
    assert (trade.reason, trade.exit_price) == ("stop_out", 84.21)


def test_a_short_is_stopped_out_on_the_ask(engine):
    # 10,000 - 500 (p - 100) = 25 p: p = 60,000 / 525 = 114.2857 -> 114.29; spread 0.10
    trade = the_trade(stopped_out(engine, (100.0, 114.19, 100.0, 110.0), -1, spread=10))
    assert (trade.reason, trade.exit_price) == ("stop_out", 114.29)
    assert the_trade(stopped_out(engine, (100.0, 114.18, 100.0, 110.0), -1, spread=10)).reason == "end_of_data"


def test_commission_paid_brings_the_stop_out_nearer(engine):
    # 100 paid: 9,900 + 500 (p - 100) = 25 p, p = 40,100 / 475 = 84.4211 -> 84.42
    costs = qb.Costs(commission_per_lot=20.0)
    assert the_trade(stopped_out(engine, (100.0, 100.0, 84.0, 90.0), costs=costs)).exit_price == 84.42


def test_the_level_is_the_accounts(engine):
    # Level 1.0: 475 becomes 450: 40,000 / 450 = 88.8889. Level 0: 40,000 / 500 = 80.
    for level, price in ((1.0, 88.89), (0.0, 80.0)):
        result = stopped_out(engine, (100.0, 100.0, 79.0, 90.0), account=qb.Account(stop_out_level=level))
        assert the_trade(result).exit_price == price


def test_stop_out_where_base_is_the_account_currency(engine):
    # 100 units x 500 lots of the account's own currency: margin 5,000.
    # 10,000 + 50,000 (p - 100) / p = 2,500: p = 5,000,000 / 57,500 = 86.9565 -> 86.96
    result = stopped_out(
        engine, (100.0, 100.0, 86.96, 90.0), sizing=qb.FixedLots(500), account=qb.Account("ABC", 10_000)
    )
    assert shown(result, "reason", "exit_price") == [("stop_out", 86.96)]
    result = stopped_out(
        engine, (100.0, 100.0, 86.97, 90.0), sizing=qb.FixedLots(500), account=qb.Account("ABC", 10_000)
    )
    assert shown(result, "reason") == [("end_of_data",)]


def test_stop_out_of_a_short_where_base_is_the_account_currency(engine):
    # 10,000 - 50,000 (p - 100) / p = 2,500: 5,000,000 / p = 42,500, p = 117.6471 -> 117.65
    result = stopped_out(
        engine, (100.0, 117.65, 100.0, 110.0), -1, sizing=qb.FixedLots(500), account=qb.Account("ABC", 10_000)
    )
    assert shown(result, "reason", "exit_price") == [("stop_out", 117.65)]


def test_a_short_that_can_never_lose_its_balance_is_never_stopped_out(engine):
    # 50 lots = 5,000 ABC short of an account of 10,000 ABC: at any price at most 5,000 are lost.
    result = stopped_out(
        engine, (100.0, 9_999.0, 100.0, 110.0), -1, sizing=qb.FixedLots(50), account=qb.Account("ABC", 10_000)
    )
    assert shown(result, "reason") == [("end_of_data",)]


def test_stop_out_by_rates(engine):
    # 2 account currency a quote: 5,000 + 500 (p - 100) = 25 p, p = 45,000 / 475 = 94.7368 -> 94.74
    rates = bars_of([2.0] * 9, start="2024-01-01T22:00", instrument=abc(symbol="R"))
    result = stopped_out(engine, (100.0, 100.0, 94.0, 95.0), account=qb.Account("EUR", 10_000), rates=rates)
    assert shown(result, "reason", "exit_price") == [("stop_out", 94.74)]


def test_an_unlevered_long_is_never_stopped_out(engine):
    # 1 lot at 100 = 10,000 with leverage 1: equity 100 p against 0.5 x 100 p.
    result = stopped_out(engine, (100.0, 100.0, 0.01, 50.0), sizing=qb.FixedLots(1), instrument=abc(leverage=1))
    assert shown(result, "reason", "exit_price") == [("end_of_data", 50.0)]


def test_the_stop_that_is_nearer_comes_before_the_stop_out(engine):
    # Stop-out at 84.21. A stop at 90 comes first, one at 80 never.
    assert the_trade(stopped_out(engine, (100.0, 100.0, 79.0, 90.0), stop=10.0)).reason == "stop"
    trade = the_trade(stopped_out(engine, (100.0, 100.0, 79.0, 90.0), stop=20.0))
    assert (trade.reason, trade.exit_price, trade.stop) == ("stop_out", 84.21, 80.0)


def test_a_stop_out_before_a_take_in_reach_is_ambiguous(engine):
    trade = the_trade(stopped_out(engine, (100.0, 106.0, 84.0, 90.0), take=5.0))
    assert (trade.reason, trade.ambiguous) == ("stop_out", True)


def test_a_gap_through_the_stop_out_fills_at_the_open_with_slippage(engine):
    # 85 > 84.23 > 82: the gap is closed at 82 - 0.02.
    trade = the_trade(stopped_out(engine, (82.0, 83.0, 81.0, 82.0), costs=SLIP))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop_out", 81.98, False)


def test_at_the_open_the_stop_out_is_asked_before_the_stop(engine):
    assert the_trade(stopped_out(engine, (82.0, 83.0, 81.0, 82.0), stop=10.0)).reason == "stop_out"
    assert the_trade(stopped_out(engine, (89.0, 89.0, 88.0, 88.5), stop=10.0)).reason == "stop"


def test_the_stop_out_counts_all_parts_and_moves_with_an_addition(engine):
    # 2.5 lots at 100 and 2.5 at 98: 10,000 + 500 p - 250 x 198 = 25 p, p = 39,500 / 475 = 83.1579 -> 83.16
    bars = bars_of([100.0, 100.0, 98.0, (98.0, 98.0, 83.16, 90.0), 90.0], instrument=TEN)
    result = play(engine, bars, [0.5, 1, 1, 1, 1], sizing=FIVE)
    assert shown(result, "lots", "entry_price", "exit_price", "reason") == [
        (2.5, 100.0, 83.16, "stop_out"),
        (2.5, 98.0, 83.16, "stop_out"),
    ]


def test_swap_paid_brings_the_stop_out_nearer(engine):
    # 200 points x 0.01 x 100 x 5 lots = 1,000 paid at 22:00: 9,000 + 500 (p - 100) = 25 p, p = 86.3158 -> 86.32
    instrument = abc(leverage=10, swap_long_points=-200)
    rows = [100.0, 100.0, 100.0, (100.0, 100.0, 86.0, 90.0), 90.0]
    bars = bars_of(rows, start="2024-01-09T20:00", instrument=instrument)
    assert the_trade(play(engine, bars, [1] * 5, sizing=FIVE)).exit_price == 86.32


def test_after_a_loss_of_everything_in_a_gap_every_later_entry_is_ruin(engine):
    # 500 x (79 - 100) = -10,500: the account is at -500.
    bars = bars_of([100.0, 100.0, 79.0, 79.0, 79.0, 79.0, 79.0], instrument=TEN)
    result = play(engine, bars, [1, 1, 1, -1, -1, 1, 1], sizing=FIVE)
    assert shown(result, "reason", "exit_price", "profit") == [("stop_out", 79.0, pytest.approx(-10_500.0))]
    assert skips(result) == [(4, "ruin"), (6, "ruin")]
    assert result.equity.tolist() == pytest.approx([10_000, 10_000, -500, -500, -500, -500, -500])


def test_equity_of_exactly_zero_is_ruin(engine):
    bars = bars_of([100.0, 100.0, 80.0, 80.0, 80.0, 80.0], instrument=TEN)
    result = play(engine, bars, [1, 1, 1, -1, -1, -1], sizing=FIVE)
    assert result.equity.iloc[-1] == 0
    assert skips(result) == [(4, "ruin")]


def test_a_reversal_whose_exit_ruins_opens_nothing(engine):
    # The gap closes the long at 79 as a stop-out; the short decided for the same open is ruin.
    bars = bars_of([100.0, 100.0, 79.0, 79.0], instrument=TEN)
    result = play(engine, bars, [1, -1, -1, -1], sizing=FIVE)
    assert len(result.trades) == 1
    assert skips(result) == [(2, "ruin")]


def test_after_a_stop_out_with_money_left_trading_goes_on(engine):
    bars = bars_of([100.0, 100.0, (100.0, 100.0, 84.0, 90.0), 90.0, 90.0, 90.0], instrument=TEN)
    result = play(engine, bars, [1, 1, 1, -0.1, -0.1, -0.1], sizing=FIVE)
    assert shown(result, "side", "reason") == [(1, "stop_out"), (-1, "end_of_data")]


def test_daily_returns_stay_finite_after_ruin(engine):
    times = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
    bars = bars_of([100.0, 100.0, 79.0, 79.0, 79.0], times=times, timeframe="D1", instrument=TEN)
    daily = play(engine, bars, [1] * 5, sizing=FIVE).daily
    assert daily.tolist() == pytest.approx([0.0, 0.0, -1.05, 0.0, 0.0])
