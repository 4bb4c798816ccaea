# ruff: noqa: ARG005  (each corruption takes the content and the separator, needed or not)
"""Files damaged in every way we know: refused with one sentence, or read with the right numbers, never else."""

import gzip
import io
import lzma
import struct
import zipfile
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from quantbench.core.errors import DataError
from quantbench.data.readers import read

MANY = 300
BARS = ("open", "high", "low", "close")


def bars():
    rng = np.random.default_rng(5)
    start = datetime(2017, 1, 2, tzinfo=UTC)
    out = []
    for number in range(MANY):
        price = 1.05 + rng.integers(-900, 900) * 1e-5
        out.append((start + timedelta(hours=number), price, price + 7e-4, price - 5e-4, price + 2e-4, 100 + number))
    return out


def text(pattern, header=""):
    lines = (
        pattern.format(t=t, o=f"{o:.5f}", h=f"{h:.5f}", l=f"{low:.5f}", c=f"{c:.5f}", v=v)
        for t, o, h, low, c, v in bars()
    )
    return (header + "".join(lines)).encode()


MT5 = text(
    "{t:%Y.%m.%d}\t{t:%H:%M:%S}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t6\r\n",
    "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n",
)
CSV = text("{t:%Y-%m-%d %H:%M:%S},{o},{h},{l},{c},{v}\n", "Time,Open,High,Low,Close,Volume\n")
MT4 = text("{t:%Y.%m.%d},{t:%H:%M},{o},{h},{l},{c},{v}\n")
HISTDATA = text("{t:%Y%m%d %H%M%S};{o};{h};{l};{c};{v}\n")
TEXTS = {"mt5": MT5, "csv": CSV, "mt4": MT4, "histdata": HISTDATA}


def hst():
    head = struct.pack("<i64s12siiii52x", 401, b"(C)", b"EURUSD", 60, 5, 0, 0)
    return head + b"".join(
        struct.pack("<qddddqiq", int(t.timestamp()), o, h, low, c, v, 7, 0) for t, o, h, low, c, v in bars()
    )


def candles():
    records = [
        struct.pack(">IIIIIf", 3600 * n, *(round(x * 1e5) for x in (o, c, low, h)), v)
        for n, (_, o, h, low, c, v) in enumerate(bars())
    ]
    return lzma.compress(b"".join(records), format=lzma.FORMAT_ALONE)


