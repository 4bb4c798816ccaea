"""Bars: what they refuse, and that nothing can change them afterwards."""

import copy
import pickle
import subprocess
import sys
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import DataError
from quantbench.core.immutable import frozen

EURUSD = qb.Instrument(
    symbol="EURUSD",
    digits=5,
    point=1e-5,
    contract_size=100_000,
    volume_min=0.01,
    volume_step=0.01,
    volume_max=100.0,
    base_currency="EUR",
    quote_currency="USD",
    leverage=30,
)
COLUMNS = ("time", "open", "high", "low", "close", "volume", "spread")
PRICES = ("open", "high", "low", "close")


def columns(length=6):
    close = 1.1 + 0.001 * np.arange(length)
    return {
        "time": np.datetime64("2017-01-02T00:00", "ns") + np.arange(length) * np.timedelta64(1, "h"),
        "open": close - 0.0005,
        "high": close + 0.001,
        "low": close - 0.001,
        "close": close,
        "volume": np.arange(length, dtype=float),
        "spread": np.full(length, 12.0),
    }


def bars_of(timeframe="H1", **changed):
    return qb.Bars("EURUSD", timeframe, EURUSD, **{**columns(), **changed})


def frame_of(**changed):
    parts = {**columns(), **changed}
    return pd.DataFrame(
        {k: v for k, v in parts.items() if k != "time"}, index=pd.DatetimeIndex(parts["time"], tz="UTC")
    )


def changed_at(name, row, value):
    column = columns()[name].copy()
    column[row] = value
    return {name: column}


def from_frame(frame, timeframe="H1"):
    return qb.Bars.from_frame(frame, symbol="EURUSD", timeframe=timeframe, instrument=EURUSD)


# ---------------------------------------------------------------- what is refused


def test_good_bars_keep_every_number():
    bars = bars_of()
    for name, values in columns().items():
        np.testing.assert_array_equal(getattr(bars, name), values)
    assert len(bars) == 6


def test_unsorted_bars_are_refused_with_the_first_that_is_out_of_order():
    time = columns()["time"][[0, 1, 3, 2, 4, 5]]
    with pytest.raises(
        DataError, match=r"EURUSD: bars are not in order of time: bar 3 \(2017-01-02 02:00:00\) follows bar 2"
    ):
        bars_of(time=time)


def test_duplicated_bars_are_refused_and_counted():
    time = columns()["time"][[0, 1, 1, 1, 4, 5]]
    with pytest.raises(DataError, match=r"2 duplicated bar times, the first at bar 2 \(2017-01-02 01:00:00\); drop"):
        bars_of(time=time)


def test_a_missing_time_is_refused():
    with pytest.raises(DataError, match="1 bars have no time"):
        bars_of(**changed_at("time", 2, np.datetime64("NaT")))


@pytest.mark.parametrize("name", PRICES)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_price_that_is_no_number_is_refused(name, value):
    with pytest.raises(
        DataError, match=r"1 bars have a price that is NaN or infinite, the first is bar 3 \(2017-01-02 03:00"
    ):
        bars_of(**changed_at(name, 3, value))


@pytest.mark.parametrize("value", [0.0, -1.1])
def test_prices_at_or_below_zero_are_refused(value):
    with pytest.raises(DataError, match=f"a price at or below 0, the first is bar 5 .*low={value}"):
        bars_of(**changed_at("low", 5, value))
    with pytest.raises(DataError, match="a price at or below 0"):
        bars_of(**{name: np.full(6, value) for name in PRICES})


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("high", 1.0, "a high below its open, close or low"),
        ("high", 1.0999, "a high below its open, close or low"),  # below the close only
        ("low", 1.2, "a high below its open, close or low|a low above its open"),
        ("low", 1.1012, "a low above its open, close or high"),  # above the open only
        ("open", 1.3, "a high below its open"),
        ("close", 1.3, "a high below its open"),
        ("open", 1.0, "a low above its open"),
        ("close", 1.0, "a low above its open"),
        ("volume", -1.0, "a volume that is negative or NaN"),
        ("volume", np.nan, "a volume that is negative or NaN"),
        ("spread", -1.0, "a spread that is negative or infinite"),
        ("spread", np.inf, "a spread that is negative or infinite"),
    ],
)
def test_impossible_bars_are_refused_and_shown(name, value, why):
    row = 1 if value == 1.1012 else 0 if value == 1.0999 else 2
    changed = changed_at(name, row, value)
    if value == 1.1012:
        changed["close"] = columns()["close"] + 0.0005
    with pytest.raises(DataError, match=f"1 bars have ({why}).*{name}="):
        bars_of(**changed)


