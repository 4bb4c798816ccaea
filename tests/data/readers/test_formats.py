"""Every format from a few rows written here, so that each reader is tested where no real files are."""

import gzip
import io
import lzma
import struct
import zipfile
from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from quantbench.core.errors import DataError
from quantbench.data.readers import READERS, read, read_terminal
from quantbench.data.readers.mt5_ticks import NAME as MT5_TICKS

BARS = ("open", "high", "low", "close")


def moment(*parts):
    return datetime(*parts)  # noqa: DTZ001


def written(rows, pattern, header=""):
    lines = [
        pattern.format(t=t, o=f"{o:.5f}", h=f"{h:.5f}", l=f"{low:.5f}", c=f"{c:.5f}", v=v)
        for t, o, h, low, c, v in rows
    ]
    return header + "".join(lines)


def assert_same(raw, rows, *, volume=True):
    assert raw.frame["time"].to_list() == [row[0] for row in rows]
    for column, name in enumerate(BARS, 1):
        assert raw.frame[name].to_list() == [round(row[column], 5) for row in rows], name
    if volume:
        assert raw.frame["volume"].to_list() == [float(row[5]) for row in rows]


TEXTS = {
    "MetaTrader 5 bars": (
        "{t:%Y.%m.%d}\t{t:%H:%M:%S}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t6\r\n",
        "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n",
    ),
    "MetaTrader 5 Python dump": (
        "{t:%Y-%m-%d %H:%M:%S},{o},{h},{l},{c},{v},3,0\n",
        "time,open,high,low,close,tick_volume,spread,real_volume\n",
    ),
    "MetaTrader 4 CSV": ("{t:%Y.%m.%d},{t:%H:%M},{o},{h},{l},{c},{v}\n", ""),
    "HistData ASCII bars": ("{t:%Y%m%d %H%M%S};{o};{h};{l};{c};{v}\n", ""),
    "JForex CSV bars": (
        "{t:%d.%m.%Y %H:%M:%S}.000,{o},{h},{l},{c},{v}\r\n",
        "Gmt time,Open,High,Low,Close,Volume\r\n",
    ),
    "CSV with a header": ("{t:%Y-%m-%d %H:%M:%S}\t{o}\t{h}\t{l}\t{c}\t{v}\n", "Time\tOpen\tHigh\tLow\tClose\tVolume\n"),
}


@pytest.mark.parametrize("reader", TEXTS)
@pytest.mark.parametrize("packing", ["", ".gz", ".zip"])
def test_a_text_format_is_read_whatever_its_packing(reader, packing, saved, rows):
    pattern, header = TEXTS[reader]
    some = rows(48)
    text = written(some, pattern, header).encode()
    if packing == ".gz":
        text = gzip.compress(text)
    elif packing == ".zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("EURUSD_H1.csv", text)
            archive.writestr("gaps.txt", "none")
        text = buffer.getvalue()
    raw = read(saved(f"EURUSD_H1.csv{packing}", text))
    assert (raw.reader, raw.symbol, raw.timeframe) == (reader, "EURUSD", "H1")
    assert_same(raw, some)
    assert ("left out of the zip: gaps.txt" in raw.notes) == (packing == ".zip")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r", "\r\r\n"])
def test_encodings_and_line_ends_change_nothing(encoding, ends, saved, rows):
    pattern, header = TEXTS["MetaTrader 5 bars"]
    some = rows(30)
    text = written(some, pattern, header).replace("\r\n", ends)
    raw = read(saved("EURUSDH1.csv", text.encode(encoding)))
    assert_same(raw, some)


def test_mixed_line_ends_blank_lines_and_quoted_lines_change_nothing(saved, rows):
    pattern, header = TEXTS["MetaTrader 5 bars"]
    some = rows(30)
    lines = written(some, pattern, header).split("\r\n")[:-1]
    text = "".join(f'"{line}"' + ("\r\n", "\n", "\n\n")[number % 3] for number, line in enumerate(lines))
    assert_same(read(saved("EURUSDH1.csv", text)), some)