def zipped(*members, flags=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", flags) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def true_prices():
    return {tuple(round(x, 5) for x in row[1:5]) for row in bars()}


def outcome(file, **options):
    """Return the frame, or None when it was refused in one plain sentence."""
    try:
        raw = read(file, **options)
    except DataError as fault:
        message = str(fault)
        assert 20 < len(message) < 700, message
        assert "\n" not in message, message
        assert "Traceback" not in message, message
        return None
    return raw.frame


def assert_right_or_refused(file, **options):
    """Whatever is loaded stands in the original, in order; the sentence above says what was refused."""
    frame = outcome(file, **options)
    if frame is None:
        return
    found = [tuple(round(x, 5) for x in row) for row in frame.select(BARS).rows()]
    assert set(found) <= true_prices()
    true = [tuple(round(x, 5) for x in row[1:5]) for row in bars()]
    assert found == true[true.index(found[0]) :][: len(found)]
    if "volume" in frame.columns:
        volumes = [float(row[5]) for row in bars()]
        assert frame["volume"].to_list() == volumes[true.index(found[0]) :][: len(found)]
    stamps = [row[0].replace(tzinfo=None) for row in bars()]
    assert frame["time"].to_list() == stamps[true.index(found[0]) :][: len(found)]


def middle(content, what):
    lines = content.split(b"\n")
    return b"\n".join([*lines[:150], what(lines[150]), *lines[151:]])


def replaced(old, new):
    return lambda line: line.replace(old, new, 1)


def _header(content, separator):
    """Return the header; of a file that has none, one that it could have."""
    first = content.split(b"\n")[0]
    return first if first[:1].isalpha() or first[:1] == b"<" else separator.join(bytes([65 + n]) for n in range(7))


CORRUPTIONS = {
    "a field too few": lambda c, s: middle(c, lambda line: line.rpartition(s)[0]),
    "a field too many": lambda c, s: middle(c, lambda line: line.rstrip(b"\r") + s + b"1"),
    "half a line": lambda c, s: middle(c, lambda line: line[: len(line) // 2]),
    "two lines in one": lambda c, s: middle(c, lambda line: line.rstrip(b"\r") + line),
    "the header again": lambda c, s: middle(c, lambda line: _header(c, s) + b"\n" + line),
    "a letter in a price": lambda c, s: middle(c, replaced(b"1.0", b"1.O")),
    "two points in a price": lambda c, s: middle(c, replaced(b"1.0", b"1.0.")),
    "a comma for a point": lambda c, s: middle(c, replaced(b"1.0", b"1,0")),
    "an empty price": lambda c, s: middle(c, lambda line: s.join([*line.split(s)[:-2], b"", line.split(s)[-1]])),
    "the word null": lambda c, s: middle(c, lambda line: s.join([*line.split(s)[:-1], b"null"])),
    "another separator": lambda c, s: middle(c, lambda line: line.replace(s, b"|")),
    "a stray quote": lambda c, s: middle(c, lambda line: b'"' + line),
    "an impossible date": lambda c, s: (
        c.replace(b"2017.01.05", b"2017.02.30").replace(b"2017-01-05", b"2017-02-30").replace(b"20170105", b"20170230")
    ),
    "another date format": lambda c, s: (
        c.replace(b"2017.01.09", b"09/01/2017")
        .replace(b"2017-01-09", b"09/01/2017")
        .replace(b"20170109", b"09/01/2017")
    ),
    "a two-digit year": lambda c, s: c.replace(b"2017", b"17"),
    "a Buddhist year": lambda c, s: c.replace(b"2017", b"2560"),
    "a zero byte": lambda c, s: c[:9_000] + b"\0" + c[9_001:],
    "a page of zero bytes": lambda c, s: c[:8_192] + bytes(4_096) + c[12_288:],
    "only zero bytes": lambda c, s: bytes(len(c)),
    "Latin-1 letters": lambda c, s: middle(c, lambda line: b"\xe9" + line),
    "text below": lambda c, s: c + b"-- end of file --\n",
    "text above": lambda c, s: b"exported by me\n\n" + c,
    "shuffled columns in one line": lambda c, s: middle(c, lambda line: s.join(reversed(line.rstrip(b"\r").split(s)))),
    "no line end at all": lambda c, s: c.replace(b"\r", b"").replace(b"\n", b" "),
    "empty": lambda c, s: b"",
    "only the first line": lambda c, s: c.split(b"\n")[0] + b"\n",
    "mixed encodings": lambda c, s: c[:9_000] + c[9_000:].decode().encode("utf-16-le"),
    "an odd byte of UTF-16": lambda c, s: c.decode().encode("utf-16")[:-1],
    "decimal commas": lambda c, s: (
        c.replace(b".0", b",0").replace(b"1.", b"1,") if s != b"," else c.replace(b"1.0", b"1,0")
    ),
    "hexadecimal numbers": lambda c, s: middle(c, replaced(b"1.0", b"0x1.0")),
}
SEPARATORS = {"mt5": b"\t", "csv": b",", "mt4": b",", "histdata": b";"}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_damaged_text_is_refused_or_right(name, corruption, saved):
    content = CORRUPTIONS[corruption](TEXTS[name], SEPARATORS[name])
    assert_right_or_refused(saved("EURUSD_H1.csv", content))


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("cut", [1, 2, 3, 5, 9, 14, 23, 37, 60, 97, 1_000, 5_000])
def test_text_cut_short_loads_whole_rows_only(name, cut, saved):
    assert_right_or_refused(saved("EURUSD_H1.csv", TEXTS[name][:-cut]))


@pytest.mark.parametrize("content", [hst(), gzip.compress(MT5), zipped(("a.csv", MT5)), candles()])
@pytest.mark.parametrize("share", [0.0005, 0.02, 0.3, 0.7, 0.99])
def test_binary_cut_short_is_refused_or_right(content, share, saved):
    file = saved("EURUSD/2017/00/BID_candles_hour_1.bi5", content[: int(len(content) * share)])
    assert_right_or_refused(file, start=datetime(2017, 1, 2))  # noqa: DTZ001


@pytest.mark.parametrize("packed", ["gz", "zip"])
@pytest.mark.parametrize("seed", range(6))
def test_an_archive_with_a_flipped_byte_is_refused_or_right(packed, seed, saved):
    content = bytearray(gzip.compress(MT5) if packed == "gz" else zipped(("a.csv", MT5)))
    at = int(np.random.default_rng(seed).integers(10, len(content)))
    content[at] ^= 0xFF
    assert_right_or_refused(saved(f"EURUSDH1.csv.{packed}", bytes(content)))


def test_the_line_at_fault_is_named(saved):
    content = CORRUPTIONS["a letter in a price"](CSV, b",")
    with pytest.raises(DataError, match=r"EURUSD_H1\.csv, line 151: no number in the column 'open'"):
        read(saved("EURUSD_H1.csv", content))
    content = CORRUPTIONS["the header again"](CSV, b",")
    with pytest.raises(DataError, match="line 151: the header comes again"):
        read(saved("EURUSD_H1.csv", content))
    content = CORRUPTIONS["an impossible date"](CSV, b",")
    with pytest.raises(DataError, match="line 74: a time is not written like"):
        read(saved("EURUSD_H1.csv", content))


@pytest.mark.parametrize("packed", ["gz", "zip"])
def test_a_gigabyte_of_zeros_is_refused_before_it_is_unpacked(packed, tmp_path):
    file = tmp_path / f"bomb.{packed}"
    piece = bytes(1 << 24)
    if packed == "gz":
        with gzip.open(file, "wb", compresslevel=1) as stream:
            for _ in range(64):
                stream.write(piece)
    else:
        with (
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open("a.csv", "w") as stream,
        ):
            for _ in range(64):
                stream.write(piece)
    with pytest.raises(DataError, match=r"holds only zero bytes|no history packs so well"):
        read(file)


def test_a_table_that_unpacks_to_far_more_than_its_size_is_refused(tmp_path):
    file = tmp_path / "EURUSDH1.csv.gz"
    line = b"2017.01.02\t00:00:00\t1.05000\t1.05000\t1.05000\t1.05000\t1\t0\t6\n"
    with gzip.open(file, "wb", compresslevel=9) as stream:
        stream.write(MT5.split(b"\r\n")[0] + b"\n")
        for _ in range(20):
            stream.write(line * 65_536)
    with pytest.raises(DataError, match="unpacks to more than 200 times its size"):
        read(file)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("../../EURUSD.csv", MT5)], "points outside it"),
        ([("/etc/EURUSD.csv", MT5)], "points outside it"),
        ([("..\\EURUSD.csv", MT5)], "points outside it"),
        ([("C:\\EURUSD.csv", MT5)], "points outside it"),
        ([("a.csv", MT5), ("b.csv", MT5)], r"holds 2 data files \(a.csv, b.csv, ..\)"),
        ([("inner.zip", zipped(("a.csv", MT5)))], "holds another archive"),
        ([("inner.csv", gzip.compress(MT5))], "holds another archive"),
        ([], "holds no data file"),
        ([("readme.md", b"x"), ("gaps.txt", b"y")], "holds no data file"),
    ],
)
def test_dangerous_or_ambiguous_zips_are_refused(members, message, saved):
    with pytest.raises(DataError, match=message):
        read(saved("x.zip", zipped(*members)))