def test_a_missing_spread_is_not_carried_and_zero_is_zero():
    spread = np.array([0.0, np.nan, 1.0, 2.0, np.nan, 0.0])
    np.testing.assert_array_equal(bars_of(spread=spread).spread, spread)
    left_out = bars_of(volume=None, spread=None)
    assert np.isnan(left_out.spread).all()
    assert (left_out.volume == 0).all()


@pytest.mark.parametrize(("timeframe", "ok"), [("M1", True), ("H1", True), ("H2", False), ("D1", False)])
def test_bars_closer_together_than_their_timeframe_are_refused(timeframe, ok):
    if ok:  # further apart is a gap
        assert bars_of(timeframe).timeframe == timeframe
    else:
        with pytest.raises(
            DataError, match=rf"not {timeframe} bars: bar 1 \(2017-01-02 01:00:00\) opens 60 minutes after"
        ):
            bars_of(timeframe)


def test_days_of_23_hours_and_months_of_28_days_are_bars():
    daily = pd.DatetimeIndex(["2017-03-10 22:00", "2017-03-11 22:00", "2017-03-12 21:00", "2017-03-13 21:00"])
    monthly = pd.date_range("2017-01-01", periods=4, freq="MS")
    for timeframe, index in (("D1", daily), ("MN1", monthly)):
        parts = {name: values[:4] for name, values in columns().items()}
        assert len(qb.Bars("EURUSD", timeframe, EURUSD, **{**parts, "time": index.to_numpy()})) == 4


def test_an_unknown_timeframe_is_refused():
    with pytest.raises(DataError, match="unknown timeframe 'h1': did you mean H1"):
        bars_of("h1")


@pytest.mark.parametrize("name", ["open", "spread"])
def test_columns_of_another_length_are_refused(name):
    with pytest.raises(DataError, match=rf"{name} has shape \(5,\), time has 6 bars"):
        bars_of(**{name: columns()[name][:5]})
    with pytest.raises(DataError, match=rf"{name} has shape \(6, 1\)"):
        bars_of(**{name: columns()[name][:, None]})


@pytest.mark.parametrize("time", [np.arange(6), np.arange(6.0), [f"2017-01-0{day}" for day in range(1, 7)]])
def test_times_that_are_no_datetimes_are_refused(time):
    with pytest.raises(DataError, match="time must be datetime64 in UTC, found dtype"):
        bars_of(time=time)


def test_a_time_beyond_what_nanoseconds_hold_is_refused_and_not_wrapped():
    time = np.array([f"{year}-01-01" for year in (2017, 2100, 2200, 2300, 2400, 2500)], "datetime64[s]")
    with pytest.raises((DataError, OverflowError), match=r"2400|out of bounds|[Oo]verflow|order"):
        bars_of(time=time)


# ---------------------------------------------------------------- from a frame


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_frame_of_any_unit_gives_the_same_bars(unit):
    frame = frame_of()
    frame.index = frame.index.as_unit(unit)
    bars = from_frame(frame)
    assert bars.version == bars_of().version
    assert bars.time.dtype == "datetime64[ns]"


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_of_any_unit_give_the_same_bars(unit):
    np.testing.assert_array_equal(bars_of(time=columns()["time"].astype(f"datetime64[{unit}]")).time, columns()["time"])


