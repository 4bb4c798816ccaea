"""qb.walk_forward: searched only on the past, traded once on every later bar, and nothing lost or forgotten."""

from dataclasses import dataclass

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.bars import Bars
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.research import evaluation
from quantbench.research.folds import t_statistic

SPACE = {"fast": (10, 20, 30), "slow": (50, 100, 150)}
BARS = qb.load("EURUSD", "H1", "2017-01", "2017-07")


def walk(bars=BARS, strategy=qb.MaCross, **words):
    asked = {"train": "50D", "test": "20D", "space": SPACE, "progress": False, "workers": 1} | words
    return qb.walk_forward(strategy, bars, **asked)


@dataclass(frozen=True)
class Late(qb.Strategy):
    """Raises where it sees more than some bars."""

    most: int = qb.param(10, among=(1_700, 1_800))

    def decide(self, bars):
        if len(bars) > self.most:
            raise ZeroDivisionError("too late")
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, 20))


@dataclass(frozen=True)
class Idle(qb.Strategy):
    """Never trades."""

    size: int = qb.param(1, among=(1, 2))

    def decide(self, bars):
        return qb.Signals(np.zeros(len(bars)))


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))


def test_every_later_bar_is_traded_once_and_money_adds_up():
    found = walk()
    assert len(found.equity) == len(BARS) - found.splits[0].test[0].begin
    assert found.equity.iloc[-1] - 10_000 == pytest.approx(found.trades["profit"].sum(), abs=1e-6)
    assert np.prod(1 + found.daily) == pytest.approx(found.equity.iloc[-1] / 10_000, rel=1e-12)
    assert np.prod(1 + found.returns) == pytest.approx(found.equity.iloc[-1] / 10_000, rel=1e-12)


def test_each_fold_is_the_plain_loop_of_sweep_choose_and_trade():
    found, balance = walk(select="best"), 10_000.0
    for fold in found.folds:
        (begin, end), (start, stop) = fold.split.train[0], fold.split.test[0]
        study = qb.sweep(qb.MaCross, BARS[begin:end], space=SPACE, workers=1, progress=False)
        assert dict(fold.params) == dict(study.best.params)
        account = qb.Account(balance=balance)
        by_hand = qb.backtest(study.best_strategy, BARS[:stop], account=account, trade_from=str(BARS.time[start]))
        np.testing.assert_array_equal(found.equity.loc[str(BARS.time[start]) :][: stop - start], by_hand.equity[start:])
        balance = by_hand.equity.iloc[-1]
    assert (found.trades["exit_time"] >= found.trades["entry_time"]).all()


def test_positions_end_at_the_boundary_unless_they_are_carried():
    closed, carried = walk(), walk(carry=True)
    ends = [BARS.time[fold.split.test[0].end - 1] for fold in closed.folds]
    assert (closed.trades.query("reason == 'end_of_data'")["exit_time"].dt.tz_localize(None).isin(ends)).all()
    assert (closed.trades["reason"] == "end_of_data").sum() == len(closed.folds)
    assert (carried.trades["reason"] == "end_of_data").sum() == 1
    assert carried.equity.iloc[-1] - 10_000 == pytest.approx(carried.trades["profit"].sum(), abs=1e-6)
    assert len(carried.equity) == len(closed.equity)
    assert set(carried.trades["fold"]) == set(range(len(carried.folds)))


def test_a_carried_walk_that_never_changes_its_params_is_one_backtest():
    found = walk(carry=True, space={"fast": (10,), "slow": (50,)})
    start = str(found.tested.time[0])
    whole = qb.backtest(qb.MaCross(10, 50), BARS, trade_from=start)
    np.testing.assert_array_equal(found.equity, whole.equity.loc[start:])


def test_the_future_changes_no_earlier_fold():
    cut = walk()
    until = cut.folds[2].split.test[0].end
    other = BARS.frame
    other.iloc[until:, :4] *= 1.3
    changed = Bars.from_frame(other, symbol="EURUSD", timeframe="H1", instrument=BARS.instrument)
    again = walk(changed)
    for before, after in zip(cut.folds[:3], again.folds[:3], strict=True):
        assert before.params == after.params
        np.testing.assert_array_equal(before.test.equity, after.test.equity)


