"""One page that needs nothing else: complete, safe, small, and there in full or not at all."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import StoreError
from quantbench.core.evidence import Evidence, Gate
from quantbench.data.openings import Opening
from quantbench.report.embedding import drawing, script_json
from quantbench.report.limit_tables import rule_rows
from quantbench.report.page import page_html
from quantbench.report.search_data import luck_sharpe
from quantbench.report.style import figure


def test_what_the_gauntlet_said_and_every_opening_of_these_bars_stand_on_the_page():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-03")
    result = qb.backtest(qb.MaCross(10, 60), bars)
    gate = Gate(
        name="walk-forward", value=0.3, threshold="green from 1.645", null="luck", colour="red", says="t = 0.30."
    )
    evidence = Evidence(
        strategy="MaCross", params={"fast": 10}, markets=("EURUSD",), profile="fast", gates=(gate,), facts={}
    )
    opened = Opening(
        symbol="EURUSD", timeframe="H1", first="2017-02-01", last="2017-03-01", family="Rsi", params="{}", time=""
    )
    html = page_html(result, evidence=evidence, opened=(opened,))
    assert "Gauntlet: red" in html
    assert "t = 0.30." in html
    assert "docs/error-rates.md" in html
    assert "2017-02-01 to 2017-03-01 was opened as a holdout 1 time (Rsi)" in html
    assert "Gauntlet" not in page_html(result)


class Reader(HTMLParser):
    """What a browser would find: tags, their attributes, and the text of scripts and of everything else."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.scripts, self.text, self.open = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.open.append(tag)
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag):
        if tag in {"script", "style"}:
            self.open.pop()

    def handle_data(self, data):
        if self.open:
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        else:
            self.text.append(data)

    def count(self, tag, **wanted):
        return sum(name == tag and wanted.items() <= attrs.items() for name, attrs in self.tags)


@dataclass(frozen=True)
class Named(qb.Strategy):
    label: str = "plain"

    def decide(self, bars):
        return qb.Signals.when(long=np.arange(len(bars)) % 20 < 10)


@pytest.fixture(scope="module")
def html(result, study):
    return page_html(result, study)


@pytest.fixture(scope="module")
def page(html):
    return Reader(html)


def _flat(bars, by_hand, trades=()):
    return by_hand(bars, np.full(len(bars), 10_000.0), trades=trades)


def test_the_verdict_comes_first_and_every_section_is_there(html, page):
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section"]
    assert sections == [
        "verdict",
        "equity",
        "metrics",
        "costs",
        "search",
        "trades",
        "time",
        "assumptions",
        "provenance",
    ]
    assert html.index('id="verdict"') < html.index("<figure>")


def test_plotly_is_there_once_and_unpacks(page):
    packed = [text for attrs, text in page.scripts if attrs.get("id") == "plotly"]
    assert len(packed) == 1
    code = gzip.decompress(base64.b64decode(packed[0])).decode()
    assert "plotly.js v" in code[:500]
    assert sum(len(text) > 1_000_000 for _, text in page.scripts) == 1


def test_nothing_is_fetched_from_anywhere(page):
    for _, attrs in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster", "background"):
            assert name not in attrs, attrs
    written = [text for attrs, text in page.scripts if "type" not in attrs]
    assert len(written) == 2  # the style and the script of the page
    for text in [*written, *page.text]:
        assert not re.search(r"https?:|@import|url\(|[\"'(]//|fetch\(|XMLHttpRequest", text)


def test_the_content_security_policy_allows_no_connection(page):
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    for rule in ("default-src 'none'", "script-src 'unsafe-inline'", "connect-src 'none'", "font-src data:"):
        assert rule in policy
    assert "unsafe-eval" not in policy


def test_each_figure_is_data_without_a_template_of_its_own(page):
    specs = [json.loads(text) for attrs, text in page.scripts if attrs == {"type": "application/json"}]
    assert (
        len(specs) == page.count("figure") == 9
    )  # equity, costs, surface, trials, profits, calendar, excursions, candles, exposure
    assert all("template" not in spec["layout"] and spec["data"] for spec in specs)
    assert sum(attrs.get("id") == "template" for attrs, _ in page.scripts) == 1


def test_the_figures_keep_their_place_before_they_are_drawn(page):
    heights = [attrs["style"] for _, attrs in page.tags if attrs.get("class") == "plot"]
    assert all(re.fullmatch(r"height:\d{3}px(;min-width:800px)?", style) for style in heights)


def test_hostile_names_stay_text(renamed):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    found = Reader(page_html(renamed(evil, Named(label=f"{evil}<!--"))))
    plain = Reader(page_html(renamed("EURUSD", Named())))
    assert found.count("script") == plain.count("script")
    assert found.count("img") == 0
    assert any(evil in text for text in found.text)


