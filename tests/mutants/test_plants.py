"""The faults are still where they were planted; `python tests/mutants/mutants.py` sees whether tests catch them."""

import ast
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faults import FAULTS
from mutants import ANSWERS, ROOT, planted

PACKAGE = ROOT / "src" / "quantbench"


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_changes_the_source_and_leaves_it_python(fault):
    source = (PACKAGE / fault.path).read_text("utf-8")
    assert ast.dump(ast.parse(planted(source, fault.edits))) != ast.dump(ast.parse(source))


def test_there_are_enough_faults_and_each_has_its_name():
    assert len(FAULTS) >= 15
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_a_text_that_is_not_there_exactly_once_is_refused():
    for text in ("nothing of the kind", "twice twice"):
        with pytest.raises(LookupError, match="instead of once"):
            planted(text, (("twice", "once"),))


def test_the_tests_that_must_catch_them_are_there():
    assert all((ROOT / place).exists() for place in ANSWERS)
