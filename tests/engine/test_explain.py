"""result.why(time): each line says a fact that the trades and the equity confirm."""

import pytest

import quantbench as qb
from quantbench.core.errors import DataError


@pytest.fixture(scope="module")
def result():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-06")
    return qb.backtest(qb.MaCross(20, 100), bars, sizing=qb.PercentRisk(0.01))


def test_an_entry_is_explained_with_its_lots_and_levels(result):
    trade = result.trades.iloc[3]
    text = str(result.why(trade.entry_time))
    assert f"{trade.lots:g} lots at {trade.entry_price:g} (episode {trade.episode}, stop {trade.stop:g})" in text
    assert f"in steps of 0.01: {trade.lots:g}" in text
    assert "decided at the close of bar" in text


def test_an_exit_is_explained_with_its_reason_and_profit(result):
    stopped = result.trades[result.trades.reason == "stop"].iloc[0]
    text = str(result.why(stopped.exit_time))
    assert f"closed {stopped.lots:g} lots at {stopped.exit_price:g} by stop" in text
    assert f"{stopped.profit:+,.2f} USD net" in text


def test_any_moment_inside_a_bar_is_that_bar(result):
    assert result.why("2017-03-01 12:59").bar == result.why("2017-03-01 12:00").bar
    assert "2017-03-01 12:00 UTC" in str(result.why("2017-03-01 12:30"))


def test_warming_up_and_the_last_bar_say_so(result):
    assert "nothing was decided before it" in str(result.why(result.bars.time[0]))
    assert "flat, warming up (280 bars)" in str(result.why(result.bars.time[50]))
    assert "never filled" in str(result.why(result.bars.time[-1]))


def test_what_was_skipped_says_why():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-06")
    tight = qb.backtest(qb.MaCross(20, 100), bars, limits=qb.Limits(sessions=("08:00-08:30",)))
    row = tight.skipped.iloc[0]
    assert f"skipped: {row.reason}" in str(tight.why(row.time))
    poor = qb.backtest(qb.MaCross(20, 100), bars, account=qb.Account(balance=50.0))
    assert "skipped: volume" in str(poor.why(poor.skipped.time[0]))


def test_a_moment_before_the_first_bar_has_no_bar(result):
    with pytest.raises(DataError, match="no bar holds 2016-12-31"):
        result.why("2016-12-31")