@pytest.mark.parametrize("zone", ["UTC", UTC, "Etc/UTC"])
def test_every_spelling_of_utc_is_utc(zone):
    frame = frame_of()
    frame.index = frame.index.tz_convert(zone)
    assert from_frame(frame).time[0] == np.datetime64("2017-01-02")


def test_a_naive_index_is_refused_with_what_to_do():
    with pytest.raises(DataError, match=r"must be a UTC DatetimeIndex, found no time zone; use tz_localize\('UTC'\)"):
        from_frame(frame_of().tz_localize(None))


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "UTC+02:00"])
def test_an_index_in_another_zone_is_refused_even_where_it_is_on_utc_now(zone):
    with pytest.raises(DataError, match=r"index must be in UTC, found .*; use tz_convert\('UTC'\)"):
        from_frame(frame_of().tz_convert(zone))


def test_an_index_that_is_no_time_is_refused():
    with pytest.raises(DataError, match="must be a UTC DatetimeIndex, found RangeIndex"):
        from_frame(frame_of().reset_index(drop=True))


def test_a_missing_column_is_named_with_the_nearest_there_is():
    with pytest.raises(DataError, match=r"column 'open' is missing; did you mean Open\?"):
        from_frame(frame_of().rename(columns={"open": "Open"}))


def test_volume_and_spread_may_be_left_out_and_other_columns_are_ignored():
    bars = from_frame(frame_of().drop(columns=["volume", "spread"]).assign(real_volume=1.0))
    assert np.isnan(bars.spread).all()
    assert (bars.volume == 0).all()


def test_a_frame_of_whole_numbers_becomes_prices():
    frame = (frame_of()[list(PRICES)] * 1e5).round().astype(int)
    assert from_frame(frame).close.dtype == np.float64


@pytest.mark.parametrize("rows", [[2, 1, 0], [0, 1, 1]])
def test_a_frame_out_of_order_or_with_duplicates_is_refused(rows):
    with pytest.raises(DataError, match=r"not in order of time|duplicated bar times"):
        from_frame(frame_of().iloc[rows])


def test_the_frame_of_bars_makes_the_same_bars_and_is_a_copy():
    bars = bars_of()
    frame = bars.frame
    assert str(frame.index.tz) == "UTC"
    assert from_frame(frame).version == bars.version
    frame.loc[frame.index[0], "close"] = 9.0
    assert bars.close[0] == 1.1
    assert bars.frame["close"].iloc[0] == 1.1


# ---------------------------------------------------------------- read-only


def assert_immutable(bars):
    for name in COLUMNS:
        column = getattr(bars, name)
        with pytest.raises(ValueError, match="read-only"):
            column[0] = column[-1]
        with pytest.raises(ValueError, match="cannot set WRITEABLE flag"):
            column.flags.writeable = True
        with pytest.raises(ValueError, match="read-only"):
            column.view()[...] = column[::-1]


def test_no_flag_makes_a_column_writable():
    assert_immutable(bars_of())
    assert_immutable(bars_of()[1:4])
    assert_immutable(from_frame(frame_of()))
    with pytest.raises(AttributeError, match="cannot assign to field"):
        bars_of().close = np.ones(6)


def test_the_arrays_given_are_copied():
    given_columns = columns()
    bars = qb.Bars("EURUSD", "H1", EURUSD, **given_columns)
    given_columns["close"][:] = 5.0
    assert bars.close[0] == 1.1


@given(st.lists(st.floats(width=32), max_size=20), st.sampled_from(["f8", "f4", ">f8"]))
def test_frozen_keeps_every_bit(values, dtype):
    array = np.array(values, dtype)
    copy_of = frozen(array)
    assert copy_of.dtype == array.dtype
    assert copy_of.tobytes() == array.tobytes()
    assert not copy_of.flags.writeable


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickled_bars_are_the_same_and_as_immutable(protocol):
    bars = bars_of(spread=np.array([1.0, np.nan, 2.0, 3.0, 4.0, 5.0]))
    for original in (bars, bars[2:5]):
        again = pickle.loads(pickle.dumps(original, protocol))
        assert again.version == original.version
        assert (again.symbol, again.timeframe, again.instrument) == ("EURUSD", "H1", EURUSD)
        assert_immutable(again)


