"""The contract of a notebook's parameters: what is declared, what may be given, how it arrives."""

import ast
import datetime as dt
import enum
import math
from decimal import Decimal
from http import HTTPMethod, HTTPStatus
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.core.errors import RunError
from quantbench.runs.parameters import declared, injected, literal

CELL = """
# Parameters
from datetime import date
strategy: str = "MaCross = # not a comment"  # its name
fast: int = 20  # bars
fee: float | None = None
mode: Literal["a", "b"] = "a"
space: dict[str, list] = {
    "fast": [5, 10],
}  # values to try
day = "2017-01-02"
spans = range(5, 60)
flag = True
"""


def test_the_cell_is_read_as_python_not_as_text():
    found = {part.name: part for part in declared(CELL)}
    assert list(found) == ["strategy", "fast", "fee", "mode", "space", "day", "spans", "flag"]
    assert found["strategy"].default == "MaCross = # not a comment"
    assert found["strategy"].comment == "its name"
    assert (found["fee"].annotation, found["fee"].default) == ("float | None", None)
    assert (found["space"].default, found["space"].comment) == ({"fast": [5, 10]}, "values to try")
    assert (found["spans"].default, found["spans"].computed) == ("range(5, 60)", True)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("fast = ", "no Python, line 1"),
        ("%matplotlib inline", "no Python, line 1"),
        ("fast = 1\nfast = 2", "assigns 'fast' twice"),
        ("fast = 1\nslow = fast * 2", "computes 'slow' from 'fast'.*compute slow in the next cell"),
        ("for i in range(3):\n    pass", "may only assign one name a line; move 'for i in range"),
        ("a = b = 1", "may only assign one name"),
        ("a, b = 1, 2", "may only assign one name"),
        ("a: int", "may only assign one name"),
    ],
)
def test_a_cell_that_does_more_than_assign_is_refused(source, message):
    with pytest.raises(RunError, match=message):
        declared(source)


def test_an_unknown_parameter_gets_a_hint():
    with pytest.raises(RunError, match=r"no parameter 'strateg': did you mean strategy\?"):
        injected(declared(CELL), {"strateg": "MaCross"})


@pytest.mark.parametrize(
    "name", ["a = 1; import os; os.system('x'); b", "fast\nimport os", "__import__('os')", "fast ", "", 3]
)
def test_a_name_cannot_carry_code(name):
    with pytest.raises(RunError, match="has no parameter"):
        injected(declared(CELL), {name: 1})


@pytest.mark.parametrize(
    "value",
    ["'; import os; '", '"""', "\\", "\n#", "{__import__('os')}", "\ud800", "a\0b", "\u2028"],
)
def test_text_arrives_as_text_whatever_it_looks_like(value):
    assert _arrives(injected(declared("s = ''"), {"s": value}))["s"] == value


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text() | st.tuples(st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain)
def test_every_plain_value_arrives_exactly(value):
    found = _arrives(injected(declared("x = None"), {"x": value}))["x"]
    assert repr(found) == repr(value)  # tells 1 from True, 1.0 and -0.0 from 0.0, and nan is itself


@given(st.sampled_from([np.int8, np.int64, np.uint16, np.float32, np.float64, np.bool_]), st.integers(0, 1))
def test_numpy_scalars_arrive_as_python_numbers(kind, number):
    found = _arrives(injected(declared("x = None"), {"x": [kind(number)]}))["x"][0]
    assert type(found) in {int, float, bool}
    assert found == number


def test_a_float32_keeps_the_number_it_holds():
    assert _arrives(injected(declared("x = None"), {"x": np.float32(0.1)}))["x"] == float(np.float32(0.1))


def test_a_date_becomes_iso_text_where_the_parameter_is_text():
    contract = declared("day: str = ''\nother: str | None = None")
    source = injected(contract, {"day": dt.date(2017, 3, 1), "other": pd.Timestamp("2017-03-01 10:00", tz="UTC")})
    assert _arrives(source) == {"day": "2017-03-01", "other": "2017-03-01T10:00:00+00:00"}


def local_enum():
    """Return a class that no other process can import by its name."""

    class Local(enum.IntEnum):
        RED = 1

    return Local


