"""Results side by side, and the test of their Sharpe ratios."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.core.calendar import trading_day
from quantbench.engine.portfolio import portfolio_backtest
from quantbench.research.compare import compare
from quantbench.research.sharpe_difference import _differences, sharpe_difference

HOUR = np.timedelta64(3_600_000_000_000, "ns")


@dataclass(frozen=True)
class Beat(qb.Strategy):
    """Long for half of every period."""

    period: int = 60

    def decide(self, bars):
        return qb.Signals(np.where(np.arange(len(bars)) % self.period < self.period // 2, 1.0, -1.0))


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1")[:3_000]


@pytest.fixture(scope="module")
def three(bars):
    return {f"every {period}": qb.backtest(Beat(period), bars) for period in (60, 80, 200)}


def pair(rng, n, *, edge=0.0, correlation=0.5, memory=0.0):
    """Two series of equal volatility; the first has `edge` more Sharpe per period."""
    shocks = rng.normal(size=(n, 2)) @ np.linalg.cholesky([[1, correlation], [correlation, 1]]).T
    for t in range(1, n):
        shocks[t] += memory * shocks[t - 1]
    shocks[:, 0] += edge
    return 0.05 + shocks * [1.0, 1.0]


def test_identical_results_do_not_differ(three):
    one = three["every 60"]
    test = compare({"a": one, "b": one}, seed=1, resamples=200).tests[0]
    assert test.p_value == 1.0
    assert test.lower == test.difference == test.upper == 0.0


def test_a_series_and_twice_it_have_one_sharpe_ratio():
    returns = np.random.default_rng(1).normal(0.001, 0.01, 300)
    found = sharpe_difference(np.column_stack((returns, 2 * returns)), seed=1, resamples=200, level=0.95)
    assert found.p_value[0] == 1.0
    assert found.difference[0] == pytest.approx(0.0, abs=1e-12)
    assert found.lower[0] <= 1e-12
    assert found.upper[0] >= -1e-12


def test_the_seed_decides_and_nothing_else_does(three):
    one, again, other = (compare(three, seed=seed, resamples=300) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.differences(), again.differences())
    assert one.tests[0].lower != other.tests[0].lower
    assert one.tests[0].difference == other.tests[0].difference


def test_the_difference_is_that_of_the_sharpe_ratios_of_the_results(three):
    found = compare(three, seed=1, resamples=100)
    sharpe = {name: result.metrics()["sharpe"] for name, result in three.items()}
    assert [(test.first, test.second) for test in found.tests] == [
        ("every 60", "every 80"),
        ("every 60", "every 200"),
        ("every 80", "every 200"),
    ]
    for test in found.tests:
        assert test.difference == pytest.approx(sharpe[test.first] - sharpe[test.second], rel=1e-9)
        assert test.lower < test.difference < test.upper
        assert test.days == len(found.daily)


def test_the_sides_of_a_pair_mirror_each_other(three):
    names = ("every 60", "every 200")
    one = compare({name: three[name] for name in names}, seed=1, resamples=200).tests[0]
    other = compare({name: three[name] for name in reversed(names)}, seed=1, resamples=200).tests[0]
    assert (other.difference, other.lower, other.upper) == pytest.approx((-one.difference, -one.upper, -one.lower))
    assert other.p_value == one.p_value


def test_under_the_null_few_are_rejected_and_the_interval_is_the_test_turned_around():
    rng, p = np.random.default_rng(11), []
    for seed in range(60):
        returns = pair(rng, 250, memory=0.1) * [1.0, 3.0]
        found = sharpe_difference(returns, seed=seed, resamples=199, level=0.95)
        p.append(found.p_value[0])
        assert (found.lower[0] <= 0.05 * 0 <= found.upper[0]) == (found.p_value[0] > 0.05)
    # 5 % nominal of 60: three expected; 10 or more has a chance of 0.1 %
    assert sum(value <= 0.05 for value in p) < 10
    assert sum(value <= 0.5 for value in p) > 15


def test_a_real_difference_is_found_and_its_interval_covers_it():
    rng, found = np.random.default_rng(12), []
    for seed in range(25):
        returns = pair(rng, 500, edge=0.25)
        found.append(sharpe_difference(returns, seed=seed, resamples=199, level=0.95))
    assert sum(each.p_value[0] <= 0.05 for each in found) >= 22
    assert sum(each.lower[0] <= 0.25 <= each.upper[0] for each in found) >= 20


def test_the_standard_error_is_that_of_jobson_korkie_and_memmel():
    # Memmel (2003, Finance Letters 1, 21-23): variance of the difference for normal returns, times n
    one, other, rho, n = 0.9, 0.3, 0.6, 400_000
    shocks = np.random.default_rng(15).normal(size=(n, 2)) @ np.linalg.cholesky([[1, rho], [rho, 1]]).T
    found, error = _differences((shocks + np.array([one, other])) * [1.0, 4.0], [(0, 1)])
    variance = 2 - 2 * rho + 0.5 * (one**2 + other**2 - 2 * one * other * rho**2)
    assert found[0] == pytest.approx(one - other, abs=0.01)
    assert error[0] ** 2 * n == pytest.approx(variance, rel=0.01)


def test_pairing_uses_the_correlation():
    rng = np.random.default_rng(13)
    widths = []
    for correlation in (0.0, 0.95):
        found = sharpe_difference(pair(rng, 400, correlation=correlation), seed=1, resamples=199, level=0.95)
        widths.append(found.upper[0] - found.lower[0])
    assert widths[1] < widths[0] / 2


def test_blocks_are_longer_where_returns_remember():
    rng = np.random.default_rng(14)
    short, long = (
        sharpe_difference(pair(rng, 600, memory=m), seed=1, resamples=20, level=0.9).block for m in (0.0, 0.7)
    )
    assert long > 2 * short


def test_metrics_correlation_and_equity_stand_side_by_side(three):
    found = compare(three, seed=1, resamples=50)
    pd.testing.assert_series_equal(found.table()["every 80"], three["every 80"].metrics(), check_names=False)
    assert np.allclose(np.diag(found.correlation), 1.0)
    assert found.correlation.loc["every 60", "every 80"] == pytest.approx(
        np.corrcoef(three["every 60"].daily, three["every 80"].daily)[0, 1]
    )
    for name, result in three.items():
        assert found.equity[name].iloc[-1] == pytest.approx(result.equity.iloc[-1] / 10_000, rel=1e-9)
    assert found.notes == ()
    assert found.headline in repr(found)
    assert "p " in repr(found)


def test_different_bars_meet_on_common_days(bars):
    part, four_hours = bars[500:2_000], bars[:2_500]
    results = {"part": qb.backtest(Beat(), part), "whole": qb.backtest(Beat(), four_hours)}
    found = compare(results, seed=1, resamples=50)
    assert len(found.daily) == len(results["part"].daily)
    np.testing.assert_allclose(found.daily["part"], results["part"].daily, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(
        found.daily["whole"], results["whole"].daily.loc[found.daily.index], rtol=1e-9, atol=1e-12
    )
    assert found.notes == (
        f"metrics are each on its own bars; tests are on {len(found.daily)} common days only (whole)",
    )


def test_what_happens_on_other_days_is_in_the_next_common_days_return(bars):
    whole = qb.backtest(Beat(), bars)
    keep = trading_day(bars.time_ns, bars.instrument.trading_calendar) % 7 != 6  # no Wednesdays
    columns = ("time", "open", "high", "low", "close", "volume", "spread")
    fewer = qb.Bars("EURUSD", "H1", bars.instrument, *(getattr(bars, name)[keep] for name in columns))
    found = compare({"whole": whole, "fewer": qb.backtest(Beat(), fewer)}, seed=1, resamples=20)
    assert len(found.daily) < 0.85 * len(whole.daily)
    assert found.equity["whole"].iloc[-1] == pytest.approx(whole.equity.iloc[-1] / 10_000, rel=1e-9)


def test_results_without_names_go_by_strategy_and_bars(bars):
    results = [qb.backtest(Beat(), bars), qb.backtest(Beat(), bars[:2_000]), qb.backtest(Beat(80), bars)]
    names = list(compare(results, seed=1, resamples=20).daily)
    assert names == ["Beat(period=60) EURUSD H1", "Beat(period=60) EURUSD H1 (2)", "Beat(period=80) EURUSD H1"]
    assert list(compare(results[1:], seed=1, resamples=20).daily) == ["Beat(period=60)", "Beat(period=80)"]


def test_a_portfolio_compares_with_a_backtest(bars):
    weights = pd.DataFrame({"EURUSD": [1.0]}, index=bars.frame.index[[0]])
    portfolio = portfolio_backtest(weights, {"EURUSD": bars})
    found = compare([portfolio, qb.backtest(Beat(), bars)], seed=1, resamples=20)
    assert list(found.daily) == ["Portfolio", "Beat(period=60)"]
    assert found.table()["Portfolio"]["trades"] == 1.0


def test_calendars_that_differ_are_told(bars):
    from dataclasses import replace

    crypto = replace(bars, instrument=replace(bars.instrument, calendar="crypto"))
    found = compare({"fx": qb.backtest(Beat(), bars), "crypto": qb.backtest(Beat(), crypto)}, seed=1, resamples=20)
    assert found.notes[0].startswith("calendars differ (crypto, fx): Sharpe differences are annualised by 260")


def test_what_cannot_be_compared_is_said_in_one_sentence(bars, three):
    with pytest.raises(qb.QuantbenchError, match="at least two results, found 1"):
        compare([three["every 60"]], seed=1)
    with pytest.raises(qb.QuantbenchError, match=r"no trading day in common \(a 20\d\d-.* to .*; b 20\d\d-.*\)"):
        compare({"a": qb.backtest(Beat(), bars[:500]), "b": qb.backtest(Beat(), bars[1_500:])}, seed=1)
    with pytest.raises(qb.QuantbenchError, match="have 21 trading days in common, 30 are the least"):
        compare([qb.backtest(Beat(), bars[:500]), qb.backtest(Beat(80), bars[:500])], seed=1)
    with pytest.raises(qb.QuantbenchError, match="idle never moves on the common days"):
        compare(
            {"idle": qb.backtest(Beat(10_000_000), bars, sizing=qb.FixedLots(1e-9)), "b": three["every 60"]}, seed=1
        )
    with pytest.raises(qb.QuantbenchError, match="level is a fraction"):
        compare(three, seed=1, level=95)
    with pytest.raises(qb.QuantbenchError, match="resamples must be 1 or more"):
        compare(three, seed=1, resamples=0)


def test_the_notebook_view_shows_the_tests_and_escapes_names(three):
    found = compare({"<b>a": three["every 60"], "b": three["every 80"]}, seed=1, resamples=20)
    html = found._repr_html_()
    assert "&lt;b&gt;a" in html
    assert "<b>a" not in html
    assert "both Sharpe ratios are equal" in html
    assert "seed 1" in html
