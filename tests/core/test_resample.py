import lzma
import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.align import companions, known_companions, other
from quantbench.core.clock import DAY_NS, HOUR_NS, MINUTE_NS
from quantbench.core.errors import DataError
from quantbench.core.resample import from_ticks, higher, resample
from quantbench.core.timeframe import timeframe_ns
from quantbench.data.instruments import instrument

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
real_files = pytest.mark.skipif(not SHARED.is_dir(), reason="the collection of real files is not here")

EURUSD = instrument("EURUSD")
BTCUSD = instrument("BTCUSD")
PRICES = ("open", "high", "low", "close")
COLUMNS = (*PRICES, "volume", "spread")


def bars_at(opens, timeframe="H1", *, facts=EURUSD, seed=0, symbol=None):
    opens = np.asarray(opens, dtype="datetime64[ns]")
    rng = np.random.default_rng(seed)
    close = np.round(1.1 + 0.001 * np.cumsum(rng.normal(0, 0.01, len(opens))), 5)
    start = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(start, close) + 0.0002, np.minimum(start, close) - 0.0003
    volume = rng.integers(1, 100, len(opens)).astype(float)
    spread = rng.integers(0, 9, len(opens)).astype(float)
    return qb.Bars(symbol or facts.symbol, timeframe, facts, opens, start, high, low, close, volume, spread)


def week_of(timeframe, start, end, *, facts=EURUSD, seed=0):
    """FX bars on the grid of UTC without the weekend, by the New York clock."""
    step = np.timedelta64(timeframe_ns(timeframe), "ns")
    opens = np.arange(np.datetime64(start, "ns"), np.datetime64(end, "ns"), step)
    local = pd.DatetimeIndex(opens, tz="UTC").tz_convert("America/New_York") + pd.Timedelta(hours=7)
    return bars_at(opens[np.asarray(local.tz_localize(None).day_of_week < 5)], timeframe, facts=facts, seed=seed)


def slow_resample(bars, timeframe, clock, hours):
    """The same by pandas, for timeframes of a day or less that no clock change falls into."""
    local = (bars.frame.index.tz_convert(clock) + pd.Timedelta(hours=hours)).tz_localize(None)
    frame = bars.frame.set_axis(local)
    how = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum", "spread": "first"}
    return frame.resample(pd.Timedelta(timeframe_ns(timeframe))).agg(how).dropna(subset="open")


# ---------------------------------------------------------------- vendors


def vendor(path, *, date, form=None, points=None, separator=","):
    frame = pl.read_csv(path, separator=separator)
    frame = frame.rename({name: name.strip("<>").lower() for name in frame.columns})
    stamp = pl.col(date).str.to_datetime(form, time_unit="ns") if form else pl.col(date).cast(pl.Datetime("ns"))
    prices = [(pl.col(name).round() if points else pl.col(name)) for name in PRICES]
    return frame.select(stamp.alias("time"), *prices, volume=pl.col("tickvol" if "tickvol" in frame else "tick_volume"))


def as_bars(frame, timeframe):
    columns = [frame[name].to_numpy() for name in ("time", *PRICES, "volume")]
    return qb.Bars("EURUSD", timeframe, EURUSD, *columns)


def assert_equal_where_both_are(made, theirs):
    """Every made bar equals the vendor's of the same open, and covers all the vendor's in its range."""
    known = theirs.filter(pl.col("time").is_between(made.time[0], made.time[-1])).with_columns(
        pl.col("volume").cast(float)
    )
    mine = pl.DataFrame({"time": made.time, **{name: getattr(made, name) for name in (*PRICES, "volume")}})
    mine = mine.filter(pl.col("time").is_between(theirs["time"][0], theirs["time"][-1]))
    assert len(known) > 200
    assert mine.equals(known)


@real_files
def test_m15_to_h1_to_d1_equals_the_daily_bars_of_the_same_mt5_export():
    folder = SHARED / "mt5_export"
    m15 = vendor(folder / "EURUSDM15.csv", date="datetime", form="%Y.%m.%d %H:%M:%S", separator="\t")
    d1 = vendor(folder / "EURUSDDAILY.csv", date="date", form="%Y.%m.%d", separator="\t")
    short = as_bars(m15, "M15")
    through_hours = resample(resample(short, "H1", day="UTC"), "D1", day="UTC")
    assert_equal_where_both_are(through_hours, d1)
    assert through_hours.version == resample(short, "D1", day="UTC").version
    assert len(through_hours) == len(d1)


