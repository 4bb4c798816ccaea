"""Worlds of known truth: that they are what they claim, and that luck is not promoted in them."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.research.calibration.calibrate import judged
from quantbench.research.calibration.echo import Echo
from quantbench.research.calibration.price_worlds import strength_for
from quantbench.research.calibration.rates import rate
from quantbench.research.calibration.worlds import hours, planted_bars, planted_returns, random_walk, returns_of_many


@pytest.fixture(scope="module")
def instrument():
    return qb.load("EURUSD", "H1").instrument


def test_returns_without_skill_have_heavy_tails_clusters_and_the_correlation_asked_for():
    found = returns_of_many(np.random.default_rng(1), days=6_000, strategies=6, correlation=0.6)
    off = np.corrcoef(found.T)[np.triu_indices(6, 1)]
    assert off.mean() == pytest.approx(0.6, abs=0.05)
    square = found[:, 0] ** 2
    assert np.corrcoef(square[1:], square[:-1])[0, 1] > 0.05
    assert ((found[:, 0] / found[:, 0].std()) ** 4).mean() > 4.0
    assert np.abs(found.mean(axis=0) / found.std(axis=0) * np.sqrt(6_000)).max() < 4.0


def test_a_planted_sharpe_is_the_one_asked_for():
    words = {"days": 26_000, "strategies": 3, "correlation": 0.0, "sharpe": 1.5, "carrying": 2}
    found = planted_returns(np.random.default_rng(2), **words)
    sharpes = found.mean(axis=0) / found.std(axis=0) * np.sqrt(260)
    assert sharpes[:2] == pytest.approx([1.5, 1.5], abs=0.35)
    assert abs(sharpes[2]) < 0.35


def test_the_hours_of_a_week_are_those_a_currency_trades():
    time = hours(1.0)
    assert len(time) == pytest.approx(52.18 * 119, abs=130)
    weekday = (time.astype("datetime64[D]").astype(int) + 3) % 7
    assert 5 not in weekday


def test_nothing_is_to_be_found_in_a_random_walk(instrument):
    bars = random_walk(np.random.default_rng(3), instrument, years=2.0)
    moves = np.diff(np.log(bars.close))
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.03
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()


def test_prices_lean_as_hard_as_gives_the_rule_its_sharpe(instrument):
    strength = strength_for(1.5, instrument, qb.Costs(), 5)
    bars = planted_bars(np.random.default_rng(99), instrument, years=60.0, strength=strength, lags=(3, 4))
    right, wrong = (qb.backtest(Echo(lag, 0.0), bars).metrics()["sharpe"] for lag in (3, 9))
    assert right == pytest.approx(1.5, abs=0.5)
    assert wrong < 0.5


def test_the_rule_of_the_planted_edge_sees_no_future(instrument):
    bars = planted_bars(np.random.default_rng(1), instrument, years=1.0, strength=0.05, lags=(3, 4))
    assert qb.certify(Echo(3, 0.16), bars, cuts=40).passed


def test_luck_is_not_promoted_and_skill_is():
    """A few worlds of each; the published rates come from a thousand."""
    found = qb.calibrate(worlds=12, trials=60, carrying=12, sharpes=(0.0, 3.0), seed=4, progress=False)
    assert found.promoted(0.0).share == 0.0
    assert found.promoted(3.0).share >= 0.75
    curve = found.trade_off(3.0)
    assert (curve["missed"].diff().dropna() >= 0).all()
    assert "not run: permutation" in repr(found)


def test_a_calibration_does_not_depend_on_workers():
    words = {"worlds": 4, "trials": 20, "carrying": 4, "sharpes": (0.0,), "seed": 1, "progress": False}
    assert qb.calibrate(workers=1, **words).outcomes == qb.calibrate(workers=2, **words).outcomes


def test_prices_go_through_the_real_search(instrument):
    space = {"fast": (5, 10, 20), "slow": (60, 100)}
    words = {"years": 1.0, "worlds": 2, "strategy": qb.MaCross, "space": space, "workers": 1, "progress": False}
    found = qb.calibrate_on_prices(instrument, **words)
    assert found.kind == "prices"
    assert len(found.outcomes[0.0]) == 2
    real = qb.calibrate_on_prices(instrument, bars=qb.load("EURUSD", "H1", "2017", "2017-06"), **words)
    assert real.kind == "permuted EURUSD H1"


def test_a_world_without_returns_is_no_pass():
    found = judged(np.zeros((600, 10)), seed=1)
    assert not found.promoted


def test_a_rate_has_the_exact_interval():
    found = rate(5, 100)
    assert (round(found.low, 4), round(found.high, 4)) == (0.0164, 0.1128)  # Clopper and Pearson
    assert rate(100, 100).high == 1.0


def test_worlds_that_cannot_be_are_refused():
    with pytest.raises(ParamsError, match="carrying at most trials"):
        qb.calibrate(trials=10, carrying=20, progress=False)
