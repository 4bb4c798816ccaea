import json
import os
import random
import signal
import sys
import time
from datetime import UTC, datetime
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import duckdb
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import quantbench as qb
from quantbench.config import settings
from quantbench.core.errors import DataError, StoreError
from quantbench.data import lake, longer
from quantbench.data.frames import bar_frame, frame_of
from quantbench.data.lock import one_writer
from quantbench.data.manifest import Dataset, Origin, read_current
from quantbench.data.sql import sql

WRITER = Path(__file__).with_name("lake_writer.py")
KILLS = int(os.environ.get("LAKE_KILLS", "3"))  # LAKE_KILLS=50 pytest tests/data/test_lake.py -k killed
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FILE = Origin(source="a file", clock="America/New_York+7", repairs=({"name": "sort", "rows": 3},), accepted=("gaps",))


def _writer_module():
    spec = spec_from_file_location("lake_writer", WRITER)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


writer = _writer_module()


@pytest.fixture
def dataset(tmp_path):
    return Dataset("EURUSD", "H1", tmp_path)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of the test's own, whose lake `load`, `symbols` and `sql` look into."""
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


def hours(start, end, price=1.1):
    opens = np.arange(np.datetime64(start), np.datetime64(end), np.timedelta64(1, "h")).astype("datetime64[ns]")
    close = price + 1e-5 * np.arange(len(opens))
    columns = {"open": close, "high": close + 1e-4, "low": close - 1e-4, "close": close, "volume": close * 100}
    return pl.DataFrame({"time": opens, **columns, "spread": np.full(len(opens), 7.0)})


def append(frame, dataset, **origin):
    return lake.append(frame, dataset, origin=Origin(**{"source": "a test", **origin}), now=NOW)


def replace(frame, dataset, **span):
    return lake.replace(frame, dataset, origin=Origin(source="a test"), now=NOW, **span)


def files(dataset):
    return sorted(file.name.partition("-")[0] + file.suffix for file in dataset.place.glob("year=*"))


# ---------------------------------------------------------------- what is written


def test_what_is_stored_is_read_back_the_same_one_file_a_year(dataset):
    frame = hours("2016-12-20", "2017-02-01")
    version = lake.append(frame, dataset, origin=FILE, now=NOW)
    assert_frame_equal(lake.read(dataset), bar_frame(frame))
    assert files(dataset) == ["year=2016.parquet", "year=2017.parquet"]
    assert (version.number, version.rows) == (1, len(frame))
    assert version.first == frame["time"].dt.epoch("ns")[0]
    assert version.last == frame["time"].dt.epoch("ns")[-1]


def test_the_manifest_says_where_bars_came_from_and_what_was_done_to_them(dataset):
    lake.append(hours("2017-01-02", "2017-01-03"), dataset, origin=FILE, now=NOW)
    found = json.loads((dataset.place / "manifest.json").read_text())
    assert found["schema"] == 1
    assert found["origin"]["clock"] == "America/New_York+7"
    assert found["origin"]["repairs"] == [{"name": "sort", "rows": 3}]
    assert found["origin"]["accepted"] == ["gaps"]
    assert found["created"] == "2026-01-02T03:04:05.000000+00:00"
    assert found["rows"] == 24
    assert read_current(dataset.place).origin == FILE


def test_appending_keeps_what_is_stored_and_rewrites_only_years_it_touches(dataset):
    append(hours("2016-12-20", "2017-01-10"), dataset)
    before = {file.name for file in dataset.place.glob("year=2016*")}
    version = append(hours("2017-01-10", "2017-01-12", 1.2), dataset)
    assert version.number == 2
    assert {file.name for file in dataset.place.glob("year=2016*")} == before
    assert len(lake.read(dataset)) == (12 + 9 + 2) * 24
    assert lake.read(dataset)["close"][-48] == 1.2


def test_appending_bars_that_are_stored_changes_nothing(dataset):
    first = append(hours("2017-01-02", "2017-01-05"), dataset)
    assert append(hours("2017-01-02", "2017-01-05"), dataset) == first
    assert append(hours("2017-01-02", "2017-01-04"), dataset) == first
    assert [version.number for version in lake.versions(dataset)] == [1]


