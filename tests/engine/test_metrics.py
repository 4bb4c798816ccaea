"""The metrics of a backtest: hand-made paths with known answers."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from quantbench.core.account import Account, Costs, FixedLots
from quantbench.core.bars import Bars
from quantbench.core.calendar import CALENDARS
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.instrument import Instrument
from quantbench.core.limits import Limits
from quantbench.core.path import Path
from quantbench.core.results import Backtest
from quantbench.core.rules import REASONS
from quantbench.core.strategy import Strategy
from quantbench.engine import metrics

NAN = float("nan")
HOUR = np.timedelta64(1, "h")
MONDAY = np.datetime64("2024-01-08T00", "ns")


def instrument(**facts):
    usual = {"digits": 5, "point": 1e-5, "contract_size": 100_000.0, "volume_min": 0.01, "volume_step": 0.01}
    money = {"volume_max": 100.0, "base_currency": "EUR", "quote_currency": "USD", "leverage": 30.0}
    return Instrument(symbol="EURUSD", **(usual | money | facts))


def bars_of(n, *, timeframe="D1", start=MONDAY, step=24 * HOUR, price=1.1, spread=10.0, **facts):
    close = np.full(n, price)
    time = start + np.arange(n) * step
    known = {"open": close, "high": close, "low": close, "close": close}
    return Bars("EURUSD", timeframe, instrument(**facts), time, **known, spread=np.full(n, spread))


def trade(
    profit=0.0,
    *,
    reason="signal",
    side=1,
    bars=(1, 2),
    prices=(1.1, 1.1),
    stop=NAN,
    lots=1.0,
    costs=(0.0, 0.0),
    reach=(0.0, 0.0),
):
    commission, swap = costs
    entry_and_exit = (0, side, lots, *bars, *prices, stop, NAN, REASONS.index(reason))
    return (*entry_and_exit, commission, swap, profit, *reach, False)


def backtest(equity, *, trades=(), bars=None, currency="USD", balance=100.0, position=None, costs=None):
    equity = np.asarray(equity, dtype=np.float64)
    bars = bars_of(len(equity)) if bars is None else bars
    held = np.zeros(len(equity)) if position is None else np.asarray(position, dtype=np.float64)
    path = Path.of(equity, held, trades=trades, skipped=[])
    account = Account(currency=currency, balance=balance)
    return Backtest(Strategy(), bars, account, costs or Costs(), FixedLots(1.0), Limits(), "reference", path)


# ---- of a backtest


def test_the_figures_of_a_small_path_are_those_worked_by_hand():
    trades = [trade(20.0, bars=(0, 1)), trade(-30.0, bars=(1, 2)), trade(20.0, bars=(2, 4))]
    found = backtest([100.0, 120.0, 90.0, 110.0, 110.0], trades=trades, position=[1, 1, 1, 1, 0]).metrics()
    days = np.array([0.0, 0.2, -0.25, 110 / 90 - 1, 0.0])
    assert found["total_return"] == pytest.approx(0.1)
    assert found["cagr"] == pytest.approx(1.1 ** (260 / 5) - 1)
    assert found["cagr_calendar"] == pytest.approx(1.1 ** (365.25 / 5) - 1)
    assert found["volatility"] == pytest.approx(days.std(ddof=1) * 260**0.5)
    assert found["sharpe"] == pytest.approx(days.mean() / days.std(ddof=1) * 260**0.5)
    assert found["sortino"] == pytest.approx(days.mean() / (0.25 / 5**0.5) * 260**0.5)
    assert found["max_drawdown"] == pytest.approx(-0.25)
    assert found["calmar"] == pytest.approx(found["cagr"] / 0.25)
    assert found["max_drawdown_days"] == 3.0
    assert found["time_under_water"] == pytest.approx(3 / 5)
    assert found["profit_factor"] == pytest.approx(40 / 30)
    assert found["win_rate"] == pytest.approx(2 / 3)
    assert found["expectancy"] == pytest.approx(10 / 3)
    assert found["exposure"] == pytest.approx(0.8)
    assert found["trades"] == 3
    assert found["average_bars"] == pytest.approx(4 / 3)
    assert found["turnover"] == pytest.approx(3 * 2 * 110_000 / 106 / (5 / 260))


def test_the_figures_come_in_the_promised_order_and_none_is_missing_without_a_reason():
    found = backtest([100.0, 101.0, 99.0, 102.0]).metrics()
    first = "total_return cagr volatility sharpe sortino calmar max_drawdown max_drawdown_days profit_factor win_rate"
    assert list(found.index[:15]) == [*first.split(), "expectancy", "sqn", "exposure", "trades", "turnover"]
    assert found.dtype == np.float64
    assert set(found.attrs["reasons"]) == set(found.index[found.isna()])
    assert found.attrs["reasons"]["win_rate"] == "there are no trades"


def test_the_starting_balance_is_the_first_peak():
    found = backtest([80.0, 90.0, 90.0]).metrics()
    assert found["max_drawdown"] == pytest.approx(-0.2)
    assert found["max_drawdown_days"] == 2.0


def test_a_path_that_never_moves_has_no_ratios_and_says_why():
    found = backtest([100.0] * 5).metrics()
    reasons = found.attrs["reasons"]
    assert found["volatility"] == found["max_drawdown"] == found["turnover"] == 0.0
    assert reasons["sharpe"] == "daily returns do not vary"
    assert reasons["sortino"] == "no day lost money"
    assert reasons["calmar"] == "equity never fell below its peak"


@pytest.mark.parametrize(
    "equity", [[], [100.0], [100.0, 90.0], [100.0, 90.0, 95.0], [100.0, 0.0, 0.0, 0.0], [50.0, -5.0, -5.0]]
)
def test_odd_paths_give_numbers_or_reasons_never_infinity(equity):
    for trades in ([], [trade(-10.0, bars=(0, 0))], [trade(5.0, bars=(0, 0))] * 3):
        found = backtest(equity, trades=trades if equity else []).metrics()
        assert not np.isinf(found).any()
        assert set(found.attrs["reasons"]) == set(found.index[found.isna()])


def test_losing_everything_is_a_growth_of_minus_one():
    found = backtest([50.0, 0.0, 0.0]).metrics()
    assert found["cagr"] == found["total_return"] == -1.0
    assert found["max_drawdown"] == -1.0
    assert found.attrs["reasons"]["k_ratio"] == "there are fewer than four trading days"
    assert backtest([50.0, 0.0, 0.0, 0.0]).metrics().attrs["reasons"]["k_ratio"] == "a day lost everything"


def test_days_are_the_calendars_and_drawdown_is_on_bars():
    hourly = bars_of(48, timeframe="H1", start=MONDAY + 22 * HOUR, step=HOUR)  # 17:00 New York: two FX days
    equity = np.full(48, 100.0)
    equity[10], equity[23:] = 60.0, 110.0
    found = backtest(equity, bars=hourly).metrics()
    assert found["max_drawdown"] == pytest.approx(-0.4)
    assert found["volatility"] == pytest.approx(np.std([0.1, 0.0], ddof=1) * 260**0.5)
    assert np.isnan(found["sortino"])


def test_a_result_says_when_its_bars_contradict_the_calendar():
    daily = bars_of(400)  # Saturdays and Sundays too
    notes = backtest(np.full(400, 100.0), bars=daily).metrics().attrs["notes"]
    (note,) = notes
    assert note.startswith("the bars have 365 trading days a year, the fx calendar annualises with 260")
    crypto = bars_of(400, calendar="crypto")
    assert backtest(np.full(400, 100.0), bars=crypto).metrics().attrs["notes"] == []


@pytest.mark.parametrize(("kept", "is_off"), [(252, True), (253, False), (267, False), (268, True)])
def test_three_percent_is_where_the_days_contradict_the_calendar(kept, is_off):
    days = np.unique(np.linspace(0, 5 * 365.25 - 1, 5 * kept).astype(np.int64))
    assert len(days) == 5 * kept
    assert (metrics.days_mismatch(days, days_per_year=260.0) is not None) is is_off


def test_a_weekend_at_the_edge_of_a_short_sample_is_no_contradiction():
    assert metrics.days_mismatch(np.arange(5), days_per_year=260.0) is None
    assert metrics.days_mismatch(np.arange(1), days_per_year=260.0) is None


def test_sqn_counts_r_where_every_trade_has_a_stop_and_says_so_where_not():
    stops = [trade(200.0, stop=1.099), trade(-100.0, stop=1.099), trade(300.0, stop=1.098)]  # risks 100, 100, 200
    found = backtest([100.0] * 3, trades=stops).metrics()
    r = np.array([2.0, -1.0, 1.5])
    assert found["sqn"] == pytest.approx(3**0.5 * r.mean() / r.std(ddof=1))
    assert found["expectancy_r"] == pytest.approx(r.mean())
    assert found.attrs["notes"] == []
    without = backtest([100.0] * 3, trades=[*stops[:2], trade(300.0)]).metrics()
    money = np.array([200.0, -100.0, 300.0])
    assert without["sqn"] == pytest.approx(3**0.5 * money.mean() / money.std(ddof=1))
    assert without.attrs["notes"] == ["sqn is in money: 1 of 3 trades have no stop, so no R"]
    assert without.attrs["reasons"]["expectancy_r"] == "some trades have no stop at entry, so no R"


# ---- trades against the contract


def rows(*trades):
    return Path.of(np.zeros(3), np.zeros(3), trades=trades, skipped=[]).trades


def test_a_third_currency_is_converted_at_the_trades_own_rate():
    moved = trade(180.0 - 5.0, prices=(1.1, 1.102), costs=(-4.0, -1.0))  # 200 USD gross are 180 EUR
    still = trade(-4.0, costs=(-4.0, 0.0))
    later = trade(85.0, prices=(1.1, 1.101))
    found = metrics.conversion(rows(still, moved, still, later), instrument(base_currency="GBP"), currency="EUR")
    assert found == pytest.approx([0.9, 0.9, 0.9, 0.85])
    assert np.isnan(metrics.conversion(rows(still), instrument(base_currency="GBP"), currency="EUR")).all()


@pytest.mark.parametrize(
    ("base", "quote", "expected"), [("EUR", "USD", 221_000.0), ("USD", "JPY", 200_000.0), ("USD", "USD", 221_000.0)]
)
def test_notional_is_in_account_currency(base, quote, expected):
    of = instrument(base_currency=base, quote_currency=quote)
    assert metrics.traded_notional(rows(trade(prices=(1.1, 1.11))), of, currency="USD") == pytest.approx(expected)


def test_initial_risk_is_what_the_stop_would_lose_and_nan_beyond_it():
    fills = rows(trade(stop=1.099), trade(side=-1, stop=1.102), trade(), trade(stop=1.2))
    assert metrics.initial_risk(fills, instrument(), currency="USD") == pytest.approx([100, 200, NAN, NAN], nan_ok=True)
    in_base = metrics.initial_risk(fills, instrument(), currency="EUR")
    assert in_base == pytest.approx([100 / 1.099, 200 / 1.102, NAN, NAN], nan_ok=True)


def test_excursions_in_base_currency_give_back_the_price():
    low, high, entry = 1.05, 1.2, 1.1
    for side in (1, -1):
        ends = [(price - entry) * side * 100_000 / price for price in (low, high)]
        fills = rows(trade(prices=(entry, entry), side=side, reach=(min(ends), max(ends))))
        mae, mfe = metrics.excursions_in_price(fills, instrument(), currency="EUR")
        moves = sorted(((low - entry) * side, (high - entry) * side))
        assert [mae[0], mfe[0]] == pytest.approx(moves)


def test_the_excursion_table_speaks_price_and_r():
    won = trade(300.0, prices=(1.1, 1.104), stop=1.098, costs=(-60.0, -40.0), reach=(-100.0, 500.0))
    found = metrics.excursion_table(backtest([100.0] * 3, trades=[won])).iloc[0]
    expected = {"mae_price": -0.001, "mfe_price": 0.005, "mae_r": -0.5, "mfe_r": 2.5, "profit_r": 1.5, "captured": 0.8}
    assert found.drop("side").to_dict() == pytest.approx(expected)


def test_the_waterfall_takes_one_spread_a_round_trip_and_slippage_where_fills_slip():
    spread = np.array([1.0, 2.0, 4.0]) * 1e-5
    fills = rows(
        trade(10.0, side=1, costs=(-7.0, 1.0)),  # spread of its entry bar, slips twice
        trade(-20.0, side=-1, reason="take", costs=(-7.0, -2.0)),  # of its exit bar, slips once
    )
    found = metrics.waterfall(fills, instrument(), currency="USD", spread=spread, slippage=3e-5)
    assert found.spread == pytest.approx(-(2.0 + 4.0))
    assert found.slippage == pytest.approx(-(6.0 + 3.0))
    assert (found.commission, found.swap, found.net) == (-14.0, -1.0, -10.0)
    assert found.gross == pytest.approx(-10.0 + 6.0 + 9.0 + 14.0 + 1.0)


def test_the_waterfall_of_a_backtest_starts_from_the_bid_at_both_ends():
    bars = bars_of(4, spread=10.0)
    ask, slip = 1.1001, 2e-5
    long = trade(-14.0 - 7.0, prices=(ask + slip, 1.1 - slip), costs=(-7.0, 0.0))
    found = metrics.cost_waterfall(
        backtest([100.0] * 4, trades=[long], bars=bars, costs=Costs(slippage_points=2.0, commission_per_lot=3.5))
    )
    assert list(found.index) == ["gross", "spread", "commission", "swap", "slippage", "net"]
    assert found.to_list() == pytest.approx([0.0, -10.0, -7.0, 0.0, -4.0, -21.0], abs=1e-6)


# ---- tables


def test_the_drawdown_table_is_deepest_first_and_marks_what_has_not_recovered():
    found = metrics.drawdown_table(backtest([90.0, 110.0, 100.0, 110.0, 55.0, 60.0]))
    assert found["depth"].tolist() == pytest.approx([-0.5, -0.1, 100 / 110 - 1])
    assert found["bars"].tolist() == [2, 2, 2]
    assert found["days"].tolist() == [2.0, 1.0, 2.0]
    assert found["recovery"].isna().tolist() == [True, False, False]
    assert found["peak"][1] == pd.Timestamp(MONDAY, tz="UTC")
    assert len(metrics.drawdown_table(backtest([90.0, 110.0, 100.0, 110.0]), most=1)) == 1
    assert metrics.drawdown_table(backtest([100.0, 110.0])).empty


def test_trades_are_split_by_what_was_known_at_entry_and_booked_at_exit():
    bars = bars_of(60, timeframe="H1", start=np.datetime64("2024-01-30T20", "ns"), step=HOUR)
    trades = [
        trade(10.0, bars=(1, 2)),  # Tue 21:00 UTC, 16:00 New York: still Tuesday
        trade(-4.0, bars=(2, 3), side=-1, reason="stop"),  # 22:00 UTC is 17:00 New York: Wednesday
        trade(5.0, bars=(13, 40)),  # Wed 09:00, exits in February
    ]
    result = backtest(np.full(60, 100.0), trades=trades, bars=bars)
    by = {name: metrics.split_table(result, name)["profit"].to_dict() for name in metrics.SPLITS}
    assert by["side"] == {"short": -4.0, "long": 15.0}
    assert by["month"] == {"2024-01": 6.0, "2024-02": 5.0}
    assert by["weekday"] == {"Tue": 10.0, "Wed": 1.0}
    assert by["hour"] == {21: 10.0, 22: -4.0, 9: 5.0}
    assert by["session"] == {"asia": -4.0, "london": 5.0, "new_york": 10.0}
    assert by["reason"] == {"signal": 15.0, "stop": -4.0}
    with pytest.raises(ExecutionError, match="cannot be split by 'weekdays': did you mean weekday"):
        metrics.split_table(result, "weekdays")


def test_sessions_follow_the_wall_clocks_through_the_weeks_when_summer_time_differs():
    hours = {"2024-01-15": (8, 13, 17, 22), "2024-03-15": (8, 12, 17, 21), "2024-07-15": (7, 12, 16, 21)}
    for day, opens in hours.items():
        for hour, session in zip(opens, ("london", "overlap", "new_york", "asia"), strict=True):
            at = (np.datetime64(day, "ns") + hour * HOUR).astype(np.int64)
            before, after = metrics.session_of(np.array([at - 1, at]))
            assert metrics.SESSIONS[after] == session, (day, hour)
            assert before != after


def test_monthly_returns_compound_the_days():
    daily = bars_of(40, start=np.datetime64("2023-12-11T00", "ns"))
    equity = np.linspace(101.0, 140.0, 40)
    found = metrics.monthly_returns(backtest(equity, bars=daily))
    assert list(found.columns) == list(range(1, 13))
    assert found.loc[2023, 12] == pytest.approx(equity[20] / 100 - 1)
    assert (1 + found.loc[2023, 12]) * (1 + found.loc[2024, 1]) == pytest.approx(1.4)
    assert found.loc[2024, 2:].isna().all()


# ---- plain functions


def test_nan_is_dropped_before_counting():
    with_gap = [NAN, 0.01, 0.10, NAN, -0.04]
    assert metrics.cagr(with_gap, periods=252) == metrics.cagr([0.01, 0.10, -0.04], periods=252)
    assert metrics.sharpe(with_gap, periods=252) == metrics.sharpe([0.01, 0.10, -0.04], periods=252)


def test_equal_returns_have_no_sharpe_however_they_round():
    assert np.isnan(metrics.sharpe([0.1] * 7, periods=260))
    assert np.isnan(metrics.sqn([0.1] * 7))
    assert np.isnan(metrics.rolling_sharpe([0.1] * 7, window=3, periods=260)).all()


def test_what_does_not_exist_is_nan_and_never_infinity():
    assert np.isnan(metrics.profit_factor([1.0, 2.0]))
    assert np.isnan(metrics.omega([0.01]))
    assert np.isnan(metrics.payoff([-1.0]))
    assert np.isnan(metrics.lo_factor([-1.0], periods=2))
    assert np.isnan(metrics.growth_per_year(1e300, years=1e-6))
    assert np.isnan(metrics.growth_kelly([0.1, 0.2]))
    assert np.isnan(metrics.optimal_f([1.0, 2.0]).f)


def test_a_bet_without_an_edge_is_not_made():
    assert metrics.growth_kelly([0.1, -0.2]) == 0.0
    assert metrics.optimal_f([1.0, -2.0]) == (0.0, 1.0)
    assert metrics.kelly_binary(0.4, payoff=1.0) < 0
    assert metrics.ruin(0.5, units=3) == metrics.ruin(0.4, units=3) == 1.0


def test_kelly_of_a_coin_is_its_edge():
    flips = [1.0] * 6 + [-1.0] * 4
    assert metrics.growth_kelly(flips) == pytest.approx(0.2)
    assert metrics.kelly(flips) == pytest.approx(0.2)


def test_a_breakeven_trade_counts_and_ends_a_streak():
    assert metrics.win_rate([1.0, 0.0, 0.0, -1.0]) == 0.25
    assert metrics.max_consecutive_losses([-1.0, -1.0, 0.0, -1.0]) == 2
    assert metrics.max_consecutive_wins([1.0, 0.0, 1.0]) == 1


def test_periods_a_year_are_the_calendars_bars():
    of = {
        (name, frame): metrics.periods_per_year(CALENDARS[name], frame)
        for name in CALENDARS
        for frame in ("H1", "D1", "W1")
    }
    assert of["fx", "H1"] == 6240.0
    assert of["crypto", "H1"] == 8760.0
    assert of["us_equity", "D1"] == 252.0
    assert of["fx", "W1"] == 52.0


def test_a_wrong_argument_is_refused():
    with pytest.raises(ParamsError, match="alpha is the share of returns in the tail"):
        metrics.value_at_risk([0.1], alpha=95)
    with pytest.raises(ParamsError, match="needs periods"):
        metrics.k_ratio([0.0, 0.1, 0.3])
    with pytest.raises(ParamsError, match="window must be at least 2"):
        metrics.rolling_volatility([0.1], window=1, periods=260)
    with pytest.raises(TypeError, match="periods"):
        metrics.sharpe([0.1, 0.2])


def test_two_k_ratios_are_the_t_in_other_units():
    curve = metrics.log_growth([0.01, -0.002, 0.004, 0.003, 0.0])
    t = metrics.k_ratio(curve, version="t")
    assert metrics.k_ratio(curve, version="1996") == pytest.approx(t / 5**0.5)
    assert metrics.k_ratio(curve, periods=260) == pytest.approx(t * 260**0.5 / 5)


def test_the_plain_functions_load_no_pandas():
    code = "import sys, quantbench.engine.metrics; print('pandas' in sys.modules, 'numba' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
