"""The gauntlet: what it says of luck, of skill, of mistakes, and of too little to say anything."""

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.research.calibration.echo import Echo
from quantbench.research.calibration.worlds import planted_bars, random_walk
from quantbench.research.gauntlet import kept
from quantbench.research.gauntlet.last_gates import predictive_band
from quantbench.research.gauntlet.thresholds import above, below, thresholds

SPACE = {"fast": (10, 20, 30), "slow": (60, 100, 150)}


@pytest.fixture(scope="module")
def instrument():
    return replace(qb.load("EURUSD", "H1").instrument, swap_schedule=(("2000-01-01", -2.0, -2.0),))


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def walk(instrument):
    return random_walk(np.random.default_rng(7), instrument, years=1.0)


@pytest.fixture
def leaning(instrument):
    return planted_bars(np.random.default_rng(3), instrument, years=4.0, strength=0.13, lags=(3, 4))


@dataclass(frozen=True)
class Clairvoyant(qb.Strategy):
    """Long when tomorrow is higher."""

    look: int = qb.param(1, among=(1, 2))

    def decide(self, bars):
        ahead = np.append(bars.close[self.look :], np.full(self.look, bars.close[-1]))
        return qb.Signals.when(long=ahead > bars.close, short=ahead < bars.close)


@dataclass(frozen=True)
class Idle(qb.Strategy):
    """Never trades."""

    nothing: int = qb.param(1, among=(1, 2, 3))

    def decide(self, bars):
        return qb.Signals(np.zeros(len(bars)))


@dataclass(frozen=True)
class Raises(qb.Strategy):
    """Raises always."""

    nothing: int = qb.param(1, among=(1, 2, 3))

    def decide(self, bars):
        raise ValueError("no") if len(bars) else AssertionError


def test_luck_does_not_pass(home, walk):
    found = qb.validate(qb.MaCross, walk, space=SPACE, progress=False)
    assert found.colour == "red"
    assert not found.promotable


def test_a_planted_edge_passes_every_hard_gate_of_the_fast_profile(home, leaning):
    found = qb.validate(Echo, leaning, space={"lag": (1, 2, 3, 4, 5), "size": (0.0, 0.08, 0.16, 0.24)}, progress=False)
    assert {gate.name for gate in found.of("red")} == set()
    for name in ("certificate", "engines", "repeats", "costs", "walk-forward", "superior"):
        assert found[name].colour == "green", found[name]
    assert found.params["lag"] in {3, 4}
    assert found.missing  # the holdout stays shut: nothing is promoted by the fast profile
    assert not found.promotable


def test_the_full_profile_opens_the_holdout_once_and_only_when_nothing_is_red(home, leaning):
    space = {"lag": (2, 3, 4, 5), "size": (0.0, 0.08, 0.16, 0.24, 0.32)}
    words = {"space": space, "profile": "full", "permutations": 19, "progress": False, "holdout": "120D"}
    found = qb.validate(Echo, leaning, **words)
    assert not found.of("red"), found
    assert found["holdout"].colour == "green"
    assert found["permutation"].value == 1 / 20
    assert len(qb.hold_out(leaning, "120D").opened) == 1
    again = qb.validate(Echo, leaning, **words)  # resumed: kept gates, and the holdout stays as it is
    assert again["holdout"] == found["holdout"]
    assert len(qb.hold_out(leaning, "120D").opened) == 1


def test_a_strategy_that_sees_the_future_goes_no_further(home, walk):
    found = qb.validate(Clairvoyant, walk, progress=False)
    assert found["certificate"].colour == "red"
    assert "cheats" in found["certificate"].says
    assert [gate.name for gate in found.gates][-1] == "the rest"
    assert not found.promotable


def test_a_strategy_that_never_trades_gets_a_clear_verdict(home, walk):
    found = qb.validate(Idle, walk, progress=False)
    assert found.colour == "red"
    assert found["choice"].says.startswith("Nothing can be judged: none of 3 trials has a sharpe")


def test_a_strategy_that_always_raises_gets_a_clear_verdict(home, walk):
    found = qb.validate(Raises, walk, progress=False)
    assert "ValueError: no" in found["choice"].says


def test_one_trial_is_too_few_for_pbo_and_never_green_by_default(home, walk):
    found = qb.validate(qb.MaCross, walk, space={"fast": (10,), "slow": (60,)}, progress=False)
    assert found["overfit"].colour == "not run"
    assert found["overfit"].hard
    assert not found.promotable


def test_a_hypothesis_stated_before_is_judged_by_its_own_test(home, leaning):
    words = {"space": {"lag": (3,), "size": (0.0,)}, "progress": False}
    found = qb.validate(Echo, leaning, hypothesis="days echo after three days", **words)
    assert found["prior"].colour == "green"
    assert "superior" not in {gate.name for gate in found.gates}