def test_appending_may_overlap_fill_holes_and_come_before(dataset):
    whole = hours("2017-01-02", "2017-01-06")
    append(whole[24:48], dataset)
    append(whole[60:], dataset)
    append(whole[:30], dataset)
    append(whole, dataset)
    assert_frame_equal(lake.read(dataset), bar_frame(whole))


@pytest.mark.parametrize("seed", range(12))
def test_appending_parts_in_any_order_gives_the_whole(dataset, seed):
    whole, rng = hours("2016-12-29", "2017-01-04"), np.random.default_rng(seed)
    for _ in range(4):
        low, high = np.sort(rng.choice(len(whole) + 1, 2, replace=False))
        rows = np.arange(low, high)[rng.random(high - low) < rng.choice([0.5, 1.0])]
        if len(rows):
            append(whole[rows], dataset)
    append(whole, dataset)
    assert_frame_equal(lake.read(dataset), bar_frame(whole))


def test_appending_other_bars_at_the_same_time_is_refused_and_names_the_first(dataset):
    append(hours("2017-01-02", "2017-01-05"), dataset)
    with pytest.raises(DataError, match=r"24 of the new bars differ .* first at 2017-01-04 00:00 \(open 1.3, stored"):
        append(hours("2017-01-04", "2017-01-05", 1.3), dataset)
    assert len(lake.versions(dataset)) == 1


def test_replacing_swaps_a_range_and_leaves_the_rest(dataset):
    append(hours("2017-01-02", "2017-01-06"), dataset)
    replace(hours("2017-01-03", "2017-01-04", 1.5), dataset)
    found = lake.read(dataset)
    assert len(found) == 96
    assert found["close"].to_numpy()[[23, 24, 47, 48]] == pytest.approx([1.10023, 1.5, 1.50023, 1.10048])
    replace(hours("2017-01-03", "2017-01-03T05", 1.6), dataset, start="2017-01-03", end="2017-01-05")
    assert len(lake.read(dataset)) == 96 - 48 + 5


def test_replacing_a_range_empties_the_years_within_it(dataset):
    append(hours("2015-12-30", "2018-01-02"), dataset)
    replace(hours("2016-02-01", "2016-02-02"), dataset, start="2016", end="2018")
    assert files(dataset) == [
        "year=2015.parquet",
        "year=2016.old",
        "year=2016.parquet",
        "year=2017.old",
        "year=2018.parquet",
    ]
    assert len(lake.read(dataset)) == 48 + 24 + 24


def test_bars_outside_the_range_to_replace_are_refused(dataset):
    with pytest.raises(DataError, match="2017-01-02 00:00 to 2017-01-03 23:00 lie outside the range to replace"):
        replace(hours("2017-01-02", "2017-01-04"), dataset, start="2017-01-03")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: f[::-1], "47 bars are earlier than the bar before; sort puts them in order"),
        (lambda f: pl.concat([f[:5], f[4:]]), "1 bars repeat the time of the bar before; drop-duplicates keeps one"),
        (lambda f: f.with_columns(close=pl.lit(0.0)), "48 bars have a price that is NaN, infinite or not above 0"),
        (lambda f: f.with_columns(low=pl.col("high") + 1), "48 bars have a high or low inside the bar"),
        (lambda f: f.with_columns(spread=pl.lit(-1.0)), "48 bars have a spread that is negative"),
        (lambda f: f.with_columns(volume=pl.lit(float("nan"))), "48 bars have a negative volume or none"),
        (lambda f: f.with_columns(time=pl.col("time").dt.offset_by("1m")).vstack(f).sort("time"), "bars open too soon"),
        (lambda f: f[:0], "there are no bars to store"),
        (lambda f: f.drop("close"), "bars need a column 'close'"),
        (lambda f: f.with_columns(time=pl.col("time").dt.replace_time_zone("Europe/Athens")), "time must be .* in UTC"),
        (lambda f: f.with_columns(open=pl.lit("x")), "a column of the bars is no number"),
    ],
)
def test_bars_that_would_not_load_are_not_stored(dataset, spoil, message):
    with pytest.raises(DataError, match=message):
        append(spoil(hours("2017-01-02", "2017-01-04")), dataset)
    assert lake.datasets(dataset.lake) == []


