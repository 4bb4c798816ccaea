"""How a search asks: it yields choices, batch by batch, and is sent what came of them.

A method is a generator of its seed and its answers alone. It knows no bars, no workers and no files:
that is why the answer is the same for any number of workers, and why a search that was killed goes on
by asking again and being answered from what is already known.
"""

from __future__ import annotations

from collections.abc import Generator
from importlib import import_module
from itertools import islice
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.space import Choice, Space

__all__ = ["METHODS", "Asking", "Method", "Told", "grid", "method_named", "random", "sobol"]

FloatArray = npt.NDArray[np.float64]
_BATCH: Final = 2_048


class Told(NamedTuple):
    """What came of a batch, one row a choice, in the order asked.

    Attributes
    ----------
    points : float array of shape (choices, objectives)
        More is better; NaN where the choice failed or the strategy refuses it.
    missed : float array
        How far the constraints are missed, 0 where they are met.
    """

    points: FloatArray
    missed: FloatArray


Asking = Generator[list[Choice], Told, None]


class Method(Protocol):
    """A way to search: the next batch from the answers so far, for ever or until the space is exhausted."""

    def __call__(self, space: Space, *, objectives: int, trials: int, seed: int) -> Asking:
        """Return the generator of batches for about so many trials."""


METHODS: Final = {
    "grid": "quantbench.research.asking:grid",
    "random": "quantbench.research.asking:random",
    "sobol": "quantbench.research.asking:sobol",
    "tpe": "quantbench.research.optuna_methods:tpe",
    "cmaes": "quantbench.research.optuna_methods:cmaes",
    "nsga2": "quantbench.research.optuna_methods:nsga2",
    "nsga3": "quantbench.research.optuna_methods:nsga3",
    "genetic": "quantbench.research.genetic:genetic",
}
"""Every method by name; loaded when asked for."""


def method_named(name: str) -> Method:
    """Return a method.

    Raises
    ------
    ParamsError
        For a name that is none.
    """
    if name not in METHODS:
        raise ParamsError(f"unknown method {name!r}: {did_you_mean(name, METHODS)}")
    module, function = METHODS[name].split(":")
    found: Method = getattr(import_module(module), function)
    return found


def grid(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001  (a grid draws nothing)
    """Ask for every combination, in order."""
    choices = space.grid()
    while batch := list(islice(choices, _BATCH)):
        yield batch


def random(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001
    """Ask for random choices: choice i is the same however many follow."""
    draws = np.random.default_rng(seed)
    while True:
        yield [space.at(row) for row in draws.random((_BATCH, len(space))).tolist()]


def sobol(space: Space, *, objectives: int, trials: int, seed: int) -> Asking:  # noqa: ARG001
    """Ask for the points of a scrambled Sobol sequence: random, but evenly spread."""
    from scipy.stats import qmc

    points = qmc.Sobol(len(space), rng=np.random.default_rng(seed))
    while True:
        yield [space.at(row) for row in points.random(_BATCH).tolist()]