def test_blocks_cut_anywhere_give_the_same_rows(saved, rows, monkeypatch):
    from quantbench.data.readers import lines

    pattern, header = TEXTS["CSV with a header"]
    some = rows(500)
    file = saved("EURUSD_H1.csv", written(some, pattern, header))
    monkeypatch.setattr(lines.blocks, "__defaults__", (97,))
    assert_same(read(file), some)


def test_decimal_commas_are_read_with_another_separator(saved, rows):
    some = rows(30)
    text = written(some, "{t:%d.%m.%Y %H:%M};{o};{h};{l};{c};{v}\n").replace("1.0", "1,0")
    raw = read(saved("EURUSD.csv", "Time;Open;High;Low;Close;Volume\n" + text))
    assert_same(raw, some)


def test_blanks_around_fields_change_nothing(saved, rows):
    some = rows(30)
    text = written(some, "{t:%Y-%m-%d %H:%M}, {o}, {h} , {l}, {c}, {v}\n", "time, open, high, low, close, volume\n")
    assert_same(read(saved("EURUSD.csv", text)), some)


def test_metatrader_ticks_carry_an_unchanged_side_on(saved):
    text = (
        "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\r\n"
        "2017.01.02\t00:00:00.100\t\t1.06000\t\t\t4\r\n"
        "2017.01.02\t00:00:00.200\t1.05000\t\t\t\t2\r\n"
        "2017.01.02\t00:00:00.300\t\t1.06100\t\t\t4\r\n"
    )
    raw = read(saved("EURUSD_201701020000_201701020100.csv", text))
    assert raw.reader == MT5_TICKS
    assert raw.frame.select("bid", "ask").rows() == [(1.05, 1.06), (1.05, 1.061)]
    assert raw.frame["time"][0] == datetime(2017, 1, 2, 0, 0, 0, 200_000)  # noqa: DTZ001
    assert "1 ticks before the first bid and ask are left out" in raw.notes


def test_histdata_ticks_have_milliseconds_without_a_point(saved):
    raw = read(
        saved("DAT_ASCII_EURUSD_T_201701.csv", "20170102 170000065,1.05,1.06,0\n20170102 170010447,1.05,1.07,0\n")
    )
    assert (raw.kind, raw.symbol, raw.reader) == ("ticks", "EURUSD", "HistData ASCII ticks")
    assert raw.frame["time"][1] == datetime(2017, 1, 2, 17, 0, 10, 447_000)  # noqa: DTZ001


def test_jforex_ticks_have_the_ask_first_and_say_their_offset(saved):
    text = "Local time,Ask,Bid,AskVolume,BidVolume\n04.09.2023 01:00:05.962 GMT+0300,1.06,1.05,0.6,0.5\n"
    raw = read(saved("EURUSD_Ticks.csv", text))
    assert raw.clock == "UTC"
    assert raw.frame.row(0)[1:] == (1.05, 1.06, 0.5, 0.6)
    assert raw.frame["time"][0] == datetime(2023, 9, 3, 22, 0, 5, 962_000)  # noqa: DTZ001


def test_points_become_prices_by_the_digits_of_the_symbol(saved):
    text = "Date,open,high,low,close,tick_volume\n"
    text += "2017-01-02 00:00:00,103428.00000000001,103430.0,103176.0,103258.99999999999,4\n"
    raw = read(saved("AUDUSDh1.csv", text))
    assert raw.frame.row(0)[1:] == (1.03428, 1.0343, 1.03176, 1.03259, 4.0)
    assert read(saved("USDJPYh1.csv", text)).frame["open"][0] == 103.428
    with pytest.raises(DataError, match="say how many digits its prices have"):
        read(saved("US500h1.csv", text))
    assert read(saved("US500h1.csv", text), digits=1).frame["open"][0] == 10342.8


def hst(version, rows, *, period=60, symbol=b"EURUSD"):
    head = struct.pack("<i64s12siiii52x", version, b"(C)", symbol, period, 5, 0, 0)
    body = b""
    for t, o, h, low, c, v in rows:
        stamp = int(t.replace(tzinfo=UTC).timestamp())
        if version == 400:
            body += struct.pack("<iddddd", stamp, o, low, h, c, float(v))
        else:
            body += struct.pack("<qddddqiq", stamp, o, h, low, c, v, 7, 0)
    return head + body


