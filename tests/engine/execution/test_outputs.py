"""EXECUTION 4 and 5: money, and what comes out."""

import numpy as np
import pandas as pd
import pytest
from stage import abc, bars_of, hour, play, shown, the_trade

import quantbench as qb
from quantbench.core.rules import REASONS

COLUMNS = {
    "episode": "int64",
    "side": "int8",
    "lots": "float64",
    "entry_time": "datetime64[ns, UTC]",
    "exit_time": "datetime64[ns, UTC]",
    "entry_price": "float64",
    "exit_price": "float64",
    "stop": "float64",
    "take": "float64",
    "reason": "str",
    "commission": "float64",
    "swap": "float64",
    "profit": "float64",
    "mae": "float64",
    "mfe": "float64",
    "bars": "int64",
    "ambiguous": "bool",
}


@pytest.mark.parametrize("target", [[1, 1, 0, 0], [0, 0, 0, 0]])
def test_trades_have_the_columns_of_the_law_with_and_without_rows(engine, target):
    trades = play(engine, bars_of([100.0] * 4), target).trades
    assert {name: str(dtype) for name, dtype in trades.dtypes.items()} == COLUMNS
    assert isinstance(trades.index, pd.RangeIndex)


def test_skipped_has_a_time_and_a_reason(engine):
    for target in ([1, 1, 1], [0, 0, 0]):
        skipped = play(engine, bars_of([100.0] * 3), target, sizing=qb.PercentRisk(0.01)).skipped
        assert [(name, str(dtype)) for name, dtype in skipped.dtypes.items()] == [
            ("time", "datetime64[ns, UTC]"),
            ("reason", "str"),
        ]


def test_series_run_over_the_bars(engine):
    result = play(engine, bars_of([100.0] * 4), [1, 1, 0, 0])
    for series in (result.equity, result.position):
        assert series.index.equals(pd.date_range("2024-01-02", periods=4, freq="h", tz="UTC"))
        assert series.dtype == np.float64


def test_balance_is_the_money_without_open_profit(engine):
    # Bought at 100, commission 1; at the close of bar 1 (103) equity is 10,299 and the balance 9,999.
    bars = bars_of([100.0, (100.0, 103.0, 100.0, 103.0), 103.0, 103.0])
    result = play(engine, bars, [1, 1, 0, 0], costs=qb.Costs(commission_per_lot=1.0))
    assert result.equity.tolist() == pytest.approx([10_000, 10_299, 10_299, 10_298])
    assert result.balance.tolist() == pytest.approx([10_000, 9_999, 9_999, 10_298])


def test_trades_are_in_order_of_closing_then_oldest_part(engine):
    opens = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]
    result = play(engine, bars_of(opens), [0.25, 0.5, 1, 0.5, 0.5, -1, -1])
    # Parts 0.25 @ 101, 0.25 @ 102, 0.5 @ 103; 0.5 leave at 104, the rest at 106.
    assert shown(result, "lots", "entry_price", "exit_price", "reason") == [
        (0.25, 101.0, 104.0, "resize"),
        (0.25, 102.0, 104.0, "resize"),
        (0.5, 103.0, 106.0, "reversal"),
        (1.0, 106.0, 106.0, "end_of_data"),
    ]


def test_every_reason_there_is():
    law = "signal reversal time resize stop take trail limit stop_out end_of_data"
    assert law.split() == list(REASONS)


def test_commission_is_paid_on_both_sides(engine):
    # 1 lot from 100 to 110: 3 a side, and 0.1 % of 10,000 and of 11,000.
    bars = bars_of([100.0, 100.0, 110.0, 110.0])
    costs = qb.Costs(commission_per_lot=3.0, commission_percent=0.001)
    result = play(engine, bars, [1, 1, 0, 0], costs=costs)
    trade = the_trade(result)
    assert trade.commission == pytest.approx(-(3 + 10 + 3 + 11))
    assert trade.profit == pytest.approx(1_000 - 27)
    # The entry's side is paid at the entry: 10,000 - 13 at the close of bar 1.
    assert result.equity.tolist() == pytest.approx([10_000, 9_987, 10_987, 10_973])


def test_no_commission_is_zero_and_not_minus_zero(engine):
    commission = the_trade(play(engine, bars_of([100.0] * 4), [1, 0, 0, 0])).commission
    assert commission == 0
    assert not np.signbit(commission)