def test_copied_bars_are_as_immutable():
    assert_immutable(copy.deepcopy(bars_of()))
    assert_immutable(copy.copy(bars_of()))


# ---------------------------------------------------------------- parts


@given(st.integers(-8, 8) | st.none(), st.integers(-8, 8) | st.none())
def test_a_slice_is_bars_of_those_rows_sharing_the_memory(start, stop):
    bars = bars_of()
    rows = bars[start:stop]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(rows, name), columns()[name][start:stop])
        if len(rows):
            assert np.shares_memory(getattr(rows, name), getattr(bars, name))


@pytest.mark.parametrize("rows", [0, slice(None, None, 2), slice(None, None, -1), [0, 1], np.arange(2)])
def test_bars_take_contiguous_slices_only(rows):
    with pytest.raises(TypeError, match="contiguous slice such as"):
        bars_of()[rows]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("2017-01-02 01:00", "2017-01-02 03:00", [1, 2]),  # the end is left out
        ("2017-01-02 00:30", "2017-01-02 02:30", [1, 2]),
        (None, "2017-01-02 02:00", [0, 1]),
        ("2017-01-02 04:00", None, [4, 5]),
        ("2016", "2017-02", [0, 1, 2, 3, 4, 5]),
        ("2018", None, []),
        ("2017-01-02 03:00", "2017-01-02 01:00", []),
        (datetime(2017, 1, 2, 5, tzinfo=UTC), None, [5]),
        (np.datetime64("2017-01-02T05:00"), None, [5]),
        ("2017-01-02 06:00+01:00", None, [5]),
    ],
)
def test_between_takes_the_bars_that_open_in_the_range(start, end, found):
    assert bars_of().between(start, end).volume.tolist() == found


def test_no_bars_are_bars():
    empty = bars_of()[:0]
    assert len(empty) == 0
    assert repr(empty) == "Bars(EURUSD H1, empty)"
    assert empty.years == 0
    assert len(empty.frame) == 0
    assert len(pickle.loads(pickle.dumps(empty))) == 0
    assert len(from_frame(frame_of().iloc[:0])) == 0


# ---------------------------------------------------------------- identity


def test_the_version_tells_any_two_contents_apart():
    versions = {bars_of().version}
    for name in COLUMNS[1:]:
        values = columns()[name].copy()
        values[3] = np.nextafter(values[3], 2.0)
        versions.add(bars_of(**{name: values}).version)
    versions.add(bars_of(time=columns()["time"] + np.timedelta64(1, "m")).version)
    versions.add(bars_of("M30").version)
    versions.add(qb.Bars("GBPUSD", "H1", EURUSD, **columns()).version)
    versions.add(bars_of()[:5].version)
    assert len(versions) == 11


def test_the_version_is_the_same_in_another_process():
    bars = bars_of()
    program = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).version)"
    found = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(bars), capture_output=True, check=True, timeout=60
    )
    assert found.stdout.decode().strip() == bars.version


def test_a_slice_has_the_version_of_bars_made_of_its_rows():
    assert (
        bars_of()[2:5].version == qb.Bars("EURUSD", "H1", EURUSD, **{k: v[2:5] for k, v in columns().items()}).version
    )


def test_bars_say_what_they_are():
    assert repr(bars_of()) == "Bars(EURUSD H1, 6 bars, 2017-01-02 00:00 to 2017-01-02 05:00 UTC)"
    assert bars_of().years == pytest.approx(6 / 24 / 365.25)
    assert bars_of().time_ns.dtype == np.int64
