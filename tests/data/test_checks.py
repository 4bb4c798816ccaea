import gzip
import json
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import quantbench as qb
from quantbench.core.errors import DataError
from quantbench.data.checks import NAMES, Finding, Report, check
from quantbench.data.frames import bar_frame, frame_of
from quantbench.data.instruments import instrument
from quantbench.data.repairs import REPAIRS, repair
from quantbench.data.sessions import holidays, learned_sessions

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
real_files = pytest.mark.skipif(not SHARED.is_dir(), reason="the collection of real files is not here")

PRICES = ("open", "high", "low", "close")
EURUSD = instrument("EURUSD")
BTCUSD = instrument("BTCUSD")
GOLD = replace(EURUSD, symbol="XAUUSD", base_currency="XAU", digits=2, point=0.01)
HOUR = 3_600 * 10**9
SOME = 500


@pytest.fixture(scope="module")
def clean():
    """A year of real hourly bars in which the checks find nothing, with a volume and a spread."""
    frame = frame_of(qb.load("EURUSD", "H1"))
    return frame.with_columns(spread=pl.lit(5.0) + pl.int_range(pl.len()) % 3)


def names(report):
    return [finding.name for finding in report.findings]


def found(frame, name, facts=EURUSD, timeframe="H1"):
    report = check(frame, facts, timeframe=timeframe)
    (finding,) = [one for one in report.findings if one.name == name]
    return finding


def changed(frame, rows, **columns):
    here = pl.int_range(pl.len()).is_in(list(rows))
    return frame.with_columns(
        pl.when(here).then(value).otherwise(pl.col(name)).alias(name) for name, value in columns.items()
    )


def test_nothing_is_found_in_clean_bars(clean):
    report = check(clean, EURUSD, timeframe="H1")
    assert names(report) == []
    assert report.coverage == 1.0
    assert (report.rows, report.first, report.last) == (6_225, "2017-01-01 22:00:00", "2017-12-29 21:00:00")
    assert repr(report) == "Report(EURUSD H1, 6,225 bars, 0 errors, 0 warnings, 0 notes)"


def test_no_bars_are_no_findings(clean):
    assert names(check(clean[:0], EURUSD, timeframe="H1")) == []


@pytest.mark.parametrize("length", [1, 2, 3, 12, 30, 200])
def test_short_files_are_checked_without_error(clean, length):
    assert check(clean[:length], EURUSD, timeframe="H1").rows == length


def test_a_frame_without_its_timeframe_or_a_column_is_refused(clean):
    with pytest.raises(DataError, match="a frame does not know its timeframe"):
        check(clean, EURUSD)
    with pytest.raises(DataError, match="bars need a column 'low'"):
        check(clean.drop("low"), EURUSD, timeframe="H1")


def later(frame, by):
    return frame.with_columns(pl.col("time").dt.offset_by(by))


def copied(frame, source, target, many):
    return frame[source : source + many].with_columns(frame[target : target + many]["time"])


def factor_from(row, factor):
    return pl.when(pl.int_range(pl.len()) < row).then(1.0).otherwise(factor)