@real_files
@pytest.mark.parametrize("symbol", ["GBPUSD", "EURUSD"])
def test_h1_to_h4_to_d1_equals_the_vendors_own_files(symbol):
    folder = SHARED / "mt5_history_points"
    hourly, zipped = folder / f"{symbol}h1.csv", folder / f"{symbol}h4.csv.gz"
    h4_file = zipped if zipped.exists() else folder / f"{symbol}h4.csv"
    form = "%Y-%m-%d %H:%M:%S"
    h4 = vendor(h4_file, date="date", form=form, points=True)
    d1 = vendor(folder / f"{symbol}d1.csv", date="date", form="%Y-%m-%d", points=True)
    if hourly.exists():
        h1 = as_bars(vendor(hourly, date="date", form=form, points=True), "H1")
        made = resample(h1, "H4", day="UTC")
        assert_equal_where_both_are(made, h4)
        assert_equal_where_both_are(resample(made, "D1", day="UTC"), d1)
        assert_equal_where_both_are(resample(h1, "D1", day="UTC"), d1)
    else:
        assert_equal_where_both_are(resample(as_bars(h4, "H4"), "D1", day="UTC"), d1)


@real_files
def test_dukascopy_ticks_rebuild_the_vendors_m1_candles():
    folder = SHARED / "dukascopy_bi5" / "EURUSD" / "2019" / "01" / "04"  # months count from 0: February
    day = int(np.datetime64("2019-02-04", "ns").astype(np.int64))
    time, bid, ask, volume = [], [], [], []
    for hour in range(24):
        for ms, a, b, _, bid_volume in struct.iter_unpack(">IIIff", _unpacked(folder / f"{hour:02d}h_ticks.bi5")):
            time.append(day + hour * HOUR_NS + ms * 1_000_000)
            ask.append(a / 1e5)
            bid.append(b / 1e5)
            volume.append(bid_volume)
    until = day + DAY_NS
    made = from_ticks(
        EURUSD, np.array(time), bid=np.array(bid), ask=np.array(ask), volume=np.array(volume), until=until
    )
    candles = np.array(list(struct.iter_unpack(">IIIIIf", _unpacked(folder / "BID_candles_min_1.bi5"))))
    seconds, opens, close, low, high, total = candles[candles[:, 5] > 0].T  # minutes without a tick carry volume 0
    assert (made.time_ns == day + seconds.astype(np.int64) * 10**9).all()
    for name, theirs in (("open", opens), ("high", high), ("low", low), ("close", close)):
        np.testing.assert_array_equal(np.round(getattr(made, name) * 1e5), theirs, err_msg=name)
    np.testing.assert_allclose(made.volume, total, rtol=1e-5)  # theirs is a 32-bit sum


def _unpacked(file):
    return lzma.decompress(file.read_bytes(), lzma.FORMAT_ALONE)


# ---------------------------------------------------------------- resample


