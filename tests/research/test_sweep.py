"""qb.sweep: every trial, the same answer for any number of workers, nothing forgotten."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError, StoreError
from quantbench.data.ledger import count_distinct
from quantbench.engine.trials import METRICS
from quantbench.research import evaluation, pool
from quantbench.research.space import near_order

SPACE = {"fast": (5, 10, 20), "slow": (10, 40, 80)}


@dataclass(frozen=True)
class Moody(qb.Strategy):
    """Raises for one choice, gives nonsense for another."""

    mood: int = qb.param(0, among=(0, 1, 2, 3))

    def decide(self, bars):
        if self.mood == 1:
            raise ZeroDivisionError("mood one")
        if self.mood == 2:
            return qb.Signals(np.full(len(bars), np.nan))
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, 10 + self.mood))


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-04")


def test_one_worker_and_two_give_the_same_bytes(bars):
    tables = [qb.sweep(qb.MaCross, bars, space=SPACE, workers=n, progress=False).table() for n in (1, 2, None)]
    texts = {table.to_csv().encode() for table in tables}
    assert len(texts) == 1
    assert len(tables[0]) == 7


def test_two_runs_give_the_same_bytes_with_failures_among_them(bars):
    first, second = (qb.sweep(Moody, bars, workers=1, progress=False) for _ in range(2))
    assert first.table().to_csv() == second.table().to_csv()
    assert np.array_equal(first.daily, second.daily, equal_nan=True)


def test_combinations_the_strategy_refuses_are_no_trials(bars):
    study = qb.sweep(qb.MaCross, bars, space=SPACE, progress=False)
    assert (len(study), study.refused) == (7, 2)
    assert all(choice["fast"] < choice["slow"] for choice in study.params)


def test_what_raises_is_a_failed_trial_with_its_reason(bars):
    study = qb.sweep(Moody, bars, progress=False)
    assert [trial.failure is None for trial in study.trials] == [True, False, False, True]
    assert study.trials[1].failure == "ZeroDivisionError: mood one"
    assert "is NaN" in study.trials[2].failure
    assert study.table().sharpe.isna().tolist() == [False, True, True, False]
    assert study.best.number in {0, 3}
    assert np.isnan(study.daily[1]).all()


def test_a_trial_has_the_figures_of_its_backtest(bars):
    words = {"costs": qb.Costs(commission_per_lot=3.5), "sizing": qb.PercentRisk(0.01), "trade_from": "2017-02"}
    study = qb.sweep(qb.MaCross, bars, space=SPACE, progress=False, **words)
    for trial in study.trials:
        result = qb.backtest(qb.MaCross.from_params(trial.params), bars, **words)
        metrics = result.metrics()
        for name in METRICS:
            assert trial.metrics[name] == pytest.approx(metrics[name], rel=1e-12, nan_ok=True), name
        assert study.daily[trial.number] == pytest.approx(result.daily.to_numpy(), abs=1e-7)


def test_the_best_is_the_highest_score_and_ready_to_trade(bars):
    study = qb.sweep(qb.MaCross, bars, space=SPACE, score="total_return", progress=False)
    assert study.best.metrics["total_return"] == study.table().total_return.max()
    assert study.best_strategy == qb.MaCross.from_params(study.best.params)


def test_every_trial_of_every_sweep_lands_in_the_ledger(bars):
    qb.sweep(qb.MaCross, bars, space=SPACE, progress=False)
    qb.sweep(Moody, bars, progress=False)
    ledger = qb.read_ledger()
    assert ledger.groupby("family").size().to_dict() == {"MaCross": 7, "Moody": 4}
    assert (ledger.failure != "").sum() == 2


def test_what_was_tried_before_an_interrupt_is_in_the_ledger(bars, monkeypatch):
    def two_batches(question, strategies, **_):
        yield pool._trade(question, strategies[:3])
        raise KeyboardInterrupt

    monkeypatch.setattr("quantbench.research.evaluation.batches", two_batches)
    with pytest.raises(KeyboardInterrupt):
        qb.sweep(qb.MaCross, bars, space=SPACE, progress=False)
    assert len(qb.read_ledger()) == 3


WIDE = {"fast": (2, 3, 4), "slow": tuple(range(10, 30))}  # more values than a tile holds


def test_a_grid_tried_tile_by_tile_is_the_grid_tried_row_by_row(bars, monkeypatch):
    tiles = qb.sweep(qb.MaCross, bars, space=WIDE, workers=2, progress=False)
    monkeypatch.setattr("quantbench.research.sweep.near_order", lambda choices: np.arange(len(choices)))
    rows = qb.sweep(qb.MaCross, bars, space=WIDE, workers=1, progress=False)
    assert tiles.table().to_csv() == rows.table().to_csv()
    assert np.array_equal(tiles.daily, rows.daily)


def test_a_wide_grid_that_is_interrupted_keeps_each_trial_with_its_own_figures(bars, monkeypatch):
    whole = qb.sweep(qb.MaCross, bars, space=WIDE, progress=False).table().set_index(["fast", "slow"])

    def one_batch(question, strategies, **_):
        yield pool._trade(question, strategies[:20])
        raise KeyboardInterrupt

    monkeypatch.setattr("quantbench.research.evaluation.batches", one_batch)
    with pytest.raises(KeyboardInterrupt):
        qb.sweep(qb.MaCross, bars, space=WIDE, resume=False, progress=False)
    kept = qb.read_ledger().tail(20)
    choices = [(choice["fast"], choice["slow"]) for choice in map(json.loads, kept.params)]
    assert choices == sorted(choices)
    assert {slow for _, slow in choices} == set(range(10, 18))  # the first tile
    assert kept.sharpe.tolist() == whole.loc[choices, "sharpe"].tolist()


def test_trials_that_share_values_stand_together():
    choices = [{"a": a, "b": [b]} for a in range(20) for b in range(3)]  # a list cannot be hashed
    order = near_order(choices)
    assert sorted(order) == list(range(60))
    wide = [{"a": a, "b": b} for a in range(16) for b in range(16)]
    tiles = near_order(wide).reshape(4, 64)
    for tile in tiles:
        assert {len({wide[row][name] for row in tile}) for name in "ab"} == {8}
    assert near_order(wide[:40:5]).tolist() == list(range(8))


def test_a_ledger_that_cannot_be_written_stops_before_the_first_trial(bars, monkeypatch, tmp_path):
    (tmp_path / "experiments").write_text("a file where the folder should be")
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.setattr("quantbench.research.evaluation.batches", lambda *_, **__: pytest.fail("a trial was run"))
    with pytest.raises(StoreError, match="experiments"):
        qb.sweep(qb.MaCross, bars, space=SPACE, progress=False)


class Counting:
    def __init__(self, real):
        self.real, self.trials = real, 0

    def __call__(self, question, strategies, **words):
        self.trials += len(strategies)
        return self.real(question, strategies, **words)


@pytest.fixture
def made(monkeypatch):
    counting = Counting(evaluation.batches)
    monkeypatch.setattr(evaluation, "batches", counting)
    return counting


def test_trials_a_search_kept_are_not_made_again_and_count_once(bars, made):
    words = {"space": SPACE, "progress": False, "workers": 1}
    searched = qb.search(qb.MaCross, bars, method="grid", **words)
    assert (len(searched), made.trials) == (7, 7)
    swept = qb.sweep(qb.MaCross, bars, **words)
    assert made.trials == 7
    assert swept.table().equals(searched.table().drop(columns="batch"))
    assert np.array_equal(swept.daily, searched.daily)
    assert len(qb.read_ledger()) == 14
    assert count_distinct() == 7
    qb.sweep(qb.MaCross, bars, costs=qb.Costs(commission_per_lot=1.0), **words)
    assert made.trials == 14, "another question"


def test_a_sweep_keeps_dear_trials_and_makes_only_what_is_new_in_its_place(bars, made, monkeypatch):
    monkeypatch.setattr("quantbench.research.sweep._DEAR", 0.0)
    words = {"progress": False, "workers": 1}
    qb.sweep(Moody, bars, space={"mood": (1, 3)}, **words)
    whole = qb.sweep(Moody, bars, **words)
    assert made.trials == 4, "two, then the two others"
    monkeypatch.setattr("quantbench.research.sweep._DEAR", 1e9)
    again = qb.sweep(Moody, bars, resume=False, **words)
    assert made.trials == 8
    assert whole.table().equals(again.table())
    assert whole.failures == again.failures
    assert np.array_equal(whole.daily, again.daily, equal_nan=True)


def test_trials_made_as_quickly_as_read_are_not_kept(bars, made, monkeypatch, tmp_path):
    monkeypatch.setattr("quantbench.research.sweep._DEAR", 1e9)
    for _ in range(2):
        qb.sweep(Moody, bars, progress=False)
    assert made.trials == 8
    assert not list((tmp_path / "experiments").glob("trials/*/*"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"space": {"fats": (1, 2)}}, "MaCross has no param 'fats': did you mean fast?"),
        ({"space": {"fast": ()}}, "the space of 'fast' is empty"),
        ({"space": {}}, "the space is empty"),
        ({"space": {"fast": (50,), "slow": (20,)}}, "MaCross refuses all 1 combinations; the first because fast must"),
        ({"score": "sharp"}, "unknown score 'sharp': did you mean sharpe?"),
        ({"workers": 0}, "workers must be at least 1"),
    ],
)
def test_a_search_that_cannot_be_made_says_why(bars, words, message):
    with pytest.raises(ParamsError, match=message.replace("?", r"\?")):
        qb.sweep(qb.MaCross, bars, progress=False, **words)


def test_a_param_that_has_no_value_or_is_of_another_strategy_is_named_before_anything_is_tried(bars):
    @dataclass(frozen=True)
    class Needy(qb.Strategy):
        level: float
        fast: int = qb.param(1, among=(1, 2))

    with pytest.raises(ParamsError, match=r"^Needy needs a value for 'level'$"):
        qb.sweep(Needy, bars, progress=False)
    with pytest.raises(ParamsError, match=r"^Needy has no param 'slow': "):
        qb.sweep(Needy, bars, space=qb.MaCross.space(), progress=False)


def test_no_bars_and_no_good_trial_are_said_in_a_sentence(bars):
    with pytest.raises(ExecutionError, match="there are no bars to search on"):
        qb.sweep(qb.MaCross, bars[:0], progress=False)
    study = qb.sweep(Moody, bars, space={"mood": (1, 2)}, progress=False)
    with pytest.raises(ExecutionError, match="none of 2 trials has a sharpe: ZeroDivisionError: mood one"):
        _ = study.best


def test_too_few_bars_for_the_warm_up_trade_nothing(bars):
    study = qb.sweep(qb.MaCross, bars[:30], space={"fast": (5,), "slow": (100,)}, progress=False)
    assert study.table().trades.tolist() == [0.0]