def test_a_time_without_a_zone_is_refused(dataset):
    with pytest.raises(StoreError, match="must know its zone"):
        lake.append(hours("2017", "2017-01-02"), dataset, origin=FILE, now=datetime(2017, 1, 1))  # noqa: DTZ001


def test_bid_and_ask_bars_and_different_spreads_are_not_mixed(dataset):
    append(hours("2017-01-02", "2017-01-03"), dataset, side="bid", spread_of="minimum")
    with pytest.raises(DataError, match="stored bars are of the bid, the new bars are of the ask"):
        append(hours("2017-01-03", "2017-01-04"), dataset, side="ask", spread_of="minimum")
    with pytest.raises(DataError, match=r"spread is that at the minimum, .* open"):
        append(hours("2017-01-03", "2017-01-04"), dataset, side="bid", spread_of="open")
    whole = lake.replace(hours("2017-01-02", "2017-01-05"), dataset, origin=Origin(source="x", side="ask"), now=NOW)
    assert whole.origin.side == "ask", "all of it was replaced"


@pytest.mark.parametrize("symbol", ["USA500.IDXUSD", "EUR/USD", "../../etc", "a b'c", "é"])
def test_any_symbol_has_a_folder_of_its_own_within_the_lake(tmp_path, symbol):
    place = Dataset(symbol, "H1", tmp_path)
    append(hours("2017-01-02", "2017-01-03"), place)
    assert place.place.resolve().parent.parent == tmp_path.resolve()
    assert [version.symbol for version in lake.datasets(tmp_path)] == [symbol]
    assert len(lake.read(place)) == 24


@pytest.mark.parametrize(
    ("symbol", "timeframe", "message"), [("", "H1", "needs a symbol"), ("X", "h1", "unknown timef")]
)
def test_a_dataset_has_a_name_and_a_timeframe(tmp_path, symbol, timeframe, message):
    with pytest.raises(DataError, match=message):
        Dataset(symbol, timeframe, tmp_path)


# ---------------------------------------------------------------- versions


def test_every_version_stays_readable_by_number_and_by_content(dataset):
    written = [append(hours("2016-12-30", "2017-01-02"), dataset)]
    written += [replace(hours("2016-12-31", "2017-01-01", price), dataset) for price in (1.2, 1.3, 1.4)]
    assert [version.number for version in lake.versions(dataset)] == [1, 2, 3, 4]
    for version, price in zip(written[1:], (1.2, 1.3, 1.4), strict=True):
        assert lake.read(dataset, version=version.number)["close"][24] == price
        assert lake.read(dataset, version=version.content[:10])["close"][24] == price
    assert len(list(dataset.place.glob("year=2016*.parquet"))) == 1, "a plain glob sees the current version only"


def test_going_back_to_old_content_gives_a_new_version_of_the_same_hash(dataset):
    first = append(hours("2017-01-02", "2017-01-03"), dataset)
    replace(hours("2017-01-02", "2017-01-03", 1.5), dataset)
    third = replace(hours("2017-01-02", "2017-01-03"), dataset)
    assert (third.number, third.content) == (3, first.content)
    assert len(list(dataset.place.glob("*.parquet"))) == 1
    assert lake.read(dataset, version=first.content)["close"][0] == 1.1
    assert lake.read(dataset, version=2)["close"][0] == 1.5


@pytest.mark.parametrize("which", [7, "zz", "", 0])
def test_a_version_that_is_not_there_lists_those_that_are(dataset, which):
    version = append(hours("2017-01-02", "2017-01-03"), dataset)
    with pytest.raises(DataError, match=rf"EURUSD H1 has no version {which!r}; there are: 1 \({version.content[:8]}\)"):
        lake.read(dataset, version=which)


def test_content_does_not_depend_on_how_it_was_written(tmp_path):
    whole = hours("2016-12-01", "2017-02-01")
    at_once = append(whole, Dataset("EURUSD", "H1", tmp_path / "a"))
    piecewise = Dataset("EURUSD", "H1", tmp_path / "b")
    for start in range(0, len(whole), 200):
        last = append(whole[start : start + 200], piecewise)
    assert last.content == at_once.content


