"""Paths that did not happen: known answers, what each method must keep, the same answer for any number of workers."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as cases
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.engine import metrics
from quantbench.research.chance.paths import draw, plainly_drawn
from quantbench.research.chance.permutation import hour_of_week, permuted_bars, permuted_together
from quantbench.research.chance.sizing import size_for_drawdown
from quantbench.research.chance.traded import TRADED, near
from quantbench.research.chance.worlds import episodes, noisy, placed_at_random, redrawn

METHODS = ("trades", "order", "block", *TRADED)


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-06")


@pytest.fixture(scope="module")
def result(bars):
    return qb.backtest(qb.MaCross(10, 60), bars)


def gaps(bars):
    return np.sort(np.log(bars.open[1:]) - np.log(bars.close[:-1]))


def shapes(bars):
    rows = np.column_stack([np.log(getattr(bars, name)) - np.log(bars.open) for name in ("high", "low", "close")])[1:]
    return rows[np.lexsort(rows.T)]


@given(st.integers(0, 2**32))
@cases(max_examples=15)
def test_a_permutation_keeps_closes_gaps_shapes_and_sound_bars(seed):
    before = qb.load("EURUSD", "H1", "2017-02", "2017-03")
    after = permuted_bars(before, np.random.default_rng(seed))
    assert after.close[0] == before.close[0]
    assert after.close[-1] == pytest.approx(before.close[-1], rel=1e-12)
    np.testing.assert_allclose(gaps(after), gaps(before), atol=1e-12)
    np.testing.assert_allclose(np.sort(shapes(after), axis=0), np.sort(shapes(before), axis=0), atol=1e-12)
    assert (after.low <= np.minimum(after.open, after.close)).all()
    assert (after.high >= np.maximum(after.open, after.close)).all()


def test_a_permutation_moves_bars_within_their_hour_of_the_week(bars):
    after, hour = permuted_bars(bars, np.random.default_rng(1)), hour_of_week(bars.time_ns)
    size = {one: np.log(b.high / b.low) for one, b in (("before", bars), ("after", after))}
    for stratum in np.unique(hour)[:30]:
        rows = np.flatnonzero(hour == stratum)
        rows = rows[rows > 0]
        np.testing.assert_allclose(np.sort(size["after"][rows]), np.sort(size["before"][rows]), atol=1e-12)


def test_a_permutation_leaves_what_comes_before_its_start(bars):
    after = permuted_bars(bars, np.random.default_rng(1), after=500)
    assert np.array_equal(after.close[:501], bars.close[:501])
    assert not np.array_equal(after.close[501:600], bars.close[501:600])


def test_markets_that_are_shuffled_together_keep_moving_together(bars):
    one, other = permuted_together((bars, bars), np.random.default_rng(1))
    assert np.array_equal(one.close, other.close)


def test_daily_markets_that_are_shuffled_together_keep_moving_together():
    days = qb.load("SP500", "D1")[:400]
    one, other = permuted_together((days, days), np.random.default_rng(1))
    assert np.array_equal(one.close, other.close)
    assert not np.array_equal(one.close, days.close)


def test_drawn_paths_have_the_mean_and_spread_of_sums_of_what_they_are_drawn_from():
    returns = np.random.default_rng(5).normal(0.0004, 0.01, 300)
    made = draw(returns, method="bootstrap", paths=40_000, seed=3)
    logs, each = np.log1p(made.total_return), np.log1p(returns)
    assert logs.mean() == pytest.approx(300 * each.mean(), abs=4 * math.sqrt(300) * each.std() / 200)
    assert logs.std() == pytest.approx(math.sqrt(300) * each.std(), rel=0.02)


def test_halving_at_full_kelly_is_as_likely_as_the_gambler_was_told():
    """At full Kelly half of all gamblers are halved at some time: mean over variance is 1 (Thorp 2006)."""
    made = draw(np.array([0.0101, -0.0099]), method="bootstrap", paths=4_000, seed=2, steps=100_000)
    assert np.mean(made.lowest <= -0.5) == pytest.approx(metrics.kelly_hit(1.0, down=0.5), abs=0.03)


def test_another_order_ends_with_the_same_money():
    returns = np.random.default_rng(1).normal(0.001, 0.02, 80)
    made = draw(returns, method="order", paths=500, seed=1)
    np.testing.assert_allclose(made.total_return, np.prod(1 + returns) - 1, rtol=1e-9)
    assert np.unique(made.max_drawdown).size > 100


def test_the_kernel_draws_what_plain_python_draws():
    returns = np.random.default_rng(9).normal(0, 0.05, 40)
    made = draw(returns, method="block", paths=200, seed=4, block=1e12)  # one block: every start, wrapped
    plain = {plainly_drawn(returns, (np.arange(40) + start) % 40) for start in range(40)}
    plain = np.array(sorted(plain))
    for row in np.column_stack([made.total_return, made.max_drawdown, made.lowest]):
        assert np.abs(plain - row).max(axis=1).min() < 1e-12


@pytest.mark.parametrize("steps", [1, 2, 7, 250, 251])
def test_paths_drawn_side_by_side_are_those_that_plain_numbers_draw(steps):
    """The same stream of bits in Python's own integers, two draws from each: equal to the last bit."""
    returns = np.random.default_rng(4).normal(0, 0.05, 40)
    made = draw(returns, method="bootstrap", paths=11, seed=6, steps=steps)
    for path in range(11):
        start = _bits(6 + _GOLDEN * (path + 1))
        bits = [_bits(start + _GOLDEN * (i + 1)) for i in range(steps)]
        rows = _rows(bits, steps, made.fan.shape[1], len(returns))
        found = made.total_return[path], made.max_drawdown[path], made.lowest[path]
        assert found == pytest.approx(plainly_drawn(returns, np.array(rows)), abs=1e-12)


