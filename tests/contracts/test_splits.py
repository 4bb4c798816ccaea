"""What every splitter promises, whatever the bars and the lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.core.results import day_ends
from quantbench.research.splits import Span, Split, anchored, combinatorial, purge_of, purged_folds, rolling

BARS = qb.load("EURUSD", "H1")[:2_000]


def rows(spans):
    return np.concatenate([np.arange(*span) for span in spans])


def distance(split):
    """Return the fewest bars between a train bar and a test bar, before and after the test."""
    train, test = rows(split.train), rows(split.test)
    return np.abs(train[:, None] - test[None, :]).min()


lengths = st.integers(1, 400)


@given(train=lengths, test=lengths, purge=st.integers(0, 50), moves=st.booleans())
@settings(max_examples=60)
def test_walking_splits_are_ordered_and_test_every_later_bar_once(train, test, purge, moves):
    make = rolling if moves else anchored
    if purge >= train:
        with pytest.raises(ParamsError, match="leaves nothing of the train range"):
            make(BARS[:900], train=train, test=test, purge=purge)
        return
    splits = make(BARS[:900], train=train, test=test, purge=purge)
    np.testing.assert_array_equal(np.concatenate([rows(split.test) for split in splits]), np.arange(train, 900))
    for split in splits:
        assert split.train[-1].end + purge == split.test[0].begin
        assert split.train[0].begin == (split.test[0].begin - train if moves else 0)
    assert all(split.test[0].end - split.test[0].begin == test for split in splits[:-1])


@given(groups=st.integers(2, 7), data=st.data(), purge=st.integers(0, 40), embargo=st.integers(0, 40))
@settings(max_examples=60)
def test_combinatorial_splits_keep_their_distance_and_test_every_bar_equally_often(groups, data, purge, embargo):
    tested = data.draw(st.integers(1, groups - 1))
    try:
        splits = combinatorial(BARS[:700], groups=groups, tested=tested, purge=purge, embargo=embargo)
    except ParamsError as fault:
        assert "leave nothing to train on" in str(fault)  # noqa: PT017  (only this refusal is right)
        return
    seen = np.zeros(700, np.int64)
    for split in splits:
        seen[rows(split.test)] += 1
        assert distance(split) > purge
        train = rows(split.train)
        for span in split.test:
            after = train[train >= span.end]
            assert not len(after) or after[0] >= span.end + purge + embargo
    assert len(set(seen)) == 1
    assert seen[0] * groups == len(splits) * tested


def test_folds_test_every_bar_once_and_keep_all_bars_that_need_no_purge():
    splits = purged_folds(BARS[:1_000], folds=5, purge=10, embargo=3)
    np.testing.assert_array_equal(np.concatenate([rows(split.test) for split in splits]), np.arange(1_000))
    assert splits[1] == Split((Span(0, 190), Span(413, 1_000)), (Span(200, 400),), 10, 3)


def test_neighbouring_test_groups_are_one_span():
    splits = combinatorial(BARS[:60], groups=6, tested=2, purge=0)
    assert splits[0].test == (Span(0, 20),)
    assert splits[1].test == (Span(0, 10), Span(20, 30))


def test_days_are_trading_days_of_the_instrument():
    splits = rolling(BARS, train="40D", test="10D")
    days = day_ends(BARS)[0]
    for split in splits[:-1]:
        assert len(day_ends(BARS[split.train[0].begin : split.train[0].end])[0]) == 40
        assert len(day_ends(BARS[split.test[0].begin : split.test[0].end])[0]) == 10
    first = day_ends(BARS[splits[0].test[0].begin :])[0]
    np.testing.assert_array_equal(first, days[40:])


def test_splits_print_themselves_as_a_picture():
    assert repr(rolling(BARS[:120], train=60, test=30)) == (
        "2 splits of 120 bars: - train, # test\n"
        "   0 ------------------------------###############\n"
        "   1                ------------------------------###############"
    )


def test_the_purge_is_the_warmup_and_the_longest_trade():
    result = qb.backtest(qb.MaCross(10, 50), BARS)
    assert purge_of(result) == result.strategy.warmup + result.trades["bars"].max()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"train": "90", "test": "30D"}, "train must be trading days such as '90D', or a number of bars, found '90'"),
        ({"train": "90D", "test": 30}, "both lengths in trading days or both in bars"),
        ({"train": 0, "test": 30}, "train must be at least 1, found 0"),
        ({"train": 2_000, "test": 30}, "2000 bars are too few for a train range of 2000 and something to test"),
        ({"train": "900D", "test": "30D"}, "trading days are too few for a train range of 900"),
        ({"train": 90, "test": 30, "purge": -1}, "purge must be at least 0 bars"),
    ],
)
def test_lengths_that_cannot_be_are_refused_in_words(words, text):
    with pytest.raises(ParamsError, match=text):
        rolling(BARS, **words)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ({"groups": 5, "tested": 5, "purge": 0}, "need 0 < tested < groups <= bars"),
        ({"groups": 30, "tested": 15, "purge": 0}, "more than 10,000 splits"),
        ({"groups": 5, "tested": 2, "purge": -3}, "at least 0 bars"),
    ],
)
def test_combinations_that_cannot_be_are_refused_in_words(words, text):
    with pytest.raises(ParamsError, match=text):
        combinatorial(BARS, **words)