@pytest.mark.parametrize("method", ["grid", "random", "tpe"])
def test_any_search_any_number_of_workers_and_a_resumed_walk_give_the_same_table(method, monkeypatch):
    words = {"method": method} | ({} if method == "grid" else {"trials": 6, "seed": 3})
    first = walk(**words).table()
    assert walk(workers=2, resume=False, **words).table().equals(first)
    monkeypatch.setattr(evaluation, "batches", lambda *_, **__: pytest.fail("traded again"))
    assert walk(**words).table().equals(first)


def test_every_trial_of_every_fold_is_in_the_ledger():
    found = walk()
    ledger = qb.read_ledger()
    assert set(ledger["kind"]) == {"walk_forward"}
    assert len(ledger) == 9 * len(found.folds)
    assert ledger["study"].nunique() == len(found.folds)


def test_a_fold_that_fails_is_kept_with_its_reason_and_stays_flat():
    found = walk(strategy=Late, space={"most": (1_700, 1_800)})
    failed = [fold for fold in found.folds if fold.failure]
    assert 0 < len(failed) < len(found.folds)
    assert failed[0].failure == "ZeroDivisionError: too late"
    assert found.table()["failure"].iloc[-1] == "ZeroDivisionError: too late"
    assert walk(strategy=Late, space={"most": (1_700, 1_800)}, carry=True).folds[-1].failure == failed[-1].failure
    begin, end = failed[0].split.test[0]
    part = found.equity_array[begin - found.splits[0].test[0].begin :][: end - begin]
    assert len(set(part)) == 1
    assert "failed" in found.headline


def test_where_nothing_trades_there_is_no_t_statistic_and_the_reason_is_said():
    found = walk(strategy=Idle, space={"size": (1, 2)})
    assert np.isnan(found.t_statistic)
    assert found.why_no_t == "nothing was traded"
    assert all("none of 2 trials has a sharpe" in fold.failure for fold in found.folds)
    assert "no t-statistic: nothing was traded" in repr(found)
    assert found.trades.empty


def test_the_t_statistic_is_the_mean_over_its_error():
    values = np.random.default_rng(3).normal(0.001, 0.01, 400)
    t, why = t_statistic(values)
    assert t == pytest.approx(values.mean() / (values.std(ddof=1) / 20))
    assert why == ""
    assert t_statistic(values[:29])[1] == "29 days are too few, at least 30 are needed"
    assert t_statistic(np.full(40, 0.001))[1] == "all daily returns are the same"
    assert t_statistic(np.append(values, np.nan))[1] == "some daily returns are not finite"


def test_the_plateau_is_preferred_to_the_peak(monkeypatch):
    study = qb.sweep(
        qb.MaCross, BARS, space={"fast": (5, 10, 15, 20, 25), "slow": (50, 60, 70, 80, 90)}, progress=False
    )
    score = np.array([choice["fast"] * 0.01 for choice in study.params])
    peak = next(i for i, choice in enumerate(study.params) if (choice["fast"], choice["slow"]) == (10, 70))
    score[peak] = 9.0
    monkeypatch.setitem(study.values, "sharpe", score)
    assert study.best.number == peak
    assert study.select("plateau").trial.params["fast"] == 25


def test_drift_and_efficiency_are_reported():
    found = walk()
    table = found.table()
    moved = np.abs(np.diff(table["fast"])).mean() / 20
    assert found.drift["fast"] == pytest.approx(moved)
    wanted = table["test_sharpe"].mean() / table["train_sharpe"].mean() if table["train_sharpe"].mean() > 0 else np.nan
    assert found.efficiency == pytest.approx(wanted, nan_ok=True)


def test_the_matrix_holds_one_t_statistic_a_pair_of_lengths():
    words = {"space": {"fast": (10,), "slow": (50, 100)}, "progress": False, "workers": 1}
    found = qb.walk_forward_matrix(qb.MaCross, BARS, trains=("40D", "60D"), tests=("20D", "30D"), **words)
    assert found.shape == (2, 2)
    assert found.loc["60D", "30D"] == walk(train="60D", test="30D", **words).t_statistic


@pytest.mark.parametrize(
    ("words", "kind", "text"),
    [
        ({"select": "plateu"}, ParamsError, "cannot select by 'plateu'"),
        ({"train": "500D"}, ParamsError, "too few for a train range of 500"),
        ({"method": "random"}, ParamsError, "draws at random: say how often and from which seed"),
        ({"bars": BARS[:0]}, ExecutionError, "there are no bars to walk over"),
    ],
)
def test_what_cannot_be_walked_is_refused_in_words(words, kind, text):
    with pytest.raises(kind, match=text):
        walk(**words)
