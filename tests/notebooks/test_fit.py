"""`nox -s notebooks` can fail: at a notebook that is unfit, and at engines that do not show the same."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

sys.path.insert(0, str(Path(__file__).parent))

import fit

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def written(path, source):
    cells = [new_code_cell("fast: int = 20", metadata={"tags": ["parameters"]}), new_code_cell(source)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), path)
    return path


def test_every_notebook_has_small_values_and_no_other_has():
    assert set(fit.SMALL) == {path.stem for path in (fit.ROOT / "notebooks").glob("*.ipynb")}


def test_an_unfit_notebook_ends_the_session(tmp_path):
    path = written(tmp_path / "bad.ipynb", "open('/srv/me/x.csv')")
    run = subprocess.run([sys.executable, fit.__file__, "lint", path], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "bad.ipynb, cell 2: it names the place '/srv/me/x.csv' of one machine" in run.stderr


def test_a_small_copy_is_given_its_values_and_the_hook_lies_beside_it(tmp_path, monkeypatch):
    monkeypatch.setitem(fit.SMALL, "good", {"fast": 3})
    fit.write_small([written(tmp_path / "good.ipynb", "fast")], tmp_path / "small")
    assert nbformat.read(tmp_path / "small" / "good.ipynb", 4).cells[1].source.endswith("fast = 3")
    assert "timed_out" in (tmp_path / "small" / "conftest.py").read_text("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not fork")
def test_engines_that_show_or_measure_something_else_are_faults(tmp_path, monkeypatch):
    monkeypatch.setitem(fit.SMALL, "tells", {"fast": 3})
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    source = "import quantbench as qb\nname = type(get_ipython()).__name__\nqb.record(metric={'n': len(name)})\nname"
    measured, showed = fit.compare_engines([written(tmp_path / "tells.ipynb", source)])
    assert measured.startswith("tells.ipynb: fork measures {'n': ")
    assert "cell 3: fork shows" in showed
    assert "ZMQInteractiveShell" in showed
