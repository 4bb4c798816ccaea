import sys
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from subprocess import run
from types import ModuleType

import pytest

import quantbench as qb
from quantbench.data import code
from quantbench.data.code import code_hash

STRATEGY = """
from dataclasses import dataclass
import quantbench as qb

LEVEL = 30

def edge(bars, length):
    return bars.close - qb.sma(bars.close, length)

@dataclass(frozen=True)
class Mine(qb.Strategy):
    lookback: int = qb.param(20, among=(10, 20))

    def decide(self, bars):
        return qb.Signals.when(long=edge(bars, self.lookback) > LEVEL)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Import a source text as a module from a file."""

    def load(text, name="mine"):
        file = tmp_path / f"{name}.py"
        file.write_text(text, encoding="utf-8")
        spec = spec_from_file_location(name, file)
        made = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, made)
        spec.loader.exec_module(made)
        return made

    return load


@pytest.fixture
def notebook(monkeypatch):
    """Run a source text as cells of a notebook are: no file behind it."""

    def cell(text):
        made = ModuleType("__main__")
        monkeypatch.setitem(sys.modules, "__main__", made)
        exec(compile(text, "<cell>", "exec"), made.__dict__)
        return made

    return cell


@pytest.fixture(params=["module", "notebook"])
def where(request):
    return request.getfixturevalue(request.param)


def test_the_same_code_has_the_same_hash(where):
    assert code_hash(where(STRATEGY).Mine) == code_hash(where(STRATEGY).Mine)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LEVEL = 30", "LEVEL = 31"),
        ("bars.close - qb", "bars.open - qb"),
        ("long=edge", "short=edge"),
        ("lookback) > LEVEL", "lookback) >= LEVEL"),
        ("qb.param(20,", "qb.param(10,"),
    ],
)
def test_a_change_of_the_rule_its_helper_or_its_constant_is_another_hash(where, old, new):
    assert old in STRATEGY
    assert code_hash(where(STRATEGY).Mine) != code_hash(where(STRATEGY.replace(old, new)).Mine)


def test_a_base_class_counts(module):
    base = module(STRATEGY, "base").Mine

    @dataclass(frozen=True)
    class Child(base):
        pass

    before = code_hash(Child)
    changed = module(STRATEGY.replace("30", "40"), "base").Mine
    assert code_hash(Child) != before, "the file of the base changed"
    assert code_hash(changed) != before


def test_a_class_without_a_file_still_has_a_hash():
    space = {"__name__": "made_by_exec"}
    exec(STRATEGY, space)
    assert len(code_hash(space["Mine"])) == 16


def test_line_ends_do_not_matter(module, tmp_path):
    plain = code_hash(module(STRATEGY, "plain").Mine)
    windows = module(STRATEGY, "windows")
    (tmp_path / "windows.py").write_bytes(STRATEGY.replace("\n", "\r\n").encode())
    assert code_hash(windows.Mine) == plain


def test_every_listed_strategy_has_its_own_hash():
    listed = (qb.MaCross, qb.RsiReversion, qb.DonchianBreakout)
    assert len({code_hash(strategy) for strategy in listed}) == 3


def test_a_notebooks_hash_is_the_same_in_every_process():
    code = (
        STRATEGY
        + '\n    mark = frozenset({"a", "b", "c"})\nfrom quantbench.data.code import code_hash\nprint(code_hash(Mine))'
    )
    hashes = {
        run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


def test_an_edit_in_a_module_of_yours_it_imports_is_another_strategy(module):
    own, hashes = STRATEGY.replace("LEVEL = 30", "from levels import LEVEL"), []
    for level, deeper in (("", "LEVEL = 30"), ("X = 1", "LEVEL = 30"), ("X = 1", "LEVEL = 31"), ("", "LEVEL = 30")):
        module(deeper + "\n", "deeper")
        module(f"from deeper import LEVEL\n{level}\n", "levels")
        hashes.append(code_hash(module(own).Mine))
    assert hashes[0] == hashes[3]
    assert len(set(hashes)) == 3


def test_an_installed_package_is_no_module_of_yours(module):
    assert [one.__name__ for one in code._imported(module(STRATEGY))] == []
