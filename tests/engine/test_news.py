"""The news among signals is the same however they are stored."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.engine.book import WANT_CELLS
from quantbench.engine.kernel import read


@pytest.mark.parametrize("length", [1, 2, 8, 9, 10, 17, 40, 73])
def test_targets_of_one_byte_hold_the_same_news_as_those_of_floats(length):
    rng = np.random.default_rng(length)
    for warm in (0, 1, 5, length):
        for odds in (0.03, 0.3):
            long, short, enter = rng.random((3, length)) < odds
            exits = {"stop": 0.1, "take": rng.random(length) + 0.1, "enter": enter if odds > 0.1 else None}
            flags = qb.Signals.when(long=long, short=short, **exits)
            bytes_, floats = _news_of(flags, warm), _news_of(qb.Signals(1.0 * long - short, **exits), warm)
            assert [part.tobytes() for part in bytes_] == [part.tobytes() for part in floats]


def test_a_single_bar_that_differs_is_news_wherever_it_stands():
    for bar in range(40):
        turns, wanted = _news_of(qb.Signals.when(long=np.arange(40) == bar), 0)
        assert turns.tolist() == ([bar, bar + 1, 40] if bar < 39 else [39, 40])
        assert wanted[:, 0].tolist() == [1.0, 0.0][: len(wanted)]


def _news_of(signals, warm):
    n = len(signals.narrow_target)
    turns, wanted = np.full(n + 1, -1), np.full((n + 1, WANT_CELLS), -1.0)
    news = read(signals, warm, warm, turns, wanted)
    return turns[: news + 1], wanted[:news]
