"""qb.search: every method gives the same bytes however it is run, loses nothing, and goes on where it was stopped."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError, StoreError
from quantbench.engine.metrics import cost_waterfall
from quantbench.research import evaluation, pool
from quantbench.research.asking import METHODS

SCRIPT = """
import hashlib, sys
{first}
import quantbench as qb
{last}
bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
for method in sys.argv[1].split(","):
    objectives = ("sharpe", "max_drawdown") if method.startswith("nsga") else "sharpe"
    study = qb.search(qb.MaCross, bars, method=method, objectives=objectives, seed=5, progress=False, workers=1,
                      trials=None if method == "grid" else 60, constraints={{"trades": 3}}, resume={resume})
    print(hashlib.sha256(study.table().to_csv().encode()).hexdigest())
"""
WORLDS = {
    "hash seed 0, pandas first": ("0", "import pandas", ""),
    "hash seed 1, pandas last": ("1", "", "import pandas"),
}


@dataclass(frozen=True)
class Moody(qb.Strategy):
    """Raises for some choices."""

    mood: int = qb.param(0, low=0, high=9)

    def decide(self, bars):
        if self.mood % 3 == 1:
            raise ZeroDivisionError("bad mood")
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, 10 + self.mood))


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-04")


def digest(study):
    return hashlib.sha256(study.table().to_csv().encode()).hexdigest()


def found(bars, method, *, workers=1, trials=60, **words):
    objectives = ("sharpe", "max_drawdown") if method.startswith("nsga") else "sharpe"
    trials = None if method == "grid" else trials
    constraints = {"trades": 3}
    words = {"seed": 5, "resume": False, "progress": False} | words
    terms = {"method": method, "objectives": objectives, "trials": trials, "constraints": constraints}
    return qb.search(qb.MaCross, bars, workers=workers, **terms, **words)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_any_number_of_workers_threads_or_processes_gives_the_same_bytes(bars, method, monkeypatch):
    digests = {workers: digest(found(bars, method, workers=workers)) for workers in (1, 2, 4)}
    by_processes = []
    real = pool._pooled
    monkeypatch.setattr(pool, "_pooled", lambda *words: by_processes.append(1) or real(*words))
    monkeypatch.setattr(pool, "_processes_pay", lambda *_: True)
    digests["processes"] = digest(found(bars, method, workers=2))
    assert by_processes, "it was not spread over processes"
    assert len(set(digests.values())) == 1, digests


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Return the digests other processes found, by world and method; each of them searches by every method."""

    def started(hash_seed, first, last):
        script = SCRIPT.format(first=first, last=last, resume=False)
        home = {"PYTHONHASHSEED": hash_seed, "QUANTBENCH_HOME": str(tmp_path_factory.mktemp("world"))}
        words = [sys.executable, "-c", script, ",".join(METHODS)]
        return subprocess.Popen(words, env=os.environ | home, stdout=subprocess.PIPE, text=True)

    running = {name: started(*words) for name, words in WORLDS.items()}
    return {name: dict(zip(METHODS, one.communicate()[0].split(), strict=True)) for name, one in running.items()}


@pytest.mark.parametrize("method", sorted(METHODS))
def test_other_processes_with_other_hash_seeds_and_pandas_first_or_last_give_the_same_bytes(bars, method, elsewhere):
    digests = {name: texts[method] for name, texts in elsewhere.items()}
    assert set(digests.values()) == {digest(found(bars, method))}, digests


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_search_that_was_stopped_goes_on_to_the_same_bytes(bars, method, monkeypatch):
    whole = digest(found(bars, method))
    real, done = evaluation.batches, []

    def stops(question, strategies, **words):
        for batch in real(question, strategies, **words):
            yield batch
            done.append(len(batch.failures))
            if sum(done) >= 20:
                raise KeyboardInterrupt

    monkeypatch.setattr(evaluation, "batches", stops)
    with pytest.raises(KeyboardInterrupt):
        found(bars, method, resume=True)
    tried = sum(done)
    assert len(qb.read_ledger()) >= 60, "the whole one"
    monkeypatch.setattr(evaluation, "batches", counting := Counting(real))
    assert digest(found(bars, method, resume=True)) == whole
    assert counting.trials == len(found(bars, method)) - tried, "what was tried is not tried again"


