"""qb.evolve: the same bytes however it is run, one rule once, alike ones leave room, and a winner that is a file."""

import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError, QuantbenchError, StoreError
from quantbench.research.evolution import export
from quantbench.research.evolution.breeding import child, drawn
from quantbench.research.evolution.generations import alike
from quantbench.strategies.rule.grammar import DEEPEST, LARGEST, depth, size
from quantbench.strategies.rule.text import parsed

SCRIPT = """
import hashlib, sys
{first}
import quantbench as qb
{last}
bars = qb.load("EURUSD", "H1", "2017-01", "2017-07")
study = qb.evolve(bars, trials=int(sys.argv[1]), seed=5, workers=int(sys.argv[2]), progress=False, resume={resume})
print(hashlib.sha256(study.table().to_csv().encode()).hexdigest())
"""
TRIALS = 150


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-07")


def evolved(bars, **words):
    return qb.evolve(bars, **({"trials": TRIALS, "seed": 5, "progress": False, "resume": False} | words))


def digest(study):
    return hashlib.sha256(study.table().to_csv().encode()).hexdigest()


def process(home, *, trials=TRIALS, first="", last="", resume=False, **environment):
    script = SCRIPT.format(first=first, last=last, resume=resume)
    words = [sys.executable, "-c", script, str(trials), "1"]
    home = {"QUANTBENCH_HOME": str(home)}
    return subprocess.Popen(words, env=os.environ | home | environment, stdout=subprocess.PIPE, text=True)


# --- the same bytes ------------------------------------------------------------------------------------------


def test_any_number_of_workers_gives_the_same_bytes(bars):
    assert len({digest(evolved(bars, workers=workers)) for workers in (1, 2, 4)}) == 1


def test_another_hash_seed_and_pandas_first_or_last_give_the_same_bytes(bars, tmp_path):
    one = process(tmp_path, first="import pandas", PYTHONHASHSEED="0")
    two = process(tmp_path, last="import pandas", PYTHONHASHSEED="1")
    assert one.communicate()[0].split() == two.communicate()[0].split() == [digest(evolved(bars))]