def test_a_link_in_a_zip_is_refused(saved):
    entry = zipfile.ZipInfo("a.csv")
    entry.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(DataError, match="holds a link"):
        read(saved("x.zip", buffer.getvalue()))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"7z\xbc\xaf\x27\x1c" + bytes(50), r"is a \.7z archive; unpack it first"),
        (b"PAR1" + bytes(80), "is a damaged Parquet file"),
        (b"\x80\x04\x95" + bytes(30), "a Python pickle, which is never opened"),
        (b'[{"title": "CPI"}]', "it is JSON"),
        (b"<?xml version='1.0'?><weeklyevents/>", "it is XML or HTML, no prices"),
        (b"", "is empty: there is nothing to import"),
        (b"a,b,c\n1,2,3\n", "a table needs a header with time, open, high, low and close"),
    ],
)
def test_what_is_no_history_is_refused_and_said(content, message, saved):
    with pytest.raises(DataError, match=message):
        read(saved("file", content))


def test_a_bi5_stream_that_claims_too_much_is_refused(saved):
    packed = lzma.compress(bytes((1 << 27) + 20), format=lzma.FORMAT_ALONE, preset=0)
    with pytest.raises(DataError, match="cut short or unpacks to more than 128 MB"):
        read(saved("EURUSD/2019/01/04/05h_ticks.bi5", packed))


@pytest.mark.parametrize("name", TEXTS)
def test_the_undamaged_files_load_in_full(name, saved):
    file = saved("EURUSD_H1.csv", TEXTS[name])
    assert outcome(file).height == MANY
    assert_right_or_refused(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="is not there; give one file"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="is a folder; give one file"):
        read(tmp_path)
