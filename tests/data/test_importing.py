"""The way of a file into the lake: what is stored, what is recorded, and what is refused."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from quantbench.core.errors import DataError
from quantbench.data import lake
from quantbench.data.importing import add
from quantbench.data.manifest import Dataset

NOW = datetime(2026, 1, 2, tzinfo=UTC)
HEADER = "Time,Open,High,Low,Close,Volume"


def rows(start="2017-01-02T00:00", many=48, minutes=60, *, seed=1):
    """Walk over hours as lines of CSV."""
    time = np.datetime64(start, "m") + np.arange(many) * np.timedelta64(minutes, "m")
    close = 1.05 + np.random.default_rng(seed).normal(0, 0.0004, many).cumsum()
    opened = np.concatenate([[1.05], close[:-1]])
    high, low = np.maximum(opened, close) + 1e-4, np.minimum(opened, close) - 1e-4
    return [
        f"{str(t).replace('T', ' ')},{a:.5f},{b:.5f},{c:.5f},{d:.5f},{100 + k % 7}"
        for k, (t, a, b, c, d) in enumerate(zip(time, opened, high, low, close, strict=True))
    ]


def written(tmp_path, lines, name="EURUSD_H1.csv", header=HEADER):
    file = tmp_path / name
    file.write_text("\n".join([header, *lines]) + "\n")
    return file


def stored(tmp_path, symbol="EURUSD", timeframe="H1"):
    return lake.read(Dataset(symbol, timeframe, tmp_path / "lake"))


def put(tmp_path, lines, **terms):
    terms = {"clock": "UTC", "now": NOW, "into": tmp_path / "lake"} | terms
    return add(written(tmp_path, lines), **terms)


def test_a_clean_file_is_stored_row_by_row_with_its_origin(tmp_path):
    lines = rows()
    found = put(tmp_path, lines, licence="mine")
    frame = stored(tmp_path)
    assert [f"{value:.5f}" for value in frame["close"]] == [line.split(",")[4] for line in lines]
    assert frame["time"][0] == datetime(2017, 1, 2, tzinfo=UTC)
    origin = found.version.origin
    assert (origin.source, origin.clock, origin.licence, origin.repairs) == ("EURUSD_H1.csv", "UTC", "mine", ())


def test_times_of_a_declared_clock_are_stored_in_utc(tmp_path):
    put(tmp_path, rows("2017-01-02T02:00"), clock="Europe/Athens")
    assert stored(tmp_path)["time"][0] == datetime(2017, 1, 2, tzinfo=UTC)


def test_a_clock_is_declared_or_found_never_guessed(tmp_path):
    with pytest.raises(DataError, match=r"do not show their clock; say which clock it is on: clock='UTC'"):
        put(tmp_path, rows(), clock=None)
    assert not (tmp_path / "lake").exists()


def test_errors_refuse_the_file_and_leave_no_dataset(tmp_path):
    lines = rows()
    with pytest.raises(DataError, match=r"duplicates: .*--repair drop-duplicates.*--accept duplicates"):
        put(tmp_path, [*lines[:10], lines[9], *lines[10:]])
    assert lake.datasets(tmp_path / "lake") == []


def test_a_repair_is_made_only_when_asked_for_and_is_recorded(tmp_path):
    lines = rows()
    found = put(tmp_path, [*lines[:10], lines[9], *lines[10:]], repairs=("drop-duplicates",))
    assert [(one.name, one.rows) for one in found.repairs] == [("drop-duplicates", 1)]
    assert found.version.origin.repairs[0]["name"] == "drop-duplicates"
    assert [one.name for one in found.found.errors] == ["duplicates"], "the report is of the file, not of the repair"
    assert len(stored(tmp_path)) == len(lines)


def test_what_no_bar_can_be_is_refused_even_when_accepted(tmp_path):
    lines = rows()
    with pytest.raises(DataError, match="repeat the time of the bar before"):
        put(tmp_path, [*lines[:10], lines[9], *lines[10:]], accept=("duplicates",))


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"accept": ("duplicate",)}, "no check 'duplicate': did you mean duplicates"),
        ({"repairs": ("sorted",)}, "no repair 'sorted': did you mean sort"),
    ],
)
def test_a_misspelt_name_is_refused_before_anything_is_stored(tmp_path, terms, message):
    with pytest.raises(DataError, match=message):
        put(tmp_path, rows(), **terms)


def test_an_undeclared_symbol_is_asked_for(tmp_path):
    with pytest.raises(DataError, match="no contract facts are declared for 'ACME'"):
        put(tmp_path, rows(), symbol="ACME")


def test_bars_of_the_ask_are_refused(tmp_path):
    file = written(tmp_path, rows(), name="EURUSD_H1_ASK.csv")
    with pytest.raises(DataError, match="bars are of the ask"):
        add(file, clock="UTC", symbol="EURUSD", now=NOW, into=tmp_path / "lake")


def test_a_second_file_is_appended_and_one_that_contradicts_it_is_not(tmp_path):
    lines, other = rows(), rows(seed=2)
    put(tmp_path, lines[:30])
    assert put(tmp_path, lines[20:]).version.number == 2
    with pytest.raises(DataError, match="differ from those stored at the same time"):
        put(tmp_path, other)
    assert put(tmp_path, other, mode="replace").version.number == 3
    assert f"{stored(tmp_path)['close'][5]:.5f}" == other[5].split(",")[4]


def test_a_bar_that_is_not_over_is_left_out(tmp_path):
    lines = rows()
    found = put(tmp_path, lines, now=datetime(2017, 1, 3, 23, 30, tzinfo=UTC))
    assert found.rows == len(lines) - 1
    assert "1 bars are not over yet: left out" in found.notes


def ticks(many=300, seconds=2):
    time = np.datetime64("2017-01-02T10:00:00") + np.arange(many) * np.timedelta64(seconds, "s")
    return [
        f"{str(t).replace('T', ' ')},{1.05 + k % 9 * 1e-5:.5f},{1.0501 + k % 9 * 1e-5:.5f}" for k, t in enumerate(time)
    ]


def test_ticks_become_m1_of_the_bid_without_the_cut_minute(tmp_path):
    file = written(tmp_path, ticks(), name="EURUSD.csv", header="Time,Bid,Ask")
    found = add(file, symbol="EURUSD", clock="UTC", now=NOW, into=tmp_path / "lake")
    frame = stored(tmp_path, timeframe="M1")
    assert found.version.origin.side == "bid"
    assert frame["volume"].to_list() == [30.0] * 9
    assert frame["spread"].to_list() == pytest.approx([10.0] * 9)


def test_ticks_out_of_order_are_refused_or_sorted_on_request(tmp_path):
    lines = ticks()
    lines[5], lines[6] = lines[6], lines[5]
    file = written(tmp_path, lines, name="EURUSD.csv", header="Time,Bid,Ask")
    terms = {"symbol": "EURUSD", "clock": "UTC", "now": NOW, "into": tmp_path / "lake"}
    with pytest.raises(DataError, match="1 ticks are earlier than the one before"):
        add(file, **terms)
    assert add(file, **terms, repairs=("sort",)).version.origin.repairs[0]["rows"] == 1


def test_the_result_says_what_it_said_on_the_way(tmp_path):
    said = []
    put(tmp_path, rows(), say=said.append)
    assert said[1] == "clock UTC, as declared"
    assert isinstance(stored(tmp_path), pl.DataFrame)