_GOLDEN = 0x9E3779B97F4A7C15


def _bits(state):
    x = state % 2**64
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
    return x ^ (x >> 31)


def _rows(bits, steps, points, many):
    """Return the rows drawn: two from each number, one where the path is noted after an odd step."""
    rows, stream = [], iter(bits)
    for point in range(points):
        until = (point + 1) * steps // points
        while len(rows) < until:
            x = next(stream)
            rows.append((x >> 32) * many >> 32)
            if len(rows) < until:
                rows.append((x & 0xFFFFFFFF) * many >> 32)
    return rows


def test_blocks_keep_what_hangs_together():
    returns = np.repeat(np.random.default_rng(3).normal(0, 0.02, 60), 10)  # every return stays for ten days
    alone = draw(returns, method="bootstrap", paths=3_000, seed=1)
    blocks = draw(returns, method="block", paths=3_000, seed=1, block=30.0)
    assert blocks.total_return.std() > 2 * alone.total_return.std()


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_paths_for_any_number_of_workers(result, method):
    one, two = (qb.monte_carlo(result, method=method, paths=12, seed=5, workers=w) for w in (1, 2))
    for name, column in one.values.items():
        np.testing.assert_array_equal(column, two.values[name])
    other = qb.monte_carlo(result, method=method, paths=12, seed=6)
    assert any(not np.array_equal(other.values[name], column) for name, column in one.values.items())


@pytest.mark.parametrize("method", METHODS)
def test_every_method_says_what_it_answers_and_what_it_does_not(result, method):
    found = qb.monte_carlo(result, method=method, paths=12, seed=5)
    assert found.question in repr(found)
    assert found.not_proved in repr(found)
    assert found.error("total_return") >= 0
    assert 0 <= found.ruin() <= 1
    assert list(found.table().columns[:3]) == ["observed", "mean", "error"]


def test_a_fan_begins_with_the_money_and_widens(result):
    fan = qb.monte_carlo(result, paths=2_000, seed=1).fan_chart()
    assert (fan.iloc[0] == 1.0).all()
    assert fan.iloc[-1][0.95] - fan.iloc[-1][0.05] > fan.iloc[10][0.95] - fan.iloc[10][0.05]


def test_methods_that_trade_anew_have_no_fan(result):
    with pytest.raises(ParamsError, match="start has no fan"):
        qb.monte_carlo(result, method="start", paths=3, seed=1).fan_chart()


