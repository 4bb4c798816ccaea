"""Plain files are parsed in one stream, to what reading block by block gives; where there is doubt, they are not."""

import gzip
from contextlib import suppress

import pytest

from quantbench.core.errors import DataError
from quantbench.data.readers import delimited, read

ROWS = [f"2017-01-{day:02d} {hour:02d}:00:00" for day in range(2, 27) for hour in range(24)]
ORDINARY = "Time,Open,High,Low,Close,Volume\n" + "".join(
    f"{time},{1.05 + row * 1e-5:.5f},{1.06 + row * 1e-5:.5f},1.04000,1.05500,{row}\n" for row, time in enumerate(ROWS)
)
MT5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\r\n" + "".join(
    f"{time[:10].replace('-', '.')}\t{time[11:]}\t1.05\t1.06\t1.04\t1.055\t{row}\t0\t6\r\n"
    for row, time in enumerate(ROWS)
)
EPOCHS = "timestamp,open,high,low,close\n" + "".join(
    f"{1483228800 + 3600 * row},1.05,1.06,1.04,1.055\n" for row in range(len(ROWS))
)
SYMBOL = "symbol,time,open,high,low,close\n" + "".join(f"EURUSD,{time},1.05,1.06,1.04,1.055\n" for time in ROWS)
LINE = "2017-01-05 07:00:00,"


@pytest.fixture
def streamed(monkeypatch):
    """What the stream gave, each time a file was read."""
    answers, stream = [], delimited.streamed

    def kept(*words):
        answers.append(stream(*words))
        return answers[-1]

    monkeypatch.setattr(delimited, "streamed", kept)
    return answers


@pytest.mark.parametrize("text", [ORDINARY, MT5, EPOCHS, SYMBOL], ids=["ordinary", "mt5", "epochs", "symbol"])
def test_a_plain_file_is_parsed_in_one_stream_to_what_its_blocks_give(text, saved, streamed, monkeypatch):
    file = saved("EURUSD_H1.csv", text)
    quick = read(file)
    assert [answer.height for answer in streamed] == [len(ROWS)]
    monkeypatch.setattr(delimited, "streamed", lambda *_: None)
    slow = read(file)
    assert quick.frame.equals(slow.frame)
    assert quick.frame.schema == slow.frame.schema
    assert (quick.symbol, quick.timeframe, quick.notes) == (slow.symbol, slow.timeframe, slow.notes)


@pytest.mark.parametrize(
    "damaged",
    [
        ORDINARY.replace(LINE, "\n" + LINE),
        ORDINARY.replace(LINE, LINE + "9,"),
        ORDINARY.replace(LINE + "1.05", LINE + "1,05"),
        ORDINARY.replace(LINE, LINE.replace(",", "")),
        ORDINARY.replace(LINE + "1.05", LINE + "x"),
        ORDINARY.replace(LINE, "2997-01-05 07:00:00,"),
        ORDINARY.replace(LINE, "Time,Open,High,Low,Close,Volume\n" + LINE),
        ORDINARY.replace(LINE, f'"{LINE[:-1]}",'),
        ORDINARY[:-1],
        MT5.replace("\t79\t0\t6", "\t79\t\t6"),
        MT5.replace("\t79\t0\t6", "\t79\t0"),
        "\ufeff" + ORDINARY,
        gzip.compress(ORDINARY.encode()),
    ],
)
def test_what_is_in_doubt_is_left_to_reading_block_by_block(damaged, saved, streamed):
    with suppress(DataError):
        assert len(read(saved("EURUSD_H1.csv", damaged))) in {len(ROWS), len(ROWS) - 1}
    assert streamed == [None]
