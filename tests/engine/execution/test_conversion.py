"""EXECUTION 4: quote currency into account currency."""

import numpy as np
import pytest
from stage import abc, bars_of, play, skips, the_trade

import quantbench as qb
from quantbench.core.errors import ExecutionError

# Base currency is the account's, as USDJPY on a USD account: a lot is 1,000 units.
JPY = abc(symbol="USDJPY", base_currency="USD", quote_currency="JPY", contract_size=1000)
EURJPY = abc(symbol="EURJPY", base_currency="EUR", quote_currency="JPY", contract_size=1000)
USDJPY = abc(symbol="JPYUSD", base_currency="JPY", quote_currency="USD", digits=6, point=1e-6)


def rates_of(closes, **words):
    return bars_of(closes, instrument=USDJPY, **words)


def test_quote_is_account_multiplies_by_one(engine):
    bars = bars_of([100.0, 100.0, 101.5, 101.5])
    assert the_trade(play(engine, bars, [1, 0, 0, 0])).profit == pytest.approx(150.0)


def test_base_is_account_divides_by_the_exit_price(engine):
    # 2.50 x 1,000 units = 2,500 JPY; at 125 they are 20 USD.
    bars = bars_of([122.5, 122.5, 125.0, 125.0], instrument=JPY)
    assert the_trade(play(engine, bars, [1, 0, 0, 0])).profit == pytest.approx(20.0)


def test_eurusd_on_a_euro_account_is_the_same_case(engine):
    eurusd = abc(symbol="EURUSD", base_currency="EUR", digits=5, point=1e-5, contract_size=100_000)
    # 0.01 x 100,000 = 1,000 USD, 800 EUR at 1.25
    bars = bars_of([1.24, 1.24, 1.25, 1.25], instrument=eurusd)
    result = play(engine, bars, [1, 0, 0, 0], account=qb.Account("EUR", 10_000))
    assert the_trade(result).profit == pytest.approx(800.0)


def test_open_profit_is_converted_at_the_marking_price(engine):
    # Long 1,000 from 100, close 125: 25,000 JPY = 200 USD at 125. A short marks at the ask 125.00 + 0.10.
    bars = bars_of([100.0, (100.0, 125.0, 100.0, 125.0), 125.0], instrument=JPY, spread=10)
    assert play(engine, bars, [-1] * 3).equity.iloc[1] == pytest.approx(10_000 - 25.10 * 1000 / 125.10)
    # Long: bought at 100.10.
    assert play(engine, bars, [1] * 3).equity.iloc[1] == pytest.approx(10_000 + 24.90 * 1000 / 125.0)


def test_excursions_are_converted_at_the_prices_they_come_from(engine):
    # Long from 100: the low 80 is -20,000 JPY / 80 = -250 USD, the high 125 is 25,000 / 125 = 200 USD.
    bars = bars_of([100.0, (100.0, 125.0, 80.0, 100.0), 100.0, 100.0], instrument=JPY)
    trade = the_trade(play(engine, bars, [1, 1, 0, 0]))
    assert (trade.mae, trade.mfe) == (pytest.approx(-250.0), pytest.approx(200.0))


def test_lots_are_counted_in_account_currency(engine):
    # value(100 x 1,000 JPY) = 1,000 USD a lot: 10 lots. At risk: value(5 x 1,000 JPY) = 50 USD, 100 / 50 = 2 lots.
    bars = bars_of([100.0] * 3, instrument=JPY)
    assert the_trade(play(engine, bars, [1] * 3, sizing=qb.PercentEquity(1.0))).lots == 10.0
    assert the_trade(play(engine, bars, [1] * 3, sizing=qb.PercentRisk(0.01), stop=5.0)).lots == 2.0


def test_margin_is_converted_at_the_fill_price(engine):
    # 1,000 lots x 1,000 USD / 100 = 10,000 USD at any price: it fits exactly, 1,001 lots do not.
    bars = bars_of([100.0, 120.0, 120.0], instrument=abc(base_currency="USD", quote_currency="JPY", volume_max=5000.0))
    account = qb.Account(stop_out_level=0.0)
    assert the_trade(play(engine, bars, [1] * 3, sizing=qb.FixedLots(10_000 / 1), account=account)).lots == 5000.0
    bars = bars_of([100.0, 120.0, 120.0], instrument=abc(base_currency="USD", quote_currency="JPY", volume_max=2e4))
    # A lot of 100 USD binds 1 USD.
    assert skips(play(engine, bars, [1] * 3, sizing=qb.FixedLots(10_001), account=account)) == [(1, "margin")]


def test_a_missing_rate_is_a_clear_error_and_never_one(engine):
    with pytest.raises(ExecutionError, match=r"EURJPY is quoted in JPY, the account is in USD: pass rates="):
        play(engine, bars_of([100.0] * 3, instrument=EURJPY), [1] * 3)