PLANTED = [
    ("order", "error", 1, lambda f: pl.concat([f[:SOME], f[SOME + 1 : SOME + 3], f[SOME : SOME + 1], f[SOME + 3 :]])),
    ("duplicates", "error", 2, lambda f: pl.concat([f[: SOME + 2], f[SOME:]]).sort("time")),
    ("timeframe", "error", 2, lambda f: pl.concat([f, later(f[SOME : SOME + 1], "7m")]).sort("time")),
    ("no-time", "error", 1, lambda f: changed(f, [SOME], time=None)),
    ("prices", "error", 3, lambda f: changed(changed(f, [SOME], close=0.0), [1, 2], low=float("nan"))),
    ("ohlc", "error", 2, lambda f: changed(f, [SOME, SOME + 9], high=pl.col("low") * 0.99)),
    ("volume", "error", 1, lambda f: changed(f, [SOME], volume=-1.0)),
    ("crossed", "error", 4, lambda f: changed(f, range(SOME, SOME + 4), spread=-2.0)),
    ("after-close", "error", 52, lambda f: later(f, "2h")),
    ("gaps", "warning", 1, lambda f: pl.concat([f[:SOME], f[SOME + 3 :]])),
    ("outliers", "warning", 1, lambda f: changed(f, [SOME], high=pl.col("high") * 1.2, close=pl.col("close") * 1.15)),
    ("frozen", "warning", 1, lambda f: changed(f, range(SOME, SOME + 9), open=1.05, high=1.05, low=1.05, close=1.05)),
    ("repeats", "warning", 1, lambda f: pl.concat([f[:2_000], copied(f, SOME, 2_000, 48), f[2_048:]])),
    ("splits", "warning", 1, lambda f: f.with_columns(pl.col("open", "high", "low", "close") * factor_from(900, 0.25))),
    ("volume-scale", "warning", 1, lambda f: f.with_columns(pl.col("volume") * factor_from(3_000, 1e4))),
    ("huge-spread", "warning", 2, lambda f: changed(f, [SOME, SOME + 1], spread=900.0)),
    ("flat", "note", 1, lambda f: changed(f, [SOME], high=pl.col("open"), low=pl.col("open"), close=pl.col("open"))),
    ("no-volume", "note", 6_225, lambda f: f.with_columns(volume=pl.lit(0.0))),
    ("zero-volume", "note", 100, lambda f: changed(f, range(SOME, SOME + 100), volume=0.0)),
    ("constant-spread", "note", 6_225, lambda f: f.with_columns(spread=pl.lit(7.0))),
    ("zero-spread", "note", 1_000, lambda f: changed(f, range(1_000), spread=0.0)),
    ("digits", "note", 6_225, lambda f: f.with_columns(pl.col("open", "high", "low", "close") + 0.000003)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "severity", "count", "spoil"), PLANTED, ids=[row[0] for row in PLANTED])
def test_what_is_planted_is_found_counted_and_told(clean, name, severity, count, spoil):
    finding = found(spoil(clean), name)
    assert (finding.severity, finding.count) == (severity, count)
    assert finding.name in NAMES
    assert finding.sentence.endswith(".") or finding.sentence.endswith("?")
    assert "nan" not in finding.sentence
    assert len(finding.rows) <= 10
    assert finding.repair is None or finding.repair in REPAIRS


@pytest.mark.parametrize(("name", "severity", "count", "spoil"), PLANTED[:8], ids=[row[0] for row in PLANTED[:8]])
def test_an_error_does_not_hide_what_else_is_wrong(clean, name, severity, count, spoil):
    assert found(spoil(pl.concat([clean[:3_000], clean[3_005:]])), "gaps").count >= 1


REPAIRABLE = [row for row in PLANTED if row[0] in
    {"order", "duplicates", "no-time", "prices", "ohlc", "volume", "crossed", "outliers", "huge-spread"}]  # fmt: skip


@pytest.mark.parametrize(("name", "severity", "count", "spoil"), REPAIRABLE, ids=[row[0] for row in REPAIRABLE])
def test_the_repair_a_finding_names_removes_it_and_is_recorded(clean, name, severity, count, spoil):
    spoilt = spoil(clean)
    way = found(spoilt, name).repair
    mended, (record,) = repair(spoilt, [way], instrument=EURUSD, timeframe="H1")
    assert name not in names(check(mended, EURUSD, timeframe="H1"))
    assert record.name == way
    assert record.rows >= 1
    assert record.to_dict()["sentence"].startswith(f"{record.rows} bars ")
    again, (nothing,) = repair(mended, [way], instrument=EURUSD, timeframe="H1")
    assert nothing.rows == 0
    assert again.equals(mended)


def test_repairs_run_in_the_order_named(clean):
    spoilt = pl.concat([clean[::-1], clean[:5]])
    mended, records = repair(spoilt, ["sort", "drop-duplicates"], instrument=EURUSD, timeframe="H1")
    assert [record.rows for record in records] == [6_224 + 1 - 1, 5] or records[1].rows == 5
    assert mended.equals(bar_frame(clean))


def test_of_duplicates_the_last_in_the_file_is_kept(clean):
    later = clean[SOME : SOME + 1].with_columns(close=pl.col("high"))
    mended, _ = repair(pl.concat([clean, later]), ["drop-duplicates", "sort"], instrument=EURUSD, timeframe="H1")
    assert mended["close"][SOME] == clean["high"][SOME]
    assert len(mended) == len(clean)