def test_figure_data_cannot_end_its_script_element():
    text = script_json({"a": "</script><!--<script>&"})
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text) == {"a": "</script><!--<script>&"}


def test_a_figures_title_becomes_its_caption():
    found = drawing(figure([], title="<b>Equity</b>", height=300), note="net")
    assert (found.caption, found.note, found.height) == ("<b>Equity</b>", "net", 300)
    assert "title" not in json.loads(found.json)["layout"]


def test_a_missing_number_says_why(bars, by_hand):
    html = page_html(_flat(bars, by_hand))
    assert re.search(r"Sharpe</th><td>n/a</td><td class=\"says\"><em>daily returns do not vary\.</em>", html)
    assert re.search(r"Profit factor</th><td>n/a</td><td class=\"says\"><em>there are no trades\.</em>", html)
    assert ">nan" not in html.lower()


def test_every_metric_says_what_it_means(page):
    rows = [attrs.get("title") for tag, attrs in page.tags if tag == "tr" and "title" in attrs]
    assert len(rows) >= 15
    assert all(rows)


def test_no_trades_and_a_constant_equity_make_a_page(bars, by_hand):
    html = page_html(_flat(bars, by_hand))
    assert "There are no trades." in html
    assert "never traded" in html


def test_one_trade_makes_a_page(bars, by_hand, trade_row):
    equity = np.full(len(bars), 10_000.0)
    equity[30:] = 10_050
    html = page_html(by_hand(bars, equity, trades=[trade_row(10, 30, 50.0, ambiguous=True)]))
    assert "<h3>1 trade</h3>" in html
    assert "signal*" in html
    assert "* 1 trade of 1 (100.0 %) ended on a bar that reached both stop and take: the worse" in html


def test_without_limits_and_skipped_entries_there_is_no_section_for_them(html):
    assert 'id="limits"' not in html


def test_limits_say_what_they_forbid_and_how_much_they_stopped(result):
    limits = qb.Limits(
        sessions=("08:00-20:00",), cooldown="90s", max_daily_loss=0.01, max_drawdown=0.2, flatten=True, max_wait="2h"
    )
    limited = qb.backtest(result.strategy, result.bars, limits=limits)
    stopped = limited.skipped["reason"].value_counts()
    every = int(stopped.sum())
    assert every > 0
    text = " ".join(" ".join(Reader(page_html(limited)).text).split())
    assert f"{every} entries did not open." in text
    sessions = int(stopped["sessions"])
    share = f"{sessions} ({100 * sessions / every:.1f} %)"
    assert f"Sessions No entry outside 08:00-20:00 on the server clock. {share}" in text
    assert "Max wait No entry later than 2 hours after the decision. 0" in text
    assert "Cooldown No entry within 90 seconds after the last entry." in text
    assert "for the rest of a day that has lost 1.0 % of its starting equity." in text
    assert "once equity was 20.0 % below its highest; what is held is closed." in text
    assert "The limits hold at higher costs too" in text


def test_limits_in_other_units_are_words_too(by_hand, short_bars):
    event = ("2017-01-02T10:00", "USD", "high")
    limits = qb.Limits(
        max_spread_points=30,
        max_atr_percent=2.5,
        blackout=qb.Blackout(events=(event,)),
        max_trades_per_day=1,
        max_daily_loss=250,
        max_consecutive_losses=3,
    )
    result = replace(by_hand(short_bars, np.full(len(short_bars), 1e4)), limits=limits)
    assert [row.says for row in rule_rows(result)] == [
        "No entry at a spread above 30 points.",
        "No entry at a mean range of 14 bars above 2.5 % of the close.",
        "No entry from 30 minutes before to 30 after 1 event of a calendar (high impact).",
        "No entry after 1 entry in a day.",
        "No entry for the rest of a day that has lost 250.00 USD.",
        "No entry for the rest of the day after 3 losses in a row.",
    ]


def test_entries_skipped_without_limits_have_their_section(result):
    html = page_html(qb.backtest(result.strategy, result.bars, sizing=qb.FixedLots(90)))
    assert "60 entries did not open." in html
    assert "The required margin was more than the account had." in html


def test_trials_of_the_ledger_are_stated_beside_those_of_the_search(result, study):
    html = page_html(result, study, tried=482)
    assert html.count("12 trials in this search, 482 distinct in the ledger") == 3  # headline, verdict, search
    luck = re.search(r'"text":"luck ([\d.]+)"', html)
    assert float(luck[1]) == pytest.approx(luck_sharpe(study, tried=482), abs=0.006)


def test_a_written_report_counts_the_ledger_unless_told(result, tmp_path, monkeypatch):
    monkeypatch.setattr("quantbench.report.page.distinct_trials", lambda _: 77)
    counted = qb.write_report(result, to=tmp_path / "a.html").read_text(encoding="utf-8")
    told = qb.write_report(result, to=tmp_path / "b.html", tried=0).read_text(encoding="utf-8")
    assert "1 trial here, 77 distinct in the ledger" in counted
    assert "distinct in the ledger" not in told


