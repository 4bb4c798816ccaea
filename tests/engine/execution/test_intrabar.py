"""EXECUTION 3.4: finer bars decide the bars in which a stop and a take are both in reach."""

import numpy as np
import pytest
from stage import abc, bars_of, hour, play, the_trade

import quantbench as qb
from quantbench.core.errors import ExecutionError

# Opened at 100 on bar 1 with the stop at 99 and the take at 102; bar 2 reaches both.
COARSE = [100.0, 100.0, (100.0, 102.5, 98.5, 101.0), 101.0]
SLIP = qb.Costs(slippage_points=2)


def finer(rows, *, start="2024-01-02T02:00", spread=0.0, timeframe="M15", instrument=None):
    return bars_of(rows, start=start, timeframe=timeframe, spread=spread, instrument=instrument or abc())


def decided(engine, rows, side=1, *, coarse=COARSE, spread=0.0, **others):
    bars = bars_of(coarse, spread=spread)
    others = {"stop": 1.0, "take": 2.0, "costs": SLIP} | others
    return the_trade(play(engine, bars, [side] * len(coarse), intrabar=finer(rows, spread=spread), **others))


def test_without_finer_bars_the_stop_is_taken(engine):
    trade = the_trade(play(engine, bars_of(COARSE), [1] * 4, stop=1.0, take=2.0, costs=SLIP))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, True)


def test_finer_bars_that_reach_the_take_first_give_the_take(engine):
    trade = decided(engine, [(100.0, 102.5, 99.5, 101.0), (101.0, 101.0, 98.5, 99.0), 99.0, (99.0, 101.0, 99.0, 101.0)])
    assert (trade.reason, trade.exit_price, trade.exit_time, trade.ambiguous) == ("take", 102.0, hour(2), False)


def test_finer_bars_that_reach_the_stop_first_give_the_stop(engine):
    trade = decided(engine, [(100.0, 100.5, 98.5, 99.5), (99.5, 102.5, 99.5, 102.0), 101.0, 101.0])
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, False)


def test_a_finer_bar_that_reaches_both_stays_ambiguous(engine):
    trade = decided(engine, [100.0, (100.0, 102.5, 98.5, 101.0), 101.0, 101.0])
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, True)


def test_finer_bars_that_open_beyond_a_level_fill_at_that_open(engine):
    # Step 2 over the finer bars: the second opens at 98.70, below the stop; or at 102.40, above the take.
    trade = decided(engine, [100.0, (98.7, 99.0, 98.5, 99.0), (99.0, 102.5, 99.0, 101.0), 101.0])
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.68, False)
    trade = decided(engine, [100.0, (102.4, 102.5, 101.0, 101.0), (101.0, 101.0, 98.5, 99.0), 101.0])
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("take", 102.4, False)


def test_finer_bars_of_a_short_are_read_on_the_ask(engine):
    # Short at 100, stop 101, take 98, spread 0.10: the first finer bar's high 100.95 is an ask of 101.05.
    coarse = [100.0, 100.0, (100.0, 101.5, 97.5, 99.0), 99.0]
    fine = [(100.0, 100.95, 100.0, 100.5), (100.5, 100.5, 97.5, 98.0), (98.0, 101.5, 98.0, 99.0), 99.0]
    trade = decided(engine, fine, -1, coarse=coarse, spread=10)
    assert (trade.reason, trade.exit_price) == ("stop", 101.02)
    fine[0] = (100.0, 100.89, 100.0, 100.5)
    trade = decided(engine, fine, -1, coarse=coarse, spread=10)
    assert (trade.reason, trade.exit_price) == ("take", 98.0)


def test_bars_with_one_level_in_reach_are_not_replayed(engine):
    # The coarse bar reaches the stop only; finer bars that disagree are not asked.
    coarse = [100.0, 100.0, (100.0, 101.5, 98.5, 101.0), 101.0]
    trade = decided(engine, [(100.0, 105.0, 99.5, 101.0), 101.0, 101.0, 101.0], coarse=coarse)
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, False)


def test_finer_bars_that_reach_neither_leave_the_coarse_answer(engine):
    trade = decided(engine, [100.0, 100.0, 100.0, 101.0])
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("stop", 98.98, True)


