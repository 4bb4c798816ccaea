"""What a spec says, which runs come of it, and how a fault is named."""

import math
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench.core.errors import RunError
from quantbench.runs.expansion import expanded
from quantbench.runs.spec import Spec, spec_of
from quantbench.runs.yaml_text import read_yaml

BASE = "name: ma\nnotebook: a.ipynb\n"


def read(text):
    return spec_of(read_yaml(text, name="x.yaml"), name="x.yaml")


def runs(text):
    return expanded(read(BASE + text)).runs


def test_the_smallest_spec_is_one_run_with_defaults():
    spec = read(BASE)
    assert (spec.name, spec.notebook, spec.run.engine, spec.run.max_runs) == ("ma", "a.ipynb", "auto", 10_000)
    assert expanded(spec).runs == [{}]


def test_blocks_are_multiplied_and_the_last_varies_fastest():
    found = runs("params: {fee: 1e-3}\nsweep:\n  - grid: {fast: [5, 10]}\n  - zip: {symbol: [A, B], venue: [x, y]}")
    assert [(run["fast"], run["symbol"], run["venue"], run["fee"]) for run in found] == [
        (5, "A", "x", 0.001),
        (5, "B", "y", 0.001),
        (10, "A", "x", 0.001),
        (10, "B", "y", 0.001),
    ]


def test_a_union_adds_sets_and_a_combination_runs_once():
    found = expanded(read(BASE + "sweep:\n  - union:\n    - grid: {a: [1, 2]}\n    - list: [{a: 2}, {a: 3}]"))
    assert (found.runs, found.repeated) == ([{"a": 1}, {"a": 2}, {"a": 3}], 1)


def test_a_number_and_its_text_are_different_runs():
    assert len(runs("sweep: [{grid: {a: [1, '1', 1.0, true]}}]")) == 4


def test_a_range_includes_its_end():
    assert runs("sweep: [{grid: {a: {range: [5, 20, 5]}}}]") == [{"a": 5}, {"a": 10}, {"a": 15}, {"a": 20}]
    assert [run["a"] for run in runs("sweep: [{grid: {a: {range: [0.1, 0.3, 0.1]}}}]")] == [0.1, 0.2, 0.3]


def test_repeats_multiply_by_seeds():
    assert [run["seed"] for run in runs("repeat: {seed: [1, 2, 3]}")] == [1, 2, 3]


def test_where_keeps_what_holds():
    found = expanded(read(BASE + "sweep: [{grid: {a: {range: [1, 4]}, b: {range: [1, 4]}}}]\nwhere: a < b and b != 3"))
    assert [(run["a"], run["b"]) for run in found.runs] == [(1, 2), (1, 4), (2, 4), (3, 4)]
    assert found.refused == 12


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_what_is_drawn_comes_of_the_seed_alone_and_lies_within(method):
    space = "{fast: {int: [5, 60]}, fee: {log: [1e-4, 1e-2]}, gap: {float: [1, 2]}, kind: {choice: [sma, ema]}}"
    text = f"sweep: [{{{method}: {{n: 40, seed: 7, space: {space}}}}}]"
    found = runs(text)
    assert found == runs(text)
    assert found != runs(text.replace("seed: 7", "seed: 8"))
    assert len(found) == 40
    for run in found:
        assert 5 <= run["fast"] <= 60
        assert type(run["fast"]) is int
        assert 1e-4 <= run["fee"] <= 1e-2
        assert 1 <= run["gap"] <= 2
        assert run["kind"] in {"sma", "ema"}


def test_more_draws_keep_the_first_ones():
    text = "sweep: [{{random: {{n: {n}, seed: 7, space: {{a: {{float: [0, 1]}}}}}}}}]"
    assert runs(text.format(n=50))[:20] == runs(text.format(n=20))