def test_commission_of_the_instrument_is_used_where_costs_say_nothing(engine):
    bars = bars_of([100.0] * 4, instrument=abc(commission_per_lot=2.0, commission_percent=0.0001))
    assert the_trade(play(engine, bars, [1, 0, 0, 0])).commission == pytest.approx(-6.0)
    free = qb.Costs(commission_per_lot=0, commission_percent=0)
    assert the_trade(play(engine, bars, [1, 0, 0, 0], costs=free)).commission == 0
    assert the_trade(play(engine, bars, [1, 0, 0, 0], costs=qb.Costs().times(2))).commission == pytest.approx(-12.0)


def test_spread_of_the_bars_then_of_the_costs_then_of_the_instrument(engine):
    def paid(spread, costs=None, **facts):
        bars = bars_of([100.0] * 3, spread=spread, instrument=abc(**facts))
        return round(the_trade(play(engine, bars, [1] * 3, costs=costs)).entry_price - 100, 2)

    declared = {"typical_spread_points": 30}
    assert paid(10, qb.Costs(spread_points=20), **declared) == 0.10
    assert paid(0, qb.Costs(spread_points=20), **declared) == 0.0  # a zero is carried
    assert paid(np.nan, qb.Costs(spread_points=20), **declared) == 0.20
    assert paid(np.nan, qb.Costs(spread_points=0), **declared) == 0.0  # a declared zero is legal
    assert paid(np.nan, **declared) == 0.30
    assert paid(np.nan) == 0.0


def test_the_spread_factor_multiplies_what_the_bars_carry_only(engine):
    def paid(spread, costs):
        bars = bars_of([100.0] * 3, spread=spread, instrument=abc(typical_spread_points=30))
        return round(the_trade(play(engine, bars, [1] * 3, costs=costs)).entry_price - 100, 2)

    assert paid(10, qb.Costs(spread_factor=3)) == 0.30
    assert paid(np.nan, qb.Costs(spread_factor=3)) == 0.30  # the typical spread, as declared
    assert paid(10, qb.Costs().times(2)) == 0.20
    assert paid(np.nan, qb.Costs().times(2)) == 0.60
    assert paid(np.nan, qb.Costs(spread_points=10).times(2)) == 0.20


def test_the_declared_slippage_is_used_and_scaled(engine):
    bars = bars_of([100.0] * 3, instrument=abc(slippage_points=3))
    assert the_trade(play(engine, bars, [1] * 3)).entry_price == 100.03
    assert the_trade(play(engine, bars, [1] * 3, costs=qb.Costs(slippage_points=0))).entry_price == 100.0
    assert the_trade(play(engine, bars, [1] * 3, costs=qb.Costs().times(2))).entry_price == 100.06


def test_what_is_open_at_the_end_is_closed_at_the_close_without_slippage(engine):
    # Long: sold at the bid's close 105; commission is paid. Short: bought at 105.10.
    bars = bars_of([100.0, 100.0, (100.0, 106.0, 100.0, 105.0)], spread=10)
    costs = qb.Costs(slippage_points=2, commission_per_lot=1.0)
    long = play(engine, bars, [1] * 3, costs=costs)
    assert shown(long, "exit_price", "reason", "commission", "profit") == [
        (105.0, "end_of_data", -2.0, pytest.approx(488.0 - 2.0))  # (105 - 100.12) x 100
    ]
    short = play(engine, bars, [-1] * 3, costs=costs)
    assert shown(short, "exit_price", "profit") == [(105.10, pytest.approx(-512.0 - 2.0))]  # (99.98 - 105.10) x 100
    for result in (long, short):
        assert result.equity.iloc[-1] - 10_000 == pytest.approx(result.trades.profit.sum())
        assert result.position.iloc[-1] == 0


def test_equity_marks_longs_at_the_bid_and_shorts_at_the_ask(engine):
    # Close of bar 1 is 101; bought at 100.10, sold at 100; the ask of the close is 101.10.
    bars = bars_of([100.0, (100.0, 101.0, 100.0, 101.0), 101.0], spread=10)
    assert play(engine, bars, [1] * 3).equity.iloc[1] == pytest.approx(10_090)
    assert play(engine, bars, [-1] * 3).equity.iloc[1] == pytest.approx(9_890)