def test_where_there_are_no_finer_bars_the_stop_is_taken(engine):
    bars = bars_of(COARSE)
    elsewhere = finer([100.0, 100.0], start="2024-01-05T00:00")
    trade = the_trade(play(engine, bars, [1] * 4, stop=1.0, take=2.0, intrabar=elsewhere))
    assert (trade.reason, trade.ambiguous) == ("stop", True)


def test_finer_bars_may_begin_after_the_coarse_open(engine):
    rows = [(100.0, 102.5, 99.5, 101.0), (101.0, 101.0, 98.5, 99.0)]
    bars = bars_of(COARSE)
    trade = the_trade(play(engine, bars, [1] * 4, stop=1.0, take=2.0, intrabar=finer(rows, start="2024-01-02T02:30")))
    assert (trade.reason, trade.ambiguous) == ("take", False)


def test_nothing_follows_during_a_replay(engine):
    # A trail of 1 would move to 101 within the finer bars and be hit at 100.9; only stop and take of the bar count.
    fine = [
        (100.0, 101.9, 100.0, 101.5),
        (101.5, 101.5, 99.5, 101.0),
        (101.0, 102.5, 101.0, 102.0),
        (101.0, 101.0, 98.5, 101.0),
    ]
    trade = decided(engine, fine, stop=1.0, trail=1.0)
    assert (trade.reason, trade.exit_price) == ("take", 102.0)


def test_a_position_opened_on_the_ambiguous_bar_is_replayed_too(engine):
    coarse = [100.0, (100.0, 102.5, 98.5, 101.0), 101.0]
    rows = [(100.0, 102.5, 99.5, 101.0), (101.0, 101.0, 98.5, 99.0), 99.0, 101.0]
    bars = bars_of(coarse)
    fine = finer(rows, start="2024-01-02T01:00")
    trade = the_trade(play(engine, bars, [1] * 3, stop=1.0, take=2.0, intrabar=fine))
    assert (trade.reason, trade.exit_price, trade.bars) == ("take", 102.0, 0)


def test_a_stop_out_beside_a_take_is_replayed(engine):
    # 5 lots, leverage 10: stop-out at 84.21; take 105. The finer bars rise first.
    bars = bars_of([100.0, 100.0, (100.0, 106.0, 84.0, 90.0), 90.0], instrument=abc(leverage=10))
    fine = finer([(100.0, 106.0, 99.0, 100.0), (100.0, 100.0, 84.0, 90.0)], instrument=abc(leverage=10))
    words = {"take": 5.0, "sizing": qb.FixedLots(5)}
    assert the_trade(play(engine, bars, [1] * 4, **words)).reason == "stop_out"
    trade = the_trade(play(engine, bars, [1] * 4, intrabar=fine, **words))
    assert (trade.reason, trade.exit_price, trade.ambiguous) == ("take", 105.0, False)


def test_finer_bars_use_the_costs_of_the_backtest(engine):
    # The finer bars carry no spread: 0.10 by costs. Short: the ask of the high 100.95 reaches the stop 101.
    coarse = bars_of([100.0, 100.0, (100.0, 101.5, 97.5, 99.0), 99.0], spread=np.nan)
    fine = finer([(100.0, 100.95, 100.0, 100.5), (100.5, 100.5, 97.5, 98.0)], spread=np.nan)
    costs = qb.Costs(spread_points=10)
    trade = the_trade(play(engine, coarse, [-1] * 4, stop=1.0, take=2.0, intrabar=fine, costs=costs))
    assert (trade.reason, trade.exit_price) == ("stop", 101.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"timeframe": "H1"}, "needs finer bars of ABC than H1, found ABC H1"),
        ({"timeframe": "H4"}, "needs finer bars of ABC than H1, found ABC H4"),
        ({"instrument": abc(symbol="XYZ")}, "needs finer bars of ABC than H1, found XYZ M15"),
    ],
)
def test_other_or_coarser_bars_are_refused(engine, words, message):
    with pytest.raises(ExecutionError, match=message):
        play(engine, bars_of(COARSE), [1] * 4, intrabar=finer([100.0, 100.0], **words))
