"""Notebooks are read before they are run."""

import copy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from quantbench.core.errors import RunError
from quantbench.runs.lint import lint

ROOT = Path(__file__).parents[2]
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
PARAMETERS = new_code_cell("fast: int = 20", metadata={"tags": ["parameters"]})


def found(tmp_path, *cells, metadata=None):
    cells = [copy.deepcopy(cell) for cell in cells]  # one by one: a cell may be given twice
    for number, cell in enumerate(cells):
        cell["id"] = f"c{number}"
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata or KERNEL), tmp_path / "a.ipynb")
    return [f"{fault.place}: {fault.message}" for fault in lint([tmp_path / "a.ipynb"])]


def test_every_notebook_of_the_project_is_fit():
    assert lint([ROOT / "notebooks"]) == []


def test_a_good_notebook_has_no_fault(tmp_path):
    assert found(tmp_path, new_markdown_cell("# Why?"), PARAMETERS, new_code_cell("fast + 1")) == []


OUTPUT = new_code_cell("1", outputs=[new_output("stream", name="stdout", text="1")], execution_count=1)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([], "notebook: 0 cells are tagged 'parameters'"),
        ([PARAMETERS, PARAMETERS], "notebook: 2 cells are tagged 'parameters'"),
        ([new_code_cell("a = 1\nb = a * 2", metadata={"tags": ["parameters"]})], "notebook: .* computes 'b' from 'a'"),
        ([new_code_cell("a = ", metadata={"tags": ["parameters"]})], "notebook: the parameters cell is no Python"),
        ([PARAMETERS, OUTPUT], "cell 2: it has outputs"),
        ([PARAMETERS, new_code_cell("def f():\n    pass")], "cell 2: it defines 'f'"),
        ([PARAMETERS, new_code_cell("class A: ...")], "cell 2: it defines 'A'"),
        ([PARAMETERS, new_code_cell("x = ")], "cell 2: it is no Python, line 1"),
        ([PARAMETERS, new_code_cell("!pip install x")], "cell 2: it has a magic or a shell command"),
        ([PARAMETERS, new_code_cell("%matplotlib inline")], "cell 2: it has a magic"),
        ([PARAMETERS, new_code_cell("open('/srv/me/x.csv')")], "cell 2: it names the place '/srv/me/x.csv'"),
        ([PARAMETERS, new_code_cell(r"open(r'C:\data\me')")], "cell 2: it names the place"),
        ([PARAMETERS, new_code_cell("1\n" * 41)], "cell 2: it has 41 lines"),
        ([PARAMETERS, *[new_code_cell("1\n" * 39)] * 4], "notebook: it has 157 lines of code"),
        ([PARAMETERS, new_code_cell("1", metadata={"tags": ["injected-parameters"]})], "cell 2: it was written by"),
        ([PARAMETERS, new_markdown_cell("postgres://me:" + "pa55word@host/db")], "cell 2: line 1 holds a password"),
    ],
)
def test_a_fault_is_named_with_its_cell(tmp_path, cells, message):
    faults = found(tmp_path, *cells)
    assert any(__import__("re").match(message, fault) for fault in faults), faults


def test_another_kernel_and_what_tools_left_are_faults(tmp_path):
    metadata = {"kernelspec": {"name": "lab-3.11", "display_name": "x"}, "papermill": {}}
    faults = found(tmp_path, PARAMETERS, metadata=metadata)
    assert [fault.split(";")[0] for fault in faults] == [
        "notebook: its kernel is 'lab-3.11'",
        "notebook: it holds 'papermill', what an executed copy holds",
    ]


def test_what_is_missing_is_an_error_and_what_is_broken_a_fault(tmp_path):
    with pytest.raises(RunError, match="there is no notebook"):
        lint([tmp_path / "no.ipynb"])
    with pytest.raises(RunError, match="holds no notebook"):
        lint([tmp_path])
    (tmp_path / "a.ipynb").write_text("{")
    assert "is no notebook" in lint([tmp_path])[0].message