def test_a_small_space_is_drawn_out_and_no_choice_twice():
    found = runs("sweep: [{random: {n: 100, seed: 7, space: {a: {int: [5, 7]}, b: [x, y]}}}]")
    assert sorted((run["a"], run["b"]) for run in found) == sorted(product([5, 6, 7], "xy"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BASE + "sweep:\n  - gird: {fast: [5]}", r"sweep.0.gird \(line 4\): unknown key: did you mean grid\?"),
        (BASE + "metircs: [a]", r"metircs \(line 3\): unknown key: did you mean metrics\?"),
        (BASE + "callabel: a:b", r"callabel \(line 3\): unknown key: did you mean callable\?"),
        (BASE + "run: {engien: fork}", r"run.engien \(line 3\): unknown key: did you mean engine\?"),
        (BASE + "sweep: [{random: {n: 5, sed: 7, space: {a: [1]}}}]", r"sweep.0.random.sed .*did you mean seed\?"),
        (BASE + "sweep:\n  - grid: {fast: 5}", r"sweep.0.grid.fast \(line 4\): must be a list of values"),
        (BASE + "sweep:\n  - grid: {fast: []}", r"sweep.0.grid.fast \(line 4\): is an empty list"),
        (BASE + "sweep:\n  - grid: {}", r"sweep.0 \(line 4\): grid is empty"),
        (BASE + "sweep:\n  - grid: {fast: [5, 5]}", r"sweep.0.grid.fast .* has 5 twice"),
        (BASE + "sweep:\n  - grid: {fast: {rnge: [5, 6]}}", r"sweep.0.grid.fast .* must be \{range"),
        (BASE + "sweep:\n  - grid: {fast: {range: [6, 5]}}", r"sweep.0.grid.fast .* low must not be above high"),
        (BASE + "sweep:\n  - grid: {fast: {range: [0, 1.5]}}", r"sweep.0.grid.fast .* needs a step"),
        (BASE + "sweep:\n  - grid: {fast: {range: [0, 1, 0]}}", r"sweep.0.grid.fast .* step must be above 0"),
        (BASE + "sweep:\n  - grid: {fast: {range: [0, 1, 1e-9]}}", r"sweep.0.grid.fast .* more than 100,000 values"),
        (BASE + "sweep:\n  grid: {fast: [5]}", r"sweep \(line 4\): must be a list"),
        (BASE + "sweep: [{grid: {a: [1]}, zip: {b: [1]}}]", r"sweep.0 .* exactly one of grid, .*; found grid, zip"),
        (BASE + "sweep: [{}]", r"sweep.0 .* exactly one of .*; found none"),
        (BASE + "sweep: [{zip: {a: [1], b: [1, 2]}}]", r"sweep.0 .* a has 1, b has 2"),
        (BASE + "sweep: [{random: {n: '5', seed: 7, space: {a: [1]}}}]", r"sweep.0.random.n .* found '5'"),
        (BASE + "sweep: [{random: {n: 5, seed: 7, space: {a: {int: [1, 2.5]}}}}]", r"space.a .* int needs whole"),
        (BASE + "sweep: [{random: {n: 5, seed: 7, space: {a: {log: [0, 1]}}}}]", r"space.a .* begins above 0"),
        (BASE + "sweep: [{random: {n: 5, space: {a: [1]}}}]", r"sweep.0.random.seed: is missing"),
        (BASE + "sweep: [{list: [{1x: 2}]}]", r"sweep.0.list.0.1x .* no name of a parameter"),
        (BASE + "sweep: [{grid: {'a = 1; import os': [1]}}]", r"is no name of a parameter"),
        (BASE + "params: {class: 2}", r"params.class .* is a word of Python"),
        (BASE + "params: {print: 2}", r"params.print .* is a word of Python"),
        (BASE + "params: {a: [{b: .nan}]}", r"params.a .* NaN and infinity are no parameters"),
        (BASE + "run: {workers: 0}", r"run.workers .* greater than or equal to 1, found 0"),
        (BASE + "run: {workers: true}", r"run.workers .* found True"),
        (BASE + "run: {engine: frok}", r"run.engine .* 'auto', 'fork' or 'kernel', found 'frok'"),
        (BASE + "run: {timeout: soon}", r"run.timeout .* must be a time such as 90s"),
        (BASE + "run: {timeout: 0}", r"run.timeout .* must be a time"),
        (BASE + "run: {memory: 4}", r"run.memory .* must be a size such as 512MB"),
        (BASE + "data: EURUSD", r"data \(line 3\): must be a list"),
        ("version: 2\n" + BASE, r"version \(line 1\): input should be 1, found 2"),
        ("notebook: a.ipynb", "name: is missing"),
        ("name: ../x\nnotebook: a.ipynb", "the name '../x' must be letters"),
        ("name: a", "give either notebook: .* or callable"),
        ("name: a\nnotebook: a\ncallable: b:c", "give either notebook"),
        ("name: a\ncallable: b.c", "callable must be package.module:function"),
        ("- a", "must be keys and values"),
        ("", "must be keys and values"),
    ],
)
def test_a_fault_is_named_by_its_exact_place(text, message):
    with pytest.raises(RunError, match=message):
        read(text)


