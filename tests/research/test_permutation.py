"""The permutation test: how often it calls luck skill when the search is made anew, and when it is not."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.limits import Limits
from quantbench.data.ledger import count_distinct
from quantbench.research.calibration.worlds import random_walk
from quantbench.research.chance.permutation import permuted_bars
from quantbench.research.gauntlet.case import Walked
from quantbench.research.gauntlet.walking import walking
from quantbench.research.overfit.permutation import search_permuted
from quantbench.research.pool import Question
from quantbench.research.search import Wish, searched

SPACE = {"fast": (3, 5, 8, 12, 18, 25, 35, 45), "slow": (50, 65, 80, 100, 125, 150, 180, 220)}
WISH = Wish("grid", ("sharpe",), None, None, None, SPACE, 1, False)
WORLDS, ORDERS = 24, 19


@pytest.fixture(scope="module")
def instrument():
    return qb.load("EURUSD", "H1").instrument


def asked(bars):
    return Question(bars, qb.Account(), qb.Costs(), qb.PercentEquity(1.0), Limits())


def test_searched_again_luck_is_called_skill_once_in_twenty_and_with_kept_params_much_more_often(instrument):
    again = kept = 0
    for seed in range(WORLDS):
        bars = random_walk(np.random.default_rng(seed), instrument, years=0.4)
        found = search_permuted(qb.MaCross, (asked(bars),), WISH, seed=seed, permutations=ORDERS)
        again += found.p_value <= 0.05
        best = searched(qb.MaCross, (asked(bars),), WISH, kind=None, progress=False).best_strategy
        rng = np.random.default_rng(seed)
        same = [qb.backtest(best, permuted_bars(bars, rng)).metrics()["sharpe"] for _ in range(ORDERS)]
        kept += np.nansum(np.array(same) >= found.observed) == 0
    assert again <= 5  # 1.2 expected; more than 5 in one of 500 suites
    assert kept >= 0.3 * WORLDS


def test_the_same_seed_gives_the_same_p_value_for_any_number_of_workers(instrument):
    bars = random_walk(np.random.default_rng(1), instrument, years=0.3)
    one, two = (
        search_permuted(qb.MaCross, (asked(bars),), WISH._replace(workers=w), seed=3, permutations=6) for w in (1, 2)
    )
    assert np.array_equal(one.permuted, two.permuted)
    assert one.p_value == two.p_value >= 1 / 7


def test_bars_that_never_were_leave_nothing_in_the_ledger(instrument, tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    bars = random_walk(np.random.default_rng(1), instrument, years=0.3)
    search_permuted(qb.MaCross, (asked(bars),), WISH, seed=3, permutations=2)
    assert count_distinct() == 0


def test_a_search_that_fails_on_other_bars_says_nothing_of_luck(instrument):
    bars = random_walk(np.random.default_rng(1), instrument, years=0.3)
    known = float(bars.close[100])

    @dataclass(frozen=True)
    class OnlyHere(qb.Strategy):
        """Raises on any bars but one."""

        lookback: int = qb.param(5, among=(5, 10))

        def decide(self, bars):
            if float(bars.close[100]) != known:
                raise ValueError("not these")
            return qb.Signals.when(long=bars.close > qb.sma(bars.close, self.lookback))

    wish = WISH._replace(space=None)
    with pytest.raises(ExecutionError, match="on 9 of 9 permutations nothing could be searched"):
        search_permuted(OnlyHere, (asked(bars),), wish, seed=1, permutations=9)


def test_at_least_one_permutation_is_made(instrument):
    bars = random_walk(np.random.default_rng(1), instrument, years=0.3)
    with pytest.raises(ParamsError, match="at least one permutation"):
        search_permuted(qb.MaCross, (asked(bars),), WISH, seed=1, permutations=0)


def test_trials_are_counted_by_the_ledger_once_each_however_often_they_are_asked_for(instrument, tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    bars = random_walk(np.random.default_rng(2), instrument, years=0.5)
    inside = qb.hold_out(bars).development
    few = {"fast": (5, 10), "slow": (60, 90)}
    qb.sweep(qb.MaCross, inside, space=few | {"fast": (5, 10, 50)}, progress=False)
    qb.sweep(qb.MaCross, inside, space=few, progress=False)
    found = qb.validate(qb.MaCross, bars, space=few, progress=False)
    assert found.facts["trials"] == 4
    assert found.facts["distinct_trials"] == 6
    assert "6 distinct trials" in found["deflated Sharpe"].method


def test_an_edge_in_one_fold_alone_is_a_doubt():
    days = np.arange(300)
    daily = np.random.default_rng(1).normal(0, 1e-4, 300)
    daily[100:125] += 0.004
    windows = np.array([np.prod(1 + daily[i : i + 25]) - 1 for i in range(0, 300, 25)])
    walked = Walked(days=days, daily=daily, windows=windows, trades=200, trials=10, efficiency=1.0, failures=())
    gates = {gate.name: gate for gate in walking(_case(), walked, "")}
    assert gates["windows"].colour == "amber"
    spread = replace(walked, windows=np.full(12, 0.01))
    assert {gate.name: gate for gate in walking(_case(), spread, "")}["windows"].colour == "green"


def _case():
    from quantbench.research.gauntlet.case import Case

    return Case(
        strategy=qb.MaCross,
        questions=(),
        holdouts=(),
        wish=WISH,
        select="plateau",
        train="100D",
        test="25D",
        seed=0,
        hypothesis=None,
        budget=0.2,
        released={},
        permutations=1,
    )
