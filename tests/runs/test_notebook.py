"""Executing notebooks: what arrives, what is kept, and the truth about what failed."""

import json
from types import SimpleNamespace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from quantbench.core.errors import RunError, StoreError
from quantbench.runs.notebook import notebook_parameters, run_notebook

PARAMETERS = ("# Parameters\nfast: int = 20  # bars\nname: str = 'x'", ["parameters"])


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))

    def make(*cells, parameters=PARAMETERS):
        code = [new_code_cell(source, metadata={"tags": list(tags)}) for source, tags in (parameters, *cells)]
        nbformat.write(new_notebook(cells=[new_markdown_cell("# Question"), *code]), tmp_path / "study.ipynb")
        return tmp_path / "study.ipynb"

    return SimpleNamespace(home=tmp_path, make=make, out=tmp_path / "runs" / "out.ipynb")


def test_a_notebook_runs_with_the_values_given_in_the_folder_of_the_project(lab):
    seen = []
    source = lab.make(("# Compute\nimport os\nprint(repr(fast), repr(name), os.getcwd())", ["verdict"]))
    run = run_notebook(source, lab.out, parameters={"fast": 7, "name": "a'b"}, progress=lambda *step: seen.append(step))
    assert run.printed["verdict"] == f'7 "a\'b" {lab.home}\n'
    assert seen == [(0, 2, "Parameters"), (1, 2, "Compute"), (2, 2, "")]
    kept = nbformat.read(lab.out, as_version=4)
    assert kept.metadata.quantbench == {"schema": 1, "status": "ok"}
    assert kept.metadata.papermill.parameters == {"fast": 7, "name": "a'b"}
    assert [cell.metadata.tags for cell in kept.cells[1:3]] == [["parameters"], ["injected-parameters"]]
    assert str(lab.home) not in json.dumps(kept.metadata)
    assert [file.name for file in lab.out.parent.iterdir()] == ["out.ipynb"]
    again = run_notebook(run.notebook, lab.home / "again.ipynb", parameters={"fast": 8})
    assert again.printed["verdict"].startswith("8 'x'"), "an executed copy can be run again with other values"


def test_a_failing_cell_is_named_and_the_copy_kept(lab):
    source = lab.make(("print('before')", []), ("# Divide\n1 / 0", []), ("print('never')", []))
    with pytest.raises(RunError, match=r"code cell 3 of 4 \(Divide\) failed with ZeroDivisionError: division by zero"):
        run_notebook(source, lab.out, parameters={"fast": 7})
    assert _statuses(lab.out) == ["completed", "completed", "completed", "failed", "pending"]
    assert nbformat.read(lab.out, as_version=4).metadata.quantbench.status == "failed"


@pytest.mark.parametrize(
    ("source", "limit", "error", "status"),
    [
        ("import os; os._exit(3)", None, "DeadKernelError: the kernel died", "dead"),
        ("import time; time.sleep(60)", 1, "CellTimeoutError: the cell ran longer than 1 s", "timeout"),
        ("exit()", None, r"KernelExit: the cell called exit\(\)", "failed"),
    ],
)
def test_cells_after_a_dead_kernel_are_not_called_completed(lab, source, limit, error, status):
    notebook = lab.make((source, []), ("print('never')", []))
    with pytest.raises(RunError, match=rf"code cell 2 of 3 .* failed with {error}"):
        run_notebook(notebook, lab.out, cell_timeout=limit)
    assert _statuses(lab.out) == ["completed", "failed", "pending"]
    assert nbformat.read(lab.out, as_version=4).metadata.quantbench.status == status


def test_wrong_parameters_cost_no_kernel_and_leave_nothing(lab):
    source = lab.make(("print(fast)", []))
    with pytest.raises(RunError, match=r"no parameter 'fst': did you mean fast\?"):
        run_notebook(source, lab.out, parameters={"fst": 7})
    with pytest.raises(RunError, match=r"'fast' must be int, found '7' \(str\)"):
        run_notebook(source, lab.out, parameters={"fast": "7"})
    assert not lab.out.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no notebook"),
        ("not json", "is no notebook"),
        ('{"cells": []}', "has no cell tagged"),
        ("[1]", "is no notebook"),
    ],
)
def test_a_file_that_is_no_notebook_is_an_error(tmp_path, content, message):
    if content is not None:
        (tmp_path / "a.ipynb").write_text(content)
    with pytest.raises(RunError, match=message):
        notebook_parameters(tmp_path / "a.ipynb")


def test_a_notebook_without_parameters_cell_is_an_error(lab):
    source = lab.make(parameters=("print(1)", []))
    with pytest.raises(RunError, match=r"study.ipynb has no cell tagged 'parameters'; tag exactly one"):
        notebook_parameters(source)
    source = lab.make(PARAMETERS)
    with pytest.raises(RunError, match="2 cells tagged 'parameters'"):
        notebook_parameters(source)


def test_the_contract_of_a_notebook_can_be_read(lab):
    assert [(part.name, part.comment) for part in notebook_parameters(lab.make())] == [("fast", "bars"), ("name", "")]


def test_a_folder_that_cannot_be_made_is_told_before_the_run(lab):
    source = lab.make()
    (lab.home / "taken").write_text("a file")
    with pytest.raises(StoreError, match="cannot write to"):
        run_notebook(source, lab.home / "taken" / "out.ipynb")


def _statuses(path):
    kept = nbformat.read(path, as_version=4)
    return [
        cell.metadata.papermill.status
        for cell in kept.cells
        if cell.cell_type == "code" and "papermill" in cell.metadata
    ]
