"""Clocks against the standard library's own zone database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.core.clock import HOUR_NS, as_ns, server_offset, utc_offset

ZONES = ["America/New_York", "Europe/Athens", "Europe/London", "Asia/Tokyo", "Australia/Sydney", "UTC"]
MOMENTS = st.integers(0, 30 * 365 * 24 * 60).map(
    lambda minutes: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)


def ns(moment):
    return int(moment.timestamp()) * 10**9


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from(ZONES))
def test_offsets_are_those_of_zoneinfo(moments, zone):
    expected = [t.astimezone(ZoneInfo(zone)).utcoffset() / timedelta(hours=1) for t in moments]
    found = utc_offset(np.array([ns(t) for t in moments], np.int64), zone)
    assert (found / HOUR_NS).tolist() == expected


@pytest.mark.parametrize(
    ("moment", "before", "after"),
    [("2017-03-12T07:00", -5, -4), ("2017-11-05T06:00", -4, -5)],  # New York springs forward, falls back
)
def test_the_offset_changes_in_the_very_minute(moment, before, after):
    change = as_ns(moment)
    found = utc_offset(np.array([change - 1, change], np.int64), "America/New_York")
    assert (found / HOUR_NS).tolist() == [before, after]


def test_no_moments_have_no_offsets():
    assert utc_offset(np.zeros(0, np.int64), "America/New_York").size == 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2017", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-03", datetime(2017, 3, 1, tzinfo=UTC)),
        ("2017-03-12", datetime(2017, 3, 12, tzinfo=UTC)),
        ("2017-03-12 07:30", datetime(2017, 3, 12, 7, 30, tzinfo=UTC)),
        ("2017-03-12T07:30+02:00", datetime(2017, 3, 12, 5, 30, tzinfo=UTC)),
        (datetime(2017, 3, 12, 7, tzinfo=UTC).replace(tzinfo=None), datetime(2017, 3, 12, 7, tzinfo=UTC)),
        (datetime(2017, 3, 12, 7, tzinfo=ZoneInfo("America/New_York")), datetime(2017, 3, 12, 11, tzinfo=UTC)),
        (np.datetime64("2017-03-12T07:00", "s"), datetime(2017, 3, 12, 7, tzinfo=UTC)),
    ],
)
def test_moments_are_read_as_utc_unless_they_say_otherwise(text, moment):
    assert as_ns(text) == ns(moment)


@given(MOMENTS)
def test_seven_hours_on_new_york_keep_midnight_at_five_in_the_afternoon_there(moment):
    local = moment.astimezone(ZoneInfo("America/New_York"))
    at_five = local.replace(hour=17, minute=0, second=0)
    found = as_ns(at_five) + int(server_offset(np.array([as_ns(at_five)]), "America/New_York+7")[0])
    assert found % (24 * HOUR_NS) == 0


@pytest.mark.parametrize(
    ("clock", "winter", "summer"),
    [
        ("America/New_York+7", 2, 3),
        ("Europe/Athens", 2, 3),
        ("UTC", 0, 0),
        ("UTC+3", 3, 3),
        ("UTC-5.5", -5.5, -5.5),
    ],
)
def test_a_server_clock_is_a_zone_or_a_zone_and_hours(clock, winter, summer):
    moments = np.array([as_ns("2017-01-15"), as_ns("2017-07-15")])
    assert (server_offset(moments, clock) / HOUR_NS).tolist() == [winter, summer]


def test_a_zone_whose_own_name_ends_in_hours_is_that_zone():
    # Etc/GMT-2 is two hours EAST of Greenwich (POSIX signs), not GMT minus two.
    assert (server_offset(np.array([as_ns("2017-01-15")]), "Etc/GMT-2") / HOUR_NS).tolist() == [2]
