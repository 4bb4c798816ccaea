"""A study of many objectives: directions, constraints, the best and the front."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ExecutionError
from quantbench.core.study import Constraint, direction, non_dominated

INF = float("inf")


def study_of(objectives, constraints=(), **values):
    many = len(next(iter(values.values())))
    return qb.Study(
        qb.MaCross,
        qb.load("EURUSD", "H1")[:300],
        qb.Account(),
        qb.Costs(),
        qb.PercentEquity(1.0),
        qb.Limits(),
        tuple({"fast": 5 + i} for i in range(many)),
        {name: np.array(column, float) for name, column in values.items()},
        (None,) * many,
        np.zeros((many, 3), np.float32),
        score=objectives[0],
        objectives=objectives,
        constraints=constraints,
    )


def test_the_best_goes_in_the_direction_of_its_metric():
    assert study_of(("volatility",), volatility=(0.3, 0.1, 0.2)).best.number == 1
    assert study_of(("max_drawdown",), max_drawdown=(-0.3, -0.1, -0.2)).best.number == 1
    assert (direction("volatility"), direction("sharpe")) == (-1, 1)


def test_what_misses_a_constraint_is_never_the_best():
    wanted = (Constraint("trades", 30, INF), Constraint("max_drawdown", -0.2, INF))
    study = study_of(
        ("sharpe",), wanted, sharpe=(3, 2, 1, np.nan), trades=(29, 30, 99, 99), max_drawdown=(-0.1, -0.2, -0.1, -0.1)
    )
    assert study.feasible.tolist() == [False, True, True, False]
    assert study.best.number == 1
    assert "2 meet the constraints" in study.headline
    assert study.table().feasible.tolist() == [False, True, True, False]


def test_where_nothing_meets_the_constraints_they_are_named():
    study = study_of(("sharpe",), (Constraint("trades", 30, INF),), sharpe=(1.0, 2.0), trades=(1, 2))
    with pytest.raises(ExecutionError, match="none of 2 trials meets trades >= 30; loosen"):
        _ = study.best
    assert study.front == ()


def test_the_front_is_what_nothing_else_beats():
    study = study_of(("sharpe", "volatility"), sharpe=(3, 2, 1, 2), volatility=(0.3, 0.1, 0.2, 0.2))
    assert [trial.number for trial in study.front] == [0, 1]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=30))
def test_the_front_agrees_with_comparing_every_pair(rows):
    points = np.array(rows, float)
    beaten = [any((q >= p).all() and (q > p).any() for q in points) for p in points]
    assert non_dominated(points).tolist() == [not one for one in beaten]


def test_how_far_a_constraint_is_missed_is_a_share_of_its_bound():
    missed = Constraint("trades", 30, 100).missed_by(np.array([15.0, 30, 100, 150, np.nan]))
    assert missed.tolist() == [0.5, 0, 0, 0.5, INF]
    assert str(Constraint("trades", 30, 100)) == "30 <= trades <= 100"