def test_flat_bars_are_dropped_only_without_volume(clean):
    flat = changed(clean, [SOME, SOME + 1], high=pl.col("open"), low=pl.col("open"), close=pl.col("open"))
    mended, (record,) = repair(changed(flat, [SOME], volume=0.0), ["drop-flat"], instrument=EURUSD, timeframe="H1")
    assert record.rows == 1
    assert len(mended) == len(clean) - 1


def test_weekend_days_are_dropped(clean):
    days = (
        bar_frame(clean)
        .group_by_dynamic("time", every="1d")
        .agg(pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last())
    )
    assert found(days, "weekend-days", timeframe="D1").count == 52
    mended, (record,) = repair(days, ["drop-weekend"], instrument=EURUSD, timeframe="D1")
    assert record.rows == 52
    assert "weekend-days" not in names(check(mended, EURUSD, timeframe="D1"))


def test_a_repair_that_is_none_or_needs_order_says_so(clean):
    with pytest.raises(DataError, match="there is no repair 'drop-dups': did you mean drop-duplicates"):
        repair(clean, ["drop-dups"], instrument=EURUSD, timeframe="H1")
    for way in ("drop-weekend", "drop-outliers"):
        with pytest.raises(DataError, match=f"{way} needs bars in order; repair with drop-bad and sort before it"):
            repair(clean[::-1], [way], instrument=EURUSD, timeframe="H1")


# ---------------------------------------------------------------- sessions


@pytest.mark.parametrize(
    ("year", "day"), [(2000, date(2000, 4, 21)), (2017, date(2017, 4, 14)), (2025, date(2025, 4, 18))]
)
def test_good_friday_is_a_holiday_of_gold_and_not_of_currencies(year, day):
    assert day in holidays(GOLD, year, year)
    assert day not in holidays(EURUSD, year, year)
    assert date(year, 12, 25) in holidays(EURUSD, year, year)
    assert holidays(BTCUSD, year, year) == frozenset()


@pytest.mark.parametrize(
    "day",
    [date(2017, 1, 16), date(2017, 2, 20), date(2017, 5, 29), date(2017, 7, 4), date(2017, 9, 4), date(2017, 11, 23),
     date(2015, 7, 3), date(2022, 6, 20), date(2012, 10, 29), date(2023, 1, 2)],
)  # fmt: skip
def test_the_holidays_of_new_york_are_known(day):
    assert day in holidays(GOLD, day.year, day.year)


def test_weekends_christmas_and_new_year_are_no_gaps(clean):
    trading_day = pl.col("time").dt.offset_by("2h").dt.date()  # in winter
    holes = clean.filter(~trading_day.is_in([date(2017, 12, 25), date(2017, 12, 26), date(2017, 1, 2)]))
    assert "gaps" not in names(check(holes, EURUSD, timeframe="H1"))
    ordinary = clean.filter(pl.col("time").dt.date() != date(2017, 12, 20))
    gap = found(ordinary, "gaps")
    assert gap.count == 1
    assert gap.rows[0]["open_hours"] == 24.0
    assert gap.rows[0]["time"] == "2017-12-20 00:00:00"


def test_a_daily_break_is_learned_and_only_its_absence_on_other_days_is_a_gap(clean):
    with_break = clean.filter(pl.col("time").dt.convert_time_zone("America/New_York").dt.hour() != 17)
    assert "gaps" not in names(check(with_break, GOLD, timeframe="H1"))
    lost = with_break.filter(
        ~pl.col("time").is_between(
            pl.datetime(2017, 9, 6, 9, time_zone="UTC"), pl.datetime(2017, 9, 6, 11, time_zone="UTC")
        )
    )
    assert found(lost, "gaps", GOLD).rows[0]["open_hours"] == 3.0


def test_hours_that_change_for_good_are_told_and_are_no_gaps(clean):
    evening = pl.col("time").dt.hour().is_between(8, 20)
    shorter = clean.filter((pl.col("time").dt.month() < 7) | evening)
    report = check(shorter, EURUSD, timeframe="H1")
    (change,) = [one for one in report.findings if one.name == "sessions"]
    assert "120 to 6" in change.sentence
    assert "2017-0" in change.rows[0]["time"]


