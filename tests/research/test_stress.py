"""What is left of a result under worse conditions, against figures worked out by hand."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.research.stress import by_part, delayed

BARS = qb.load("EURUSD", "H1", "2017-01", "2017-07")


@pytest.fixture(scope="module")
def result():
    return qb.backtest(qb.MaCross(20, 100), BARS, sizing=qb.FixedLots(0.1), costs=qb.Costs(slippage_points=1))


def test_at_its_break_even_multiple_a_result_earns_nothing(result):
    found = qb.break_even(result)
    assert found.reason == ""
    below, above = (
        qb.backtest(result.strategy, BARS, sizing=result.sizing, costs=result.costs.times(found.multiple + step))
        for step in (-0.02, 0.02)
    )
    assert below.equity.iloc[-1] > 10_000 > above.equity.iloc[-1]


def test_what_loses_without_costs_breaks_even_nowhere():
    found = qb.break_even(qb.backtest(Against(), BARS, sizing=qb.FixedLots(0.1)))
    assert found == (0.0, "it loses even without costs")


def test_what_earns_at_any_cost_tried_says_so(result):
    found = qb.break_even(result, most=0.01)
    assert found == (0.01, "it still earns at 0.01 times its costs")


def test_where_nothing_was_traded_nothing_breaks_even():
    never = qb.backtest(qb.MaCross(20, 100), BARS[:50])
    multiple, reason = qb.break_even(never)
    assert np.isnan(multiple)
    assert reason == "nothing was traded"


def test_a_bar_late_is_the_same_trade_one_bar_later():
    early = qb.backtest(Once(), BARS, sizing=qb.FixedLots(0.1))
    late = delayed(early, bars=1)
    moved = BARS.open[102] - BARS.open[101]
    assert late.trades["entry_price"].iloc[0] - early.trades["entry_price"].iloc[0] == pytest.approx(moved, abs=1e-9)
    np.testing.assert_array_equal(late.path.trades["entry_bar"], early.path.trades["entry_bar"] + 1)


def test_a_tenth_of_a_bar_late_fills_on_the_way_to_the_close():
    early = qb.backtest(Once(), BARS, sizing=qb.FixedLots(0.1))
    late = delayed(early, bars=0.1)
    moved = 0.1 * (BARS.close[101] - BARS.open[101])
    assert late.trades["entry_price"].iloc[0] - early.trades["entry_price"].iloc[0] == pytest.approx(moved, abs=1e-5)


def test_no_delay_changes_nothing(result):
    np.testing.assert_array_equal(delayed(result, bars=0).equity, result.equity)


@pytest.mark.parametrize("bars", [-1, 1.5, float("nan")])
def test_a_delay_that_cannot_be_is_refused(result, bars):
    with pytest.raises(ParamsError, match="a delay is whole bars, or a part of one bar"):
        delayed(result, bars=bars)


def test_stress_gives_a_row_a_stress_and_the_first_is_the_result(result):
    table = qb.stress(result)
    assert list(table.index) == [
        "as traded",
        "costs x 1.5",
        "costs x 2",
        "0.1 bar late",
        "1 bar late",
        "without the best 5 trades",
        "without the best month",
        "without the worst month",
    ]
    assert table["total_return"].iloc[0] == pytest.approx(result.equity.iloc[-1] / 10_000 - 1)
    assert table["total_return"].iloc[2] < table["total_return"].iloc[1] < table["total_return"].iloc[0]
    assert table.loc["without the best month", "total_return"] < table["total_return"].iloc[0]
    assert table.loc["without the worst month", "total_return"] > table["total_return"].iloc[0]


def test_the_parts_of_each_kind_add_up_to_the_whole(result):
    table = by_part(result)
    for kind in ("year", "session", "regime"):
        assert table.loc[kind, "profit"].sum() == pytest.approx(result.trades["profit"].sum())
        assert table.loc[kind, "trades"].sum() == len(result.trades)
    assert set(table.loc["regime"].index) <= {"quiet", "normal", "wild"}  # the first entry comes after the ATR is known


class Once(qb.Strategy):
    """Long from bar 100 to bar 200."""

    def decide(self, bars):
        at = np.arange(len(bars))
        return qb.Signals.when(long=(at >= 100) & (at < 200))


class Against(qb.Strategy):
    """Short while the price rises over the whole stretch."""

    def decide(self, bars):
        return qb.Signals(np.full(len(bars), -1.0 if bars.close[-1] > bars.close[0] else 1.0))
