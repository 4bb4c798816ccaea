"""What must hold for any returns and any trades."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from quantbench.engine import metrics

RETURNS = arrays(np.float64, st.integers(5, 60), elements=st.integers(-500, 500).map(lambda x: x / 10_000))
PROFITS = arrays(np.float64, st.integers(2, 60), elements=st.integers(-1_000, 1_000).map(float))


@given(RETURNS, st.floats(-0.05, 0.05), st.floats(-0.02, 0.02))
def test_the_same_constant_on_returns_and_benchmark_leaves_sharpe(returns, constant, risk_free):
    assume(np.ptp(returns) > 0)
    before = metrics.sharpe(returns, periods=260, risk_free=risk_free)
    after = metrics.sharpe(returns + constant, periods=260, risk_free=risk_free + constant)
    assert after == pytest.approx(before, rel=1e-8, abs=1e-8)


@given(RETURNS, st.floats(0, 0.05))
def test_a_constant_added_to_every_return_cannot_deepen_the_drawdown(returns, constant):
    def depth(values):
        return metrics.max_drawdown(metrics.growth(values), balance=1.0)

    assert depth(returns + constant) >= depth(returns) - 1e-12


@given(PROFITS, st.randoms(use_true_random=False))
def test_the_order_of_trades_moves_nothing_but_the_path(profits, random):
    shuffled = profits.copy()
    random.shuffle(shuffled)
    measures = (
        np.sum,
        metrics.expectancy,
        metrics.profit_factor,
        metrics.win_rate,
        metrics.payoff,
        metrics.sqn,
        metrics.kelly,
    )
    for measure in measures:
        assert measure(shuffled) == pytest.approx(measure(profits), rel=1e-9, abs=1e-9, nan_ok=True)
    by_order = [metrics.sharpe(values / 1e4, periods=260) for values in (profits, shuffled)]
    assert by_order[1] == pytest.approx(by_order[0], rel=1e-9, abs=1e-9, nan_ok=True)


@given(RETURNS, st.floats(0.01, 0.99))
def test_expected_shortfall_is_no_better_than_the_value_at_risk_nor_than_the_mean(returns, alpha):
    shortfall = metrics.expected_shortfall(returns, alpha=alpha)
    worst = np.sort(returns)[max(int(np.ceil(len(returns) * alpha)) - 1, 0)]
    assert returns.min() - 1e-12 <= shortfall <= min(worst, returns.mean()) + 1e-12


@given(RETURNS)
def test_drawdowns_tile_the_bars_under_water(returns):
    equity = metrics.growth(returns)
    under = metrics.drawdown(equity, balance=1.0)
    found = metrics.drawdowns(equity, balance=1.0)
    held = np.zeros(len(equity), bool)
    for peak, trough, recovery, depth in zip(*found, strict=True):
        end = len(equity) if recovery == metrics.STILL_UNDER else recovery
        assert peak < trough < end
        assert depth == under[trough] == under[peak + 1 : end].min()
        held[peak + 1 : end] = True
    assert (held == (under < 0)).all()
    assert (under <= 0).all()


@given(arrays(np.bool_, st.integers(0, 40)))
def test_the_longest_streak_is_what_counting_finds(happened):
    longest = running = 0
    for each in happened:
        running = running + 1 if each else 0
        longest = max(longest, running)
    assert metrics.longest_streak(happened) == longest


@given(RETURNS, st.integers(2, 20))
def test_the_rolling_figures_are_the_plain_ones_of_each_window(returns, window):
    assume(len(returns) >= window)
    last = returns[-window:]
    sharpe = metrics.rolling_sharpe(returns, window=window, periods=260)
    volatility = metrics.rolling_volatility(returns, window=window, periods=260)
    depth = metrics.rolling_drawdown(returns, window=window)
    assert np.isnan(volatility[: window - 1]).all()
    assert sharpe[-1] == pytest.approx(metrics.sharpe(last, periods=260), rel=1e-9, abs=1e-9, nan_ok=True)
    assert volatility[-1] == pytest.approx(metrics.volatility(last, periods=260), abs=1e-12)
    assert depth[-1] == pytest.approx(metrics.max_drawdown(metrics.growth(last), balance=1.0), abs=1e-12)


@given(RETURNS)
def test_the_kelly_leverage_of_returns_is_where_growth_stops_rising(returns):
    best = metrics.growth_kelly(returns)
    assume(best > 0)

    def grown(f):
        return float(np.log1p(f * returns).mean())

    assert grown(best) >= max(grown(best * 0.99), grown(min(best * 1.01, -0.999_999 / returns.min()))) - 1e-12
