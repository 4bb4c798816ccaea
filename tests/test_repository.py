"""The outside of the repository: what no module owns and everyone relies on."""

import ast
import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import quantbench

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
HEAVY = {
    *("duckdb", "ipykernel", "IPython", "joblib", "llvmlite", "matplotlib", "nbformat", "numba", "optuna", "pandas"),
    *("papermill", "plotly", "polars", "pyarrow", "pydantic", "rich", "scipy", "sklearn", "sqlalchemy", "structlog"),
    *("talib", "typer", "vectorbt"),
}


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def distribution(requirement):
    return re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def readme():
    return (ROOT / "README.md").read_text("utf-8")


def tracked():
    """What git holds or would hold; every file of an unpacked archive."""
    if shutil.which("git"):
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
        if listed.returncode == 0:
            found = (ROOT / name for name in listed.stdout.decode().split("\0") if name)
            return [path for path in found if path.is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file()]


# --- packages ------------------------------------------------------------------------------------------------


def test_conda_and_pip_ask_for_the_same_packages():
    listed = re.findall(r'^      - "?([^"\n]+)"?$', (ROOT / "environment.yml").read_text("utf-8"), re.MULTILINE)
    assert listed == [*project()["dependencies"], *project()["optional-dependencies"]["lab"]]


def test_the_extra_dev_includes_the_extra_lab():
    assert "quantbench[lab]" in project()["optional-dependencies"]["dev"]


def test_every_package_that_the_code_imports_is_declared():
    extras = project()["optional-dependencies"]
    asked = [*project()["dependencies"], *(line for name in extras if name != "dev" for line in extras[name])]
    declared = {distribution(line) for line in asked}
    known = packages_distributions()
    undeclared = set()
    for path in SOURCES:
        for module in imported(ast.parse(path.read_text("utf-8"))):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top == "quantbench":
                continue
            if not declared & {distribution(name) for name in known.get(top, [top])}:
                undeclared.add(f"{name_of(path)}: {top}")
    assert not undeclared


def test_no_install_brings_torch():
    extras = project()["optional-dependencies"]
    asked = [line for group in (project()["dependencies"], *extras.values()) for line in group]
    assert "torch" not in {distribution(line) for line in asked}


# --- the README ----------------------------------------------------------------------------------------------


def test_the_readme_is_short():
    assert len(readme().splitlines()) < 200


def test_the_readme_sets_everything_up_with_two_commands():
    commands = re.findall(r"<!-- command:(\w+) -->\n```\w+\n(.*?)\n```", readme(), re.DOTALL)
    first, tests = 'pip install -e ".[dev]" && qb demo', "pytest -n logical --dist worksteal"
    assert commands == [("first", first), ("tests", tests)]
    assert 'pip install -e ".[dev]"; qb demo' in readme(), "PowerShell has its own line"


def test_every_file_that_a_document_links_to_exists():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [
        (page, target)
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        if "://" not in target
    ]
    assert not [f"{name_of(page)} -> {target}" for page, target in links if not (page.parent / target).exists()]


def test_the_python_of_the_readme_runs():
    blocks = re.findall(r"```python\n(.*?)```", readme(), re.DOTALL)
    assert len(blocks) == 2
    names = {"__name__": "__readme__"}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    own = quantbench.backtest(names["Momentum"](), names["bars"])
    assert len(own.trades) > 0
    assert len(names["study"].table()) > 0


# --- the front door ------------------------------------------------------------------------------------------


def test_the_public_names_are_sorted_and_unique():
    assert list(quantbench.__all__) == sorted(set(quantbench.__all__))


@pytest.mark.parametrize("name", quantbench.__all__)
def test_every_public_name_can_be_had(name):
    assert getattr(quantbench, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'backtset'"):
        _ = quantbench.backtset


def test_type_checkers_see_the_names_that_are_loaded_lazily():
    tree = ast.parse(Path(quantbench.__file__).read_text("utf-8"))
    block = next(
        node for node in tree.body if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING"
    )
    seen = {(line.module, alias.name, alias.asname) for line in block.body for alias in line.names}
    assert seen == {(module, name, name) for module, names in quantbench._HOME.items() for name in names}


def test_no_public_name_is_the_name_of_a_package():
    inside = {path.stem for path in (ROOT / "src" / "quantbench").iterdir()}
    assert not inside & set(quantbench.__all__)


@pytest.mark.parametrize(
    "command",
    ["import quantbench; dir(quantbench)", "import sys; sys.argv = ['qb', '--version']; import quantbench.__main__"],
)
def test_importing_quantbench_loads_nothing_heavy(command):
    code = f"{command}; import sys; print(*sorted(sys.modules.keys() & {HEAVY!r}))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.split() == []


# --- the shape of the code -----------------------------------------------------------------------------------


def imported(tree):
    """Return the absolute names a module imports, wherever in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.add(node.module)
    return names


def length(function):
    """Return the lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_modules_have_at_most_300_lines():
    lines = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}
    assert {name: many for name, many in lines.items() if many > 300} == {}