def test_minutes_without_ticks_are_no_gap_and_an_hour_is():
    opens = np.arange(np.datetime64("2017-03-05T22:00"), np.datetime64("2017-03-10T22:00"), np.timedelta64(1, "m"))
    frame = pl.DataFrame(
        {"time": opens.astype("datetime64[ns]"), **dict.fromkeys(("open", "high", "low", "close"), 1.1)}
    )
    quiet = frame.filter(pl.int_range(pl.len()) % 7 != 0)
    assert "gaps" not in names(check(quiet, EURUSD, timeframe="M1"))
    assert found(pl.concat([quiet[:900], quiet[960:]]), "gaps", timeframe="M1").count == 1


def test_a_crypto_source_without_weekends_is_told(clean):
    assert found(clean, "part-time", BTCUSD).severity == "warning"


def test_coverage_by_day_tells_whole_holed_and_free_days(clean):
    holed = clean.filter(
        ~pl.col("time").is_between(
            pl.datetime(2017, 9, 6, 0, time_zone="UTC"), pl.datetime(2017, 9, 6, 11, time_zone="UTC")
        )
    )
    sessions = learned_sessions(holed["time"].dt.epoch("ns").to_numpy(), HOUR, EURUSD)
    days, share = sessions.by_day
    of = dict(zip(days.astype("datetime64[D]").astype(str).tolist(), share.tolist(), strict=True))
    assert of["2017-09-06"] == 0.5
    assert of["2017-09-07"] == 1.0
    assert np.isnan(of["2017-09-09"])


# ---------------------------------------------------------------- report


def test_errors_refuse_unless_each_is_accepted_by_name(clean):
    spoilt = changed(pl.concat([clean[: SOME + 1], clean[SOME:]]), [3], close=-1.0)
    report = check(spoilt, EURUSD, timeframe="H1")
    with pytest.raises(DataError, match=r"EURUSD H1 is refused\. .*--repair drop-duplicates --repair drop-bad"):
        report.require_accepted()
    with pytest.raises(DataError, match=r"--accept prices\)$"):
        report.require_accepted(["duplicates"])
    report.require_accepted(["duplicates", "prices"])
    with pytest.raises(DataError, match="there is no check 'price' to accept: did you mean prices"):
        report.require_accepted(["price"])
    check(clean, EURUSD, timeframe="H1").require_accepted()


def test_a_report_is_a_table_and_json_with_the_errors_first(clean):
    spoilt = pl.concat([clean[:40], clean[60 : SOME + 1], clean[SOME:]]).with_columns(spread=pl.lit(None, pl.Float64))
    report = check(spoilt, EURUSD, timeframe="H1")
    table = report.table()
    assert list(table.columns) == ["name", "severity", "count", "sentence", "repair"]
    assert table["name"].tolist() == ["duplicates", "gaps"]
    told = json.loads(report.to_json())
    assert told["schema"] == 1
    assert [one["name"] for one in told["findings"]] == ["duplicates", "gaps"]
    assert told["findings"][0]["rows"][0]["row"] == SOME - 19
    assert 0.99 < told["coverage"] < 1


def test_a_report_without_coverage_is_valid_json():
    report = Report(symbol="X", timeframe="W1", rows=0, first="", last="", findings=())
    assert json.loads(report.to_json())["coverage"] is None


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.open = [], []

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_escaped_and_needs_nothing_else(clean):
    evil = Finding(name="gaps", severity="warning", count=1, sentence="<script>alert(1)</script>", rows=({"a": "<b>"},))
    real = check(pl.concat([clean[:40], clean[100:]]), EURUSD, timeframe="H1")
    page = replace(real, symbol="<i>X</i>", findings=(evil, *real.findings)).to_html()
    parsed = _Page()
    parsed.feed(page)
    assert parsed.open == []
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;" in page
    assert not [attrs for _, attrs in parsed.tags if {"src", "href"} & set(attrs)]
    assert "http" not in page
    cells = sum(attrs["d"].count("M") for tag, attrs in parsed.tags if tag == "path")
    assert cells == np.isfinite(real.day_coverage).sum()


