"""docs/execution.md and the tests belong together; the rules themselves are checked in execution/."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "execution.md").read_text("utf-8")
TABLE = dict(re.findall(r"^\| (\d+\.\d+) \| (.+) \|$", PAGE, re.MULTILINE))
RULES = re.findall(r"^- \*\*(\d+\.\d+)", PAGE, re.MULTILINE)


def known_tests():
    places = [*(ROOT / "tests" / "engine").rglob("test_*.py"), *(ROOT / "tests" / "core").glob("test_*.py")]
    return {name for place in places for name in re.findall(r"^def (test_\w+)", place.read_text("utf-8"), re.MULTILINE)}


def test_every_numbered_rule_has_a_row_in_its_order_and_every_row_a_rule():
    assert list(TABLE) == RULES
    assert len(RULES) == len(set(RULES)) > 40


@pytest.mark.parametrize("rule", TABLE)
def test_the_tests_a_rule_names_exist(rule):
    named = re.findall(r"`(\w+)`", TABLE[rule])
    assert named
    assert sorted(set(named) - known_tests()) == []


def test_the_decisions_are_numbered_without_a_hole():
    section = PAGE.split("## Decisions")[1].split("## Rule to test")[0]
    numbers = [int(found) for found in re.findall(r"^(\d+)\. ", section, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_page_keeps_the_seven_sections_of_the_law():
    titles = ["What goes in", "When things are known", "Inside bar k", "Money", "What comes out", "Metrics", "Limits"]
    found = re.findall(r"^## (\d)\. (.+)$", PAGE, re.MULTILINE)
    assert [number for number, _ in found] == [*"1234567"]
    assert all(title.startswith(start) for (_, title), start in zip(found, titles, strict=True))