@pytest.mark.parametrize("version", [400, 401])
def test_metatrader_4_history_is_read_in_both_versions(version, saved, rows):
    some = [(t, *(round(x, 5) for x in row), v) for t, *row, v in rows(30)]
    raw = read(saved("whatever.bin", hst(version, some)))
    assert (raw.symbol, raw.timeframe, raw.reader) == ("EURUSD", "H1", f"MetaTrader 4 history v{version}")
    assert_same(raw, some)
    assert ("spread" in raw.frame.columns) == (version == 401)


def test_a_record_cut_short_at_the_end_of_a_history_is_left_out_and_said(saved, rows):
    raw = read(saved("EURUSD60.hst", hst(401, rows(30))[:-11]))
    assert len(raw) == 29
    assert "the last 49 bytes are a record cut short: left out" in raw.notes


def ticks_bi5(records):
    return lzma.compress(b"".join(struct.pack(">IIIff", *r) for r in records), format=lzma.FORMAT_ALONE)


def test_dukascopy_months_count_from_zero(saved):
    packed = ticks_bi5([(100, 105_010, 105_000, 1.0, 2.0), (3_599_000, 105_030, 105_020, 1.5, 2.5)])
    raw = read(saved("EURUSD/2019/01/04/05h_ticks.bi5", packed))
    assert raw.frame["time"].to_list() == [datetime(2019, 2, 4, 5, 0, 0, 100_000), datetime(2019, 2, 4, 5, 59, 59)]  # noqa: DTZ001
    assert raw.frame.row(0)[1:] == (1.05, 1.0501, 2.0, 1.0)
    with pytest.raises(DataError, match=r"keep the path, or give start="):
        read(saved("05h_ticks.bi5", packed), symbol="EURUSD")
    lost = read(saved("05h_ticks.bi5", packed), symbol="EURUSD", start=datetime(2019, 2, 4, 5))  # noqa: DTZ001
    assert lost.frame.equals(raw.frame)


def test_dukascopy_candles_are_open_close_low_high(saved):
    records = [struct.pack(">IIIIIf", 60 * n, 105_000, 105_020, 104_990, 105_040, 3.0) for n in range(5)]
    packed = lzma.compress(b"".join(records), format=lzma.FORMAT_ALONE)
    raw = read(saved("EURUSD/2019/01/04/BID_candles_min_1.bi5", packed))
    assert raw.frame.row(0)[1:] == (1.05, 1.0504, 1.0499, 1.0502, 3.0)
    assert (raw.side, raw.timeframe, raw.clock) == ("bid", "M1", "UTC")


def zipped(name, text):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, text)
    return buffer.getvalue()


def test_lean_quotes_become_bid_bars_with_the_spread_at_the_open(saved):
    text = "20170102 05:00,1.05,1.07,1.04,1.06,0,1.0502,1.0702,1.0402,1.0602,0\n"
    text += "20170102 06:00,1.06,1.07,1.04,1.06,0,1.0603,1.0702,1.0402,1.0602,0\n"
    raw = read(saved("forex/oanda/hour/eurusd.zip", zipped("eurusd.csv", text)))
    assert (raw.symbol, raw.clock, raw.side, raw.spread_of) == ("EURUSD", "UTC", "bid", "open")
    assert raw.frame["spread_price"].to_list() == pytest.approx([0.0002, 0.0003])


def test_lean_minutes_count_from_midnight_of_the_day_in_the_name(saved):
    text = "0,1.05,1.07,1.04,1.06,0,1.0502,1.0702,1.0402,1.0602,0\r\n"
    text += "60000,1.06,1.07,1.04,1.06,0,1.0603,1.0702,1.0402,1.0602,0\r\n"
    raw = read(saved("fxcm/minute/eurusd/20140501_quote.zip", zipped("20140501_eurusd_minute_quote.csv", text)))
    assert raw.frame["time"].to_list() == [datetime(2014, 5, 1), datetime(2014, 5, 1, 0, 1)]  # noqa: DTZ001
    assert (raw.symbol, raw.clock) == ("EURUSD", "Etc/GMT+5")


