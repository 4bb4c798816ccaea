"""What every indicator promises: the past does not know the future, and inputs are what they seem."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import DataError, ExecutionError, ParamsError

OF_VALUES = {
    "sma": lambda values: qb.sma(values, 5),
    "ema": lambda values: qb.ema(values, 5),
    "rsi": lambda values: qb.rsi(values, 5),
    "bollinger": lambda values: qb.bollinger(values, 5),
    "macd": lambda values: qb.macd(values, fast=3, slow=6, signal=4),
}
OF_BARS = {
    "atr": lambda bars: qb.atr(bars, 5),
    "adx": lambda bars: qb.adx(bars, 5),
    "donchian": lambda bars: qb.donchian(bars, 5),
    "stochastic": lambda bars: qb.stochastic(bars, 5),
}
WINDOWED = ("sma", "bollinger", "donchian", "stochastic")
INDICATORS = {**{name: (lambda bars, f=f: f(bars.close)) for name, f in OF_VALUES.items()}, **OF_BARS}

every_indicator = pytest.mark.parametrize("name", INDICATORS)
every_indicator_of_values = pytest.mark.parametrize("name", OF_VALUES)


def some_bars(length, seed, digits=4):
    rng = np.random.default_rng(seed)
    close = np.round(1.1 + rng.normal(0, 1e-3, length).cumsum(), digits)
    high, low = close + rng.random(length) * 1e-3, close - rng.random(length) * 1e-3
    return SimpleNamespace(high=high, low=low, close=close)


def part(bars, rows):
    return SimpleNamespace(high=bars.high[rows], low=bars.low[rows], close=bars.close[rows])


def rows_of(result):
    return np.atleast_2d(result)


@every_indicator
@given(st.integers(0, 2**32), st.integers(1, 1500), st.integers(0, 1500), st.sampled_from([2, 3, 5]))
def test_the_past_is_the_same_bit_for_bit_without_the_future(name, seed, length, cut, digits):
    bars = some_bars(length, seed, digits)
    whole, prefix = (rows_of(INDICATORS[name](x)) for x in (bars, part(bars, slice(cut))))
    np.testing.assert_array_equal(prefix, whole[:, :cut])


@pytest.mark.parametrize("name", WINDOWED)
@given(st.integers(0, 2**32), st.integers(50, 1500), st.integers(0, 1500), st.sampled_from([2, 3, 5]))
def test_a_window_knows_nothing_before_it_bit_for_bit(name, seed, length, start, digits):
    bars = some_bars(length, seed, digits)
    whole, later = (rows_of(INDICATORS[name](x)) for x in (bars, part(bars, slice(start, None))))
    np.testing.assert_array_equal(later[:, 8:], whole[:, start:][:, 8:])


@pytest.mark.parametrize("name", [name for name in INDICATORS if name not in WINDOWED])
def test_a_recursion_forgets_where_the_history_began(name):
    bars = some_bars(1000, seed=1)
    whole, later = (rows_of(INDICATORS[name](x)) for x in (bars, part(bars, slice(400, None))))
    at = 25 * 5  # bars after which even an average of averages has forgotten
    np.testing.assert_allclose(later[:, at:], whole[:, 400 + at :], rtol=1e-7, atol=1e-12)


@every_indicator
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4])
def test_a_history_too_short_gives_only_nan(name, length):
    found = rows_of(INDICATORS[name](some_bars(length, seed=2)))
    assert found.shape[1] == length
    assert np.isnan(found).all()


@every_indicator
def test_results_are_read_only_and_inputs_untouched(name):
    bars = some_bars(100, seed=3)
    before = {column: values.copy() for column, values in vars(bars).items()}
    result = INDICATORS[name](bars)
    for column, values in vars(bars).items():
        np.testing.assert_array_equal(values, before[column])
    for array in result if isinstance(result, tuple) else (result,):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0


@every_indicator_of_values
def test_any_kind_of_column_gives_the_same_array(name):
    whole = np.random.default_rng(4).integers(90, 110, 120)
    expected = OF_VALUES[name](whole.astype(float))
    read_only = whole.astype(float)
    read_only.flags.writeable = False
    kinds = {
        "int": whole,
        "list": whole.tolist(),
        "Series": pd.Series(whole, index=pd.date_range("2017", periods=120)),
        "read-only": read_only,
        "strided": np.repeat(whole.astype(float), 2)[::2],
        "big-endian": whole.astype(">f8"),
        "float32": whole.astype(np.float32),
    }
    for kind, values in kinds.items():
        found = OF_VALUES[name](values)
        for array, other in zip(rows_of(found), rows_of(expected), strict=True):
            assert type(array) is np.ndarray, kind
            np.testing.assert_array_equal(array, other, err_msg=kind)


@every_indicator_of_values
def test_nan_at_the_head_only_makes_the_warm_up_longer(name):
    values = some_bars(200, seed=5).close
    late = np.concatenate([np.full(7, np.nan), values])
    np.testing.assert_array_equal(rows_of(OF_VALUES[name](late))[:, 7:], rows_of(OF_VALUES[name](values)))


@pytest.mark.parametrize("name", ["sma", "bollinger"])
@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_hole_costs_a_window_only_the_bars_that_hold_it(name, hole):
    values = some_bars(100, seed=6).close
    pierced = values.copy()
    pierced[50] = hole
    found, whole = (rows_of(OF_VALUES[name](x)) for x in (pierced, values))
    assert np.isnan(found[:, 50:55]).all()
    np.testing.assert_array_equal(np.delete(found, np.s_[50:55], 1), np.delete(whole, np.s_[50:55], 1))


@pytest.mark.parametrize("name", ["ema", "rsi", "macd"])
@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_after_a_hole_a_recursion_says_nan_and_not_a_number(name, hole):
    values = some_bars(100, seed=6).close
    pierced = values.copy()
    pierced[50] = hole
    found, whole = (rows_of(OF_VALUES[name](x)) for x in (pierced, values))
    assert np.isnan(found[:, 50:]).all()
    np.testing.assert_array_equal(found[:, :50], whole[:, :50])


@pytest.mark.parametrize("lookback", [0, -3, 2.0, "20", None, True, np.float64(3), 100_001])
def test_a_lookback_that_is_no_number_of_bars_is_refused(lookback):
    bars = some_bars(30, seed=7)
    for call in (qb.sma, qb.ema, qb.rsi, qb.bollinger):
        with pytest.raises(ParamsError, match=r"lookback must be .*found"):
            call(bars.close, lookback)
    for call in (qb.atr, qb.adx, qb.donchian, qb.stochastic):
        with pytest.raises(ParamsError, match=r"lookback must be .*found"):
            call(bars, lookback)


def test_a_refused_lookback_is_refused_also_after_its_equal_was_computed():
    bars = qb.load("EURUSD", "H1")[:50]
    qb.ema(bars.close, 1)
    for equal in (1.0, True):
        with pytest.raises(ParamsError, match="whole number of bars"):
            qb.ema(bars.close, equal)
    assert qb.ema(bars.close, np.int64(1)) is qb.ema(bars.close, 1)


def test_a_message_names_the_lookback_that_is_wrong():
    with pytest.raises(ParamsError, match=r"fast must be shorter than slow \(fast=26, slow=12\)"):
        qb.macd([1.0], fast=26, slow=12)
    with pytest.raises(ParamsError, match="signal must be between 1 and 100,000 bars, found 0"):
        qb.macd([1.0], signal=0)
    with pytest.raises(ParamsError, match=r"smooth must be a whole number of bars, found 1\.5"):
        qb.stochastic(some_bars(5, 1), 3, smooth=1.5)
    with pytest.raises(ParamsError, match="lookback must be between 2"):
        qb.rsi([1.0], 1)
    with pytest.raises(ParamsError, match=r"width must be above 0 \(width=0\)"):
        qb.bollinger([1.0], 2, width=0)


@pytest.mark.parametrize("values", [np.ones((3, 2)), 1.1, [[1.0], [2.0]]])
def test_values_of_a_wrong_shape_are_refused(values):
    with pytest.raises(DataError, match="one number per bar, found shape"):
        qb.sma(values, 2)


def test_values_that_are_no_numbers_are_refused():
    with pytest.raises(DataError, match="values must be numbers, found list"):
        qb.ema(["a", "b"], 2)


@pytest.mark.parametrize(
    ("function", "call"), [("EMA", "ema"), ("EMA", "macd"), ("RSI", "rsi"), ("ATR", "atr"), ("ADX", "adx")]
)
def test_talibs_global_switches_stop_us_and_change_no_answer(function, call):
    talib.set_unstable_period(function, 3)
    try:
        with pytest.raises(ExecutionError, match="global settings were changed"):
            INDICATORS[call](some_bars(50, seed=8))
    finally:
        talib.set_unstable_period(function, 0)
    assert np.isfinite(rows_of(INDICATORS[call](some_bars(50, seed=8)))[:, -1]).all()


def test_talibs_metastock_mode_stops_us(monkeypatch):
    # TA-Lib 0.8 ignores the switch, 0.6 does not.
    monkeypatch.setattr(talib, "get_compatibility", lambda: 1)
    with pytest.raises(ExecutionError, match="EMA would differ from every other run"):
        qb.ema(np.arange(9.0), 3)