def test_all_faults_are_named_at_once():
    with pytest.raises(RunError, match=r"x.yaml has 2 faults:\n  run.workers .*\n  run.engine"):
        read(BASE + "run: {workers: 0, engine: frok}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("params: {a: 1}\nsweep: [{grid: {a: [1]}}]", "'a' is set in params and again in sweep.0"),
        ("sweep: [{grid: {a: [1]}}, {list: [{a: 1}]}]", "'a' is set in sweep.0 and again in sweep.1"),
        ("sweep: [{grid: {a: [1]}}]\nrepeat: {a: [1]}", "'a' is set in sweep.0 and again in repeat"),
        ("params: {a: 1}\nwhere: a > 1", "nothing to run; where 'a > 1' refuses all 1"),
        ("params: {fast: 1}\nwhere: fats > 1", r"speaks of 'fats', which is no parameter: did you mean fast\?"),
        ("params: {a: x}\nwhere: a < 1", "where 'a < 1' fails for a='x'"),
        ("params: {a: 0}\nwhere: 1 / a > 1", "where '1 / a > 1' fails for a=0"),
        ("params: {a: x}\nwhere: a * 9 == 'x'", "'x' is no number"),
        ("sweep: [{list: [{a: 1}, {b: 1}]}]\nwhere: a < b", "speaks of b, which not every run has"),
        ("sweep: [{grid: {a: {range: [1, 200]}, b: {range: [1, 200]}}}]", r"more than 10,000 runs \(40,000 comb"),
        ("sweep: [{grid: {a: {range: [1, 9999]}, b: {range: [1, 9999]}}}]", "99,980,001 combinations; at most"),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused(text, message):
    with pytest.raises(RunError, match=message):
        runs(text)


@pytest.mark.parametrize(
    "text",
    [
        "a.__class__ == 1",
        "__import__('os')",
        "a ** 9 > 1",
        "[x for x in a]",
        "(lambda: a)()",
        "a[0]",
        "f'{a}' == 1",
        "print(a)",
        "max(a, key=b)",
        "a := 1",
        "a <",
        "a << 9",
        "a if a else b",
        "a" * 2000,
    ],
)
def test_a_condition_cannot_carry_code(text):
    spec = Spec(name="ma", notebook="a.ipynb", params={"a": 1, "b": 2}, where=text)
    with pytest.raises(RunError, match=r"not allowed|is no condition|speaks of|may call|characters"):
        expanded(spec)


numbers = st.integers(-5, 5)


@given(
    numbers, numbers, st.sampled_from(["a < b <= 3", "a + 2 * b > 1 or not a == b", "abs(a) in (1, 2, b)", "-a > b"])
)
def test_a_condition_means_what_python_means(a, b, text):
    spec = Spec(name="ma", notebook="a.ipynb", params={"a": a, "b": b}, sweep=[{"grid": {"c": [1]}}], where=text)
    wanted = eval(text, {"a": a, "b": b})
    try:
        held = len(expanded(spec).runs) == 1
    except RunError:
        held = False
    assert held == wanted


@given(st.lists(st.lists(st.integers(), min_size=1, max_size=4, unique=True), min_size=1, max_size=4))
def test_a_grid_has_the_product_of_its_values(values):
    spec = Spec(name="ma", notebook="a.ipynb", sweep=[{"grid": {f"p{i}": list(v) for i, v in enumerate(values)}}])
    assert len(expanded(spec).runs) == math.prod(map(len, values))
