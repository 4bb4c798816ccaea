import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.core.errors import DataError, StoreError
from quantbench.data.spreads import fill_spreads, read_spreads, spreads_by_hour, write_spreads

HOUR = 3_600 * 10**9


def quotes(start="2017-01-02", weeks=40):
    """An hourly quote of 5 points, of 20 in the hour that begins with the roll in New York."""
    opens = np.arange(np.datetime64(start, "h"), np.datetime64(start, "h") + weeks * 168)
    local = pd.DatetimeIndex(opens, tz="UTC").tz_convert("America/New_York")
    return opens.astype("datetime64[ns]").astype(np.int64), np.where(local.hour == 17, 20.0, 5.0)


@pytest.fixture(scope="module")
def measured():
    return spreads_by_hour("EURUSD", *quotes(), source="a test")


def test_the_roll_is_the_same_hour_in_summer_and_winter(measured):
    table = measured.table()
    assert (table.query("hour == 0")["median"] == 20.0).all()
    assert (table.query("hour != 0")["median"] == 5.0).all()
    assert table["count"].sum() == 40 * 168
    assert len(table) == 168


def test_median_and_90th_percentile_are_those_of_the_hour():
    monday = np.datetime64("2017-01-02T12:30", "ns").astype(np.int64) + np.arange(100) * 10**9
    spread = np.arange(100.0)
    found = spreads_by_hour("EURUSD", monday, spread, source="a test")
    row = found.table().query("count > 0").iloc[0]
    assert (row["weekday"], row["hour"]) == (0, 14)
    assert row["median"] == np.percentile(spread, 50)
    assert row["p90"] == np.percentile(spread, 90)


def test_an_hour_with_too_few_quotes_has_the_figures_of_all(measured):
    time, spread = quotes()
    few = spreads_by_hour("EURUSD", time[:100], spread[:100], source="a test")
    assert set(few.median) == {5.0}
    assert few.count.max() == 1


def test_crossed_and_missing_spreads_are_left_out():
    time, _ = quotes(weeks=1)
    spread = np.where(np.arange(168) % 2, 5.0, np.where(np.arange(168) % 4, -3.0, np.nan))
    assert spreads_by_hour("EURUSD", time, spread, source="x").count.sum() == 84
    with pytest.raises(DataError, match="there is no spread to measure"):
        spreads_by_hour("EURUSD", time, np.full(168, np.nan), source="x")


def test_only_bars_without_a_spread_are_filled(measured):
    bars = qb.load("EURUSD", "H1", "2017-03", "2017-05")
    filled = fill_spreads(bars, measured)
    roll = pd.DatetimeIndex(bars.time, tz="UTC").tz_convert("America/New_York").hour == 17
    np.testing.assert_array_equal(filled.spread, np.where(roll, 20.0, 5.0))
    assert fill_spreads(filled, spreads_by_hour("EURUSD", *quotes(weeks=2), source="other")) is filled
    assert (fill_spreads(bars, measured, which="p90").spread == filled.spread).all()


def test_spreads_of_another_symbol_are_refused(measured):
    with pytest.raises(DataError, match="these spreads are of EURUSD, the bars of BTCUSD"):
        fill_spreads(qb.load("BTCUSD", "H1", "2018-01", "2018-02"), measured)


def test_load_uses_measured_spreads_where_bars_carry_none(measured, tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    assert np.isnan(qb.load("EURUSD", "H1").spread).all()
    write_spreads(measured)
    assert set(qb.load("EURUSD", "H1").spread) == {5.0, 20.0}
    assert np.isnan(qb.load("BTCUSD", "H1").spread).all()


def test_a_table_survives_its_file(measured, tmp_path):
    assert read_spreads("EURUSD", tmp_path) is None
    file = write_spreads(measured, tmp_path)
    again = read_spreads("EURUSD", tmp_path)
    assert again.table().equals(measured.table())
    assert again.source == "a test"
    file.write_text('{"schema": 2}')
    with pytest.raises(StoreError, match="has schema 2, this Quantbench reads 1"):
        read_spreads("EURUSD", tmp_path)
    file.write_text("{}")
    with pytest.raises(StoreError, match="is no table of spreads"):
        read_spreads("EURUSD", tmp_path)
