"""Updates against a server that is slow, broken, busy, cut short, or has nothing."""

from collections import defaultdict
from datetime import UTC, date, datetime

import numpy as np
import pytest
from candle_server import serving

from quantbench.core.clock import MINUTE_NS
from quantbench.core.errors import DataError
from quantbench.data import lake
from quantbench.data.fetching import Manners, fetch
from quantbench.data.manifest import Dataset, Origin
from quantbench.data.update import missing_days, update_from_http, update_from_rates

NOW = datetime(2019, 2, 8, 12, tzinfo=UTC)
QUICK = Manners(tries=4, pause=0.1, wait=1.0, longest=30.0, timeout=0.3)


def update(url, tmp_path, waits=None, **terms):
    waits = [] if waits is None else waits
    terms = {"start": date(2019, 2, 4), "end": date(2019, 2, 6), "now": NOW} | terms
    return update_from_http("EURUSD", base_url=url, into=tmp_path, manners=QUICK, sleep=waits.append, **terms)


def stored(tmp_path):
    return lake.read(Dataset("EURUSD", "M1", tmp_path))


def test_missing_days_are_fetched_once_and_never_again(tmp_path):
    with serving() as (url, asked):
        found = update(url, tmp_path)
        again = update(url, tmp_path, end=date(2019, 2, 7))
    assert asked == [f"/EURUSD/2019/01/{day:02d}/BID_candles_min_1.bi5" for day in (4, 5, 6)], "months count from 0"
    assert (found.rows, again.rows, again.asked) == (2880, 1440, 1)
    assert stored(tmp_path)["time"].is_sorted()


@pytest.mark.parametrize("fault", ["cut", "broken", "slow", 500, 503])
def test_a_bad_answer_is_asked_for_again_after_a_wait(tmp_path, fault):
    waits = []
    with serving(fault) as (url, asked):
        assert update(url, tmp_path, waits, end=date(2019, 2, 5)).rows == 1440
    assert len(asked) == 2
    assert waits == [7.0] if isinstance(fault, int) else waits == [1.0]


def test_a_busy_server_is_given_the_time_it_asks_for_and_waits_double(tmp_path):
    waits = []
    with serving(429, "cut", "cut") as (url, _):
        update(url, tmp_path, waits, end=date(2019, 2, 5))
    assert waits == [7.0, 2.0, 4.0]


def test_a_day_that_is_not_there_is_no_error(tmp_path):
    with serving(404) as (url, _):
        found = update(url, tmp_path)
    assert (found.asked, found.empty, found.rows) == (2, 1, 1440)


def test_what_arrived_before_the_server_failed_is_kept_and_resumed_from(tmp_path):
    with serving(None, *[500] * 4) as (url, asked):
        with pytest.raises(DataError, match=r"no whole answer in 4 tries, the last: HTTP 500; .*run the update again"):
            update(url, tmp_path)
        assert len(stored(tmp_path)) == 1440
        asked.clear()
        update(url, tmp_path)
    assert asked == ["/EURUSD/2019/01/05/BID_candles_min_1.bi5"]
    assert len(stored(tmp_path)) == 2880


def test_a_pause_lies_between_two_addresses(tmp_path):
    waits = []
    with serving() as (url, _):
        update(url, tmp_path, waits, end=date(2019, 2, 7))
    assert waits == [0.1, 0.1]


def test_a_day_is_asked_for_once_it_is_over_and_saturdays_never(tmp_path):
    dataset = Dataset("EURUSD", "M1", tmp_path)
    assert [day.day for day in missing_days(dataset, date(2019, 2, 8), date(2019, 2, 12))] == [8, 10, 11]
    with serving() as (url, asked):
        update(url, tmp_path, start=date(2019, 2, 7), end=None)
    assert len(asked) == 1


def test_progress_counts_the_days(tmp_path):
    seen = []
    with serving() as (url, _):
        update(url, tmp_path, progress=lambda done, days, _: seen.append((done, days)))
    assert seen == [(0, 2), (1, 2), (2, 2)]


def test_an_address_that_is_none_is_refused():
    with pytest.raises(DataError, match="is no http or https address"):
        fetch("file:///etc/hosts", bytes)


RATE = np.dtype(
    [
        ("time", "i8"),
        *((n, "f8") for n in ("open", "high", "low", "close")),
        *(("tick_volume", "u8"), ("spread", "i4"), ("real_volume", "u8")),
    ]
)


def terminal(log=None):
    """A fake `copy_rates_range` with an hour's bar for every hour of a server on UTC+2."""
    calls = defaultdict(list) if log is None else log

    def copy_rates(symbol, timeframe, start, end):
        calls[symbol].append((timeframe, start, end))
        hours = np.arange(-(-int(start.timestamp()) // 3600), int(end.timestamp()) // 3600 + 1)
        rows = np.zeros(len(hours), RATE)
        rows["time"] = hours * 3600
        price = 1.14 + np.round(np.sin(hours) * 0.002 + np.sin(hours * 0.37) * 0.003, 5)
        rows["open"] = rows["close"] = price
        rows["high"], rows["low"] = price + 0.0007, price - 0.0007
        rows["tick_volume"], rows["spread"] = 100 + hours % 11, 3
        return rows

    return copy_rates


def from_terminal(tmp_path, *, start, now, log=None):
    return update_from_rates(terminal(log), "EURUSD", "H1", clock="Europe/Athens", start=start, now=now, into=tmp_path)


def test_a_terminal_is_asked_for_what_is_missing_before_and_after(tmp_path):
    log = defaultdict(list)
    from_terminal(tmp_path, start=datetime(2019, 2, 5, tzinfo=UTC), now=datetime(2019, 2, 6, 12, 30, tzinfo=UTC))
    found = from_terminal(
        tmp_path, start=datetime(2019, 2, 4, 6, tzinfo=UTC), now=datetime(2019, 2, 7, 12, 30, tzinfo=UTC), log=log
    )
    times = lake.read(Dataset("EURUSD", "H1", tmp_path))["time"].dt.epoch("ns").to_numpy()
    assert (np.diff(times) == 60 * MINUTE_NS).all()
    assert times[0] == np.datetime64("2019-02-04T06:00", "ns").astype(int)
    assert times[-1] == np.datetime64("2019-02-07T11:00", "ns").astype(int), "the bar of 12:00 is not over"
    assert [start.hour for _, start, _ in log["EURUSD"]] == [8, 14], "server times, two hours ahead"
    assert found.rows == 18 + 24


def test_a_terminal_without_bars_changes_nothing(tmp_path):
    found = update_from_rates(
        lambda *_: None, "EURUSD", "H1", clock="UTC", start=datetime(2019, 2, 4, tzinfo=UTC), now=NOW, into=tmp_path
    )
    assert (found.rows, found.version) == (0, None)


def test_a_last_day_that_another_source_left_in_part_is_completed_and_nothing_stored_is_changed(tmp_path):
    with serving() as (url, asked):
        update(url, tmp_path)
        dataset = Dataset("EURUSD", "M1", tmp_path)
        whole = stored(tmp_path)
        lake.remove(dataset)
        lake.append(whole.head(1440 + 300), dataset, origin=Origin(source="by hand", clock="UTC", side="bid"), now=NOW)
        asked.clear()
        found = update(url, tmp_path)
    assert asked == ["/EURUSD/2019/01/05/BID_candles_min_1.bi5"]
    assert found.rows == 1440 - 300
    assert stored(tmp_path).equals(whole)
