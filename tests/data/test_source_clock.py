"""Weeks of currencies and metals made here on every clock that sources use, and the clock found again."""

import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantbench.core.clock import DAY_NS, HOUR_NS, as_ns, server_offset, utc_offset
from quantbench.core.errors import DataError
from quantbench.data.clock_conversion import declared
from quantbench.data.instruments import instrument
from quantbench.data.raw import Raw
from quantbench.data.source_clock import ClockEvidence, Segment, detect, to_utc

CLOCKS = (
    *("UTC", "America/New_York", "America/New_York+7", "Europe/Athens", "Europe/Berlin", "Europe/London"),
    *("Etc/GMT+5", "Etc/GMT-2", "Etc/GMT-3"),
)


def week_hours(start, end, *, opens=17, step=HOUR_NS):
    """Return UTC opens of bars while the market trades: Sunday to Friday 17:00 New York."""
    utc = np.arange(as_ns(start), as_ns(end), step)
    local = utc + utc_offset(utc, "America/New_York")
    weekday, hour = (local // DAY_NS + 3) % 7, (local % DAY_NS) / HOUR_NS
    trades = (weekday < 4) | ((weekday == 4) & (hour < 17)) | ((weekday == 6) & (hour >= opens))
    return utc[trades]


def raw_of(utc, clock, *, symbol="EURUSD", timeframe="H1", kind="bars", volume=None):
    local = utc + server_offset(utc, clock)
    columns = {name: np.full(len(utc), 1.1) for name in ("open", "high", "low", "close")}
    if kind == "ticks":
        columns = {"bid": np.full(len(utc), 1.1), "ask": np.full(len(utc), 1.2)}
    if volume is not None:
        columns["volume"] = volume.astype(float)
    frame = pl.DataFrame({"time": pl.Series(local).cast(pl.Datetime("ns")), **columns})
    return Raw(kind=kind, symbol=symbol, timeframe=timeframe, frame=frame, reader="made here")


def back_in_utc(raw, found):
    frame, notes = to_utc(raw.frame, found.segments)
    return frame["time"].cast(pl.Int64).to_numpy(), notes


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(("symbol", "opens"), [("EURUSD", 17), ("XAUUSD", 18)])
def test_every_clock_is_found_from_two_years_of_hours(clock, symbol, opens):
    utc = week_hours("2015-01-01", "2017-01-01", opens=opens)
    raw = raw_of(utc, clock, symbol=symbol)
    found = detect(raw)
    assert found.clock == clock
    assert found.confidence > 0.95
    assert (back_in_utc(raw, found)[0] == utc).all()


@settings(max_examples=25, deadline=None)
@given(
    clock=st.sampled_from(CLOCKS),
    start=st.dates(datetime(2008, 1, 1).date(), datetime(2022, 1, 1).date()),  # noqa: DTZ001
    days=st.integers(30, 400),
    kind=st.sampled_from([("bars", "H1", HOUR_NS), ("bars", "M15", HOUR_NS // 4), ("ticks", None, HOUR_NS // 30)]),
)
def test_a_clock_that_is_found_gives_back_utc_and_any_other_is_asked_for(clock, start, days, kind):
    utc = week_hours(str(start), str(start + timedelta(days=days)), step=kind[2])
    raw = raw_of(utc, clock, kind=kind[0], timeframe=kind[1])
    try:
        found = detect(raw)
    except DataError as asked:
        assert "say which clock it is on" in str(asked)  # noqa: PT017
        return
    assert (back_in_utc(raw, found)[0] == utc).all(), found


def test_a_clock_the_format_fixes_is_not_detected():
    raw = raw_of(week_hours("2017-01-01", "2017-03-01"), "UTC")
    told = Raw(kind="bars", symbol="EURUSD", timeframe="H1", frame=raw.frame, reader="made here", clock="Etc/GMT+5")
    assert detect(told).clock == "Etc/GMT+5"


def test_the_evidence_says_when_the_week_opens_in_each_regime():
    found = detect(raw_of(week_hours("2015-01-01", "2016-12-31"), "Europe/Athens"))
    text = "\n".join(found.evidence)
    assert "winter in the US, winter in the EU: the week's last row is Fri 23:00" in text
    assert "summer in the US, winter in the EU: the week's last row is Fri 22:00" in text
    assert "next is America/New_York+7: where the two differ" in text


def test_clocks_that_agree_on_every_row_are_named_together():
    found = detect(raw_of(week_hours("2017-01-01", "2017-02-20"), "Europe/Athens"))
    assert found.clock == "America/New_York+7"
    assert any("the same on every row here: Europe/Athens" in line for line in found.evidence)


def test_a_clock_that_changes_within_the_file_gives_two_segments():
    utc = week_hours("2013-01-01", "2017-01-01")
    change = as_ns("2015-02-01")
    before, after = utc[utc < change], utc[utc >= change]
    local = np.concatenate(
        (before + server_offset(before, "Europe/Berlin"), after + server_offset(after, "America/New_York+7"))
    )
    raw = raw_of(utc, "UTC")
    frame = raw.frame.with_columns(pl.Series(local).cast(pl.Datetime("ns")).alias("time"))
    moved = Raw(kind="bars", symbol="EURUSD", timeframe="H1", frame=frame, reader="made here")
    found = detect(moved)
    assert [part.clock for part in found.segments] == ["Europe/Berlin", "America/New_York+7"]
    assert found.segments[1].first == datetime(2015, 2, 2)  # noqa: DTZ001
    assert (back_in_utc(moved, found)[0] == utc).all()


def by_a_broker_with_hours_of_its_own(until):
    """Return bars without Sundays on two clocks, of a broker who trades an hour longer until some day."""
    utc = week_hours("2012-01-01", "2018-01-01")
    utc = np.union1d(utc, utc[utc < as_ns(until)] + HOUR_NS)
    early = utc < as_ns("2014-02-01")
    local = utc + np.where(early, server_offset(utc, "Europe/Berlin"), server_offset(utc, "Europe/Athens"))
    kept = (local // DAY_NS + 3) % 7 < 5
    london = (utc + utc_offset(utc, "Europe/London")) // HOUR_NS % 24
    busy = 100 + 900 * np.exp(-((london - 8) ** 2) / 8) + 1_500 * np.exp(-((london - 15) ** 2) / 6)
    volume = busy * np.random.default_rng(3).lognormal(0, 0.3, len(utc))
    raw = raw_of(utc[kept], "UTC", volume=volume[kept])
    frame = raw.frame.with_columns(pl.Series(local[kept]).cast(pl.Datetime("ns")).alias("time"))
    return Raw(kind="bars", symbol="EURUSD", timeframe="H1", frame=frame, reader="made here"), utc[kept]


def test_the_rhythm_of_the_day_decides_where_weekends_mislead():
    raw, utc = by_a_broker_with_hours_of_its_own("2012-09-01")
    found = detect(raw)
    assert [part.clock for part in found.segments] == ["Europe/Berlin", "Europe/Athens"]
    assert found.segments[1].first == datetime(2014, 2, 3)  # noqa: DTZ001
    assert any("daily rhythm of" in line for line in found.evidence)
    assert (back_in_utc(raw, found)[0] == utc).all()


def test_weekends_that_mislead_for_long_are_not_believed():
    raw, _ = by_a_broker_with_hours_of_its_own("2014-02-01")
    with pytest.raises(
        DataError, match=r"Europe/Berlin: .* weekly opens and closes fit, and the daily rhythm of 1.. of 1"
    ):
        detect(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (raw_of(week_hours("2017-01-03", "2017-01-06"), "UTC"), "has no weekend of currencies or metals"),
        (raw_of(np.arange(0, 90 * DAY_NS, HOUR_NS), "UTC", symbol="BTCUSD"), "BTCUSD H1 trades all week"),
        (raw_of(np.arange(0, 90 * DAY_NS, DAY_NS), "UTC", timeframe="D1"), "bars longer than 4 hours"),
        (raw_of(week_hours("2017-01-01", "2019-01-01", step=4 * HOUR_NS), "UTC", timeframe="H4"), "is not sure"),
    ],
)
def test_what_rows_cannot_show_is_asked_for(raw, message):
    with pytest.raises(DataError, match=f"{message}.*say which clock it is on"):
        detect(raw)


def test_an_instrument_that_trades_all_week_is_asked_for():
    raw = raw_of(week_hours("2017-01-01", "2017-03-01"), "UTC", symbol="COIN")
    with pytest.raises(DataError, match="COIN H1 trades all week"):
        detect(raw, instrument("BTCUSD"))


def stamps(*texts):
    return pl.DataFrame({"time": pl.Series([as_ns(text) for text in texts]).cast(pl.Datetime("ns"))})


def hours(frame):
    return [f"{moment:%d %H:%M}" for moment in frame["time"]]


@pytest.mark.parametrize("newest_first", [False, True])
def test_an_hour_that_comes_twice_is_told_apart_by_the_order_of_rows(newest_first):
    local = stamps(
        "2017-10-29 01:30",
        "2017-10-29 02:00",
        "2017-10-29 02:30",
        "2017-10-29 02:00",
        "2017-10-29 02:30",
        "2017-10-29 03:00",
    )
    frame, notes = to_utc(local.reverse() if newest_first else local, "Europe/Berlin")
    expected = ["28 23:30", "29 00:00", "29 00:30", "29 01:00", "29 01:30", "29 02:00"]
    assert hours(frame) == (expected[::-1] if newest_first else expected)
    assert notes == ("4 rows lie in an hour that came twice: the second pass goes back in time, else the first",)


def test_an_hour_that_never_comes_is_read_with_the_offset_before_and_reported():
    frame, notes = to_utc(stamps("2017-03-26 01:30", "2017-03-26 02:30", "2017-03-26 03:30"), "Europe/Berlin")
    assert hours(frame) == ["26 00:30", "26 01:30", "26 01:30"]
    assert len(notes) == 1
    assert notes[0].startswith("1 rows lie in an hour that never came")


@settings(max_examples=60, deadline=None)
@given(
    clock=st.sampled_from((*CLOCKS, "America/New_York-3", "Asia/Tokyo", "Australia/Sydney")),
    hour=st.integers(as_ns("1990-01-01") // HOUR_NS, as_ns("2035-01-01") // HOUR_NS),
)
def test_a_week_of_hours_survives_the_way_to_any_clock_and_back(clock, hour):
    utc = (hour + np.arange(170)) * HOUR_NS
    local = utc + server_offset(utc, clock)
    frame = pl.DataFrame({"time": pl.Series(local).cast(pl.Datetime("ns"))})
    assert (to_utc(frame, clock)[0]["time"].cast(pl.Int64).to_numpy() == utc).all()


def test_an_unknown_clock_is_refused():
    with pytest.raises(DataError, match="unknown clock 'Mars/Olympus'"):
        to_utc(stamps("2017-01-01"), "Mars/Olympus")


def test_segments_out_of_order_are_refused():
    late, early = datetime(2018, 1, 1), datetime(2017, 1, 1)  # noqa: DTZ001
    with pytest.raises(DataError, match="must be in order of time"):
        to_utc(stamps("2017-01-01"), [Segment("UTC"), Segment("Europe/Berlin", late), Segment("UTC", early)])


def test_clocks_found_one_after_the_other_can_be_declared_as_they_are_printed():
    found = ClockEvidence(
        (Segment("UTC"), Segment("Europe/Athens", datetime.fromisoformat("2017-09-22T17:05"))), 1.0, ()
    )
    assert found.clock == "UTC until 2017-09-22T17:05 then Europe/Athens"
    assert declared(found.clock) == found.segments


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("UTC then Europe/Athens", "'UTC' does not say how long it lasts"),
        ("UTC until 2017-09-22", "nothing follows 'UTC until 2017-09-22'"),
        ("UTC until yesterday then Europe/Athens", "'yesterday' is no moment"),
        ("UTC until 2018 then Mars/Base until 2019-01-01 then UTC", "'2018' is no moment"),
        ("UTC until 2018-01-01 then Mars/Base", "unknown clock 'Mars/Base'"),
        ("UTC until 2018-01-01 then Europe/Athens until 2017-01-01 then UTC", "must be in order of time"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(words, message):
    with pytest.raises(DataError, match=re.escape(message)):
        declared(words)


def test_rows_are_read_on_the_clock_that_was_declared_for_their_time():
    local = pl.Series("time", ["2017-07-03T03:00", "2017-07-04T03:00"]).str.to_datetime(time_unit="ns")
    utc, notes = to_utc(local.to_frame(), declared("UTC until 2017-07-04 then Europe/Athens"))
    assert utc["time"].dt.strftime("%F %R").to_list() == ["2017-07-03 03:00", "2017-07-04 00:00"]
    assert notes == ()
