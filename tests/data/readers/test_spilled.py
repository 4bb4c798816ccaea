"""Long histories are put aside on disk while they are read, and are the same rows as in memory."""

import gc
import resource
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from quantbench.core.errors import StoreError
from quantbench.data import spilled
from quantbench.data.importing import add
from quantbench.data.readers import gathering, read
from quantbench.data.spilled import Spill, release

NOW = datetime(2026, 1, 1, tzinfo=UTC)
STAMPS = [f"2017-01-{day:02d} {hour:02d}:00:00" for day in (2, 3, 4, 5, 9, 10, 11, 12) for hour in range(24)]
ORDINARY = "Time,Open,High,Low,Close,Volume\n" + "".join(
    f"{time},{1.05 + row * 1e-5:.5f},{1.06 + row * 1e-5:.5f},1.04000,1.05500,{row + 1}\n"
    for row, time in enumerate(STAMPS)
)
SYMBOL = "Symbol," + ORDINARY.replace("\n2", "\nEURUSD,2")
TICKS = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n" + "".join(
    f"{time[:10].replace('-', '.')}\t{time[11:]}.000\t{'' if row == 150 else 1.05}\t1.06\t\t\t6\n"
    for row, time in enumerate(STAMPS)
)


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of a few rows, all but the first hundred of them put aside."""
    monkeypatch.setattr("quantbench.data.readers.lines.blocks.__defaults__", (1 << 10,))
    monkeypatch.setattr(gathering, "_KEPT", 100)


@pytest.fixture
def put_aside(monkeypatch):
    """Every part that is put aside."""
    kept, add_ = [], Spill.add

    def added(self, part):
        kept.append(part)
        add_(self, part)

    monkeypatch.setattr(Spill, "add", added)
    return kept


@pytest.mark.parametrize(("text", "spills"), [(ORDINARY, True), (SYMBOL, False), (TICKS, True)])
def test_a_long_file_holds_the_rows_a_short_one_does(text, spills, saved, put_aside, request):
    whole = read(saved("EURUSD_H1.csv", text))
    assert not put_aside
    request.getfixturevalue("small_blocks")
    long = read(saved("EURUSD_H1.csv", text))
    assert bool(put_aside) == spills
    assert long.frame.equals(whole.frame)
    assert long.frame.schema == whole.frame.schema
    assert (long.symbol, long.timeframe, long.notes) == (whole.symbol, whole.timeframe, whole.notes)


@pytest.mark.parametrize("empty", [0, 1, 2, 3])
def test_an_empty_field_stays_empty_wherever_it_is(empty, monkeypatch, put_aside):
    monkeypatch.setattr(gathering, "_KEPT", 3)
    parts = [pl.DataFrame({"bid": [1.0, None if part == empty else 2.0]}) for part in range(4)]
    assert gathering.gathered(iter(parts)).equals(pl.concat(parts))
    assert len(put_aside) == {0: 0, 1: 0, 2: 2, 3: 3}[empty]


def test_checks_and_the_lake_get_the_same_from_disk_as_from_memory(saved, tmp_path, monkeypatch, request):
    memory = add(saved("EURUSD_H1.csv", ORDINARY), clock="UTC", into=tmp_path / "memory", now=NOW)
    request.getfixturevalue("small_blocks")
    monkeypatch.setattr("quantbench.data.checks.columns._CHUNK", 50)
    monkeypatch.setattr("quantbench.data.sessions._CHUNK", 50)
    monkeypatch.setattr("quantbench.data.frames._SLICE", 50)
    disk = add(saved("EURUSD_H1.csv", ORDINARY), clock="UTC", into=tmp_path / "disk", now=NOW)
    assert disk.version.content == memory.version.content
    assert disk.found.to_json() == memory.found.to_json()


def test_what_was_released_is_read_again():
    part = pl.DataFrame({"close": np.arange(100_000.0)})
    frame = on_disk(*[part] * 3)
    values = columns_of_close(frame)
    before = float(values.sum())
    release([values], slice(0, len(values)))
    release([values[70_000:]], slice(1, 9))
    release([values], slice(299_999, 300_000))
    assert float(values.sum()) == before == float(frame["close"].sum())


def test_releasing_rows_in_memory_leaves_them_alone():
    frame = pl.DataFrame({"close": np.arange(100_000.0)})
    kept = on_disk(frame)
    values = np.arange(100_000.0)
    release([values, frame["close"].to_numpy()], slice(0, len(values)))
    assert values.sum() == frame["close"].sum() == kept["close"].sum()


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="only Linux says what a process holds")
def test_released_rows_take_no_memory():
    part = pl.DataFrame({"close": np.arange(1_000_000.0)})
    values = columns_of_close(on_disk(*[part] * 4))
    values.sum()
    held = file_kb()
    release([values], slice(0, len(values)))
    assert held - file_kb() > 0.9 * values.nbytes / 1024


def test_a_mapping_is_forgotten_with_its_frame():
    part = pl.DataFrame({"close": [1.0, 2.0]})
    frame = on_disk(part)
    known = len(spilled._MAPPED)
    del frame
    gc.collect()
    assert len(spilled._MAPPED) == known - 1


def test_a_changed_copy_of_a_frame_on_disk_is_like_any_other():
    part = pl.DataFrame({"close": [2.0, 1.0]})
    frame = on_disk(part)
    assert (frame * 2)["close"].to_list() == [4.0, 2.0]
    assert frame.sort("close")["close"].to_list() == [1.0, 2.0]
    assert pl.concat([frame, frame]).rechunk()["close"].to_list() == [2.0, 1.0, 2.0, 1.0]
    assert frame["close"].to_list() == [2.0, 1.0]


def test_a_full_disk_is_said_in_a_sentence_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    part = pl.DataFrame({"close": np.arange(1_000.0)})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with (
            Spill(part.schema) as spill,
            pytest.raises(StoreError, match=r"cannot put rows aside in .*: File too large; free some disk space, or"),
        ):
            spill.add(part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match=r"cannot write to .*missing: No such file or directory; name another folder"):
        Spill(pl.Schema({"close": pl.Float64()}))


def on_disk(*parts):
    with Spill(parts[0].schema) as spill:
        for part in parts:
            spill.add(part)
        return spill.frame()


def columns_of_close(frame):
    return frame["close"].to_numpy()


def file_kb():
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssFile:")[2].split(maxsplit=1)[0])
