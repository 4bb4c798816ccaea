"""The real files beside the checkout: what each is imported as, or why it is refused."""

from datetime import datetime

import polars as pl
import pytest

from quantbench.core.errors import DataError
from quantbench.data.readers import read
from quantbench.data.source_clock import detect, to_utc

# file: reader, symbol, timeframe, rows
IMPORTED = {
    "derived/DAT_ASCII_EURUSD_M1_2017H1_concat.csv.gz": ("HistData ASCII bars", "EURUSD", "M1", 186_348),
    "derived/EURUSD_201405050000_201405051503.csv": ("MetaTrader 5 ticks", "EURUSD", None, 11_979),
    "derived/EURUSD_M1_201405010300_201405080259.csv": ("MetaTrader 5 bars", "EURUSD", "M1", 6_887),
    "dukascopy_bi5/EURUSD/2018/BID_candles_day_1.bi5": ("Dukascopy bi5 candles", "EURUSD", "D1", 365),
    "dukascopy_bi5/EURUSD/2019/00/BID_candles_hour_1.bi5": ("Dukascopy bi5 candles", "EURUSD", "H1", 744),
    "dukascopy_bi5/EURUSD/2019/01/04/BID_candles_min_1.bi5": ("Dukascopy bi5 candles", "EURUSD", "M1", 1_440),
    "dukascopy_tsv/AAPLUSUSD_H1.csv.gz": ("CSV with a header", "AAPLUSUSD", "H1", 11_667),
    "dukascopy_tsv/AUDCAD1440.csv": ("MetaTrader 4 CSV", "AUDCAD", "D1", 5_201),
    "dukascopy_tsv/BTCUSD_H1.csv.gz": ("CSV with a header", "BTCUSD", "H1", 39_214),
    "dukascopy_tsv/DEUIDXEUR_H1.csv.gz": ("CSV with a header", "DEUIDXEUR", "H1", 53_521),
    "dukascopy_tsv/EURUSD_D1.csv": ("CSV with a header", "EURUSD", "D1", 5_012),
    "dukascopy_tsv/EURUSD_H4.csv.gz": ("CSV with a header", "EURUSD", "H4", 25_847),
    "dukascopy_tsv/USA500.IDXUSD_Ticks_04.09.2023-04.09.2023.csv": ("JForex CSV ticks", "USA500.IDXUSD", None, 10_234),
    "dukascopy_tsv/USDJPY_D1.csv": ("CSV with a header", "USDJPY", "D1", 5_021),
    "dukascopy_tsv/XAUUSD_D1.csv": ("CSV with a header", "XAUUSD", "D1", 5_171),
    "histdata/DAT_ASCII_EURUSD_M1_201701.csv": ("HistData ASCII bars", "EURUSD", "M1", 31_500),
    "histdata/DAT_ASCII_EURUSD_M1_201702.csv.gz": ("HistData ASCII bars", "EURUSD", "M1", 28_779),
    "histdata/DAT_ASCII_EURUSD_M1_201703.csv": ("HistData ASCII bars", "EURUSD", "M1", 32_660),
    "histdata/DAT_ASCII_EURUSD_M1_201704.csv.gz": ("HistData ASCII bars", "EURUSD", "M1", 29_161),
    "histdata/DAT_ASCII_EURUSD_M1_201705.csv.gz": ("HistData ASCII bars", "EURUSD", "M1", 33_054),
    "histdata/DAT_ASCII_EURUSD_M1_201706.csv.gz": ("HistData ASCII bars", "EURUSD", "M1", 31_194),
    "histdata/quote_tick_data.csv": ("HistData ASCII ticks", None, None, 9_500),
    "lean_zip/cfd_oanda_daily_xauusd.zip": ("QuantConnect Lean bars", "XAUUSD", "D1", 3_949),
    "lean_zip/cfd_oanda_hour_xauusd.zip": ("QuantConnect Lean bars", "XAUUSD", "H1", 76_499),
    "lean_zip/forex_oanda_daily_eurusd.zip": ("QuantConnect Lean bars", "EURUSD", "D1", 3_738),
    "lean_zip/forex_oanda_daily_gbpusd.zip": ("QuantConnect Lean bars", "GBPUSD", "D1", 3_738),
    "lean_zip/forex_oanda_hour_eurusd.zip": ("QuantConnect Lean bars", "EURUSD", "H1", 74_439),
    "lean_zip/forex_oanda_tick_eurusd_20140501_quote.zip": ("QuantConnect Lean ticks", "EURUSD", None, 24_179),
    "lean_zip/forex_oanda_tick_eurusd_20140502_quote.zip": ("QuantConnect Lean ticks", "EURUSD", None, 49_341),
    "mt4_hst/EURUSD5.csv.gz": ("MetaTrader 5 Python dump", "EURUSD", "M5", 28_183),
    "mt4_hst/EURUSD5.hst": ("MetaTrader 4 history v401", "EURUSD", "M5", 28_183),
    "mt4_hst/EURUSD60.hst": ("MetaTrader 4 history v401", "EURUSD", "H1", 4_164),
    "mt5_export/EURUSDDAILY.csv": ("MetaTrader 5 bars", "EURUSD", "D1", 260),
    "mt5_export/EURUSDM15.csv": ("MetaTrader 5 bars", "EURUSD", "M15", 24_824),
    **{
        f"mt5_history_points/{symbol}d1.csv": ("MetaTrader 5 bars in points", symbol, "D1", 2_400)
        for symbol in ("AUDUSD", "EURUSD", "GBPUSD", "USDCHF", "USDJPY", "XAUUSD")
    },
    **{
        f"mt5_history_points/{symbol}h1.csv{packing}": ("MetaTrader 5 bars in points", symbol, "H1", 57_600)
        for symbol, packing in (
            ("AUDUSD", ".gz"),
            ("GBPUSD", ""),
            ("USDCHF", ".gz"),
            ("USDJPY", ".gz"),
            ("XAUUSD", ".gz"),
        )
    },
    "mt5_history_points/EURUSDh4.csv": ("MetaTrader 5 bars in points", "EURUSD", "H4", 14_400),
    "mt5_history_points/GBPUSDh4.csv.gz": ("MetaTrader 5 bars in points", "GBPUSD", "H4", 14_400),
    "pypi/FOREX_EURUSD_1H_ASK.csv": ("JForex CSV bars", "EURUSD", "H1", 6_225),
    "pypi/bitfinex-1h-btc-usd.csv.gz": ("CSV with a header", "BTCUSD", "H1", 17_583),
    "pypi/nasdaq.csv.gz": ("CSV with a header", None, "D1", 5_031),
}
REFUSED = {
    "FORMATS.md": "in no known format",
    "SOURCES.md": "in no known format",
    "LICENSES": "in no known format|no header|is no table",
    "calendar": "it is JSON|it is XML",
    "rss": "it is XML",
    "lean_zip/forex_readme.md": "in no known format",
    "lean_zip/readme.md": "in no known format",
    "dukascopy_bi5/empty.bi5": "is empty",
    "embedded_candidate": "holds the symbols",
    "symbol_specs": "it is JSON|Python pickle|in no known format",
}
CLOCKS = {
    "derived/DAT_ASCII_EURUSD_M1_2017H1_concat.csv.gz": "America/New_York",
    "derived/EURUSD_M1_201405010300_201405080259.csv": "America/New_York+7",
    "histdata/DAT_ASCII_EURUSD_M1_201703.csv": "America/New_York",
    "mt4_hst/EURUSD5.hst": "America/New_York+7",
    "mt4_hst/EURUSD60.hst": "America/New_York+7",
    "mt4_hst/EURUSD5.csv.gz": "America/New_York+9",
    "mt5_export/EURUSDM15.csv": "Europe/Athens",
    "mt5_history_points/GBPUSDh1.csv": "Europe/Berlin then Europe/Athens",
    "mt5_history_points/USDJPYh1.csv.gz": "Europe/Berlin then Europe/Athens",
    "mt5_history_points/XAUUSDh1.csv.gz": "Europe/Athens",
    "pypi/FOREX_EURUSD_1H_ASK.csv": "UTC",
    "lean_zip/forex_oanda_hour_eurusd.zip": "UTC",
}
MANY = ("h_ticks.bi5", "_minute_eurusd_", "_second_eurusd_")


