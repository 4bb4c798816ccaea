"""What a plain word in a spec means, and what a spec may not hold."""

import math
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from quantbench.core.errors import RunError
from quantbench.runs.yaml_text import read_yaml


def value(text):
    return read_yaml(f"x: {text}", name="a.yaml").value["x"]


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("1e-3", 1e-3),
        ("1.5E+4", 1.5e4),
        ("1e5", 1e5),
        (".5", 0.5),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("0.0", 0.0),
        ("0x1F", 31),
        ("0o17", 15),
        ("-.inf", -math.inf),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("NO", "NO"),
        ("on", "on"),
        ("y", "y"),
        ("yes", "yes"),
        ("12:30", "12:30"),
        ("2017-01-02", "2017-01-02"),
        ("000001", "000001"),
        ("010", "010"),
        ("-007", "-007"),
        ("1_000", "1_000"),
        ("'1'", "1"),
        ("<<", "<<"),
        ("=", "="),
    ],
)
def test_a_plain_word_means_what_yaml_1_2_says_and_codes_stay_text(text, means):
    found = value(text)
    assert (type(found), found) == (type(means), means)


# A number of version 1.2 that the writer, which knows 1.1, takes for a word and does not quote: 0E0, 0o7.
NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+")
WORDS = st.text().filter(lambda text: not NUMBER.fullmatch(text))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS, st.lists))
def test_what_a_writer_quotes_is_read_back(item):
    # The writer knows version 1.1 only, which quotes more than is needed, and escapes what is not ASCII.
    text = yaml.safe_dump({"x": item})
    assert repr(read_yaml(text, name="a.yaml").value["x"]) == repr(item)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "a.yaml, line 3: 'a' is said twice"),
        ("a: [1, 2\nb: 3", "a.yaml, line 2"),
        ("a: 1\n b: 2", "a.yaml, line 2"),
        ("a: &x [1]\nb: *x", "line 1: this is used again by an alias"),
        ("a: &x [*x]", "line 1: this is used again by an alias"),
        ("1: a", "line 1: the key '1' is not text"),
        ("[a]: 1", "line 1: the key .* is not text"),
        ("a: !!python/name:os.system ''", "line 1: the tag .* is not allowed"),
        ("a: !!python/object/apply:os.system [ls]", "line 1: the tag .* is not allowed"),
        ("a: !!int x", "line 1: 'x' is no int"),
        ("a: !!bool x", "line 1: 'x' is no bool"),
        ("a: 1\n---\nb: 2", "a.yaml, line 2"),
        ("a: \x00", "a.yaml"),
        ("[" * 3000, "a.yaml is nested too deeply"),
        ("{a: " * 60 + "1" + "}" * 60, "line 1: nested too deeply"),
        ("a" * 1_000_001, "1,000,001 characters"),
        ("a: %x", "a.yaml, line 1, column 4"),
    ],
)
def test_what_is_no_spec_is_refused_with_its_line(text, message):
    with pytest.raises(RunError, match=message):
        read_yaml(text, name="a.yaml")


def test_every_value_knows_its_line():
    lines = read_yaml("a: 1\nb:\n  - c: 2\n    d:\n      e: 3", name="a.yaml").lines
    assert lines == {
        (): 1,
        ("a",): 1,
        ("b",): 3,
        ("b", 0): 3,
        ("b", 0, "c"): 3,
        ("b", 0, "d"): 5,
        ("b", 0, "d", "e"): 5,
    }
