"""Figures show what they should, wherever they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError
from quantbench.report import figures, search_figures
from quantbench.research.stress import at_costs


def _names(figure):
    return [trace.type for trace in figure.data]


def test_the_plot_of_a_backtest_is_four_pictures(result):
    kinds = _names(result.plot())
    assert {"scatter", "candlestick", "heatmap", "bar"} <= set(kinds)


def test_times_are_numbers_on_a_date_axis(result):
    figure = figures.equity_figure(result)
    assert figure.data[0].x.dtype == np.float64
    assert figure.layout.xaxis.type == "date"


def test_no_figure_carries_plotlys_own_template(result, study):
    drawn = [result.plot(), study.plot(), figures.equity_figure(result), figures.costs_figure(at_costs(result))]
    assert all(len(figure.layout.template.to_plotly_json().get("data", {})) == 0 for figure in drawn)


@pytest.mark.parametrize(
    "name", ["calendar", "excursions", "exposure", "monthly", "profits", "rolling_sharpe", "candles", "equity"]
)
def test_every_figure_draws_a_result_without_trades(name, by_hand, short_bars):
    empty = by_hand(short_bars, np.full(len(short_bars), 1e4))
    assert getattr(figures, f"{name}_figure")(empty).to_json()


def test_the_plot_of_a_backtest_without_trades_is_drawn(by_hand, short_bars):
    assert by_hand(short_bars, np.full(len(short_bars), 1e4)).plot().to_json()


def test_candles_are_few_enough_to_read(result):
    figure = figures.candles_figure(result)
    assert len(figure.data[0].x) <= 400 < len(result.bars)
    assert not figure.layout.xaxis.rangebreaks  # this walk has no weekends


def test_hours_without_bars_are_left_out_of_the_candles():
    bars = qb.load("EURUSD", "H1", "2017-03-06", "2017-03-18")
    figure = figures.candles_figure(qb.backtest(qb.MaCross(5, 40), bars), last=len(bars))
    (gap,) = figure.layout.xaxis.rangebreaks
    hours = (figure.data[0].x[-1] - figure.data[0].x[0]) / gap.dvalue + 1
    # New York closed on Friday at 22:00 UTC and, its clocks moved on, opened on Sunday at 21:00.
    assert len(gap["values"]) == hours - len(bars) == 47


def test_long_and_short_entries_differ_in_shape_not_only_in_colour(result):
    marked = [
        trace for trace in figures.candles_figure(result).data if trace.type == "scatter" and trace.mode == "markers"
    ]
    symbols = {trace.name: trace.marker.symbol for trace in marked}
    assert symbols == {"Long entry": "triangle-up", "Short entry": "triangle-down", "Exit": "x-thin"}


def test_two_params_make_a_heatmap_with_the_best_marked(study):
    figure = study.plot()
    assert _names(figure) == ["heatmap", "scatter"]
    assert figure.layout.coloraxis.cmid == 0
    best = study.best.params
    assert (figure.data[1].x[0], figure.data[1].y[0]) == (str(best["hold"]), str(best["shift"]))


def test_three_params_make_parallel_lines_that_need_no_webgl(bars, searched):
    choices = [{"hold": h, "shift": s, "label": t} for h in (5, 10) for s in (0, 2) for t in ("a", "b")]
    figure = searched(bars, choices).plot()
    assert set(_names(figure)) == {"scatter"}
    assert figure.layout.xaxis.ticktext == ("hold", "shift", "label", "Sharpe")


def test_one_param_makes_a_line(bars, searched):
    figure = searched(bars, [{"hold": 5}, {"hold": 10}]).plot()
    assert list(figure.data[0].x) == [5, 10]


def test_a_study_without_a_score_cannot_be_drawn(bars, searched):
    with pytest.raises(ExecutionError, match="none of 1 trial has a sharpe"):
        searched(bars, [{"hold": 5}], failing=(0,)).plot()


def test_the_spread_of_trials_shows_the_best_and_luck(study):
    notes = [note.text for note in search_figures.trials_figure(study).layout.annotations]
    assert [note.split()[0] for note in notes] == ["best", "luck"]