@pytest.mark.parametrize("name", IMPORTED)
def test_a_real_file_is_imported_as_what_it_is(name, shared):
    raw = read(shared / name)
    assert (raw.reader, raw.symbol, raw.timeframe, len(raw)) == IMPORTED[name]
    assert not raw.frame.select(pl.exclude("volume")).null_count().sum_horizontal()[0]


def test_every_other_file_is_refused_with_one_sentence(shared):
    for file in sorted(shared.rglob("*")):
        name = file.relative_to(shared).as_posix()
        if not file.is_file() or name in IMPORTED or any(part in name for part in MANY):
            continue
        reason = next(text for start, text in REFUSED.items() if name.startswith(start))
        with pytest.raises(DataError, match=reason):
            read(file)


def test_files_of_one_day_are_imported_one_by_one(shared):
    rows = {part: sum(len(read(file)) for file in sorted(shared.rglob(f"*{part}*"))) for part in MANY}
    assert rows == {"h_ticks.bi5": 136_741, "_minute_eurusd_": 15_366, "_second_eurusd_": 277_141}


@pytest.mark.parametrize("symbol", ["AUDUSD", "EURUSD", "GBPUSD", "USDCHF", "USDJPY", "XAUUSD"])
def test_a_file_of_several_symbols_is_imported_one_symbol_at_a_time(symbol, shared):
    ours = read(shared / "embedded_candidate/fx12_d1_2012_2022_server_date.parquet", symbol=symbol)
    theirs = read(shared / f"mt5_history_points/{symbol}d1.csv")
    assert ours.frame.equals(theirs.frame)