def test_random_entries_match_count_holding_and_direction(result, bars):
    target = placed_at_random(result.path.trades, len(bars), 120, np.random.default_rng(1))
    rows = result.path.trades
    episode_of = {int(row["episode"]): row for row in rows}
    held = sum(int(row["exit_bar"] - row["entry_bar"]) for row in episode_of.values())
    assert abs(np.count_nonzero(target) - held) <= len(episode_of)
    assert (target[:120] == 0).all()
    longs = sum(row["side"] > 0 for row in episode_of.values()) / len(episode_of)
    assert 0 < longs < 1


def test_noise_leaves_sound_bars_of_the_instruments_digits(bars):
    after = noisy(bars, np.random.default_rng(1), share=0.2)
    assert (after.low <= np.minimum(after.open, after.close)).all()
    assert np.array_equal(np.round(after.close, bars.instrument.digits), after.close)
    off = np.abs(np.log(after.close / bars.close)).mean()
    assert 0 < off < 0.2 * np.nanmean(np.asarray(qb.atr(bars, 14)) / bars.close)


def test_prices_drawn_again_keep_the_hours_loud_and_quiet(bars):
    after = redrawn(bars, np.random.default_rng(1), block=2.0)
    hour = bars.time_ns // 3_600_000_000_000 % 24
    size = {
        name: np.array([np.log(b.high / b.low)[hour == h].mean() for h in range(24)])
        for name, b in (("before", bars), ("after", after))
    }
    assert np.corrcoef(size["before"], size["after"])[0, 1] > 0.95


def test_neighbours_are_near_and_accepted():
    rng, found = np.random.default_rng(1), [qb.MaCross(20, 100)]
    found += [near(found[0], rng, 0.1) for _ in range(50)]
    assert {one.fast for one in found} == {18, 19, 20, 21, 22}
    assert min(one.slow for one in found) >= 90
    assert max(one.slow for one in found) <= 110


def test_episodes_are_runs_of_one_sign():
    assert episodes(np.array([0, 1, 0.5, -1, -1, 0, 1.0])) == [(1, 3), (3, 5), (6, 7)]


def test_the_size_for_a_budget_just_keeps_it():
    daily = np.random.default_rng(2).normal(0.0005, 0.006, 800)
    size = size_for_drawdown(daily, budget=0.2, seed=1, block=5.0)
    deep = np.quantile(draw(size * daily, method="block", paths=2_000, seed=1, block=5.0).max_drawdown, 0.05)
    assert deep == pytest.approx(-0.2, abs=0.002)


def test_kelly_at_the_lower_bound_is_nothing_where_the_edge_is_not_sure(bars):
    advice = qb.advise_size(qb.backtest(qb.MaCross(10, 60), bars), seed=1)
    assert advice.kelly_lower == 0.0
    assert advice.advised == 0.0


def test_a_permutation_p_value_is_never_zero(result):
    assert qb.monte_carlo(result, method="random_entry", paths=5, seed=1).p_value() >= 1 / 6


def test_nothing_can_be_drawn_from_nothing(bars):
    untraded = qb.backtest(qb.MaCross(10, 60), bars[:50])
    with pytest.raises(ExecutionError, match="MaCross never traded"):
        qb.monte_carlo(untraded, seed=1)
    with pytest.raises(ExecutionError, match="some returns are not finite"):
        draw([0.1, np.nan, 0.2], method="block", paths=5, seed=1)
    with pytest.raises(ExecutionError, match="1 returns are too few"):
        draw([0.1], method="block", paths=5, seed=1)


def test_numbers_that_mean_nothing_are_refused(result):
    with pytest.raises(ParamsError, match="did you mean block"):
        qb.monte_carlo(result, method="blok", seed=1)
    with pytest.raises(ParamsError, match="missed is a share between 0 and 1"):
        qb.monte_carlo(result, method="execution", missed=2.0, seed=1)
    with pytest.raises(ParamsError, match="ruin is a loss of a fraction"):
        qb.monte_carlo(result, paths=10, seed=1).ruin(50)
