"""Trading days and rollovers, on the two weekends of 2017 when New York changed its clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.core.calendar import CALENDARS, calendar, rollover_nights, trading_day
from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError

NEW_YORK = ZoneInfo("America/New_York")
HOUR = 3600 * 10**9
MOMENTS = st.integers(0, 3 * 365 * 24 * 60).map(
    lambda minutes: datetime(2016, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def hours(start, end):
    """Hourly opens from `start` to before `end`, as UTC nanoseconds."""
    return np.arange(as_ns(start), as_ns(end), HOUR)


def days(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("last_bar", "first_bar", "day"),
    [
        # Winter: 17:00 New York is 22:00 UTC; summer: 21:00. The FX day is named by the date it ends on.
        ("2017-03-10 21:00", "2017-03-10 22:00", "2017-03-10"),  # Friday before the change
        ("2017-03-13 20:00", "2017-03-13 21:00", "2017-03-13"),  # Monday after it
        ("2017-11-03 20:00", "2017-11-03 21:00", "2017-11-03"),
        ("2017-11-06 21:00", "2017-11-06 22:00", "2017-11-06"),
    ],
)
def test_an_fx_day_ends_at_five_in_new_york_on_either_side_of_a_clock_change(last_bar, first_bar, day):
    found = trading_day(np.array([as_ns(last_bar), as_ns(first_bar)]), CALENDARS["fx"])
    assert found.tolist() == [days(day), days(day) + 1]


def test_sunday_evening_belongs_to_monday():
    opens = np.array([as_ns("2017-03-12 21:00"), as_ns("2017-11-05 22:00"), as_ns("2017-06-04 21:00")])
    assert trading_day(opens, CALENDARS["fx"]).tolist() == [days("2017-03-13"), days("2017-11-06"), days("2017-06-05")]


@given(MOMENTS)
def test_an_fx_day_is_the_new_york_date_seven_hours_later(moment):
    local = moment.astimezone(NEW_YORK).replace(tzinfo=None)
    expected = (local + timedelta(hours=7)).date()
    assert trading_day(np.array([as_ns(moment)]), CALENDARS["fx"]).tolist() == [(expected - date(1970, 1, 1)).days]


@pytest.mark.parametrize("name", ["crypto", "us_equity"])
def test_other_calendars_end_their_day_at_midnight_utc(name):
    opens = np.array([as_ns("2017-03-12 23:59"), as_ns("2017-03-13 00:00")])
    assert trading_day(opens, calendar(name)).tolist() == [days("2017-03-12"), days("2017-03-13")]


def test_the_three_calendars_declare_what_annualises():
    declared = {name: (c.days_per_year, c.hours_per_day) for name, c in CALENDARS.items()}
    assert declared == {"fx": (260.0, 24.0), "crypto": (365.0, 24.0), "us_equity": (252.0, 6.5)}
    with pytest.raises(DataError, match=r"unknown calendar 'forex': known: crypto, fx, us_equity|did you mean fx"):
        calendar("forex")


@pytest.mark.parametrize(
    ("start", "end", "moments"),
    [
        (
            "2017-03-10 00:00",
            "2017-03-15 00:00",
            ["2017-03-10 22:00", "2017-03-11 22:00", "2017-03-12 21:00", "2017-03-13 21:00", "2017-03-14 21:00"],
        ),
        (
            "2017-11-03 00:00",
            "2017-11-08 00:00",
            ["2017-11-03 21:00", "2017-11-04 21:00", "2017-11-05 22:00", "2017-11-06 22:00", "2017-11-07 22:00"],
        ),
    ],
)
def test_rollovers_over_a_clock_change_are_at_five_in_new_york(start, end, moments):
    opens = hours(start, end)
    bar, weekday, moment = rollover_nights(opens)
    assert moment.tolist() == [as_ns(text) for text in moments]
    assert opens[bar].tolist() == moment.tolist()  # hourly bars open at that very moment
    assert weekday.tolist() == [datetime.fromisoformat(text).weekday() for text in moments]


def test_a_rollover_belongs_to_the_bar_that_opens_at_or_after_it():
    friday, sunday = as_ns("2017-06-02 20:00"), as_ns("2017-06-04 21:05")
    bar, weekday, moment = rollover_nights(np.array([friday - HOUR, friday, sunday, sunday + HOUR]))
    assert bar.tolist() == [2, 2, 2]  # Friday's, Saturday's and Sunday's, all in the first bar after the weekend
    assert weekday.tolist() == [4, 5, 6]
    assert moment[-1] == as_ns("2017-06-04 21:00")


def test_a_rollover_at_the_first_open_was_before_the_history():
    at_five = as_ns("2017-06-05 21:00")
    assert rollover_nights(np.array([at_five, at_five + HOUR]))[0].tolist() == []
    assert rollover_nights(np.array([at_five - HOUR, at_five]))[0].tolist() == [1]


@pytest.mark.parametrize("length", [0, 1])
def test_a_history_of_one_bar_crosses_nothing(length):
    assert [part.size for part in rollover_nights(np.full(length, as_ns("2017-06-05 21:00")))] == [0, 0, 0]


@given(MOMENTS, st.lists(st.integers(1, 200), min_size=1, max_size=30))
def test_rollovers_are_those_a_slow_walk_through_the_days_finds(first, steps):
    opens = as_ns(first) + np.cumsum([0, *steps]) * HOUR
    expected = []
    day = first.date() - timedelta(days=2)
    while as_ns(day.isoformat()) <= opens[-1]:
        moment = as_ns(datetime(day.year, day.month, day.day, 17, tzinfo=NEW_YORK))
        bars = [k for k in range(1, len(opens)) if opens[k - 1] < moment <= opens[k]]
        expected.extend((k, day.weekday(), moment) for k in bars)
        day += timedelta(days=1)
    assert list(zip(*(part.tolist() for part in rollover_nights(opens)), strict=True)) == expected
