"""What the figures draw, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.calendar import trading_day
from quantbench.report import series


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=900), st.integers(8, 60))
def test_a_thinned_line_keeps_its_ends_and_its_extremes(values, budget):
    line = np.array(values)
    kept = series.keep_extremes(line, at_most=budget)
    assert len(kept) <= max(budget, 0)
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(line) - 1
    assert line[kept].min() == line.min()
    assert line[kept].max() == line.max()


def test_the_worst_drawdown_survives_thinning(by_hand, long_bars):
    equity = 10_000 + np.random.default_rng(3).normal(0, 1, len(long_bars)).cumsum()
    equity[7_777] = 8_000
    line = series.equity_line(by_hand(long_bars, equity), at_most=100)
    assert len(line.time) <= 100
    assert line.drawdown.min() == pytest.approx(8_000 / max(equity[:7_777].max(), 10_000) - 1)
    assert line.equity[-1] == equity[-1]


def test_drawdown_starts_at_the_starting_balance_and_is_never_above_zero(by_hand, short_bars):
    equity = np.full(len(short_bars), 9_000.0)
    equity[-1] = 12_000
    line = series.equity_line(by_hand(short_bars, equity))
    assert line.drawdown[0] == pytest.approx(-0.1)
    assert line.drawdown.max() == 0


def test_times_are_milliseconds_since_1970(result):
    assert series.equity_line(result).time[0] == 1_483_315_200_000  # 2017-01-02 00:00 UTC


def test_months_compound_to_the_year_and_to_the_whole(by_hand, long_bars):
    equity = 10_000 * np.cumprod(1 + np.random.default_rng(5).normal(0, 1e-3, len(long_bars)))
    table = series.monthly_returns(by_hand(long_bars, equity))
    assert table.years.tolist() == [2017, 2018]
    assert np.prod(1 + table.total) == pytest.approx(equity[-1] / 10_000)
    assert np.nanprod(1 + table.returns, axis=1) == pytest.approx(1 + table.total)


def test_a_month_is_what_equity_did_between_the_ends_of_trading_days(by_hand, long_bars):
    equity = np.full(len(long_bars), 10_000.0)
    day = trading_day(long_bars.time_ns, long_bars.instrument.trading_calendar)
    month = (day * np.timedelta64(1, "D") + np.datetime64(0, "D")).astype("datetime64[M]")
    equity[month >= np.datetime64("2017-02")] = 11_000
    equity[month >= np.datetime64("2017-04")] = 9_900
    table = series.monthly_returns(by_hand(long_bars, equity))
    assert table.returns[0, :5] == pytest.approx([0, 0.1, 0, -0.1, 0])
    assert table.total[0] == pytest.approx(-0.01)
    assert np.isnan(table.returns[1, 5])  # after the last bar


def test_no_bin_of_profits_mixes_wins_and_losses(by_hand, short_bars, trade_row):
    profits = [-120.0, -3.5, -0.01, 0.0, 0.01, 4.0, 260.0, 5.0, 6.0]
    rows = [trade_row(i, i + 1, profit) for i, profit in enumerate(profits)]
    found = series.trade_profits(by_hand(short_bars, np.full(len(short_bars), 1e4), trades=rows))
    assert found.trades.sum() == len(profits)
    assert 0.0 in found.edges
    assert found.trades[found.edges[:-1] < 0].sum() == 3


@given(profits=st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=200))
def test_every_trade_is_in_exactly_one_bin(by_hand, short_bars, trade_row, profits):
    rows = [trade_row(0, 1, profit) for profit in profits]
    found = series.trade_profits(by_hand(short_bars, np.full(len(short_bars), 1e4), trades=rows))
    assert found.trades.sum() == len(profits)
    assert len(found.trades) == len(found.edges) - 1 <= 64


def test_excursions_keep_the_largest_profits_of_many(by_hand, short_bars, trade_row):
    rows = [trade_row(0, 1, float(i)) for i in range(-500, 500)]
    found = series.excursions(by_hand(short_bars, np.full(len(short_bars), 1e4), trades=rows), at_most=100)
    assert len(found.profit) <= 100
    assert found.profit.min() == -500
    assert found.profit.max() == 499


def test_the_window_of_candles_reaches_back_over_the_last_trades(by_hand, long_bars, trade_row):
    rows = [trade_row(100 * i, 100 * i + 50, 1.0) for i in range(20)]
    view = series.candles(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=rows))
    assert 120 <= len(view.time) <= 400
    assert view.trades["exit_bar"].max() == 1_950
    assert (view.trades["exit_bar"] >= view.first).all()


def test_a_chosen_window_of_candles_is_that_window(result):
    view = series.candles(result, last=50, until=299)
    assert view.first == 250
    assert view.close.tolist() == result.bars.close[250:300].tolist()


def test_rolling_sharpe_ends_with_the_sharpe_of_the_last_days(result):
    found = series.rolling_sharpe(result, lookback=20)
    last = result.daily.to_numpy()[-20:]
    assert len(found.sharpe) == len(result.daily) - 19
    assert found.sharpe[-1] == pytest.approx(last.mean() / last.std(ddof=1) * np.sqrt(260))


def test_rolling_sharpe_of_too_few_days_is_empty(by_hand, short_bars):
    assert len(series.rolling_sharpe(by_hand(short_bars, np.full(len(short_bars), 1e4))).sharpe) == 0


def test_exposure_is_the_share_of_a_months_bars(by_hand, long_bars):
    held = np.where(np.arange(len(long_bars)) % 4 == 0, 0.1, 0.0)
    held[1::4] = -0.1
    found = series.exposure_by_month(by_hand(long_bars, np.full(len(long_bars), 1e4), position=held))
    assert found.long == pytest.approx(0.25, abs=0.01)
    assert found.short == pytest.approx(0.25, abs=0.01)


def test_the_last_equity_of_a_real_result_is_drawn():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
    result = qb.backtest(qb.MaCross(20, 100), bars)
    assert series.equity_line(result).equity[-1] == result.equity.iloc[-1]
