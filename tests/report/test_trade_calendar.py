"""Profit by day of entry, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.report import figures
from quantbench.report.trade_calendar import trade_calendar


def _cell(found, date):
    """Return the position of a date as (year, week, month, weekday)."""
    (place,) = np.argwhere(found.day == np.datetime64(date, "D").astype(int))
    return tuple(int(each) for each in place)


def test_profits_are_added_up_by_the_trading_day_of_entry(by_hand, long_bars, trade_row):
    # Hours from Monday 2017-01-02 00:00 UTC; an FX day ends at 17:00 in New York, 22:00 UTC in winter.
    rows = [trade_row(0, 90, 10.0), trade_row(21, 30, -4.0), trade_row(22, 23, 7.0), trade_row(24, 25, 1.0)]
    found = trade_calendar(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=rows))
    monday, tuesday = _cell(found, "2017-01-02"), _cell(found, "2017-01-03")
    assert (found.profit[monday], found.trades[monday]) == (6.0, 2)
    assert (found.profit[tuesday], found.trades[tuesday]) == (8.0, 2)
    assert found.trades.sum() == 4
    assert np.isfinite(found.profit).sum() == 2


def test_a_day_is_where_a_wall_calendar_has_it(by_hand, long_bars):
    found = trade_calendar(by_hand(long_bars, np.full(len(long_bars), 1e4)))
    assert found.years.tolist() == [2017, 2018]
    assert found.weekdays.tolist() == [0, 1, 2, 3, 4, 5, 6]  # this walk has no weekends off
    # 2017-01-01 was a Sunday: the 2nd begins the second row. 2017-05-31 was a Wednesday in the fifth row,
    # 2017-07-31 a Monday in the sixth.
    assert _cell(found, "2017-01-02") == (0, 1, 0, 0)
    assert _cell(found, "2017-05-31") == (0, 4, 4, 2)
    assert _cell(found, "2017-07-31") == (0, 5, 6, 0)
    assert found.day[0, 0, 0, 6] == -1  # the bars begin on the 2nd


def test_weekdays_without_bars_have_no_column():
    bars = qb.load("EURUSD", "H1", "2017-03-06", "2017-05-01")
    found = trade_calendar(qb.backtest(qb.MaCross(5, 40), bars))
    assert found.weekdays.tolist() == [0, 1, 2, 3, 4]
    assert found.day.shape == (1, 6, 12, 5)


def test_every_profit_is_in_the_calendar(result):
    found = trade_calendar(result)
    assert np.nansum(found.profit) == pytest.approx(result.path.trades["profit"].sum())
    assert found.trades.sum() == len(result.path.trades)
    assert (found.day[found.trades > 0] >= 0).all()


def test_only_the_last_years_are_shown_and_the_others_counted(by_hand, long_bars, trade_row):
    rows = [trade_row(0, 1, 5.0), trade_row(11_000, 11_001, 3.0)]
    found = trade_calendar(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=rows), at_most=1)
    assert (found.years.tolist(), found.earlier) == ([2018], 1)
    assert np.nansum(found.profit) == 3.0


def test_the_sign_of_the_smallest_profit_can_be_seen(by_hand, long_bars, trade_row):
    rows = [trade_row(24 * day, 24 * day + 1, made) for day, made in enumerate((0.01, -0.01, 0.0, 1e6, -400.0))]
    found = trade_calendar(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=rows))
    strength = found.strength[np.isfinite(found.strength)]
    assert len(strength) == 5
    assert np.abs(strength).max() <= 1
    day = [found.strength[_cell(found, f"2017-01-0{2 + i}")] for i in range(5)]
    assert day[0] >= 0.3
    assert day[1] <= -0.3
    assert day[2] == 0
    assert day[3] == 1


@given(hours=st.lists(st.integers(0, 11_900), max_size=40))
def test_no_trade_is_lost_and_none_is_on_a_day_without_bars(by_hand, long_bars, trade_row, hours):
    rows = [trade_row(hour, hour + 1, 1.0) for hour in hours]
    found = trade_calendar(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=rows))
    assert found.trades.sum() == np.nansum(found.profit) == len(hours)
    assert (found.day[found.trades > 0] >= 0).all()


def test_the_figure_has_a_row_a_week_and_a_gap_after_each_month(by_hand, long_bars, trade_row):
    drawn = figures.calendar_figure(by_hand(long_bars, np.full(len(long_bars), 1e4), trades=[trade_row(0, 9, -12.5)]))
    sheet, text = np.asarray(drawn.data[1].z), drawn.data[1].text
    assert sheet.shape == (2 * 7, 12 * 8)
    assert np.isnan(sheet[:, 7::8]).all()
    assert np.isnan(sheet[6::7]).all()
    assert sheet[1, 0] == -1
    assert text[1][0] == "2017-01-02: -12.50 USD, trades: 1"
    assert drawn.layout.title.text == "Net profit by day of entry"