def test_functions_have_at_most_40_lines():
    functions = {
        f"{name_of(path)}:{node.lineno} {node.name}": length(node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: many for name, many in functions.items() if many > 40} == {}


def test_no_module_has_a_name_that_explains_nothing():
    assert not {"utils", "helpers", "common", "misc", "manager"} & {path.stem for path in SOURCES}


def test_the_inside_does_not_use_the_front_door():
    """`import quantbench as qb` would lead around the import contracts: its names are loaded lazily."""

    def through(node):
        names = {alias.name for alias in getattr(node, "names", ())}
        if isinstance(node, ast.ImportFrom):
            return node.module == "quantbench" and bool(names & set(quantbench.__all__))
        return isinstance(node, ast.Import) and "quantbench" in names

    trees = {name_of(path): ast.parse(path.read_text("utf-8")) for path in SOURCES}
    assert not [f"{name}:{node.lineno}" for name, tree in trees.items() for node in ast.walk(tree) if through(node)]


def test_the_live_contract_names_every_package_that_exists():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    live = next(contract for contract in contracts if contract["name"].startswith("The live runner"))
    packages = {path.name for path in (ROOT / "src" / "quantbench").iterdir() if (path / "__init__.py").exists()}
    away = {"engine", "data", "research", "learning", "report"} & packages
    assert {f"quantbench.{name}" for name in away} <= set(live["forbidden_modules"])
    assert {"vectorbt", "polars", "papermill"} <= set(live["forbidden_modules"])
    assert "live" not in packages or "quantbench.live" in live["source_modules"]


# --- files ---------------------------------------------------------------------------------------------------


def test_no_file_holds_a_path_of_somebodys_machine():
    pattern = re.compile(rb"(?<![\w.])/(?:work|opt|root|home|Users)/[\w.]|\b[A-Z]:\\\\?Users\\")
    guilty = []
    for path in tracked():
        body = path.read_bytes()
        if b"\0" not in body and path != Path(__file__) and pattern.search(body):
            guilty.append(name_of(path))
    assert not guilty


def test_no_file_is_too_large_for_git():
    assert {name_of(path) for path in tracked() if path.stat().st_size > 1_000_000} == set()


# --- notebooks -----------------------------------------------------------------------------------------------


def cells(notebook, kind):
    for cell in json.loads(notebook.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == kind:
            yield "".join(cell["source"]), cell


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_has_one_cell_of_parameters(notebook):
    tagged = [source for source, cell in cells(notebook, "code") if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    assert all(isinstance(line, ast.Assign | ast.AnnAssign) for line in ast.parse(tagged[0]).body)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_is_stored_without_outputs(notebook):
    assert all(not cell["outputs"] and cell["execution_count"] is None for _, cell in cells(notebook, "code"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs_on_any_python_kernel(notebook):
    assert json.loads(notebook.read_text("utf-8"))["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_defines_nothing_and_imports_only_the_trade(notebook):
    tree = ast.parse("\n".join(source for source, _ in cells(notebook, "code")))
    defined = [
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not defined
    assert {name.partition(".")[0] for name in imported(tree)} <= {"quantbench", "numpy", "pandas"}


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_code_cell_is_short(notebook):
    assert max(len(source.splitlines()) for source, _ in cells(notebook, "code")) <= 12


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_names_no_absolute_path(notebook):
    source = "\n".join(source for source, _ in cells(notebook, "code"))
    assert not re.search(r"""["'](?:/|~|[A-Za-z]:[\\/])""", source)


SWALLOWS_ITS_TIMEOUT = "import time\ntry:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    pass"


def test_a_notebook_whose_cell_timed_out_is_never_green(tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    sources = [SWALLOWS_ITS_TIMEOUT, "1 / 0"]
    code = [
        {"cell_type": "code", "execution_count": None, "id": str(i), "metadata": {}, "outputs": [], "source": source}
        for i, source in enumerate(sources)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook = {"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "slow.ipynb").write_text(json.dumps(notebook), "utf-8")
    words = ["-p", "no:randomly", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=1", "slow.ipynb"]
    command = [sys.executable, "-m", "pytest", *words]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "2 failed" in run.stdout, run.stdout


def test_the_installed_command_has_its_function():
    module, _, name = project()["scripts"]["qb"].partition(":")
    assert callable(getattr(importlib.import_module(module), name))
