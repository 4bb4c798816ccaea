"""The figure of a walk-forward shows every fold and the whole stitched path."""

import numpy as np

import quantbench as qb
from quantbench.report.walk_forward_figures import walked


def test_it_draws_the_path_and_one_bar_a_fold():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-05")
    space = {"fast": (10, 20), "slow": (50, 100)}
    found = qb.walk_forward(qb.MaCross, bars, train="40D", test="20D", space=space, progress=False)
    drawn = walked(found)
    assert drawn.equity[-1] == found.equity.iloc[-1]
    np.testing.assert_allclose(drawn.returns, found.returns * 100)
    assert drawn.choices[0].startswith("fast ")
    figure = found.plot()
    assert [len(trace.x) for trace in figure.data] == [len(drawn.time), len(found.folds)]
    assert "out-of-sample" in figure.layout.title.text
