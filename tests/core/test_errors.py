"""The error tree: one base, the built-in kinds beside it, and sentences that help."""

import inspect

import pytest

from quantbench.core import errors
from quantbench.core.errors import ParamsError, QuantbenchError, check, did_you_mean


def test_every_error_has_the_one_base_and_stands_in_the_drawn_tree():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert len(kinds) == 8
    for kind in kinds:
        assert issubclass(kind, QuantbenchError)
        assert kind.__name__ in errors.__doc__
        assert kind.__name__ in errors.__all__


@pytest.mark.parametrize(
    ("kind", "also"),
    [
        ("DataError", ValueError),
        ("ParamsError", ValueError),
        ("SignalError", ValueError),
        ("ExecutionError", ValueError),
        ("RunError", RuntimeError),
        ("StoreError", OSError),
        ("MissingExtra", ImportError),
    ],
)
def test_an_error_is_caught_as_the_built_in_it_resembles(kind, also):
    with pytest.raises(also, match="why"):
        raise getattr(errors, kind)("why")


def test_check_says_what_was_found():
    check(["anything"], "never raised", a=1)
    with pytest.raises(ParamsError, match=r"^fast must be shorter \(fast=9, name='x'\)$"):
        check(False, "fast must be shorter", fast=9, name="x")
    with pytest.raises(ParamsError, match=r"^bare sentence$"):
        check([], "bare sentence")


@pytest.mark.parametrize(
    ("given", "known", "hint"),
    [
        ("eurusd", ["EURUSD", "USDJPY"], "did you mean EURUSD?"),
        ("fats", ["slow", "fast"], "did you mean fast?"),
        ("x", ["b", "a"], "known: a, b"),
        ("x", [], "there are none yet"),
    ],
)
def test_a_misspelt_name_gets_the_nearest_or_all_there_are(given, known, hint):
    assert did_you_mean(given, known) == hint
