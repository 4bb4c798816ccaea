"""What a search looks like, and what luck alone would give."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantbench.core.errors import ExecutionError
from quantbench.report import search_data


@pytest.mark.parametrize(
    ("n", "expected"), [(1, 0.0), (2, 0.5642), (5, 1.1630), (10, 1.5388), (100, 2.5076), (1000, 3.2414)]
)
def test_the_expected_best_of_normal_numbers_is_that_of_the_tables(n, expected):
    # Harter (1961), expected values of normal order statistics; 2 is 1 / sqrt(pi).
    assert search_data.expected_best(n) == pytest.approx(expected, abs=1e-4)


def test_luck_grows_with_the_spread_and_the_number_of_trials(study):
    sharpes = search_data.trial_sharpes(study)
    known = sharpes[np.isfinite(sharpes)]
    assert len(known) == len(study) - 1  # one failed
    assert search_data.luck_sharpe(study) == pytest.approx(known.std(ddof=1) * search_data.expected_best(len(known)))


def test_sharpes_from_stored_days_are_those_of_the_metrics(study):
    assert search_data.trial_sharpes(study) == pytest.approx(study.values["sharpe"], abs=1e-4, nan_ok=True)


def test_one_trial_says_nothing_about_luck(bars, searched):
    assert math.isnan(search_data.luck_sharpe(searched(bars, [{"hold": 10}])))


def test_a_surface_holds_every_trial_and_marks_the_best(study):
    found = search_data.surface(study, "hold", "shift")
    assert found.x == (5, 10, 20, 40)
    assert found.y == (0, 3, 5)
    assert np.isfinite(found.score).sum() == len(study) - 1
    column, row = found.best
    assert found.score[row, column] == np.nanmax(study.values["sharpe"])
    assert {"hold": found.x[column], "shift": found.y[row]}.items() <= study.best.params.items()


def test_a_surface_of_three_params_is_a_slice_through_the_best(bars, searched):
    choices = [{"hold": h, "shift": s, "label": t} for h in (5, 10) for s in (0, 2) for t in ("a", "b")]
    study = searched(bars, choices)
    found = search_data.surface(study, *search_data.widest_pair(study))
    assert found.held == {"label": study.best.params["label"]}
    assert np.isfinite(found.score).all()


def test_a_surface_needs_two_params_that_vary(bars, searched):
    study = searched(bars, [{"hold": 5}, {"hold": 10}])
    with pytest.raises(ExecutionError, match="two params that vary, found 1"):
        search_data.widest_pair(study)


def test_params_that_did_not_vary_are_not_drawn(study):
    assert list(search_data.varied(study)) == ["hold", "shift"]


def test_lines_run_from_the_worst_trial_to_the_best(study):
    found = search_data.parallel(study)
    assert found.names == ("hold", "shift", "sharpe")
    assert found.height.shape == (len(study) - 1, 3)
    assert found.height[0, -1] == 0
    assert found.height[-1, -1] == 1
    assert ((found.height >= 0) & (found.height <= 1)).all()


def test_of_many_trials_the_best_lines_are_kept(study):
    few = search_data.parallel(study, at_most=4)
    assert len(few.height) <= 5
    assert few.height[-1].tolist() == pytest.approx(few.height.max(axis=0).tolist(), abs=1)
    assert few.height[-1, -1] == 1
