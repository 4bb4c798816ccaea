"""The quickstart notebook: thin, parameterised, and the main job from end to end."""

import ast
import re

import nbformat
import pytest

from quantbench.core.errors import RunError
from quantbench.runs import demo
from quantbench.runs.demo import quickstart_notebook, run_demo
from quantbench.runs.notebook import notebook_parameters


@pytest.fixture(scope="module")
def cells():
    return nbformat.read(quickstart_notebook(), as_version=4).cells


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


def test_it_defines_nothing_and_imports_only_what_every_notebook_may(cells):
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    tree = ast.parse(code)
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.Lambda)]
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {"quantbench", "numpy", "pandas"}


def test_its_cells_are_few_and_short_and_hold_no_outputs(cells):
    assert 9 <= len(cells) <= 15
    for cell in cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 12
            assert cell.source.startswith("# ")  # the title that progress and errors show
            assert (cell.outputs, cell.execution_count) == ([], None)
        assert not re.search(r"(?m)(^|[\"' ])(/|[A-Z]:\\)\w", cell.source)


def test_it_starts_with_a_question_and_ends_with_what_would_change_my_mind(cells):
    assert "**Question.**" in cells[0].source
    assert "**Prediction" in cells[0].source
    assert cells[-1].source.startswith("## What would change my mind")


def test_it_says_what_can_be_set():
    names = [part.name for part in notebook_parameters(quickstart_notebook())]
    assert names[:4] == ["strategy", "symbol", "timeframe", "space"]
    assert {"commission_per_lot", "slippage_points", "seed", "report"} <= set(names)


def test_the_demo_ends_in_a_report_and_a_verdict_of_three_lines(home):
    given = {
        "strategy": "RsiReversion",
        "symbol": "SP500",
        "timeframe": "D1",
        "space": {"lookback": [7, 14], "oversold": [20.0, 30.0]},
    }
    result = run_demo(parameters=given, reports=home / "pages")
    assert result.report == home / "pages" / "quickstart.html"
    assert "SP500" in result.report.read_text("utf-8")
    assert len(result.verdict) == 3
    assert result.verdict[0].startswith("RsiReversion on SP500 D1")
    assert result.notebook == home / "experiments" / "demo" / "quickstart.ipynb"


def test_an_unknown_parameter_of_the_demo_gets_a_hint(home):
    with pytest.raises(RunError, match=r"no parameter 'symbl': did you mean symbol\?"):
        run_demo(parameters={"symbl": "BTCUSD"})
    assert not list(home.rglob("*.ipynb"))


def test_a_wheel_carries_the_notebook_beside_the_package(tmp_path, monkeypatch):
    (tmp_path / "quantbench" / "notebooks").mkdir(parents=True)
    monkeypatch.setattr(demo, "__file__", str(tmp_path / "quantbench" / "runs" / "demo.py"))
    with pytest.raises(RunError, match=r"quickstart\.ipynb is missing"):
        quickstart_notebook()
    (tmp_path / "quantbench" / "notebooks" / "quickstart.ipynb").write_text("{}")
    assert quickstart_notebook() == tmp_path / "quantbench" / "notebooks" / "quickstart.ipynb"
