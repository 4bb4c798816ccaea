"""Indicators against published tables, TA-Lib, and loops too simple to be wrong."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb

PRICES = st.lists(st.integers(80_000, 120_000).map(lambda points: points / 1e5), min_size=1, max_size=80)
LOOKBACKS = st.integers(1, 25)

# StockCharts ChartSchool, cs-rsi.xls: closes of QQQQ and their 14-day RSI.
RSI_CLOSES = [
    *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931),
    *(46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521),
    *(45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314),
]
RSI_PUBLISHED = [
    *(70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749, 62.9296, 63.2571, 56.0593, 62.3771, 54.7076),
    *(50.4228, 39.9898, 41.4605, 41.8689, 45.4632, 37.304, 33.0795, 37.773),
]

# The same, cs-atr.xls: high, low, close, and the 14-day ATR from the 14th bar on.
ATR_BARS = [
    *((48.7, 47.79, 48.16), (48.72, 48.14, 48.61), (48.9, 48.39, 48.75), (48.87, 48.37, 48.63)),
    *((48.82, 48.24, 48.74), (49.05, 48.635, 49.03), (49.2, 48.94, 49.07), (49.35, 48.86, 49.32)),
    *((49.92, 49.5, 49.91), (50.19, 49.87, 50.13), (50.12, 49.2, 49.53), (49.66, 48.9, 49.5)),
    *((49.88, 49.43, 49.75), (50.19, 49.725, 50.03), (50.36, 49.26, 50.31), (50.57, 50.09, 50.52)),
    *((50.65, 50.3, 50.41), (50.43, 49.21, 49.34), (49.63, 48.98, 49.37), (50.33, 49.61, 50.23)),
]
ATR_PUBLISHED = [0.555, 0.593929, 0.585791, 0.568949, 0.615452, 0.61792, 0.642354]

# The same, cs-bbands.xls: closes of SPY, and on the 20th and 21st day the average and its deviation.
BAND_CLOSES = [
    *(86.1557, 89.0867, 88.7829, 90.3228, 89.0671, 91.1453, 89.4397, 89.1750, 86.9302, 87.6752, 86.9596),
    *(89.4299, 89.3221, 88.7241, 87.4497, 87.2634, 89.4985, 87.9006, 89.1260, 90.7043, 92.9001),
]


def columns(high, low, close):
    """Stand-in for Bars where only three columns are read."""
    return SimpleNamespace(high=np.array(high), low=np.array(low), close=np.array(close))


def around(closes):
    """Bars whose range is drawn from the closes themselves, so that it differs from bar to bar."""
    close = np.array(closes)
    return columns(close + np.abs(np.sin(close * 1e5)) * 1e-3, close - np.abs(np.cos(close * 1e5)) * 1e-3, close)


def slow_wilder(values, lookback):
    """Average of the first `lookback`, then each new value weighs 1 / lookback."""
    averages = [math.nan] * min(lookback - 1, len(values))
    for t in range(lookback - 1, len(values)):
        if t == lookback - 1:
            averages.append(sum(values[:lookback]) / lookback)
        else:
            averages.append((averages[-1] * (lookback - 1) + values[t]) / lookback)
    return averages


def test_rsi_is_the_one_stockcharts_publishes():
    strength = qb.rsi(RSI_CLOSES, 14)
    assert np.isnan(strength[:14]).all()
    np.testing.assert_allclose(strength[14:], RSI_PUBLISHED, atol=1e-4)


def test_atr_is_the_one_stockcharts_publishes():
    # They count the first bar's range without a close before it; a quiet bar in front says the same.
    high, low, close = np.array([(48.3, 48.2, 48.25), *ATR_BARS]).T
    ranges = qb.atr(columns(high, low, close), 14)
    assert np.isnan(ranges[:14]).all()
    np.testing.assert_allclose(ranges[14:], ATR_PUBLISHED, atol=1e-6)


def test_bollinger_bands_are_the_ones_stockcharts_publishes():
    bands = qb.bollinger(BAND_CLOSES, 20)
    assert np.isnan(bands.middle[:19]).all()
    np.testing.assert_allclose(bands.middle[19:], [88.70794, 89.04516], atol=1e-5)
    np.testing.assert_allclose(bands.upper[19:], [91.291862, 91.949268], atol=1e-5)
    np.testing.assert_allclose(bands.lower[19:], [86.124018, 86.141052], atol=1e-5)


@given(PRICES, LOOKBACKS)
def test_sma_is_the_exact_mean_of_its_window(closes, lookback):
    exact = [
        math.fsum(closes[t - lookback + 1 : t + 1]) / lookback if t >= lookback - 1 else math.nan
        for t in range(len(closes))
    ]
    np.testing.assert_allclose(qb.sma(closes, lookback), exact, rtol=2.3e-16)


@pytest.mark.parametrize("lookback", [2, 3, 20, 63, 64, 65, 511, 512, 513, 1500])
def test_sma_equals_talib_over_many_tiles(lookback):
    closes = 1.1 + np.random.default_rng(3).normal(0, 1e-4, 3000).cumsum()
    np.testing.assert_allclose(qb.sma(closes, lookback), talib.SMA(closes, lookback), rtol=1e-13)


@pytest.mark.parametrize("lookback", [1, 5, 20, 49, 100, 300])
def test_the_average_of_a_constant_is_that_constant(lookback):
    assert (qb.sma(np.full(700, 1.1), lookback)[lookback - 1 :] == 1.1).all()
    bands = qb.bollinger(np.full(700, 1.1), lookback)
    assert (bands.upper[lookback - 1 :] == 1.1).all()


def test_a_spike_is_forgotten_once_it_leaves_the_window():
    closes = 1.1 + np.random.default_rng(4).normal(0, 1e-4, 2000).cumsum()
    spiked = closes.copy()
    spiked[100] = 1e9
    assert np.array_equal(qb.sma(spiked, 20)[120:], qb.sma(closes, 20)[120:])
    assert np.array_equal(qb.bollinger(spiked, 20).upper[120:], qb.bollinger(closes, 20).upper[120:])


@given(PRICES, LOOKBACKS)
def test_ema_is_the_obvious_recursion(closes, lookback):
    expected = [math.nan] * len(closes)
    for t in range(lookback - 1, len(closes)):
        before = sum(closes[:lookback]) / lookback if t == lookback - 1 else expected[t - 1]
        expected[t] = before if t == lookback - 1 else before + (closes[t] - before) * 2 / (lookback + 1)
    np.testing.assert_allclose(qb.ema(closes, lookback), expected, rtol=1e-12)


@given(PRICES, st.integers(2, 25))
def test_rsi_is_the_share_of_gains(closes, lookback):
    moves = np.diff(closes)
    gains, losses = (np.array(slow_wilder(list(np.maximum(side * moves, 0)), lookback)) for side in (1, -1))
    total = gains + losses
    with np.errstate(invalid="ignore"):
        expected = np.where(total < 1e-14, 50.0, 100 * gains / np.where(total > 0, total, 1))
    expected[np.isnan(gains)] = np.nan
    strength = qb.rsi(closes, lookback)
    np.testing.assert_allclose(strength, [math.nan, *expected], rtol=1e-9, atol=1e-7)


@given(PRICES, LOOKBACKS)
def test_atr_is_wilders_average_of_true_ranges(closes, lookback):
    bars = around(closes)
    true_range = [
        max(bars.high[t], bars.close[t - 1]) - min(bars.low[t], bars.close[t - 1]) for t in range(1, len(closes))
    ]
    np.testing.assert_allclose(qb.atr(bars, lookback), [math.nan, *slow_wilder(true_range, lookback)], rtol=1e-10)


@given(PRICES, LOOKBACKS)
def test_bollinger_is_numpys_mean_and_deviation(closes, lookback):
    bands = qb.bollinger(closes, lookback, width=1.5)
    for t in range(len(closes)):
        window = closes[t - lookback + 1 : t + 1] if t >= lookback - 1 else [math.nan]
        np.testing.assert_allclose(bands.upper[t], np.mean(window) + 1.5 * np.std(window), rtol=1e-12)
        np.testing.assert_allclose(bands.lower[t], np.mean(window) - 1.5 * np.std(window), rtol=1e-12)


@given(PRICES, LOOKBACKS)
def test_donchian_is_the_highest_high_and_lowest_low(closes, lookback):
    bars = around(closes)
    channel = qb.donchian(bars, lookback)
    for t in range(len(closes)):
        window = slice(t - lookback + 1, t + 1)
        expected = (bars.low[window].min(), bars.high[window].max()) if t >= lookback - 1 else (math.nan, math.nan)
        np.testing.assert_array_equal((channel.lower[t], channel.upper[t]), expected)
    np.testing.assert_array_equal(channel.middle, (channel.lower + channel.upper) / 2)


@pytest.mark.parametrize(("lookback", "smooth", "signal"), [(14, 3, 3), (5, 1, 3), (9, 4, 1)])
def test_stochastic_equals_talib(lookback, smooth, signal):
    bars = around(1.1 + np.random.default_rng(5).normal(0, 1e-3, 400).cumsum())
    ours = qb.stochastic(bars, lookback, smooth=smooth, signal=signal)
    theirs = talib.STOCH(bars.high, bars.low, bars.close, lookback, smooth, 0, signal, 0)
    settled = lookback + smooth + signal - 3
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine[settled:], other[settled:], atol=1e-9)
        assert np.isnan(other[:settled]).all()
    assert np.isnan(ours.k[: lookback + smooth - 2]).all()
    assert not np.isnan(ours.k[lookback + smooth - 2 :]).any()


def test_macd_is_the_distance_of_two_averages_that_start_together():
    closes = 1.1 + np.random.default_rng(6).normal(0, 1e-3, 300).cumsum()
    found = qb.macd(closes)
    np.testing.assert_allclose(found.line[200:], (qb.ema(closes, 12) - qb.ema(closes, 26))[200:], atol=1e-9)
    followed = found.signal[33:-1] + (found.line[34:] - found.signal[33:-1]) * 2 / (9 + 1)
    np.testing.assert_allclose(found.signal[34:], followed, atol=1e-15)
    np.testing.assert_allclose(found.histogram, found.line - found.signal, atol=1e-15)
    assert np.isnan(found.line[:33]).all()
    assert not np.isnan(found.line[33:]).any()


def test_adx_is_100_in_a_perfect_trend_and_0_where_nothing_moves():
    line = np.arange(1.0, 101.0)
    assert qb.adx(columns(line + 0.5, line - 0.5, line), 14)[27:] == pytest.approx(100.0)
    flat = np.full(100, 1.1)
    assert (qb.adx(columns(flat, flat, flat), 14)[27:] == 0).all()


def test_where_nothing_moves_the_oscillators_say_50_and_not_oversold():
    flat = np.full(60, 1.1)
    assert (qb.rsi(flat, 14)[14:] == 50).all()
    assert (qb.stochastic(columns(flat, flat, flat), 14).d[17:] == 50).all()
    assert (qb.rsi(np.arange(60.0, 0, -1), 14)[14:] == 0).all()
    assert (qb.rsi(np.arange(60.0), 14)[14:] == 100).all()