def test_what_only_some_results_have_is_among_the_parameters(result):
    own = result.bars
    time = np.repeat(own.time, 2) + np.tile([np.timedelta64(0, "m"), np.timedelta64(30, "m")], len(own))
    prices = (own.open, own.high, own.low, own.close)
    finer = qb.Bars("EURUSD", "M30", own.instrument, time, *(np.repeat(each, 2) for each in prices))
    html = page_html(qb.backtest(result.strategy, own, trade_from="2017-02-01", intrabar=finer))
    assert re.search(r"Traded from</th><td>2017-02-01</td>", html)
    assert "Finer bars" in html
    assert "after asking M30 bars" in html


def test_a_single_bar_makes_a_page(by_hand, bars):
    assert "never traded" in page_html(_flat(bars[:1], by_hand))


def test_a_study_without_any_score_makes_a_page(result, searched):
    study = searched(result.bars, [{"hold": 20}, {"hold": 10}], failing=(0, 1))
    html = page_html(result, study)
    assert html.count("it broke") == 2


def test_one_param_searched_is_drawn_as_a_line(result, searched):
    study = searched(result.bars, [{"hold": hold} for hold in (5, 10, 20)])
    assert "Sharpe by hold" in page_html(result, study)


def test_many_trades_are_thinned_and_said_to_be(bars, by_hand, trade_row):
    rows = [trade_row(i % 1_000, i % 1_000 + 5, float(i % 7 - 3)) for i in range(5_000)]
    html = page_html(by_hand(bars, np.linspace(10_000, 10_100, len(bars)), trades=rows))
    assert "The first and last 500 of 5,000 trades; result.trades has all" in html
    assert 1_020 <= html.count("<td>signal</td>") <= 1_021  # ten from either end, then 500 from either end
    assert len(html.encode()) < 3_000_000


def test_a_page_of_a_long_backtest_stays_small(by_hand):
    n = 200_000
    close = 1.1 + np.sin(np.arange(n) / 500) * 0.05
    time = np.datetime64("2000-01-03", "h") + np.arange(n)
    bars = qb.load("EURUSD", "H1")
    bars = qb.Bars("EURUSD", "H1", bars.instrument, time, close, close + 1e-3, close - 1e-3, close)
    assert len(page_html(_flat(bars, by_hand)).encode()) < 3_000_000


def test_the_demo_page_is_under_three_megabytes(html):
    assert len(html.encode()) < 3_000_000


def test_the_same_result_gives_the_same_bytes(result, study, html):
    assert page_html(result, study) == html


def test_when_and_seed_are_what_was_passed_in(result):
    html = page_html(result, now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), seed=11)
    assert "2026-01-02 03:04:05 UTC" in html
    assert re.search(r"Seed</th><td>11</td>", html)


def test_provenance_knows_the_embedded_sample_from_other_bars_of_its_name(result):
    real = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1", "2017-02", "2017-05"))
    assert "gym-anytrading" in page_html(real)
    assert "not known: not the stored bars of that name" in page_html(result)
    assert real.bars.version in page_html(real)


def test_no_machine_path_is_printed(html):
    own = re.sub(r'<script type="text/plain" id="plotly">.*?</script>', "", html, flags=re.DOTALL)
    assert not re.search(r"/(home|root|tmp|usr|Users)/", own)


def test_the_report_is_written_where_the_settings_say(result, monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    assert qb.write_report(result) == tmp_path / "reports" / "Flip-EURUSD-H1.html"
    assert [file.name for file in (tmp_path / "reports").iterdir()] == ["Flip-EURUSD-H1.html"]


def test_a_symbol_with_a_slash_is_still_one_file(renamed, monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    assert qb.write_report(renamed("../BTC/USD")).relative_to(tmp_path).as_posix() == "reports/Flip-_BTC_USD-H1.html"


def test_a_folder_that_is_a_file_is_one_clear_sentence(result, tmp_path):
    (tmp_path / "reports").write_text("in the way")
    with pytest.raises(StoreError, match=r"cannot write to .*reports"):
        qb.write_report(result, to=tmp_path / "reports" / "ma.html")


def test_a_report_that_cannot_be_replaced_leaves_nothing_behind(result, tmp_path):
    (tmp_path / "ma.html").mkdir()
    with pytest.raises(StoreError, match=r"cannot write the report .*ma\.html"):
        qb.write_report(result, to=tmp_path / "ma.html")
    assert [file.name for file in tmp_path.iterdir()] == ["ma.html"]


def test_an_older_report_is_replaced(result, tmp_path):
    (tmp_path / "ma.html").write_text("old")
    assert qb.write_report(result, to=tmp_path / "ma.html").read_text(encoding="utf-8").startswith("<!doctype html>")