def test_rates_that_begin_too_late_are_an_error(engine):
    bars = bars_of([100.0] * 3, instrument=EURJPY)
    with pytest.raises(ExecutionError, match="no complete rate at 2024-01-02T00:00"):
        play(engine, bars, [1] * 3, rates=rates_of([0.01] * 9, start="2024-01-02T00:00"))


def test_the_rate_is_that_of_the_latest_bar_complete_at_the_time_of_use(engine):
    # Rates start two hours earlier: bar j of the rates closes when bar j - 1 of the prices opens.
    rates = rates_of([0.010, 0.011, 0.012, 0.013, 0.014, 0.015], start="2024-01-01T22:00")
    bars = bars_of([100.0, 100.0, (102.0, 103.0, 101.0, 103.0), 104.0], instrument=EURJPY)
    result = play(engine, bars, [1, 1, 0, 0], rates=rates)
    # Marked at the close of bar 2 (03:00): 3 x 1,000 JPY at the rate bar 02:00-03:00 (0.014).
    assert result.equity.iloc[2] == pytest.approx(10_000 + 3_000 * 0.014)
    # Closed at the open of bar 3 (03:00): the same rate; 4 x 1,000 JPY.
    trade = the_trade(result)
    assert trade.profit == pytest.approx(4_000 * 0.014)
    # Excursions of bar 2 use the rate known at its open (0.013): -0 and 3 x 1,000.
    assert (trade.mae, trade.mfe) == (0.0, pytest.approx(max(3_000 * 0.013, 4_000 * 0.014)))


def test_coarser_rates_wait_for_their_bar_to_complete(engine):
    # Four-hour rates: until 04:00 only the bar of 20:00-24:00 is complete.
    rates = rates_of([0.010, 0.020], start="2024-01-01T20:00", timeframe="H4")
    bars = bars_of([100.0, 100.0, 101.0, 102.0, 103.0, 104.0, 105.0], instrument=EURJPY)
    result = play(engine, bars, [1] * 7, rates=rates)
    # Bar 3's close is 04:00: there the rate becomes 0.020.
    profits = [0, 0, 1_000 * 0.010, 2_000 * 0.020, 3_000 * 0.020, 4_000 * 0.020, 5_000 * 0.020]
    assert result.equity.tolist() == pytest.approx([10_000 + p for p in profits])


def test_at_the_end_of_data_the_rate_is_that_of_the_close(engine):
    rates = rates_of([0.010, 0.011, 0.012, 0.013], start="2024-01-01T23:00")
    bars = bars_of([100.0, 100.0, (100.0, 105.0, 100.0, 105.0)], instrument=EURJPY)
    # Closed at 03:00, when the rate bar of 02:00 is complete.
    assert the_trade(play(engine, bars, [1] * 3, rates=rates)).profit == pytest.approx(5_000 * 0.013)


def test_sizing_uses_the_rate_known_at_the_close_of_the_decision(engine):
    # At the close of bar 0 (01:00) the rate 0.010 is known: 10,000 / (100 x 1,000 x 0.010) = 10 lots.
    rates = rates_of([0.005, 0.010, 0.020], start="2024-01-01T23:00")
    bars = bars_of([100.0] * 3, instrument=EURJPY)
    assert the_trade(play(engine, bars, [1] * 3, rates=rates, sizing=qb.PercentEquity(1.0))).lots == 10.0


def test_commission_per_lot_is_account_currency_and_percent_is_of_converted_notional(engine):
    # 1 lot at 100: 100,000 JPY = 1,000 USD; 0.1 % is 1 USD a side at any price, plus 2 USD a lot and side.
    bars = bars_of([100.0, 100.0, 125.0, 125.0], instrument=JPY)
    costs = qb.Costs(commission_per_lot=2.0, commission_percent=0.001)
    assert the_trade(play(engine, bars, [1, 0, 0, 0], costs=costs)).commission == pytest.approx(-6.0)


def test_the_rates_may_have_their_own_hours(engine):
    # No rate bar for 01:00: the one of 00:00 serves until 03:00.
    times = ["2024-01-01T22:00", "2024-01-02T00:00", "2024-01-02T02:00", "2024-01-02T03:00"]
    rates = rates_of([0.010, 0.020, 0.030, 0.040], times=times)
    bars = bars_of([100.0, 100.0, 101.0, 102.0], instrument=EURJPY)
    marks = play(engine, bars, [1] * 4, rates=rates).equity
    # Closes at 01:00, 02:00, 03:00, 04:00.
    assert marks.to_numpy() == pytest.approx(10_000 + np.array([0, 0, 1_000 * 0.030, 2_000 * 0.040]))