def test_pruning_forgets_old_versions_and_their_files(dataset):
    for price in (1.1, 1.2, 1.3):
        replace(hours("2017-01-02", "2017-01-03", price), dataset)
    assert lake.prune(dataset, keep=2) == 1
    assert len(list(dataset.place.glob("year=*"))) == 2
    assert lake.read(dataset, version=2)["close"][0] == 1.2
    with pytest.raises(DataError, match="has no version 1"):
        lake.read(dataset, version=1)
    assert lake.prune(dataset, keep=0) == 1, "the current version is never forgotten"
    assert lake.read(dataset)["close"][0] == 1.3


def test_removing_a_dataset_removes_all_of_it(dataset):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    lake.remove(dataset)
    assert not dataset.place.parent.exists()
    for gone in (lake.read, lake.remove):
        with pytest.raises(DataError, match="EURUSD H1 is not in the lake"):
            gone(dataset)


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": 1}', '{"schema": 1, "origin": 3}'])
def test_a_broken_manifest_is_one_clear_sentence(dataset, text):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    (dataset.place / "manifest.json").write_text(text)
    with pytest.raises(StoreError, match=r"manifest.json is no manifest: .*restore it"):
        lake.read(dataset)


def test_a_manifest_of_another_schema_is_refused(dataset):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    (dataset.place / "manifest.json").write_text('{"schema": 2}')
    with pytest.raises(StoreError, match="has schema 2, this Quantbench reads 1; install a newer one"):
        lake.read(dataset)


def test_a_broken_or_missing_file_is_one_clear_sentence(dataset):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    (file,) = dataset.place.glob("year=*")
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(StoreError, match=r"cannot read .*add the data again"):
        lake.read(dataset)
    file.unlink()
    with pytest.raises(StoreError, match="the lake lacks a file its manifest names"):
        lake.read(dataset)


def test_leftovers_of_a_dead_writer_are_swept_by_the_next(dataset):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    for name in ("year=2017-feedfeedfeed.parquet", ".year=2017-x.parquet.tmp", ".manifest.json.tmp"):
        (dataset.place / name).write_bytes(b"half")
    (dataset.place / "versions" / "000002.json").write_text("{}")
    assert len(lake.read(dataset)) == 24
    assert [version.number for version in lake.versions(dataset)] == [1]
    assert append(hours("2017-01-02", "2017-01-04"), dataset).number == 2
    assert len(list(dataset.place.glob("year=*"))) == 2
    assert list(dataset.place.glob(".*")) == []


def test_while_one_writes_another_waits_and_is_told_who(dataset, monkeypatch):
    append(hours("2017-01-02", "2017-01-03"), dataset)
    lock = dataset.lake / ".locks" / "symbol=EURUSD-H1"
    with (
        one_writer(lock),
        pytest.raises(StoreError, match=r"is being written by process \d+ on .*; wait for it"),
        one_writer(lock, wait_s=0.1),
    ):
        pass
    assert len(append(hours("2017-01-03", "2017-01-04"), dataset).parts) == 1


# ---------------------------------------------------------------- kill -9


def killed_after(target, seconds):
    """Let a process write for that long after its first write, kill it, and return the last write it told of."""
    process = Popen([sys.executable, str(WRITER), str(target), "100000"], stdout=PIPE, stderr=DEVNULL, text=True)
    try:
        told = process.stdout.readline()
        time.sleep(seconds)
    finally:
        process.send_signal(signal.SIGKILL) if hasattr(signal, "SIGKILL") else process.kill()
        rest = process.communicate()[0].split()
    return int(rest[-1] if rest else told)


def test_a_writer_killed_at_random_leaves_a_whole_version_and_no_lock(tmp_path):
    rng = random.Random()
    dataset = Dataset("EURUSD", "H4", tmp_path)
    for _ in range(KILLS):
        told = killed_after(tmp_path, rng.random() * 0.4)
        found = writer.number_of(lake.read(dataset))
        assert found in {told, told + 1}, "the last version told of, or the one that was being published"
        current = read_current(dataset.place)
        assert current.origin.source == f"write {found}"
        again = writer.write(dataset, 1_000)
        assert writer.number_of(lake.read(dataset)) == 1_000
        assert writer.number_of(lake.read(dataset, version=again.number - 1)) == found
        for version in lake.versions(dataset):
            assert writer.number_of(lake.read(dataset, version=version.number)) >= 1
        assert len(list(dataset.place.glob("*.parquet"))) == 4, "what the dead writer left was swept"
        lake.remove(dataset)