def test_an_evolution_that_was_killed_goes_on_to_the_same_bytes(tmp_path):
    trials, killed = 2_000, tmp_path / "killed"
    first = process(killed, trials=trials, resume=True)
    kept, deadline = killed / "experiments" / "trials", time.monotonic() + 60
    while len(list(kept.glob("*/*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.005)
    first.send_signal(signal.SIGKILL)
    assert first.communicate()[0] == "", "it was killed before its end"
    generations = len(list(kept.glob("*/*.parquet")))
    assert generations >= 3
    both = [process(home, trials=trials, resume=True) for home in (killed, tmp_path / "whole")]
    texts = [one.communicate()[0] for one in both]
    assert texts[0] == texts[1] != ""


def test_another_seed_is_another_evolution(bars):
    assert digest(evolved(bars, seed=5)) != digest(evolved(bars, seed=6))


# --- what is tried -------------------------------------------------------------------------------------------


def test_every_rule_is_tried_once_is_canonical_and_within_the_limits(bars):
    study = evolved(bars)
    assert len(study) == TRIALS == len({tuple(choice.values()) for choice in study.params})
    for choice in study.params:
        assert qb.Rule(**choice).params == choice
        assert all(
            size(side) <= LARGEST and depth(side) <= DEEPEST for side in map(parsed, (choice["long"], choice["short"]))
        )
    assert study.values["complexity"].tolist() == [qb.Rule(**choice).complexity for choice in study.params]


def test_every_rule_lands_in_the_ledger(bars):
    study = evolved(bars)
    ledger = qb.read_ledger()
    assert set(ledger.kind) == {"evolve"}
    assert set(ledger.family) == {"Rule"}
    assert len(ledger) == len(study)


def test_a_trial_has_the_figures_of_its_backtest(bars):
    study = evolved(bars, trials=30)
    for trial in study.trials[:8]:
        result = qb.backtest(qb.Rule.from_params(trial.params), bars)
        assert trial.metrics["trades"] == len(result.trades)
        assert trial.metrics["sharpe"] == pytest.approx(result.metrics()["sharpe"], rel=1e-12, nan_ok=True)


def test_later_generations_are_better_and_the_front_trades_score_for_words(bars):
    study = evolved(bars, trials=600)
    score = np.where(study.feasible, study.values["sharpe"], np.nan)
    early, late = score[study.batch <= 1], score[study.batch >= study.batch.max() - 5]
    assert np.nanmedian(late) > np.nanmedian(early)
    front = [(trial.metrics["sharpe"], trial.metrics["complexity"]) for trial in study.front]
    assert front == sorted(front, reverse=True)
    assert all(trial.metrics["trades"] >= 30 for trial in study.front)


def test_a_planted_rule_is_found():
    """Prices that rise for three bars after every close above the last 21 highs, and else wander."""
    random, close, high = np.random.default_rng(3), [1.1] * 30, [1.1] * 30
    left = 0
    for _ in range(4_000):
        left = 3 if left == 0 and close[-1] > max(high[-22:-1]) else max(left - 1, 0)
        close.append(close[-1] * (1 + 4e-4 * random.standard_normal() + (4e-4 if left else -1e-4)))
        high.append(max(close[-2:]) + 1e-5)
    close = np.array(close).round(5)
    before = np.concatenate([close[:1], close[:-1]])
    found = qb.load("EURUSD", "H1")
    time_ = np.datetime64("2015-01-01T00:00", "ns") + np.arange(len(close)) * np.timedelta64(1, "h")
    top, bottom = np.maximum(before, close) + 1e-5, np.minimum(before, close) - 1e-5
    bars = qb.Bars("EURUSD", "H1", found.instrument, time_, before, top.round(5), bottom.round(5), close)
    free = qb.Costs(commission_per_lot=0.0, slippage_points=0.0, spread_points=0.0, swap=False)
    study = evolved(bars, trials=600, costs=free)
    planted = qb.backtest(qb.Rule(long="close > highest(21)", short="never"), bars, costs=free).metrics()["sharpe"]
    assert planted > 1
    assert study.best.metrics["sharpe"] >= planted


def test_several_markets_are_pooled(bars):
    study = evolved([bars, qb.load("BTCUSD", "H1", "2017-08", "2018-02")], trials=40)
    assert "on 2 markets" in study.headline
    assert len(study) == 40


# --- alike ---------------------------------------------------------------------------------------------------


def test_returns_that_differ_only_in_size_are_alike_and_the_first_stands_for_them():
    random = np.random.default_rng(1)
    one, two = random.standard_normal((2, 300))
    rows = np.array([one, 3 * one + 1, two, one + 0.05 * two, one + 0.5 * two, -one, np.zeros(300)])
    assert alike(rows) == [0, 0, 2, 0, 4, 5, 6]


def test_a_rule_that_never_moves_is_like_no_other():
    assert alike(np.zeros((3, 10))) == [0, 1, 2]


def test_breeding_draws_from_its_generator_alone():
    def bred():
        random = np.random.default_rng(9)
        one, two = drawn(random), drawn(random)
        return [child(one, two, random) for _ in range(50)]

    first = bred()
    np.random.default_rng().random()
    assert bred() == first


# --- bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"trials": 0}, "trials must be at least 1"),
        ({"seed": -1}, "seed at least 0"),
        ({"objectives": ("sharpe", "complexety")}, "unknown objective 'complexety'"),
        ({"objectives": ()}, "needs an objective"),
        ({"constraints": {"trades": (30, 10)}}, "contradicts itself"),
    ],
)
def test_an_evolution_that_cannot_be_made_says_why(bars, words, message):
    with pytest.raises(ParamsError, match=message):
        evolved(bars, **words)


def test_no_bars_is_said_and_too_few_are_a_study_without_a_best(bars):
    with pytest.raises(ExecutionError, match="there are no bars to search on"):
        evolved(bars[:0])
    study = evolved(bars[:60], trials=25)
    assert len(study) == 25
    with pytest.raises(ExecutionError, match="none of 25 trials"):
        _ = study.best


# --- the way out to a file -----------------------------------------------------------------------------------


def loaded(file, name):
    spec = importlib.util.spec_from_file_location(f"test_{file.stem}", file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


@pytest.mark.parametrize("seed", range(12))
def test_an_exported_class_gives_the_signals_of_its_rule_bit_for_bit(bars, tmp_path, monkeypatch, seed):
    monkeypatch.setattr(export, "certify", lambda *_: type("Passed", (), {"passed": True}))  # proved in other tests
    random = np.random.default_rng(seed)
    bred = [drawn(random)]
    for _ in range(6):
        bred.append(child(bred[-1], drawn(random), random))
    rule = qb.Rule.from_params(next(genes.choice for genes in reversed(bred) if genes.long != genes.short))
    made = loaded(qb.export_rule(rule, bars, name="Bred", folder=tmp_path), "Bred")
    own, exported = rule.signals(bars), made().signals(bars)
    np.testing.assert_array_equal(own.target, exported.target)
    np.testing.assert_array_equal(own.stop, exported.stop)
    assert made().warmup == rule.warmup


def test_an_exported_file_is_a_strategy_that_a_person_could_have_written(bars, tmp_path):
    rule = qb.Rule(long="close > highest(34) and rsi(13) < 70", short="close < lowest(34) and rsi(13) > 30")
    file = qb.export_rule(rule, bars, name="BreakoutCalm", folder=tmp_path / "mine")
    text = file.read_text("utf-8")
    assert file.name == "breakout_calm.py"
    assert "highest = bar_before(qb.donchian(bars, self.highest_lookback).upper)" in text
    assert "        long = (bars.close > highest) & (rsi < self.rsi_level)\n" in text
    made = loaded(file, "BreakoutCalm")
    assert made.space()["highest_lookback"] == (21, 34, 55)
    assert made(highest_lookback=55, rsi_lookback=21).warmup == 20 * 21
    assert qb.certify(made(), bars).passed
    for words in (["check", "-q"], ["format", "-q", "--check"]):
        settings = ["--line-length", "120"] + ["--ignore", "INP001"] * (words[0] == "check")
        assert subprocess.run([sys.executable, "-m", "ruff", *words, *settings, str(file)], check=False).returncode == 0
    assert qb.export_rule(rule, bars, name="BreakoutCalm", folder=tmp_path / "mine") == file, "again is nothing new"


def test_what_cannot_be_proved_is_not_left_behind(bars, tmp_path):
    flat = qb.Rule(
        long="close > highest(34) and close < lowest(34)", short="close < lowest(34) and close > highest(55)"
    )
    with pytest.raises(QuantbenchError, match="it never wants a position on these bars"):
        qb.export_rule(flat, bars, name="Flat", folder=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_file_of_another_rule_is_not_overwritten_and_names_are_names(bars, tmp_path):
    (tmp_path / "mine.py").write_text("mine = 1")
    rule = qb.Rule(long="close > highest(34)", short="never")
    with pytest.raises(StoreError, match="is there already, and says something else"):
        qb.export_rule(rule, bars, name="Mine", folder=tmp_path)
    assert (tmp_path / "mine.py").read_text() == "mine = 1"
    for name in ("mine", "My Rule", "None", "", "../Up"):
        with pytest.raises(ParamsError, match="needs the name of a class"):
            qb.export_rule(rule, bars, name=name, folder=tmp_path)
    with pytest.raises(ParamsError, match="only a Rule is exported, found MaCross"):
        qb.export_rule(qb.MaCross(), bars, name="Cross", folder=tmp_path)