@pytest.mark.parametrize("timeframe", ["H2", "H3", "H4", "H6", "H8", "H12", "D1"])
def test_an_fx_day_ends_at_17_new_york_in_summer_and_winter(timeframe):
    bars = week_of("H1", "2017-02-01", "2017-05-01")  # New York sets its clock on a Sunday on which FX is closed
    made = resample(bars, timeframe)
    local = pd.DatetimeIndex(made.time, tz="UTC").tz_convert("America/New_York")
    assert set((local.hour - 17) % 24 % (timeframe_ns(timeframe) // HOUR_NS)) == {0}
    slow = slow_resample(bars, timeframe, "America/New_York", 7)[: len(made)]
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(made, name), slow[name], err_msg=name)


@pytest.mark.parametrize("timeframe", ["M5", "M15", "H1", "H4", "D1"])
def test_a_servers_own_day_may_be_named(timeframe):
    bars = week_of("M5", "2017-03-20", "2017-04-05")  # Athens sets its clock on Sunday the 26th
    made = resample(bars, timeframe, day="Europe/Athens")
    slow = slow_resample(bars, timeframe, "Europe/Athens", 0)[: len(made)]
    np.testing.assert_array_equal(made.close, slow["close"])
    assert len(made) >= 11


def test_an_hour_of_a_half_hour_zone_begins_at_the_half_hour():
    bars = week_of("M15", "2017-03-20", "2017-03-24")
    made = resample(bars, "H1", day="Asia/Kolkata")
    assert {str(moment)[14:16] for moment in made.time} == {"30"}


def test_the_day_on_which_a_clock_is_set_has_23_or_25_hours():
    hours = np.arange(np.datetime64("2017-03-20", "h"), np.datetime64("2017-03-30", "h"))
    made = resample(bars_at(hours, facts=BTCUSD), "D1", day="Europe/Athens")
    assert set(np.diff(made.time_ns) // HOUR_NS) == {23, 24}
    hours = np.arange(np.datetime64("2017-10-20", "h"), np.datetime64("2017-11-05", "h"))
    autumn = resample(bars_at(hours, facts=BTCUSD), "H4", day="Europe/Athens")
    assert set(np.diff(autumn.time_ns) // HOUR_NS) == {4, 5}


def test_an_h4_bar_in_which_a_clock_is_set_forward_has_three_hours():
    hours = np.arange(np.datetime64("2017-03-20", "h"), np.datetime64("2017-03-30", "h"))
    spring = resample(bars_at(hours, facts=BTCUSD), "H4", day="Europe/Athens")
    assert set(np.diff(spring.time_ns) // HOUR_NS) == {3, 4}


def test_the_last_bar_is_left_out_until_its_span_is_over():
    hours = np.arange(np.datetime64("2017-03-07T00", "h"), np.datetime64("2017-03-07T12", "h"))
    bars = bars_at(hours, facts=BTCUSD)
    assert len(resample(bars, "H4")) == 3
    assert len(resample(bars[:11], "H4")) == 2
    assert len(resample(bars[:3], "H4")) == 0
    assert resample(bars[:11], "H4").version == resample(bars, "H4")[:2].version


def test_a_bar_is_labelled_by_the_open_of_its_span_even_when_the_market_opened_late():
    hours = np.arange(np.datetime64("2017-03-07T07", "h"), np.datetime64("2017-03-09T00", "h"))
    assert str(resample(bars_at(hours, facts=BTCUSD), "D1").time[0]) == "2017-03-07T00:00:00.000000000"


def test_weeks_begin_on_sunday_and_are_over_on_friday_where_weekends_are_free():
    bars = week_of("H1", "2017-02-26T22:00", "2017-03-18")
    weeks = resample(bars, "W1")
    assert len(weeks) == 3, "the last week is known to be over at 17:00 New York on Friday"
    assert [str(moment)[:16] for moment in weeks.time] == ["2017-02-25T22:00", "2017-03-04T22:00", "2017-03-11T22:00"]
    assert weeks.open[1] == bars.between("2017-03-05T22:00").open[0]
    assert weeks.close[0] == bars.between(None, "2017-03-05T22:00").close[-1]
    assert weeks.version == resample(resample(bars, "D1"), "W1").version


def test_months_are_calendar_months_of_the_trading_day():
    bars = week_of("H1", "2017-03-30", "2017-08-02")
    months = resample(bars, "MN1")
    assert [str(moment)[:13] for moment in months.time] == [
        "2017-02-28T22", "2017-03-31T21", "2017-04-30T21", "2017-05-31T21", "2017-06-30T21"
    ]  # fmt: skip
    assert months.open[1] == bars.between("2017-04-02T21:00").open[0], "April began on a Monday, which opens on Sunday"
    crypto = bars_at(np.arange(np.datetime64("2017-01-01"), np.datetime64("2017-04-02")), "D1", facts=BTCUSD)
    assert [str(moment)[:10] for moment in resample(crypto, "MN1").time] == ["2017-01-01", "2017-02-01", "2017-03-01"]


def test_the_same_timeframe_gives_the_bars_back_and_none_give_none():
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    assert resample(bars, "H1") is bars
    assert len(resample(bars[:0], "D1")) == 0
    assert resample(bars[:0], "D1").timeframe == "D1"


@pytest.mark.parametrize(
    ("timeframe", "longer"), [("H1", "M30"), ("H3", "H4"), ("M4", "M10"), ("W1", "MN1"), ("D1", "H4")]
)
def test_bars_that_do_not_divide_are_refused(timeframe, longer):
    step = np.timedelta64(timeframe_ns(timeframe), "ns")
    bars = bars_at(np.datetime64("2017-03-06", "ns") + np.arange(3) * step, timeframe)
    with pytest.raises(DataError, match=f"{longer} bars cannot be made of {timeframe} bars; load shorter ones"):
        resample(bars, longer)


def test_bars_that_lie_across_the_end_of_a_day_are_refused_with_a_way_out():
    bars = week_of("H4", "2017-03-06", "2017-04-01")  # opens 00, 04, ... UTC; the day ends at 21:00 and 22:00
    with pytest.raises(DataError, match=r"H4 bars lie across the end of a D1 .*give the server's own clock as day="):
        resample(bars, "D1")
    assert len(resample(bars, "D1", day="UTC")) > 15


@pytest.mark.parametrize("day", ["Mars/Olympus", "America/New_York+7+7", "../etc"])
def test_a_day_that_is_no_clock_is_refused(day):
    with pytest.raises(DataError, match=r"day must be a server clock such as 'Europe/Athens'"):
        resample(week_of("H1", "2017-03-06", "2017-03-10"), "D1", day=day)


def test_a_misspelt_timeframe_gets_a_hint():
    with pytest.raises(DataError, match="unknown timeframe 'h4': did you mean H4"):
        resample(qb.load("EURUSD", "H1", "2017-03", "2017-04"), "h4")


# ---------------------------------------------------------------- ticks


def test_ticks_become_minutes_of_bid_with_the_first_ticks_spread():
    at = np.array([0, 1, 1, 59_999, 60_000, 180_000]) * 1_000_000
    bid = np.array([1.1, 1.3, 1.0, 1.2, 1.25, 1.4])
    made = from_ticks(EURUSD, at, bid=bid, ask=bid + 0.00007)
    assert [list(getattr(made, name)) for name in PRICES] == [[1.1, 1.25], [1.3, 1.25], [1.0, 1.25], [1.2, 1.25]]
    assert list(made.volume) == [4, 1]
    assert list(made.spread) == [7, 7]
    assert list(made.time_ns) == [0, MINUTE_NS], "the third minute may go on"
    known = from_ticks(EURUSD, at, bid=bid, ask=bid + 0.00007, until=4 * MINUTE_NS)
    assert list(known.time_ns) == [0, MINUTE_NS, 3 * MINUTE_NS]


def test_no_ticks_are_no_bars():
    none = np.zeros(0)
    assert len(from_ticks(EURUSD, np.zeros(0, np.int64), bid=none, ask=none)) == 0
    assert len(from_ticks(EURUSD, np.zeros(1, np.int64), bid=np.ones(1), ask=np.ones(1))) == 0


def test_ticks_out_of_order_or_crossed_are_refused():
    bid = np.array([1.1, 1.1])
    with pytest.raises(DataError, match="tick 1 is earlier than the one before it; sort the ticks first"):
        from_ticks(EURUSD, np.array([5, 4]), bid=bid, ask=bid)
    with pytest.raises(DataError, match="a spread that is negative"):
        from_ticks(EURUSD, np.array([0, MINUTE_NS]), bid=bid, ask=bid - 0.1)


# ---------------------------------------------------------------- what is known at the close


def scattered(seed, length=400, timeframe="H1", facts=BTCUSD):
    """Bars with holes anywhere: what is known may not depend on bars being complete."""
    rng = np.random.default_rng(seed)
    step = np.timedelta64(timeframe_ns(timeframe), "ns")
    rows = np.sort(rng.choice(length * 2, length, replace=False))
    return bars_at(np.datetime64("2017-05-01T05:00", "ns") + rows * step, timeframe, facts=facts, seed=seed)


def assert_same_view(found, expected, length):
    for name in (*PRICES, "volume", "spread"):
        np.testing.assert_array_equal(getattr(found, name)[:length], getattr(expected, name)[:length], err_msg=name)
    np.testing.assert_array_equal(found.time[:length], expected.time[:length])


@given(st.integers(0, 10_000), st.integers(1, 399), st.sampled_from(["H2", "H4", "D1", "W1", "MN1"]), st.booleans())
def test_cutting_or_scrambling_the_future_changes_no_longer_bar_seen_before(seed, cut, timeframe, free):
    bars = scattered(seed % 50, facts=EURUSD if free else BTCUSD)
    whole = higher(bars, timeframe)
    assert_same_view(higher(bars[:cut], timeframe), whole, cut)
    noise = scattered(seed + 1).close[cut:] * 2
    columns = {name: np.concatenate([getattr(bars, name)[:cut], noise]) for name in PRICES}
    assert_same_view(higher(replace(bars, **columns), timeframe), whole, cut)


@given(st.integers(0, 50), st.integers(1, 300), st.sampled_from(["H2", "H4", "D1"]))
def test_cutting_the_past_shows_the_same_longer_bars_only_later(seed, start, timeframe):
    bars = scattered(seed)
    whole, later = higher(bars, timeframe), higher(bars[start:], timeframe)
    known = later.index >= 0
    assert (later.time == whole.time[start:])[known].all()
    assert (later.close == whole.close[start:])[known].all()
    assert known[2 * timeframe_ns(timeframe) // HOUR_NS :].all(), "warm-up is at most two longer bars"


@given(st.integers(0, 10_000), st.sampled_from(["H2", "H3", "H4", "H12", "D1", "W1"]))
def test_every_bar_seen_closed_before_and_is_made_of_bars_up_to_now(seed, timeframe):
    bars = scattered(seed)
    seen = higher(bars, timeframe)
    made = resample(bars, timeframe)
    for row in range(0, len(bars), 37):
        if seen.index[row] < 0:
            continue
        now = bars.time_ns[row] + HOUR_NS
        assert seen.time[row].astype(np.int64) + timeframe_ns(timeframe) <= now
        expected = int(np.searchsorted(made.time, seen.time[row]))
        assert made.time[expected] == seen.time[row]
        assert made.high[expected] == seen.high[row]


def test_at_the_close_of_the_fourth_hour_the_h4_bar_is_seen_and_not_before():
    hours = np.arange(np.datetime64("2017-03-07T00", "h"), np.datetime64("2017-03-08T00", "h"))
    bars = bars_at(hours, facts=BTCUSD)
    seen = higher(bars, "H4")
    assert list(seen.index) == [-1] * 3 + [i for i in range(5) for _ in range(4)] + [5]
    assert np.isnan(seen.close[:3]).all()
    assert np.isnat(seen.time[:3]).all()
    assert list(seen.close[3:7]) == [bars.close[3]] * 4
    assert list(seen.open[3:7]) == [bars.open[0]] * 4
    assert seen.bars.version == resample(bars, "H4").version


def test_a_week_is_seen_at_the_last_close_of_friday():
    bars = week_of("H1", "2017-03-04T22:00", "2017-03-15")
    seen = higher(bars, "W1")
    assert list(seen.index) == [-1] * len(bars), "the week's first hours may be missing: Sunday is no bar's open"
    bars = week_of("H1", "2017-02-25T22:00", "2017-03-15")
    index = higher(bars, "W1").index
    friday = int(np.searchsorted(bars.time, np.datetime64("2017-03-10T21:00")))
    assert index[friday] == index[friday - 1] + 1


def test_an_indicator_is_computed_once_per_longer_bar():
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    seen = higher(bars, "H4")
    average = seen.over(qb.sma(seen.bars.close, 3))
    row = 300
    assert average[row] == pytest.approx(seen.bars.close[seen.index[row] - 2 : seen.index[row] + 1].mean(), rel=1e-12)
    with pytest.raises(DataError, match=r"over takes one value per H4 bar, found shape \(550,\)"):
        seen.over(bars.close)
    with pytest.raises(ValueError, match="read-only"):
        seen.close[0] = 1.0


def test_bars_of_their_own_timeframe_are_seen_at_once():
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    np.testing.assert_array_equal(higher(bars, "H1").close, bars.close)
    assert len(higher(bars[:0], "H4").close) == 0


# ---------------------------------------------------------------- companions


def pair(seed, timeframe="H1"):
    base = scattered(seed, timeframe=timeframe)
    companion = scattered(seed + 1_000, timeframe=timeframe, facts=replace(EURUSD, symbol="GBPUSD"))
    return base, companion


@given(st.integers(0, 1_000), st.integers(1, 399), st.sampled_from(["M5", "H1", "H4", "D1"]))
def test_cutting_the_future_of_bars_and_companions_changes_nothing_before(seed, cut, timeframe):
    base, companion = pair(seed, timeframe)
    whole = other(base, [companion], "GBPUSD")
    short = base[:cut]
    (known,) = known_companions(short, [companion])
    found = other(short, [known], "GBPUSD")
    start = int(np.searchsorted(companion.time, base.time[0]))
    fresh = whole.index[:cut] >= start  # what opened before the first bar is cut off with it
    np.testing.assert_array_equal(found.close[fresh], whole.close[:cut][fresh])
    np.testing.assert_array_equal(found.time[fresh], whole.time[:cut][fresh])
    last = base.time_ns[cut - 1] + timeframe_ns(timeframe)
    assert (known.time_ns + timeframe_ns(timeframe) <= last).all()


@given(st.integers(0, 1_000))
def test_a_companions_bar_is_seen_when_it_has_closed_and_never_before(seed):
    base, companion = pair(seed)
    seen = other(base, [companion], "GBPUSD")
    for row in range(0, len(base), 29):
        closed = companion.time_ns + HOUR_NS <= base.time_ns[row] + HOUR_NS
        assert seen.index[row] == closed.sum() - 1


def test_a_longer_view_of_a_companion_composes():
    base, companion = pair(3)
    (known,) = companions(base, [companion])
    seen = other(base, [known], "GBPUSD")
    daily = higher(known, "D1")
    view = seen.over(daily.close)
    row = 200
    assert view[row] == daily.close[seen.index[row]]
    cut = 201
    (cut_known,) = known_companions(base[:cut], [known])
    again = other(base[:cut], [cut_known], "GBPUSD").over(higher(cut_known, "D1").close)
    np.testing.assert_array_equal(again, view[:cut])


def test_daily_companions_whose_days_differ_wait_for_a_clock_that_was_set():
    days = np.arange(np.datetime64("2017-03-20"), np.datetime64("2017-03-30"))
    base = bars_at(days, "D1", facts=BTCUSD)
    later = bars_at(days + np.timedelta64(30, "m"), "D1", facts=replace(EURUSD, symbol="GBPUSD"))
    assert list(other(base, [later], "GBPUSD").index) == [-1, *range(9)]
    same = bars_at(days, "D1", facts=replace(EURUSD, symbol="GBPUSD"))
    assert list(other(base, [same], "GBPUSD").index) == list(range(10))


def test_companions_are_checked_sorted_and_cut():
    base, companion = pair(1)
    third = bars_at(companion.time, facts=replace(EURUSD, symbol="AUDUSD"))
    assert [bars.symbol for bars in companions(base, [companion, third])] == ["AUDUSD", "GBPUSD"]
    with pytest.raises(DataError, match="GBPUSD is given twice"):
        companions(base, [companion, companion])
    with pytest.raises(DataError, match="GBPUSD D1 cannot go with BTCUSD H1"):
        companions(base, [pair(1, "D1")[1]])
    with pytest.raises(DataError, match=r"carry no 'GBPUSDm': did you mean GBPUSD\?.*others=\(\"GBPUSDm\",\)"):
        other(base, [companion], "GBPUSDm")
    assert [len(bars) for bars in known_companions(base[:0], [companion])] == [0]


def test_longer_bars_follow_one_another(monkeypatch):
    bars = qb.load("BTCUSD", "H1")
    made = resample(bars, "D1")
    assert all(later > earlier for earlier, later in pairwise(made.time_ns))
    assert made.volume.sum() == pytest.approx(
        bars.between(None, str(made.time[-1] + np.timedelta64(1, "D"))).volume.sum()
    )
