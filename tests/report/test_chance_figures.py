"""The figure of a Monte Carlo, and evidence in a notebook."""

import pytest

import quantbench as qb
from quantbench.core.evidence import Evidence, Gate
from quantbench.report.chance_figures import spread_of


@pytest.fixture(scope="module")
def result():
    return qb.backtest(qb.MaCross(10, 60), qb.load("EURUSD", "H1", "2017-01", "2017-06"))


def test_paths_drawn_from_returns_are_a_fan_over_their_drawdowns(result):
    found = qb.monte_carlo(result, paths=500, seed=1)
    figure = found.plot()
    assert len(figure.data) == 6  # two bands of two edges, the median, the drawdowns
    assert figure.data[-1].xaxis == "x2"
    assert sum(spread_of(found, "max_drawdown").share) == pytest.approx(1.0)


def test_paths_traded_anew_are_two_spreads_with_what_was_traded_marked(result):
    figure = qb.monte_carlo(result, method="noise", paths=20, seed=1).plot()
    assert [trace.type for trace in figure.data] == ["bar", "bar"]
    assert [shape.label.text for shape in figure.layout.shapes] == ["as traded", "as traded"]


def test_evidence_says_its_colours_in_words_and_escapes_what_it_shows():
    gate = Gate(name="a<b", value=1.0, threshold="", null="", colour="red", says="No & no.", hard=True)
    found = Evidence(strategy="X", params={}, markets=(), profile="fast", gates=(gate,), facts={})
    html = found._repr_html_()
    assert "a&lt;b" in html
    assert "No &amp; no." in html
    assert ">red<" in html
