"""Results side by side: what is drawn is what was compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from quantbench.report.comparison_figures import compared_lines
from quantbench.report.figures import plot_comparison
from quantbench.research.compare import Comparison, SharpeDifference


def _test(first, second, lower, upper):
    return SharpeDifference(first, second, (lower + upper) / 2, lower, upper, 0.2, 0.95, 3, 1, 100, 7)


def _comparison(names, tests):
    days = pd.DatetimeIndex(["2017-01-02", "2017-01-03", "2017-01-04"])
    daily = pd.DataFrame({name: [0.1, -0.5, 0.2] for name in names}, index=days)
    return Comparison(pd.DataFrame(), (1 + daily).cumprod(), daily, daily.corr(), tuple(tests))


def test_every_line_starts_at_one_before_the_first_common_day():
    (line, _) = compared_lines(_comparison("ab", [_test("a", "b", -1, 2)]))
    assert line.growth == pytest.approx([1, 1.1, 0.55, 0.66])
    assert line.drawdown == pytest.approx([0, 0, -0.5, -0.4])
    assert line.time[0] == 1_483_228_800_000  # 2017-01-01
    assert np.diff(line.time).tolist() == [86_400_000] * 3


def test_the_plot_shows_each_difference_with_its_interval():
    tests = [_test("a", "b", -1, 2), _test("a", "c", 0.5, 1.5), _test("b", "c", -3, -1)]
    drawn = plot_comparison(_comparison("abc", tests)).data[-1]
    assert drawn.x.tolist() == [0.5, 1.0, -2.0]
    assert (drawn.x + drawn.error_x.array).tolist() == [2, 1.5, -1]
    assert (drawn.x - drawn.error_x.arrayminus).tolist() == [-1, 0.5, -3]
    assert drawn.text[0] == "a less b: +0.50 (-1.00 to +2.00), p 0.200"
    assert len(set(drawn.marker.color)) == 3  # holds 0, above it, below it


def test_words_stand_beside_a_few_differences_and_hide_behind_many():
    few = plot_comparison(_comparison("ab", [_test("a", "b", -1, 2)]))
    many = plot_comparison(_comparison("ab", [_test("a", "b", -1, 2)] * 9))
    assert len(few.layout.annotations) == 3 + 1
    assert len(many.layout.annotations) == 3


def test_names_are_text_in_the_plot():
    drawn = plot_comparison(_comparison(["<b>a</b>", "b"], [_test("<b>a</b>", "b", -1, 2)]))
    assert drawn.data[0].name == "&lt;b&gt;a&lt;/b&gt;"
    assert "<b>" not in drawn.data[-1].text[0]