class Counting:
    def __init__(self, real):
        self.real, self.trials = real, 0

    def __call__(self, question, strategies, **words):
        self.trials += len(strategies)
        return self.real(question, strategies, **words)


def test_twice_the_trials_begin_with_the_trials_of_once(bars):
    for method in ("random", "sobol", "tpe"):
        once, twice = (found(bars, method, trials=trials).table().drop(columns="batch") for trials in (30, 60))
        assert twice.iloc[:30].equals(once), method


def test_a_trial_has_the_figures_of_its_backtest(bars):
    study = found(bars, "random", trials=5)
    for trial in study.trials:
        metrics = qb.backtest(qb.MaCross.from_params(trial.params), bars).metrics()
        assert trial.metrics["sharpe"] == pytest.approx(metrics["sharpe"], rel=1e-12, nan_ok=True)


def test_no_choice_is_tried_twice_and_asking_again_is_counted(bars):
    study = found(bars, "tpe", trials=200)
    keys = [tuple(choice.values()) for choice in study.params]
    assert len(set(keys)) == len(keys) == 200
    assert study.duplicates > 0


def test_a_small_space_is_exhausted_not_asked_for_ever(bars):
    study = found(bars, "random", trials=1_000, space={"fast": (5, 10), "slow": (8, 40)})
    assert (len(study), study.refused) == (3, 1)


def test_failures_and_refusals_are_kept_with_their_reason(bars):
    study = qb.search(Moody, bars, method="tpe", trials=10, seed=1, progress=False, resume=False)
    assert sum(text == "ZeroDivisionError: bad mood" for text in study.failures) == 3
    assert len(study) == 10
    again = found(bars, "genetic", trials=60)
    assert again.refused > 0


def test_every_trial_lands_in_the_ledger_once_also_when_taken_from_what_was_kept(bars):
    for _ in range(2):
        found(bars, "random", trials=10, resume=True)
    ledger = qb.read_ledger()
    assert set(ledger.kind) == {"search"}
    assert len(ledger.drop_duplicates(["params", "data_version"])) == 10


def test_the_average_trade_can_be_held_against_what_it_costs(bars):
    words = {"method": "random", "trials": 30, "seed": 3, "progress": False, "resume": False}
    costs = qb.Costs(commission_per_lot=3.5)
    study = qb.search(qb.MaCross, bars, constraints={"average_over_cost": 1.5}, costs=costs, **words)
    assert [str(one) for one in study.constraints] == ["average_over_cost >= 1.5"]
    assert study.feasible.tolist() == (study.values["average_over_cost"] >= 1.5).tolist()
    assert 0 < study.feasible.sum() < len(study)
    for trial in study.trials[:5]:
        money = cost_waterfall(qb.backtest(qb.MaCross.from_params(trial.params), bars, costs=costs))
        expected = money["gross"] / (money["gross"] - money["net"])
        assert trial.metrics["average_over_cost"] == pytest.approx(expected, rel=1e-9)


def test_several_markets_are_pooled_at_equal_risk(bars):
    other = qb.load("BTCUSD", "H1", "2017-08", "2018-02")
    words = {"method": "random", "trials": 8, "seed": 3, "progress": False, "resume": False}
    study = qb.search(qb.MaCross, [bars, other], **words)
    assert "on 2 markets" in study.headline
    assert study.daily.shape[1] == len(set(result_days(bars)) | set(result_days(other)))
    for trial in study.trials:
        results = [qb.backtest(qb.MaCross.from_params(trial.params), one) for one in (bars, other)]
        scaled = [one.daily * (0.10 / (one.daily.std() * np.sqrt(260))) / 2 for one in results]
        both = scaled[0].add(scaled[1], fill_value=0.0)
        assert trial.metrics["sharpe"] == pytest.approx(both.mean() / both.std() * np.sqrt(260), rel=1e-4)
        assert trial.metrics["trades"] == sum(len(one.trades) for one in results)
        assert np.isnan(trial.metrics["expectancy"])