def test_readers_beside_a_writer_see_whole_versions_only(tmp_path):
    dataset = Dataset("EURUSD", "H4", tmp_path)
    process = Popen([sys.executable, str(WRITER), str(tmp_path), "15"], stdout=PIPE, stderr=DEVNULL, text=True)
    assert process.stdout.readline() == "1\n"
    seen = []
    while process.poll() is None:
        seen.append(writer.number_of(lake.read(dataset)))
        assert writer.number_of(lake.read(dataset, version=1)) == 1
    process.communicate()
    assert process.returncode == 0
    assert seen == sorted(seen)
    assert len(set(seen)) > 1, "the writer was done before anything was read"
    assert writer.number_of(lake.read(dataset)) == 15


def test_two_writers_take_turns(tmp_path):
    command = [sys.executable, str(WRITER), str(tmp_path), "6"]
    both = [Popen(command, stdout=DEVNULL, stderr=PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.communicate()[1] == ""
        assert process.returncode == 0
    dataset = Dataset("EURUSD", "H4", tmp_path)
    found = lake.versions(dataset)
    assert [version.number for version in found] == list(range(1, len(found) + 1))
    assert 6 <= len(found) <= 12


# ---------------------------------------------------------------- load, symbols and sql


@pytest.fixture
def stocked(home):
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-05")
    append(frame_of(bars).with_columns(spread=pl.lit(7.0)), Dataset("EURUSD", "H1", settings().lake))
    return bars


def test_the_lake_comes_before_the_sample(stocked):
    assert len(qb.load("EURUSD", "H1")) == len(stocked)
    assert (qb.load("EURUSD", "H1").spread == 7.0).all()
    assert len(qb.load("BTCUSD", "H1")) == 17_550
    table = qb.symbols().set_index(["symbol", "timeframe"])
    assert table.loc[("EURUSD", "H1"), "stored"] == "lake"
    assert table.loc[("EURUSD", "H1"), "bars"] == len(stocked)
    assert table.loc[("EURUSD", "H1"), "source"] == "a test"
    assert table.loc[("BTCUSD", "H1"), "stored"] == "sample"


def test_a_range_of_the_lake_equals_the_slice_of_the_whole(stocked):
    part = qb.load("EURUSD", "H1", "2017-03-15", "2017-04-02 23:00")
    assert part.version == qb.load("EURUSD", "H1").between("2017-03-15", "2017-04-02 23:00").version
    with pytest.raises(DataError, match="there are bars from 2017-03-01 00:00 to 2017-04-30 23:00 UTC"):
        qb.load("EURUSD", "H1", "2018")


def test_an_old_version_loads_by_number(stocked):
    changed = frame_of(stocked)[:10].with_columns(spread=pl.lit(1.0))
    replace(changed, Dataset("EURUSD", "H1", settings().lake))
    assert qb.load("EURUSD", "H1").spread[0] == 1.0
    assert qb.load("EURUSD", "H1", version=1).spread[0] == 7.0
    with pytest.raises(DataError, match="EURUSD H1 has no version 9"):
        qb.load("EURUSD", "H1", version=9)
    with pytest.raises(DataError, match="BTCUSD H1 is not in the lake"):
        qb.load("BTCUSD", "H1", version=1)


def test_a_minimum_spread_is_stored_and_not_carried(home):
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-04")
    frame = frame_of(bars).with_columns(spread=pl.lit(1.0))
    append(frame, Dataset("EURUSD", "H1", settings().lake), spread_of="minimum")
    assert np.isnan(qb.load("EURUSD", "H1").spread).all()
    assert lake.read(Dataset("EURUSD", "H1", settings().lake))["spread"][0] == 1.0


@pytest.mark.parametrize("timeframe", ["H4", "D1", "W1", "MN1"])
def test_a_longer_timeframe_is_made_of_the_stored_one_and_a_range_of_it_is_a_slice(home, timeframe):
    from quantbench.core.resample import resample

    whole = resample(qb.load("EURUSD", "H1"), timeframe)
    assert qb.load("EURUSD", timeframe).version == whole.version
    part = qb.load("EURUSD", timeframe, "2017-03-07", "2017-06-01")
    assert part.version == whole.between("2017-03-07", "2017-06-01").version


def test_longer_bars_made_in_pieces_are_those_made_at_once(home, monkeypatch):
    whole = {timeframe: qb.load("EURUSD", timeframe).version for timeframe in ("H3", "D1", "W1", "MN1")}
    monkeypatch.setattr(longer, "_PIECE", 500)
    assert {timeframe: qb.load("EURUSD", timeframe).version for timeframe in whole} == whole
    with pytest.raises(DataError, match="EURUSD D1 has no bars from 2019"):
        qb.load("EURUSD", "D1", "2019")


def test_a_stored_timeframe_comes_before_one_that_could_be_made(stocked):
    frame = bar_frame(hours("2017-03-01", "2017-03-02"))[::4]
    append(frame, Dataset("EURUSD", "H4", settings().lake))
    assert len(qb.load("EURUSD", "H4")) == 6
    assert len(qb.load("EURUSD", "D1")) == 1, "made of H4, the longest that divides a day"


def test_duckdb_and_polars_read_the_lake_directly(stocked):
    pattern = str(settings().lake / "*" / "*" / "*.parquet")
    replace(frame_of(stocked)[:5].with_columns(spread=pl.lit(2.0)), Dataset("EURUSD", "H1", settings().lake))
    many = duckdb.sql(
        "select symbol, timeframe, count(*), min(spread) "
        f"from read_parquet('{pattern}', hive_partitioning = true) group by all"
    )
    assert many.fetchall() == [("EURUSD", "H1", len(stocked), 2.0)]
    found = pl.scan_parquet(pattern, hive_partitioning=True).filter(pl.col("symbol") == "EURUSD").collect()
    assert len(found) == len(stocked)
    assert found["timeframe"].unique().to_list() == ["H1"]


def test_sql_sees_the_lake_and_the_sample_beside_it(stocked):
    table = sql(
        "select symbol, timeframe, stored, count(*) as many, min(time) as first from bars group by all order by 1"
    )
    assert table["many"].tolist() == [17_550, len(stocked), 5_031, 5_031]
    assert table["stored"].tolist() == ["sample", "lake", "sample", "sample"]
    assert str(table["first"].dt.tz) == "UTC"
    assert table["first"][1].isoformat() == "2017-03-01T00:00:00+00:00"


def test_sql_speaks_utc_and_sees_ranges_and_symbols_with_quotes(home):
    append(hours("2017-01-02", "2017-01-03"), Dataset("a'b", "H1", settings().lake))
    where = "where symbol = 'a''b' and time >= '2017-01-02 20:00' order by time"
    table = sql(f"select time, hour(time) as hour from bars {where}")
    assert table["hour"].tolist() == [20, 21, 22, 23]
    assert table["time"].dt.hour.tolist() == [20, 21, 22, 23]


@pytest.mark.parametrize(
    "query", ["describe bars", "explain select * from bars", "from bars limit 1", "summarize bars"]
)
def test_sql_takes_all_that_only_looks(query):
    assert len(sql(query)) >= 1


@pytest.mark.parametrize(
    "query",
    [
        "copy bars to 'x.csv'",
        "create table t as select 1",
        "drop view bars",
        "insert into bars select * from bars",
        "attach 'x.db'",
        "set TimeZone = 'Asia/Tokyo'",
        "pragma version",
        "select 1; select 2",
        "install httpfs",
        "",
    ],
)
def test_sql_refuses_all_that_is_not_one_select(query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="sql answers one SELECT, found"):
        sql(query)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source", ["read_csv('{}')", "'{}'", "read_text('{}')", "glob('{}')", "read_parquet('{}')", "read_blob('{}')"]
)
def test_sql_reaches_no_other_file(source, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"the query fails: .*"):
        sql(f"select * from {source.format(secret)}")


def test_a_misspelt_query_is_one_sentence():
    with pytest.raises(DataError, match=r"the query fails: .*closse"):
        sql("select closse from bars")


def test_sql_beside_a_broken_file_says_so(stocked):
    (file,) = Dataset("EURUSD", "H1", settings().lake).place.glob("*.parquet")
    file.write_bytes(b"no parquet" * 100)
    with pytest.raises((StoreError, DataError), match=r"parquet|magic|Parquet"):
        sql("select count(*) from bars where symbol = 'EURUSD'")
