"""What a result looks like at the end of a notebook cell."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np

from quantbench.report.notebook_views import backtest_html, study_html


def test_a_backtest_shows_its_headline_and_its_numbers(result):
    html = result._repr_html_()
    assert html == backtest_html(result)
    assert result.headline in html
    assert f"{100 * result.metrics()['total_return']:.1f} %" in html
    assert html.index(result.headline) < html.index("<table")


def test_views_run_no_script_and_fetch_nothing(result, study):
    for html in (backtest_html(result), study_html(study)):
        assert not re.search(r"<script|<img|https?:|\son\w+=", html)


def test_names_are_escaped(renamed):
    html = backtest_html(renamed("<b>&</b>"))
    assert "<b>" not in html
    assert "&lt;b&gt;&amp;" in html


def test_a_study_shows_its_best_trials_in_order(study):
    html = study_html(study)
    assert study.headline in html
    first = re.search(r"<tr><td>(\d+)</td>", html)
    assert int(first.group(1)) == study.best.number


def test_a_study_without_a_score_says_so(bars, searched):
    assert "No trial has a sharpe." in study_html(searched(bars, [{"hold": 5}], failing=(0,)))


def test_a_constant_equity_is_a_flat_line(by_hand, short_bars):
    html = backtest_html(by_hand(short_bars, np.full(len(short_bars), 1e4)))
    heights = {point.split(",")[1] for point in re.search(r'points="([^"]+)"', html).group(1).split()}
    assert len(heights) == 1
    assert "n/a" in html


def test_views_and_verdicts_need_neither_plotly_nor_jinja():
    code = (
        "import sys, quantbench.report.notebook_views, quantbench.report.verdict\n"
        "print(sorted({'plotly', 'jinja2', 'markupsafe'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_view_is_plain_text_that_a_page_may_add_to(result):
    assert f"<hr>{backtest_html(result)}".startswith("<hr><div>")
    assert type(backtest_html(result)) is str