FIRST_LAST = {
    "mt5_export/EURUSDM15.csv": (
        ("2023-01-02 07:00:00", 1.07016, 1.07017, 1.06909, 1.06972),
        ("2023-12-29 23:45:00", None, None, None, None),
    ),
    "mt5_history_points/XAUUSDh1.csv.gz": (
        ("2012-05-17 08:00:00", 1547.59, 1553.84, 1547.4, 1552.95),
        ("2022-03-04 23:00:00", 1967.3, 1970.16, 1965.52, 1969.74),
    ),
    "mt4_hst/EURUSD5.hst": (
        ("2025-04-04 23:05:00", 1.09494, 1.09501, 1.09467, 1.09491),
        ("2025-08-22 16:45:00", 1.1605, 1.16055, 1.16013, 1.16032),
    ),
    "lean_zip/cfd_oanda_daily_xauusd.zip": (
        ("2006-03-20 00:00:00", 552.8, 556.2, 549.8, 553.8),
        ("2019-02-25 00:00:00", None, None, None, None),
    ),
    "pypi/bitfinex-1h-btc-usd.csv.gz": (
        ("2019-07-04 01:00:00", 11849.99, 11880.0, 11790.01, 11849.69),
        ("2017-07-01 11:00:00", 2505.56, 2513.38, 2495.12, 2509.17),
    ),
}


@pytest.mark.parametrize("name", FIRST_LAST)
def test_first_and_last_rows_are_those_of_the_file(name, shared):
    frame = read(shared / name).frame
    for row, (time, *prices) in zip((0, -1), FIRST_LAST[name], strict=True):
        assert f"{frame['time'][row]:%Y-%m-%d %H:%M:%S}" == time
        found = frame.row(row)[1:5]
        assert all(price is None or price == value for price, value in zip(prices, found, strict=True))


@pytest.mark.parametrize("name", CLOCKS)
def test_the_clock_of_a_real_file_is_found(name, shared):
    found = detect(read(shared / name))
    assert " then ".join(part.clock for part in found.segments) == CLOCKS[name]
    assert found.confidence >= 0.7


def test_the_clock_of_the_gbpusd_history_changes_at_the_end_of_november_2014(shared):
    found = detect(read(shared / "mt5_history_points/GBPUSDh1.csv"))
    assert [segment.first for segment in found.segments] == [None, datetime(2014, 11, 24)]  # noqa: DTZ001


@pytest.mark.parametrize(
    "name", ["dukascopy_tsv/EURUSD_D1.csv", "dukascopy_tsv/EURUSD_H4.csv.gz", "dukascopy_tsv/BTCUSD_H1.csv.gz",
             "dukascopy_tsv/DEUIDXEUR_H1.csv.gz", "histdata/quote_tick_data.csv", "pypi/bitfinex-1h-btc-usd.csv.gz"],
)  # fmt: skip
def test_a_clock_that_rows_do_not_show_is_asked_for(name, shared):
    with pytest.raises(DataError, match="say which clock it is on: clock="):
        detect(read(shared / name))


def test_the_converted_xauusd_history_matches_another_source_hour_by_hour(shared):
    raw = read(shared / "mt5_history_points/XAUUSDh1.csv.gz")
    ours, _ = to_utc(raw.frame, detect(raw).segments)
    theirs = read(shared / "lean_zip/cfd_oanda_hour_xauusd.zip").frame
    both = ours.join(theirs, on="time").with_columns(month=pl.col("time").dt.truncate("1mo"))
    apart = both.group_by("month").agg((pl.col("close") - pl.col("close_right")).abs().median())
    assert apart.height > 75
    assert apart["close"].quantile(0.99) < 0.5


def test_the_converted_gbpusd_history_gives_the_days_of_another_source(shared):
    raw = read(shared / "mt5_history_points/GBPUSDh1.csv")
    ours, _ = to_utc(raw.frame, detect(raw).segments)
    days = ours.group_by_dynamic("time", every="1d").agg(pl.col("close").last())
    theirs = read(shared / "lean_zip/forex_oanda_daily_gbpusd.zip").frame
    both = days.join(theirs, on="time").filter(pl.col("time").dt.weekday() < 5)
    apart = (
        both.with_columns(year=pl.col("time").dt.year())
        .group_by("year")
        .agg((pl.col("close") - pl.col("close_right")).abs().median())
    )
    assert apart.filter(pl.col("year") <= 2018)["close"].max() < 0.0001


def test_dukascopy_ticks_rebuild_the_vendors_minutes_exactly(shared):
    day = shared / "dukascopy_bi5/EURUSD/2019/01/04"
    ticks = pl.concat(read(file).frame for file in sorted(day.glob("*h_ticks.bi5")))
    vendor = read(day / "BID_candles_min_1.bi5").frame
    minutes = ticks.group_by_dynamic("time", every="1m").agg(
        open=pl.col("bid").first(), high=pl.col("bid").max(), low=pl.col("bid").min(), close=pl.col("bid").last()
    )
    both = vendor.join(minutes, on="time", suffix="_ticks")
    assert both.height == minutes.height > 1_400
    for name in ("open", "high", "low", "close"):
        assert both[name].equals(both[f"{name}_ticks"], null_equal=False), name