def test_lean_equity_trades_are_divided_by_ten_thousand_or_refused(saved):
    text = "20170103 00:00,1158000,1163300,1147600,1161500,28781865\n"
    text += "20170104 00:00,1158500,1165100,1157500,1160200,21118116\n"
    raw = read(saved("equity/usa/daily/aapl.zip", zipped("aapl.csv", text)))
    assert raw.frame["close"].to_list() == [116.15, 116.02]
    with pytest.raises(DataError, match="say digits=4 if these are"):
        read(saved("aapl.zip", zipped("aapl.csv", text)))


RATES = np.dtype(
    [(n, "<i8") for n in ("time",)]
    + [(n, "<f8") for n in BARS]
    + [("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8")]
)


def rates(rows):
    return np.array(
        [(int(t.replace(tzinfo=UTC).timestamp()), o, h, low, c, v, 5, 0) for t, o, h, low, c, v in rows], RATES
    )


@pytest.mark.parametrize("save", [np.save, np.savez, np.savez_compressed])
def test_rates_saved_by_numpy_are_read_without_unpickling(save, saved, rows):
    buffer = io.BytesIO()
    some = [(t, *(round(x, 5) for x in row), v) for t, *row, v in rows(30)]
    save(buffer, rates(some))
    raw = read(saved("EURUSD_H1.npz", buffer.getvalue()))
    assert_same(raw, some)
    assert raw.spread_of == "minimum"


def test_an_array_of_objects_is_refused(saved):
    buffer = io.BytesIO()
    np.save(buffer, np.array([{}, 1], object), allow_pickle=True)
    with pytest.raises(DataError, match="no plain array of rates"):
        read(saved("EURUSD.npy", buffer.getvalue()))


def test_a_terminal_gives_bars_on_the_servers_clock(rows):
    asked = []

    def copy_rates(*arguments):
        asked.append(arguments)
        return rates(rows(30))

    raw = read_terminal(copy_rates, "EURUSD", "H1", start=moment(2017, 1, 2), end=moment(2017, 1, 3))
    assert asked == [("EURUSD", 0x4001, datetime(2017, 1, 2, tzinfo=UTC), datetime(2017, 1, 3, tzinfo=UTC))]
    assert (len(raw), raw.clock, raw.spread_of) == (30, None, "minimum")
    with pytest.raises(DataError, match="asked for M5 bars of EURUSD, the terminal gave H1"):
        read_terminal(copy_rates, "EURUSD", "M5", start=moment(2017, 1, 2), end=moment(2017, 1, 3))
    with pytest.raises(DataError, match="the terminal has no H1 bars of EURUSD"):
        read_terminal(lambda *_: None, "EURUSD", "H1", start=moment(2017, 1, 2), end=moment(2017, 1, 3))


def test_parquet_of_several_symbols_asks_which(tmp_path):
    file = tmp_path / "two.parquet"
    pl.DataFrame(
        {
            "symbol": ["EURUSD", "USDJPY"],
            "time": [moment(2017, 1, 2)] * 2,
            **{name: [105_000, 117_000] for name in BARS},
            "spread": [-1, -1],
        }
    ).write_parquet(file, metadata={"unit": "points", "digits": "{'EURUSD': 5, 'USDJPY': 3}"})
    with pytest.raises(DataError, match="holds the symbols EURUSD, USDJPY; one import takes one"):
        read(file)
    raw = read(file, symbol="USDJPY", timeframe="H1")
    assert raw.frame.rows() == [(moment(2017, 1, 2), 117.0, 117.0, 117.0, 117.0)]


def test_yahoo_and_crypto_files_are_read_by_their_header(saved):
    yahoo = "Date,Open,High,Low,Close,Adj Close,Volume\n1/4/1999,10,12,9,11,11,5\n1/25/1999,11,12,9,11,11,5\n"
    raw = read(saved("nasdaq.csv", yahoo))
    assert raw.frame["time"].to_list() == [moment(1999, 1, 4), moment(1999, 1, 25)]
    crypto = "https://www.CryptoDataDownload.com\nDate,Symbol,Open,High,Low,Close,Volume BTC\n"
    crypto += "2019-10-17 01-PM,BTCUSD,10,12,9,11,5\n2019-10-17 12-AM,BTCUSD,10,12,9,11,5\n"
    raw = read(saved("btc.csv", crypto))
    assert (raw.symbol, raw.frame["time"].to_list()) == ("BTCUSD", [moment(2019, 10, 17, 13), moment(2019, 10, 17)])