@pytest.mark.parametrize(
    "value",
    [
        np.array([1, 2]),
        np.datetime64("2017-01-02", "ns"),
        {1, 2},
        local_enum().RED,
        pd.Timestamp("2017-01-02"),
        dt.datetime(2017, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        object(),
        range(3),
        [1, {"a": b"bytes"}],
        1j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_exact_literal_is_an_error_never_a_string(value):
    with pytest.raises(RunError, match="no exact literal"):
        injected(declared("x = None"), {"x": value})


@pytest.mark.parametrize(
    "value",
    [
        dt.date(2017, 1, 2),
        dt.datetime(2017, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001
        dt.datetime(2017, 1, 2, 3, tzinfo=dt.UTC),
        dt.datetime(2017, 10, 29, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        dt.time(9, 30),
        Decimal("0.10"),
        Path("data/x.csv"),
        HTTPMethod.GET,
        [(HTTPStatus.OK, dt.date(2017, 1, 2))],
    ],
    ids=repr,
)
def test_dates_decimals_paths_and_enums_arrive_exactly(value):
    found = _arrives(injected(declared("x = None"), {"x": value}))["x"]
    assert (type(found), found, repr(found)) == (type(value), value, repr(value))


@pytest.mark.parametrize(
    ("declaration", "text", "arrived"),
    [
        ("x: date = None", "2017-01-02", dt.date(2017, 1, 2)),
        ("x: dt.date | None = None", "2017-01-02", dt.date(2017, 1, 2)),
        ("x: datetime = None", "2017-01-02T03:00", dt.datetime(2017, 1, 2, 3)),  # noqa: DTZ001
        ("x: Decimal = None", "0.10", Decimal("0.10")),
        ("x: Path = None", "data/x.csv", Path("data/x.csv")),
        ("x: tuple[int, int] = (1, 2)", [3, 4], (3, 4)),
        ("x: tuple[date, ...] = ()", ["2017-01-02"], (dt.date(2017, 1, 2),)),
        ("x: list[Decimal] = []", ["0.1"], [Decimal("0.1")]),
        ('x: "Annotated[date, 1]" = None', "2017-01-02", dt.date(2017, 1, 2)),
    ],
)
def test_text_of_a_file_is_read_as_what_the_cell_declares(declaration, text, arrived):
    found = _arrives(injected(declared(declaration), {"x": text}))["x"]
    assert (type(found), found) == (type(arrived), arrived)


@pytest.mark.parametrize(
    ("declaration", "text"),
    [
        ("x: date = None", "01.02.2017"),
        ("x: Decimal = None", "a lot"),
        ("x: tuple[int, int] = (1, 2)", [3, "4"]),
        ("x: tuple[int, int] = (1, 2)", [3, 4, 5]),
    ],
)
def test_text_that_is_none_is_refused(declaration, text):
    with pytest.raises(RunError, match="parameter 'x' must be"):
        injected(declared(declaration), {"x": text})


def test_a_member_of_an_enum_the_cell_imports_is_given_by_its_name():
    contract = declared("from http import HTTPMethod\nx: HTTPMethod = HTTPMethod.GET")
    assert injected(contract, {"x": "PUT"}) == "# Parameters\nx = HTTPMethod['PUT']"


def test_a_secret_is_written_by_name_only(monkeypatch):
    monkeypatch.setenv("FEED_KEY", "very-secret-1")
    source = injected(declared("key: str = ''"), {"key": {"secret": "FEED_KEY"}})
    assert "very" not in source
    assert _arrives(source)["key"] == "very-secret-1"
    with pytest.raises(RunError, match="must be int"):
        injected(declared("key: int = 1"), {"key": {"secret": "FEED_KEY"}})


def test_not_a_time_is_no_date():
    with pytest.raises(RunError, match="must be str"):
        injected(declared("day: str = ''"), {"day": pd.NaT})


@pytest.mark.parametrize(
    ("declaration", "good", "bad"),
    [
        ("x = 20", [5, np.int64(5)], [5.0, "5", True, None]),
        ("x = 2.0", [5, 5.5, math.inf], ["5", True, None]),
        ("x = True", [False, np.bool_(True)], [1, "True"]),
        ("x = [1]", [[2], (2,)], [2, {2: 2}]),
        ("x: int = 20", [5], [5.5, "5", None]),
        ("x: int | None = 20", [5, None], ["5"]),
        ("x: Optional[int] = 20", [5, None], ["5"]),
        ("x: typing.Union[int, str] = 20", [5, "5"], [None]),
        ('x: "int | str" = 20', [5, "5"], [5.5]),
        ('x: Literal["sma", 1] = 1', ["sma", 1], ["ema", True, 2]),
        ("x: Annotated[int, 'bars'] = 1", [5], ["5"]),
        ("x: list[int] = []", [[], [1, 2]], [[1, "2"], (1,)]),
        ("x: tuple[int, ...] = ()", [(), (1, 2), [1]], [(1, "2"), ["1"]]),
        ("x: tuple[int, str] = (1, '')", [(1, "a")], [(1,), (1, 2)]),
        ("x: dict[str, list[float]] = {}", [{}, {"a": [1, 2.5]}], [{1: [1]}, {"a": ["1"]}, []]),
        ("x: Mapping[str, int] = {}", [{"a": 1}], [{"a": "1"}]),
        ("x: Sequence[int] = ()", [(1,), [1]], ["1"]),
        ("x: SomethingElse = 1", [1, "a"], []),
    ],
)
def test_a_value_must_fit_what_the_cell_declares(declaration, good, bad):
    contract = declared(declaration)
    for value in good:
        assert "x = " in injected(contract, {"x": value})
    for value in bad:
        with pytest.raises(RunError, match=r"parameter 'x' must be .*, found"):
            injected(contract, {"x": value})


def test_literals_of_what_python_cannot_spell():
    assert literal((math.nan,)) == "(float('nan'),)"
    assert literal(-math.inf) == "float('-inf')"


def _arrives(source):
    """Run an injected cell the way a kernel does."""
    names = {}
    exec(compile(ast.parse(source), "cell", "exec"), names)
    del names["__builtins__"]
    return names
