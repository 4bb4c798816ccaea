import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from shutil import copyfile
from subprocess import run
from sys import executable

import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.core.errors import DataError, MissingExtra, StoreError
from quantbench.data import store

STORED = [("BTCUSD", "H1", 17_550), ("EURUSD", "H1", 6_225), ("NASDAQ", "D1", 5_031), ("SP500", "D1", 5_031)]


@pytest.mark.parametrize(("symbol", "timeframe", "many"), STORED)
def test_every_stored_symbol_loads_with_its_contract_facts(symbol, timeframe, many):
    bars = qb.load(symbol, timeframe)
    assert (bars.symbol, bars.timeframe, len(bars)) == (symbol, timeframe, many)
    assert bars.instrument.symbol == symbol
    assert np.isnan(bars.spread).all(), "not carried: costs use the declared spread"


def test_symbols_lists_what_load_gives():
    table = qb.symbols()
    assert list(table.columns) == ["symbol", "timeframe", "bars", "from", "to", "source", "licence", "stored"]
    assert set(table["stored"]) == {"sample"}
    assert [tuple(row) for row in table[["symbol", "timeframe", "bars"]].to_numpy()] == STORED
    for _, row in table.iterrows():
        bars = qb.load(row["symbol"], row["timeframe"])
        assert row["from"] == pd.Timestamp(bars.time[0], tz="UTC")
        assert row["to"] == pd.Timestamp(bars.time[-1], tz="UTC")
        assert row["source"]
        assert row["licence"] in {"MIT", "NCSA", "Apache-2.0"}


def test_reading_twice_gives_the_same_version():
    assert qb.load("EURUSD", "H1").version == qb.load("EURUSD", "H1").version
    assert qb.load("EURUSD", "H1").version != qb.load("EURUSD", "H1", "2017-02").version


def test_a_range_is_half_open_and_equals_the_slice_of_the_whole():
    part = qb.load("EURUSD", "H1", "2017-03-01", "2017-03-02")
    assert part.time[0] == np.datetime64("2017-03-01T00:00")
    assert part.time[-1] == np.datetime64("2017-03-01T23:00")
    whole = qb.load("EURUSD", "H1").between("2017-03-01", "2017-03-02")
    assert part.version == whole.version


@pytest.mark.parametrize(
    "start",
    [
        "2017-03",
        "2017-03-01",
        "2017-03-01 00:00",
        "2017-03-01T01:00+01:00",
        datetime(2017, 3, 1),  # noqa: DTZ001
        datetime(2017, 3, 1, tzinfo=UTC),
        datetime(2017, 3, 1, 2, tzinfo=timezone(timedelta(hours=2))),
        pd.Timestamp("2017-03-01", tz="UTC"),
        np.datetime64("2017-03-01"),
    ],
    ids=str,
)
def test_a_start_may_be_said_in_many_ways(start):
    assert qb.load("EURUSD", "H1", start).time[0] == np.datetime64("2017-03-01T00:00")


def test_a_year_means_its_first_day():
    bars = qb.load("SP500", "D1", "2001", "2002")
    assert str(bars.time[0])[:10] == "2001-01-02"
    assert str(bars.time[-1])[:10] == "2001-12-31"


@pytest.mark.parametrize("wrong", ["yesterday", "2017-13", "2017-3", "", 2017, 20170301.0])
def test_a_time_that_is_none_is_refused_with_an_example(wrong):
    with pytest.raises(DataError, match=r"start must be a UTC time such as '2017'.*found"):
        qb.load("EURUSD", "H1", wrong)
    with pytest.raises(DataError, match=r"end must be a UTC time"):
        qb.load("EURUSD", "H1", None, wrong)


@pytest.mark.parametrize(
    ("start", "end"), [("2018", None), (None, "2016"), ("2017-05", "2017-04"), ("2017-05", "2017-05")]
)
def test_an_empty_range_says_what_there_is(start, end):
    with pytest.raises(
        DataError, match=r"no bars from .* there are bars from 2017-01-01 22:00 to 2017-12-29 21:00 UTC"
    ):
        qb.load("EURUSD", "H1", start, end)


@pytest.mark.parametrize("misspelt", ["EURSUD", "eurusd", "EURUSDm"])
def test_a_misspelt_symbol_gets_a_hint(misspelt):
    with pytest.raises(DataError, match=r"did you mean EURUSD\? There are: BTCUSD H1, EURUSD H1"):
        qb.load(misspelt, "H1")


def test_an_unknown_symbol_lists_what_there_is():
    with pytest.raises(DataError, match=r"no bars of 'ZZZ' are stored: known: BTCUSD, EURUSD, NASDAQ, SP500"):
        qb.load("ZZZ", "H1")


def test_a_timeframe_that_is_not_stored_lists_what_is():
    with pytest.raises(DataError, match=r"no M5 bars of EURUSD are stored, nor any to make .* there are: .*EURUSD H1"):
        qb.load("EURUSD", "M5")


def test_a_timeframe_that_does_not_exist_gets_a_hint():
    with pytest.raises(DataError, match=r"unknown timeframe 'h1': did you mean H1\?"):
        qb.load("EURUSD", "h1")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "sample_folder", lambda: tmp_path)
    return tmp_path


def test_a_missing_sample_says_where_it_was_looked_for(elsewhere):
    with pytest.raises(StoreError, match=f"the embedded sample is not in {elsewhere}"):
        qb.symbols()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all" * 100])
def test_a_broken_file_is_one_clear_sentence(elsewhere, content):
    (elsewhere / "EURUSD_H1.parquet").write_bytes(content)
    with pytest.raises(StoreError, match=r"cannot read .*EURUSD_H1.parquet"):
        qb.load("EURUSD", "H1")


def test_a_truncated_file_is_one_clear_sentence(elsewhere, monkeypatch):
    whole = (Path(__file__).parents[2] / "data" / "sample" / "EURUSD_H1.parquet").read_bytes()
    (elsewhere / "EURUSD_H1.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StoreError, match=r"cannot read .*EURUSD_H1.parquet"):
        qb.load("EURUSD", "H1")


def test_a_file_of_another_schema_is_refused(elsewhere):
    import polars as pl

    pl.DataFrame({"time": []}).write_parquet(elsewhere / "EURUSD_H1.parquet", metadata={"schema": "2"})
    with pytest.raises(StoreError, match="has schema 2, this Quantbench reads 1"):
        qb.load("EURUSD", "H1")


def test_without_polars_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.delitem(sys.modules, "quantbench.data.parquet", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'quantbench\[lab\]'"):
        qb.load("EURUSD", "H1")


def test_the_sample_is_found_beside_the_package_as_in_a_wheel(tmp_path, monkeypatch):
    packaged = tmp_path / "quantbench" / "data" / "sample"
    packaged.mkdir(parents=True)
    copyfile(store.sample_folder() / "SP500_D1.parquet", packaged / "SP500_D1.parquet")
    monkeypatch.setattr(store, "__file__", str(packaged.parent / "store.py"))
    assert store.sample_folder() == packaged
    assert list(qb.symbols().symbol) == ["SP500"]


def test_finding_load_loads_neither_polars_nor_pandas():
    code = "import sys; from quantbench import load; assert not {'polars', 'pandas', 'pydantic'} & set(sys.modules)"
    assert run([executable, "-c", code], check=False).returncode == 0