def test_a_mapping_names_columns_by_name_or_number(saved):
    file = saved("odd.csv", "wann,a,b,c,d,x\n2017-01-02 01:00,1.1,1.3,1.0,1.2,7\n2017-01-02 02:00,1.1,1.3,1.0,1.2,7\n")
    with pytest.raises(DataError, match="a mapping of columns"):
        read(file)
    named = {"time": "wann", "open": "a", "high": "b", "low": "c", "close": "d"}
    raw = read(file, mapping=named)
    assert raw.frame.row(0) == (moment(2017, 1, 2, 1), 1.1, 1.3, 1.0, 1.2)
    assert raw.notes[0] == "columns: time = wann, open = a, high = b, low = c, close = d"
    with pytest.raises(DataError, match="has no column 'e'; there are: wann, a, b, c, d, x"):
        read(file, mapping={**named, "close": "e"})
    bare = saved("bare.csv", "7,2017-01-02 01:00,1.1,1.3,1.0,1.2\n7,2017-01-02 02:00,1.1,1.3,1.0,1.2\n")
    numbered = {"time": 1, "open": 2, "high": 3, "low": 4, "close": 5}
    assert read(bare, mapping=numbered).frame.equals(raw.frame)


def test_both_sides_of_bars_give_the_spread(saved):
    text = "timestamp,bidopen,bidhigh,bidlow,bidclose,askopen,askhigh,asklow,askclose\n"
    text += "2012-02-01 00:00:00+00:00,1.1,1.3,1.0,1.2,1.25,1.35,1.05,1.25\n"
    raw = read(saved("EURUSD.csv", text))
    assert (raw.clock, raw.side, raw.spread_of) == ("UTC", "bid", "open")
    assert raw.frame["spread_price"][0] == pytest.approx(0.15)


def test_a_day_and_month_that_may_be_swapped_are_asked_for(saved):
    text = "Date,Open,High,Low,Close\n01/02/2017,1.1,1.3,1.0,1.2\n02/02/2017,1.1,1.3,1.0,1.2\n"
    with pytest.raises(DataError, match=r"its dates fit both %d/%m/%Y and %m/%d/%Y; say which"):
        read(saved("x.csv", text))
    raw = read(saved("x.csv", text), mapping={"time_format": "%d/%m/%Y"})
    assert raw.frame["time"][0] == moment(2017, 2, 1)


def test_a_comma_that_may_part_thousands_is_asked_for(saved):
    text = "Date;Open;High;Low;Close\n2017-01-02;10,500;10,700;10,400;10,600\n"
    with pytest.raises(DataError, match="may be a decimal mark or part thousands"):
        read(saved("dow.csv", text))
    assert read(saved("dow.csv", text), mapping={"decimal": ","}).frame["open"][0] == 10.5


def test_a_file_of_ours_is_known_by_content_whatever_its_name(saved, rows):
    pattern, header = TEXTS["MetaTrader 5 bars"]
    assert read(saved("photo.jpg", written(rows(5), pattern, header))).reader == "MetaTrader 5 bars"


def test_every_reader_is_sure_of_at_most_its_own_format(saved, rows):
    for reader, (pattern, header) in TEXTS.items():
        first = written(rows(20), pattern, header).encode()
        best = max(READERS, key=lambda one, first=first: one.sniff(first))
        assert reader.startswith(best.name)


def test_a_timeframe_that_the_rows_contradict_is_refused(saved, rows):
    pattern, header = TEXTS["CSV with a header"]
    with pytest.raises(DataError, match="its rows are H1 bars, M15 was asked for"):
        read(saved("EURUSD.csv", written(rows(20), pattern, header)), timeframe="M15")


def test_a_spread_of_zero_throughout_is_not_carried(saved, rows):
    pattern, header = TEXTS["MetaTrader 5 bars"]
    raw = read(saved("EURUSDH1.csv", written(rows(20), pattern.replace("\t6", "\t0"), header)))
    assert "spread" not in raw.frame.columns
    assert "the spread is 0 in every row, so the source does not carry it" in raw.notes
