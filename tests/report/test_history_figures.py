"""How a search went, as figures: the arrays are those of the study, and every kind draws."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.report.history_figures import best_so_far, generations

KINDS = ("surface", "parallel", "history", "front", "slices", "generations")


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-06")


@pytest.fixture(scope="module")
def study(bars):
    words = {"trials": 60, "seed": 1, "progress": False, "resume": False, "constraints": {"trades": 10}}
    return qb.search(qb.MaCross, bars, method="genetic", objectives=("sharpe", "max_drawdown"), **words)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_draws_every_trial_it_shows(study, kind):
    fig = study.plot(kind)
    assert fig.layout.title.text
    assert fig.to_json()


def test_the_best_so_far_never_falls_and_ends_at_the_best(study):
    found = best_so_far(study)
    known = found[np.isfinite(found)]
    assert (np.diff(known) >= 0).all()
    assert known[-1] == study.best.metrics["sharpe"]


def test_the_best_so_far_of_what_is_minimised_never_rises(bars):
    words = {"trials": 20, "seed": 1, "progress": False, "resume": False}
    found = best_so_far(qb.search(qb.MaCross, bars, method="random", objectives="volatility", **words))
    assert (np.diff(found) <= 0).all()


def test_generations_hold_what_their_trials_scored(study):
    found = generations(study)
    first = study.values["sharpe"][(study.batch == 0) & study.feasible]
    assert (found.best[0], found.median[0], found.worst[0]) == (first.max(), np.median(first), first.min())
    assert found.number.tolist() == sorted(set(study.batch.tolist()))


def test_a_study_of_several_objectives_shows_its_front_by_default(study):
    fig = study.plot()
    assert fig.layout.title.text.startswith("Front of")
    assert sorted(fig.data[1].x) == sorted(trial.metrics["sharpe"] for trial in study.front)


def test_what_a_study_has_not_is_said(bars, study):
    swept = qb.sweep(qb.MaCross, bars, space={"fast": (5, 10), "slow": (40, 80)}, progress=False)
    with pytest.raises(ExecutionError, match=r"made in one batch \(grid\): it has no generations"):
        swept.plot("generations")
    with pytest.raises(ExecutionError, match="a front needs two objectives"):
        swept.plot("front")
    with pytest.raises(ParamsError, match=r"no figure 'fronts': did you mean front\?"):
        study.plot("fronts")