def result_days(bars):
    return qb.backtest(qb.MaCross(), bars).daily.index


def test_one_market_pooled_with_itself_has_its_own_sharpe(bars):
    words = {"method": "random", "trials": 5, "seed": 3, "progress": False, "resume": False}
    alone, twice = (qb.search(qb.MaCross, of, **words) for of in (bars, [bars, bars]))
    assert twice.values["sharpe"] == pytest.approx(alone.values["sharpe"], rel=1e-5)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"method": "grids"}, r"unknown method 'grids': did you mean grid\?"),
        ({"objectives": ()}, "a search needs an objective"),
        ({"objectives": ("sharp",)}, r"unknown objective 'sharp': did you mean sharpe\?"),
        ({"objectives": ("sharpe", "sharpe")}, "an objective is named twice"),
        ({"constraints": {"trade": 3}}, r"unknown constraint 'trade': did you mean trades\?"),
        ({"constraints": {"trades": (30, 10)}}, "no trades is at least 30 and at most 10"),
        ({"trials": 0}, "trials must be at least 1"),
        ({"seed": None}, "tpe draws at random: say how often and from which seed"),
        ({"space": {}}, "the space is empty"),
        ({"space": {"fast": (90,), "slow": (20, 30)}}, "MaCross refuses all 2 choices; the first because fast must"),
        ({"method": "cmaes", "objectives": ("sharpe", "trades")}, "cmaes takes one objective"),
    ],
)
def test_a_search_that_cannot_be_made_says_why(bars, words, message):
    words = {"method": "tpe", "trials": 10, "seed": 1, "progress": False} | words
    with pytest.raises(ParamsError, match=message):
        qb.search(qb.MaCross, bars, **words)


def test_no_bars_and_money_over_several_markets_are_said_in_a_sentence(bars):
    words = {"method": "random", "trials": 3, "seed": 1, "progress": False}
    with pytest.raises(ExecutionError, match="found an empty list"):
        qb.search(qb.MaCross, [], **words)
    with pytest.raises(ExecutionError, match="there are no bars to search on"):
        qb.search(qb.MaCross, bars[:0], **words)
    with pytest.raises(ParamsError, match="expectancy counts money of one market"):
        qb.search(qb.MaCross, [bars, bars], objectives="expectancy", **words)
    with pytest.raises(ParamsError, match="average_over_cost counts money of one market"):
        qb.search(qb.MaCross, [bars, bars], constraints={"average_over_cost": 2}, **words)


def test_a_score_that_is_nan_for_all_is_a_study_without_a_best(bars):
    study = qb.search(qb.MaCross, bars[:50], method="tpe", trials=10, seed=1, progress=False, resume=False)
    assert len(study) == 10
    assert "best" not in repr(study)
    with pytest.raises(ExecutionError, match="none of 10 trials has a sharpe"):
        _ = study.best


def test_a_ledger_that_cannot_be_written_stops_before_the_first_trial(bars, monkeypatch, tmp_path):
    (tmp_path / "experiments").write_text("a file where the folder should be")
    monkeypatch.setattr(evaluation, "batches", lambda *_, **__: pytest.fail("a trial was run"))
    with pytest.raises(StoreError, match="experiments"):
        found(bars, "random")


def test_a_disk_that_is_full_stops_a_search_in_a_sentence_and_it_goes_on_to_the_same_bytes(bars, tmp_path):
    script = SCRIPT.format(first="", last="", resume=True)
    full = "import resource\n" + script.replace(
        "bars = qb.load", "resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))\nbars = qb.load"
    )
    home = os.environ | {"QUANTBENCH_HOME": str(tmp_path / "full")}

    def ran(code):
        words = [sys.executable, "-c", code, "tpe"]
        return subprocess.run(words, env=home, capture_output=True, text=True, check=False)

    failed = ran(full)
    assert failed.returncode == 1
    assert "StoreError" in failed.stderr.splitlines()[-1]
    assert list((tmp_path / "full").rglob("*.parquet")) == [], "nothing is left half written"
    assert ran(script).stdout.strip() == digest(found(bars, "tpe"))
