"""What is shown of a batch when it is done: the best by the metric of its spec, in words and as a page."""

import re
import sys
from urllib.parse import unquote

import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app
from quantbench.core.errors import RunError
from quantbench.runs.overview import best_runs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")

SPEC = """
name: ranked
notebook: keeps.ipynb
sweep: [{grid: {fast: [1, 2, 3, 4]}}]
metrics: [up, down]
"""
CELL = "import quantbench as qb\nif fast == 4: raise ValueError('no')\nqb.record(metric={'up': fast, 'down': -fast})"


@pytest.fixture
def spec(home, notebook):
    notebook("keeps", CELL)

    def write(report=""):
        (home / "ranked.yaml").write_text(SPEC + report, encoding="utf-8")
        return home / "ranked.yaml"

    return write


def test_the_best_by_the_metric_of_the_spec_come_first_and_no_more_than_asked(home, spec):
    result = qb.run_batch(spec("report: {metric: down, top: 2, title: A <b>title</b>}\n"))
    assert list(best_runs(result)["down"]) == [-1, -2]
    assert result.page == home / "reports" / "study-ranked.html"
    text = result.page.read_text(encoding="utf-8")
    assert text.count("<tr>") == 3
    assert "the 2 of 4 runs with the highest down" in text
    assert "ranked: 3 ok, 1 failed" in text
    assert "A &lt;b&gt;title&lt;/b&gt;" in text
    assert "<b>title" not in text
    links = [unquote(one) for one in re.findall(r'href="([^"]+)"', text)]
    assert links
    assert all((result.page.parent / one).is_file() for one in links)


def test_without_a_report_the_first_metric_ranks_and_no_page_is_written(home, spec):
    result = qb.run_batch(spec())
    assert list(best_runs(result)["up"])[:3] == [3, 2, 1]
    assert result.page is None
    assert not (home / "reports").exists()


def test_the_command_line_shows_them_and_says_where_the_page_is(spec):
    shown = CliRunner().invoke(app, ["run", str(spec("report: {metric: down, top: 1}\n"))], env={"COLUMNS": "200"})
    assert shown.exit_code == 1
    assert shown.stdout.count(" ok ") == 1
    assert "study-ranked.html" in shown.stdout


def test_a_metric_that_runs_need_not_record_cannot_rank_them(spec):
    with pytest.raises(RunError, match=r"report.metric 'dawn' must be among metrics.*did you mean down"):
        qb.plan_of(spec("report: {metric: dawn}\n"))
    with pytest.raises(RunError, match=r"report\.top"):
        qb.plan_of(spec("report: {top: 0}\n"))