# ---------------------------------------------------------------- real files


def tsv(name):
    path = SHARED / "dukascopy_tsv" / name
    text = gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()
    header = not name.startswith("AUDCAD")
    frame = pl.read_csv(text, separator="\t", has_header=header)
    frame.columns = ["time", "open", "high", "low", "close", "volume"]
    form = "%Y-%m-%d %H:%M:%S" if header else "%Y-%m-%d %H:%M"
    return frame.with_columns(pl.col("time").str.to_datetime(form, time_unit="ns"))


def facts(symbol, digits=5, base=None, quote="USD"):
    return replace(
        EURUSD,
        symbol=symbol,
        digits=digits,
        point=10.0**-digits,
        base_currency=base or symbol[:3],
        quote_currency=quote,
    )


def test_hours_that_a_source_fills_are_told_from_a_wrong_clock(clean):
    """As Dukascopy's candles do: bars of one price and no volume from Friday's close to Sunday's open."""
    last = clean.filter(pl.col("time").dt.weekday() == 5).group_by(week=pl.col("time").dt.week()).last()
    late = last.select(clean.columns).with_columns(volume=pl.lit(0.0), **dict.fromkeys(PRICES, pl.col("close")))
    filled = pl.concat([clean, *(later(late, f"{hours}h") for hours in (6, 7, 8))]).sort("time")
    finding = found(filled, "after-close")
    assert (finding.severity, finding.repair) == ("error", "drop-flat")
    assert "they fill hours that are closed" in finding.sentence
    repaired, _ = repair(filled, ["drop-flat"], instrument=EURUSD, timeframe="H1")
    assert "after-close" not in names(check(repaired, EURUSD, timeframe="H1"))


@real_files
def test_the_oddities_of_the_dukascopy_files_are_found():
    daily = check(tsv("EURUSD_D1.csv"), EURUSD, timeframe="D1")
    assert {"weekend-days", "volume-scale"} <= set(names(daily))
    yen = found(tsv("USDJPY_D1.csv"), "gaps", facts("USDJPY", 3, quote="JPY"), "D1")
    assert yen.rows[0]["time"] == "2009-06-13 00:00:00", "the 7-day hole"
    assert found(tsv("AUDCAD1440.csv"), "volume-scale", facts("AUDCAD", quote="CAD"), "D1").count == 3
    dax = check(tsv("DEUIDXEUR_H1.csv.gz"), facts("DAX", 3, "DAX", "EUR"), timeframe="H1")
    assert found(tsv("DEUIDXEUR_H1.csv.gz"), "flat", facts("DAX", 3, "DAX", "EUR")).count == 289
    assert "sessions" in names(dax)
    bitcoin = check(tsv("BTCUSD_H1.csv.gz"), BTCUSD, timeframe="H1")
    assert "part-time" in names(bitcoin)
    (gaps,) = [one for one in bitcoin.findings if one.name == "gaps"]
    assert gaps.rows[0]["time"] == "2017-09-01 00:00:00", "the hole of September 2017"
    apple = found(tsv("AAPLUSUSD_H1.csv.gz"), "splits", facts("AAPL", 3, "AAPL"))
    assert "the first 4:1 at 2020-08-31 13:00:00 (499.057 to 127.527)" in apple.sentence


@real_files
def test_a_csv_made_with_the_wrong_clock_is_found_beside_the_history_it_was_made_of():
    path = SHARED / "mt4_hst" / "EURUSD5.csv.gz"
    frame = pl.read_csv(gzip.decompress(path.read_bytes())).rename({"tick_volume": "volume"})
    local = pl.col("time").str.to_datetime(time_unit="ns").dt.replace_time_zone("Europe/Athens")
    wrong = frame.with_columns(local.dt.convert_time_zone("UTC")).drop("real_volume")
    finding = found(wrong, "after-close", timeframe="M5")
    assert finding.severity == "error"
    assert "the clock of the source is likely wrong" in finding.sentence
    assert finding.repair is None, "dropping bars would not set the clock right"
    right = wrong.with_columns(pl.col("time").dt.offset_by("-2h"))
    report = check(right, EURUSD, timeframe="M5")
    assert report.errors == ()
    assert {"gaps", "constant-spread"} <= set(names(report))
