"""A strategy is a value whose params are its fields."""

from dataclasses import dataclass

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError, SignalError


@dataclass(frozen=True)
class Fading(qb.Strategy):
    """Shorts what rises; `size` is a fixed param, the others may be searched."""

    lookback: int = qb.param(3, among=np.arange(2, 5))
    edge: float = qb.param(0.5, among=(0.5, 1.0))
    size: float = 1.0

    def __post_init__(self):
        qb.check(self.edge > 0, "edge must be above 0", edge=self.edge)

    @property
    def warmup(self):
        return self.lookback

    def decide(self, bars):
        return qb.Signals(np.full(len(bars), -self.size))


@dataclass(frozen=True)
class Needy(qb.Strategy):
    """Has a field without a default."""

    level: float


@dataclass(frozen=True)
class Unfinished(qb.Strategy):
    """Decides nothing."""


@dataclass(frozen=True)
class Confused(qb.Strategy):
    """Returns an array where Signals are meant."""

    def decide(self, bars):
        return np.zeros(len(bars))


def some_bars(length=10):
    return qb.load("EURUSD", "H1")[:length]


def test_params_are_all_fields_and_the_space_only_the_declared_ones():
    assert Fading(4).params == {"lookback": 4, "edge": 0.5, "size": 1.0}
    assert Fading.space() == {"lookback": (2, 3, 4), "edge": (0.5, 1.0)}


def test_values_of_the_space_are_plain_even_where_numpy_declared_them():
    assert [type(value) for value in Fading.space()["lookback"]] == [int, int, int]


def test_an_empty_space_is_refused():
    with pytest.raises(ParamsError, match="among must hold at least one value"):
        qb.param(1, among=())


def test_a_strategy_is_a_value():
    assert Fading(4) == Fading(4)
    assert Fading(4) != Fading(3)
    assert len({Fading(4), Fading(4), Fading(3)}) == 2
    assert repr(Fading(4)) == "Fading(lookback=4, edge=0.5, size=1.0)"
    with pytest.raises(AttributeError, match="cannot assign to field"):
        Fading().lookback = 9


def test_from_params_takes_named_params_and_defaults():
    assert Fading.from_params({"edge": 1.0}) == Fading(edge=1.0)
    assert Fading.from_params(Fading(4, 1.0, 0.5).params) == Fading(4, 1.0, 0.5)


@pytest.mark.parametrize(
    ("given", "hint"), [("lokback", "did you mean lookback"), ("zzz", "known: edge, lookback, size"), ("Edge", "edge")]
)
def test_an_unknown_param_gets_a_hint(given, hint):
    with pytest.raises(ParamsError, match=f"Fading has no param '{given}': .*{hint}"):
        Fading.from_params({given: 1})


def test_a_missing_param_is_named():
    with pytest.raises(ParamsError, match="Needy needs a value for 'level'"):
        Needy.from_params({})


def test_a_choice_the_strategy_refuses_is_a_params_error():
    with pytest.raises(ParamsError, match=r"edge must be above 0 \(edge=-1\)"):
        Fading.from_params({"edge": -1})


def test_signals_are_checked_and_flat_in_the_warm_up():
    assert Fading(3).signals(some_bars(5)).target.tolist() == [0.0, 0.0, 0.0, -1.0, -1.0]
    with pytest.raises(SignalError, match=r"target must be finite and in \[-1, 1\]"):
        Fading(3, size=1.5).signals(some_bars())


def test_a_strategy_that_returns_something_else_is_told_so():
    with pytest.raises(SignalError, match=r"Confused\.decide must return Signals, found ndarray"):
        Confused().signals(some_bars())


def test_a_strategy_without_decide_is_told_so():
    with pytest.raises(NotImplementedError, match=r"Unfinished must define decide\(self, bars\)"):
        Unfinished().signals(some_bars())
    assert Unfinished().warmup == 0