def test_free_trading_is_a_mistake(home, walk):
    free = qb.Costs(commission_per_lot=0, commission_percent=0, slippage_points=0, spread_points=0)
    found = qb.validate(qb.MaCross, walk, space=SPACE, costs=free, progress=False)
    assert found["costs"].colour == "red"


def test_nights_without_a_declared_swap_are_red(home, walk):
    bare = replace(walk.instrument, swap_schedule=None, swap_long_points=0.0, swap_short_points=0.0)
    found = qb.validate(qb.MaCross, replace(walk, instrument=bare), space=SPACE, progress=False)
    assert found["swap"].colour == "red"


def test_an_earlier_search_over_everything_breaks_the_seal(home, walk):
    qb.sweep(qb.MaCross, walk, space=SPACE, progress=False)
    found = qb.validate(qb.MaCross, walk, space=SPACE, progress=False)
    assert found["sealed"].colour == "amber"
    assert found["sealed"].value == 9


def test_the_same_validation_gives_the_same_evidence(home, walk):
    one, two = (
        qb.validate(qb.MaCross, walk, space=SPACE, workers=w, resume=False, progress=False).to_dict() for w in (1, 2)
    )
    assert one == two


def test_several_markets_are_judged_by_one_choice_for_all(home, instrument):
    strength, lags = 0.11, (3, 4)
    markets = [
        planted_bars(np.random.default_rng(s), instrument, years=2.0, strength=strength, lags=lags) for s in (1, 2)
    ]
    other = replace(instrument, symbol="GBPUSD")
    markets[1] = replace(markets[1], symbol="GBPUSD", instrument=other)
    space = {"lag": (2, 3, 4), "size": (0.0, 0.16)}
    found = qb.validate(Echo, markets, space=space, progress=False)
    alone = qb.validate(Echo, markets[0], space=space, progress=False)
    assert len(found.markets) == 2
    assert found["trades"].value > 1.5 * alone["trades"].value
    assert math.isfinite(found["walk-forward"].value)
    assert found["repeats"].colour == "green"


def test_correlation_with_what_is_released_is_a_doubt(home, walk):
    made = qb.backtest(qb.MaCross(10, 60), qb.hold_out(walk).development)
    released = {"the old one": made.daily}
    space = {"fast": (10,), "slow": (60,)}
    found = qb.validate(qb.MaCross, walk, space=space, released=released, progress=False)
    assert found["released"].value == pytest.approx(1.0)
    assert found["released"].colour == "amber"
    assert found["adds"].value == pytest.approx(0.0, abs=1e-9)


def test_too_few_bars_to_walk_is_red_and_no_crash(home, walk):
    found = qb.validate(qb.MaCross, walk[:700], space={"fast": (5,), "slow": (20,)}, train="90D", progress=False)
    assert found["walk-forward"].colour == "red"
    assert "There is no t" in found["walk-forward"].says


def test_a_holdout_longer_than_the_data_is_refused(home, walk):
    with pytest.raises(ParamsError, match="a holdout of 4000D leaves 0 bars"):
        qb.validate(qb.MaCross, walk, space=SPACE, holdout="4000D", progress=False)


def test_a_profile_that_is_none_is_refused(home, walk):
    with pytest.raises(ParamsError, match="no profile 'fst': did you mean fast"):
        qb.validate(qb.MaCross, walk, profile="fst")


def test_a_gate_that_was_cut_short_on_disk_is_asked_again(home, tmp_path):
    shelf, asked = kept.Shelf(tmp_path / "gates", keeps=True), []

    def ask():
        asked.append(1)
        return qb_gate()

    first = shelf.kept("a gate", ask)
    assert shelf.kept("a gate", ask) == first
    assert len(asked) == 1
    (tmp_path / "gates" / "a-gate.json").write_text('{"schema": 1, "ga', encoding="utf-8")
    shelf.kept("a gate", ask)
    assert len(asked) == 2


def qb_gate():
    from quantbench.core.evidence import Gate

    return Gate(name="a gate", value=1.5, threshold="", null="", colour="green", says="Yes.")


def test_a_predictive_band_holds_nine_in_ten_of_what_comes():
    inside = 0
    for seed in range(60):
        days = np.random.default_rng(seed).normal(0.0005, 0.01, 500)
        low, high = predictive_band(days[:380], 120, seed=seed)
        inside += low <= days[380:].sum() <= high
    assert inside / 60 >= 0.8


@pytest.mark.parametrize(("rule", "value"), [(above, math.nan), (below, math.nan)])
def test_what_cannot_be_said_is_never_green(rule, value):
    assert rule(value, green=1.0, red=2.0)[0] == "red"


def test_thresholds_have_a_version():
    assert thresholds()["version"] >= 1
