"""Choosing by more than the score, on surfaces planted so that the right choice is known."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.core.space import Dimension, Range, Space
from quantbench.research.robust import local_maxima, neighbourhoods, window_scores


def study_of(space, params, sharpe, *, daily=None, objectives=("sharpe",), **values):
    columns = {"sharpe": np.array(sharpe, float)} | {name: np.array(one, float) for name, one in values.items()}
    return qb.Study(
        qb.MaCross,
        qb.load("EURUSD", "H1")[:300],
        qb.Account(),
        qb.Costs(),
        qb.PercentEquity(1.0),
        qb.Limits(),
        tuple(params),
        columns,
        (None,) * len(params),
        np.zeros((len(params), 30), np.float32) if daily is None else daily,
        score=objectives[0],
        space=space,
        objectives=objectives,
    )


GRID = Space((Dimension("fast", tuple(range(5, 55, 5)), 20), Dimension("slow", tuple(range(60, 160, 10)), 100)))


def surface(height):
    params = list(GRID.grid())
    return study_of(GRID, params, [height(choice["fast"], choice["slow"]) for choice in params])


def spike_and_plateau(fast, slow):
    """A plateau of 1.5 around (35, 120), and one cell of 3 far from it."""
    if (fast, slow) == (10, 80):
        return 3.0
    return 1.5 if abs(fast - 35) <= 10 and abs(slow - 120) <= 20 else 0.0


def test_the_plateau_is_chosen_beside_a_taller_spike():
    study = surface(spike_and_plateau)
    assert study.best.params == {"fast": 10, "slow": 80}
    chosen = study.select("plateau")
    assert 25 <= chosen.trial.params["fast"] <= 45
    assert 100 <= chosen.trial.params["slow"] <= 140
    assert chosen.score == 1.5
    assert chosen.flags == ()


def test_a_spike_is_flagged_as_an_isolated_peak():
    flags = surface(spike_and_plateau).select("best").flags
    assert any(flag.startswith("an isolated peak: its sharpe is 3.00, the median around it 0.00") for flag in flags), (
        flags
    )


def test_the_best_at_an_edge_is_flagged_with_its_param():
    chosen = surface(lambda fast, slow: fast - slow / 1_000).select("best")
    assert "fast=50 is the highest that was tried: widen the space" in chosen.flags
    assert "slow=60 is the lowest that was tried: widen the space" in chosen.flags


def test_separate_peaks_are_counted():
    assert local_maxima(surface(lambda fast, slow: -abs(fast - 25) - abs(slow - 100))) == 1
    assert local_maxima(surface(lambda fast, slow: np.sin(fast / 5 * np.pi / 2) + np.sin(slow / 10 * np.pi / 2))) > 3


def test_neighbours_are_one_value_away_or_a_twentieth_of_a_range():
    space = Space((Dimension("way", ("a", "b"), "a"), Dimension("x", Range(0.0, 1.0), 0.5)))
    params = [{"way": way, "x": x} for way in "ab" for x in (0.10, 0.14, 0.16)]
    near = neighbourhoods(study_of(space, params, range(6)))
    assert [one.tolist() for one in near] == [[0, 1], [0, 1, 2], [1, 2], [3, 4], [3, 4, 5], [4, 5]]
    assert {len(one) for one in neighbourhoods(surface(lambda *_: 0.0))} == {4, 6, 9}


def test_what_is_chosen_by_its_worst_window_held_in_every_one():
    rng = np.random.default_rng(1)
    daily = rng.normal(0.001, 0.01, (3, 300)).astype(np.float32)
    daily[0, :100] += 0.02
    daily[0, 100:] -= 0.004
    study = study_of(GRID, list(GRID.grid())[:3], [3.0, 1.0, 0.5], daily=daily)
    worst = window_scores(study).min(axis=1)
    chosen = study.select("worst_window")
    assert chosen.trial.number == int(np.argmax(worst)) != 0
    assert chosen.score == worst.max()
    first = daily[1, :100].astype(float)
    assert window_scores(study)[1, 0] == pytest.approx(first.mean() / first.std(ddof=1) * np.sqrt(260))


def test_the_knee_balances_the_objectives():
    points = {"sharpe": (3.0, 2.8, 1.0, 0.0), "max_drawdown": (-0.5, -0.2, -0.15, -0.1)}
    params = list(GRID.grid())[:4]
    study = study_of(
        GRID, params, points["sharpe"], objectives=("sharpe", "max_drawdown"), max_drawdown=points["max_drawdown"]
    )
    assert study.select("pareto_knee").trial.number == 1


@pytest.mark.parametrize(
    ("how", "fault", "message"),
    [
        ("plato", ParamsError, r"cannot select by 'plato': did you mean plateau\?"),
        ("pareto_knee", ExecutionError, "a knee needs two objectives"),
    ],
)
def test_what_cannot_be_chosen_says_why(how, fault, message):
    study = study_of(GRID, list(GRID.grid())[:2], [1.0, 2.0])
    with pytest.raises(fault, match=message):
        study.select(how)


def test_a_study_without_a_score_chooses_nothing():
    with pytest.raises(ExecutionError, match="none of 2 trials has a sharpe"):
        study_of(GRID, list(GRID.grid())[:2], [np.nan, np.nan]).select("best")
