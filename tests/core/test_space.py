"""What a search may try: read from the fields, settled where conditions say so, listed, drawn and neighboured."""

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.core.space import Dimension, Range, Space


@dataclass(frozen=True)
class Exits(qb.Strategy):
    """A param of every kind, two of them conditional."""

    way: str = qb.param("none", among=("none", "stop", "trail"))
    stop: float = qb.param(2.0, low=1.0, high=3.0, step=0.5, when={"way": ("stop",)})
    trail: float = qb.param(0.01, low=0.001, high=0.1, log=True, when={"way": ("trail", "stop")})
    lookback: int = qb.param(20, low=10, high=30, step=10)


def test_the_space_is_read_from_the_fields():
    space = Exits.space()
    assert list(space) == ["way", "stop", "trail", "lookback"]
    assert space["stop"] == Range(1.0, 3.0, 0.5)
    assert space.dimensions[2].when == ("way", ("trail", "stop"))
    assert space.size == math.inf
    assert qb.MaCross.space().size == 11 * 14 * 3


def test_what_does_not_apply_is_at_its_default_so_equal_trials_are_equal():
    space = Exits.space()
    one = space.settled({"way": "none", "stop": 1.5, "trail": 0.05, "lookback": 10})
    two = space.settled({"way": "none", "stop": 3.0, "trail": 0.002, "lookback": 10})
    assert one == two == {"way": "none", "stop": 2.0, "trail": 0.01, "lookback": 10}


def test_a_grid_holds_every_possible_combination_once():
    space = Space(
        (
            Dimension("way", ("none", "stop"), "none"),
            Dimension("stop", (1.0, 2.0, 3.0), 2.0, ("way", ("stop",))),
            Dimension("lookback", Range(1, 2), 1),
        )
    )
    found = [tuple(choice.values()) for choice in space.grid()]
    assert found == [("none", 2.0, 1), ("none", 2.0, 2), *(("stop", s, n) for s in (1.0, 2.0, 3.0) for n in (1, 2))]


def test_a_grid_over_any_number_is_refused_with_the_way_out():
    with pytest.raises(ParamsError, match=r"trail may be any number from 0\.001 to 0\.1: a grid needs a step"):
        list(Exits.space().grid())


@given(st.integers(0, 2**32 - 1))
def test_a_draw_is_in_the_space_and_settled(seed):
    space = Exits.space()
    choice = space.at(np.random.default_rng(seed).random(len(space)).tolist())
    assert choice == space.settled(choice)
    assert choice["lookback"] in {10, 20, 30}
    assert choice["stop"] in {1.0, 1.5, 2.0, 2.5, 3.0}
    assert 0.001 <= choice["trail"] <= 0.1


@pytest.mark.parametrize(
    ("part", "values"),
    [
        (Range(1, 4), (1, 2, 3, 4)),
        (Range(1, 8, 3), (1, 4, 7)),
        (Range(0.1, 0.5, 0.1), (0.1, 0.2, 0.3, 0.4, 0.5)),
        (Range(0.1, 0.5), None),
    ],
)
def test_a_range_lists_its_values_where_it_has_few(part, values):
    assert part.values() == values


@given(st.floats(0, 1, exclude_max=True))
def test_a_share_of_a_range_is_inside_it_and_log_ranges_are_even_in_orders_of_magnitude(share):
    assert 1 <= Range(1, 1000, log=True).at(share) <= 1000
    assert isinstance(Range(1, 1000, log=True).at(share), int)
    assert Range(0.01, 100.0, log=True).at(share) == pytest.approx(10 ** (-2 + 4 * share))
    assert Range(2.0, 4.0).at(share) == pytest.approx(2 + 2 * share)


def test_neighbours_differ_in_one_param_that_applies_by_one_value():
    space, choice = Exits.space(), {"way": "stop", "stop": 1.0, "trail": 0.01, "lookback": 20}
    changed = [{name for name in choice if other[name] != choice[name]} for other in space.neighbours(choice)]
    assert {frozenset(names) for names in changed} >= {frozenset({"stop"}), frozenset({"lookback"})}
    assert {other["lookback"] for other in space.neighbours(choice)} == {10, 20, 30}
    assert [other["stop"] for other in space.neighbours(choice) if other["way"] == "stop"][:1] == [1.5]
    assert all(other == space.settled(other) for other in space.neighbours(choice))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "needs the values to try"),
        ({"low": 1}, "needs the values to try"),
        ({"among": (1,), "low": 1, "high": 2}, "needs the values to try"),
        ({"among": ()}, "at least one value"),
        ({"low": 3, "high": 2}, "low must not be above high"),
        ({"low": 1, "high": 2, "step": 0}, "step must be above 0"),
        ({"low": 0, "high": 2, "log": True}, "a log range begins above 0"),
        ({"among": (1,), "when": {"a": (1,), "b": (2,)}}, "when names one other param, found 2"),
    ],
)
def test_a_declaration_that_holds_nothing_is_refused(words, message):
    with pytest.raises(ParamsError, match=message):
        qb.param(1, **words)


def test_a_condition_on_a_param_that_comes_later_is_refused():
    with pytest.raises(ParamsError, match="'way': declare that param before it"):
        Space((Dimension("stop", (1, 2), 1, ("way", ("stop",))), Dimension("way", ("none", "stop"), "none")))