def test_excursions_come_from_low_and_high_but_in_the_exit_bar_from_the_exit_price_only(engine):
    # Bars 1 and 2 span 98..103; bar 3, left at its open 101, spans 90..120 and must not count.
    rows = [100.0, (100.0, 102.0, 98.0, 101.0), (101.0, 103.0, 99.0, 101.0), (101.0, 120.0, 90.0, 100.0), 100.0]
    trade = the_trade(play(engine, bars_of(rows), [1, 1, 0, 0, 0]))
    assert (trade.mae, trade.mfe) == (-200.0, 300.0)


def test_the_exit_price_counts_as_an_excursion(engine):
    # Nothing but bar 1 (99.5..100.5) and an exit at 97 / at 104.
    for last, expected in ((97.0, (-300.0, 50.0)), (104.0, (-50.0, 400.0))):
        bars = bars_of([100.0, (100.0, 100.5, 99.5, 100.0), last, last])
        trade = the_trade(play(engine, bars, [1, 0, 0, 0]))
        assert (trade.mae, trade.mfe) == expected


def test_excursions_of_a_trade_within_one_bar_are_its_exit_alone(engine):
    # Stopped on the bar of the entry: the high 105 is not known to have come first.
    bars = bars_of([100.0, (100.0, 105.0, 98.0, 99.0), 99.0])
    trade = the_trade(play(engine, bars, [1] * 3, stop=1.0))
    assert (trade.mae, trade.mfe, trade.bars) == (-100.0, 0.0, 0)


def test_excursions_of_a_short_are_on_the_ask_and_before_costs(engine):
    # Sold at 100; bar 1: ask 98.10..102.10. Commission is no excursion.
    bars = bars_of([100.0, (100.0, 102.0, 98.0, 100.0), 100.0, 100.0], spread=10)
    trade = the_trade(play(engine, bars, [-1, 0, 0, 0], costs=qb.Costs(commission_per_lot=7.0)))
    assert (trade.mae, trade.mfe) == (pytest.approx(-210.0), pytest.approx(190.0))


def test_a_split_part_takes_its_share_of_the_excursions(engine):
    # One lot sees -200 and +300 in bar 1; 0.25 lots leave at 101, 0.75 at 101.
    bars = bars_of([100.0, (100.0, 103.0, 98.0, 101.0), 101.0, 101.0, 101.0])
    result = play(engine, bars, [1, 0.75, 0, 0, 0])
    assert shown(result, "lots", "mae", "mfe") == [(0.25, -50.0, 75.0), (0.75, -150.0, 225.0)]


def test_daily_returns_end_at_17_00_new_york(engine):
    # Winter: 22:00 UTC begins the next trading day. Bars 0 and 1 belong to Tuesday the 9th, 2 and 3 to the 10th.
    rows = [100.0, (100.0, 101.0, 100.0, 101.0), (101.0, 103.0, 101.0, 103.0), 103.0]
    bars = bars_of(rows, start="2024-01-09T20:00")
    daily = play(engine, bars, [1] * 4).daily
    assert daily.index.tolist() == [pd.Timestamp("2024-01-09"), pd.Timestamp("2024-01-10")]
    # 10,000 -> 10,100 -> 10,300: the starting balance comes first.
    assert daily.tolist() == pytest.approx([0.01, 10_300 / 10_100 - 1])


def test_days_without_bars_are_no_rows(engine):
    times = ["2024-01-04T12:00", "2024-01-05T12:00", "2024-01-08T12:00"]
    daily = play(engine, bars_of([100.0] * 3, times=times, timeframe="H1"), [1] * 3).daily
    assert [day.day for day in daily.index] == [4, 5, 8]


def test_the_days_of_crypto_end_at_midnight_utc(engine):
    bars = bars_of([100.0] * 4, start="2024-01-09T22:00", instrument=abc(calendar="crypto"))
    assert [day.day for day in play(engine, bars, [1] * 4).daily.index] == [9, 10]


def test_an_entry_and_its_exit_are_labelled_by_their_bars(engine):
    result = play(engine, bars_of([100.0] * 5), [0, 1, 1, 0, 0])
    assert shown(result, "entry_time", "exit_time", "bars") == [(hour(2), hour(4), 2)]


def test_the_same_backtest_twice_is_the_same(engine):
    bars = bars_of([100.0, (100.0, 101.0, 98.0, 99.0), (99.0, 103.0, 99.0, 102.0), 102.0])
    first, second = (play(engine, bars, [1, -1, 1, 1], stop=1.0, take=2.0) for _ in range(2))
    pd.testing.assert_frame_equal(first.trades, second.trades)
    pd.testing.assert_series_equal(first.equity, second.equity)
