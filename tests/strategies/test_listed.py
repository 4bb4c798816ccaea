"""What each listed strategy does, seen on prices made so that the answer is known."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError


def bars_of(close, *, wick=1e-4):
    close = np.asarray(close, dtype=float)
    eurusd = qb.load("EURUSD", "H1").instrument
    time = np.datetime64("2017-01-02T00:00", "ns") + np.arange(len(close)) * np.timedelta64(1, "h")
    before = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(before, close) + wick, np.minimum(before, close) - wick
    return qb.Bars("EURUSD", "H1", eurusd, time, before, high, low, close)


def up_then_down(length=800, step=1e-4):
    half = length // 2
    return 1.1 + step * np.concatenate([np.arange(half), half - np.arange(length - half)])


def test_ma_cross_is_long_while_prices_rise_and_short_after_they_turned():
    bars = bars_of(up_then_down())
    signals = qb.MaCross(20, 100).signals(bars)
    assert (signals.target[:280] == 0).all()
    assert (signals.target[280:400] == 1).all()
    assert (signals.target[500:] == -1).all()
    np.testing.assert_allclose(signals.stop[300], 3.0 * qb.atr(bars, 14)[300])


def test_ma_cross_follows_the_sign_of_the_gap():
    bars = qb.load("EURUSD", "H1")
    gap = qb.sma(bars.close, 10) - qb.sma(bars.close, 50)
    np.testing.assert_array_equal(qb.MaCross(10, 50).signals(bars).target[280:], np.sign(gap)[280:])


def quiet(length, seed=1):
    """A market whose RSI stays between 40 and 60: small steps up and down in turn."""
    return 1.1 + 1e-4 * (np.arange(length) % 2)


def test_rsi_reversion_buys_when_the_fall_is_over_and_leaves_at_50():
    close = quiet(400)
    close[330:340] -= 1e-3 * np.arange(1, 11)  # ten bars of falling: oversold
    close[340:] = close[339] + 2e-4 * np.arange(1, 61)  # and a slow recovery
    bars = bars_of(close)
    strength, signals = qb.rsi(bars.close, 14), qb.RsiReversion(hold=24).signals(bars)
    entry = int(np.flatnonzero(signals.target)[0])
    leave = entry + int(np.flatnonzero(signals.target[entry:] == 0)[0])
    assert strength[entry - 1] <= 30 < strength[entry]
    assert signals.enter[entry]
    assert (signals.target[entry:leave] == 1).all()
    assert strength[leave] >= 50 or leave - entry == 24
    assert (signals.target[leave:] == 0).all()


def test_rsi_reversion_sells_the_mirror_image():
    close = quiet(400)
    close[330:340] -= 1e-3 * np.arange(1, 11)
    close[340:] = close[339] + 2e-4 * np.arange(1, 61)
    up, down = (qb.RsiReversion().signals(bars_of(c)).target for c in (close, 2.2 - close))
    assert (up == 1).any()
    np.testing.assert_array_equal(down, -up)


def test_rsi_reversion_gives_a_signal_at_most_hold_bars():
    close = quiet(500)
    close[330:340] -= 1e-3 * np.arange(1, 11)
    close[340:] = close[339] + 1.5e-3 + 1e-4 * (np.arange(160) % 2)  # climbs out, then stands still below 50
    target = qb.RsiReversion(hold=12).signals(bars_of(close)).target
    assert target.sum() == 12


def test_donchian_breakout_goes_with_the_break_and_leaves_at_the_exit_channel():
    close = quiet(700)
    close[400:500] += 1e-3 * np.arange(1, 101)  # breaks out and trends
    close[500:] = close[499] - 1e-3 * np.arange(1, 201)  # turns
    bars = bars_of(close)
    signals = qb.DonchianBreakout(40, 20).signals(bars)
    channel, way_out = qb.donchian(bars, 40), qb.donchian(bars, 20)
    entry = int(np.flatnonzero(signals.target)[0])
    assert bars.close[entry] > channel.upper[entry - 1]
    assert bars.close[entry - 1] <= channel.upper[entry - 2]
    leave = int(np.flatnonzero(signals.target[entry:] != 1)[0]) + entry
    assert leave > 500
    assert bars.close[leave] < way_out.lower[leave - 1]
    assert bars.close[leave - 1] >= way_out.lower[leave - 2]
    assert signals.target[-1] == -1
    assert (signals.trail > signals.stop)[281:].all()


def test_donchian_breakout_loses_patience_without_a_new_breakout():
    close = quiet(700)
    close[300:] += 5e-3  # one break, then nothing
    target = qb.DonchianBreakout(20, 10, patience=100).signals(bars_of(close)).target
    assert (target[300:400] == 1).all()
    assert (target[400:] == 0).all()


@pytest.mark.parametrize(
    ("build", "why"),
    [
        (lambda: qb.MaCross(100, 20), r"fast must be shorter than slow \(fast=100, slow=20\)"),
        (lambda: qb.MaCross(0, 20), r"fast=0"),
        (lambda: qb.MaCross(stop_atr=0), r"stop_atr must be above 0 \(stop_atr=0\)"),
        (lambda: qb.RsiReversion(oversold=55.0), r"oversold must be below 50, overbought above \(oversold=55.0"),
        (lambda: qb.RsiReversion(overbought=100.0), r"overbought=100.0"),
        (lambda: qb.RsiReversion(lookback=1), r"lookback=1"),
        (lambda: qb.RsiReversion(hold=0), r"hold=0"),
        (lambda: qb.RsiReversion(stop_atr=-1.0), r"stop_atr=-1.0"),
        (lambda: qb.DonchianBreakout(20, 20), r"exit must be shorter than entry \(exit=20, entry=20\)"),
        (lambda: qb.DonchianBreakout(trail_atr=0.0), r"trail_atr=0.0"),
        (lambda: qb.DonchianBreakout(patience=0), r"patience=0"),
    ],
)
def test_impossible_params_are_refused_with_what_was_found(build, why):
    with pytest.raises(ParamsError, match=why):
        build()
