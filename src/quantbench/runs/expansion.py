"""From the blocks of a spec to the parameters of every run, in one order, drawn from seeds where drawn."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, product
from typing import Any, Final, NamedTuple

from quantbench.core.errors import RunError
from quantbench.core.space import Dimension, Space
from quantbench.runs.condition import condition
from quantbench.runs.spec import Block, Drawn, Spec

__all__ = ["Expansion", "expanded"]

Parameters = dict[str, Any]
_TRIED: Final = 50
_LARGEST: Final = 5_000_000


class Expansion(NamedTuple):
    """The parameters of every run.

    Attributes
    ----------
    runs : list of dict
        In the order of the blocks, the last block fastest; none twice.
    refused : int
        Combinations for which the condition does not hold.
    repeated : int
        Combinations that were already there.
    """

    runs: list[Parameters]
    refused: int
    repeated: int


def expanded(spec: Spec) -> Expansion:
    """Return the parameters of every run of a spec: the product of its blocks, repeated, with the fixed ones.

    Raises
    ------
    RunError
        When a parameter is set in two places, the condition speaks of none, nothing is left, or there
        are more runs than the spec allows.

    Examples
    --------
    >>> spec = Spec(name="ma", notebook="a.ipynb", sweep=[{"grid": {"fast": [5, 10], "slow": [10, 20]}}],
    ...             where="fast < slow")
    >>> expanded(spec).runs
    [{'fast': 5, 'slow': 10}, {'fast': 5, 'slow': 20}, {'fast': 10, 'slow': 20}]
    """
    factors = [*spec.sweep, *([Block(grid=spec.repeat)] if spec.repeat else [])]
    names = _names_apart(spec, factors)
    many = math.prod(_size(block) for block in factors)
    if many > _LARGEST:
        raise RunError(f"{spec.name}: sweep has {many:,} combinations; at most {_LARGEST:,} can be looked at")
    wanted = condition(spec.where, names) if spec.where else None
    runs: dict[str, Parameters] = {}
    refused = repeated = 0
    for parts in product(*(list(_choices(block)) for block in factors)):
        run = {**spec.params, **{name: value for part in parts for name, value in part.items()}}
        if wanted is not None and not _holds(wanted, run):
            refused += 1
            continue
        key = repr(sorted(run.items()))
        repeated += key in runs
        runs.setdefault(key, run)
        if len(runs) > spec.run.max_runs:
            raise RunError(
                f"{spec.name}: sweep has more than {spec.run.max_runs:,} runs ({many:,} combinations); "
                "make it smaller, or raise run.max_runs"
            )
    if not runs:
        raise RunError(f"{spec.name}: nothing to run; where {spec.where!r} refuses all {refused:,} combinations")
    return Expansion(list(runs.values()), refused, repeated)


def _holds(wanted: Any, run: Parameters) -> bool:
    missing = wanted.names - set(run)
    if missing:
        raise RunError(f"where {wanted.text!r} speaks of {', '.join(sorted(missing))}, which not every run has")
    held: bool = wanted.holds(run)
    return held


def _names_apart(spec: Spec, factors: Iterable[Block]) -> list[str]:
    """Return all names, each set in one place only."""
    home = dict.fromkeys(spec.params, "params")
    for i, block in enumerate(factors):
        place = f"sweep.{i}" if i < len(spec.sweep) else "repeat"
        for name in dict.fromkeys(_names(block)):
            if name in home:
                raise RunError(f"{spec.name}: {name!r} is set in {home[name]} and again in {place}; keep one")
            home[name] = place
    return list(home)


def _names(block: Block) -> Iterator[str]:
    if block.union is not None:
        return chain.from_iterable(map(_names, block.union))
    if block.list is not None:
        return chain.from_iterable(block.list)
    drawn = block.random or block.sobol
    return iter(drawn.space if drawn else block.grid or block.zip or {})


def _size(block: Block) -> int:
    if block.grid is not None:
        return math.prod(len(values) for values in block.grid.values())
    if block.union is not None:
        return sum(map(_size, block.union))
    drawn = block.random or block.sobol
    if drawn is not None:
        return drawn.n
    return len(next(iter(block.zip.values()))) if block.zip is not None else len(block.list or ())


def _choices(block: Block) -> Iterator[Mapping[str, Any]]:
    if block.grid is not None:
        return (dict(zip(block.grid, values, strict=True)) for values in product(*block.grid.values()))
    if block.zip is not None:
        return (dict(zip(block.zip, values, strict=True)) for values in zip(*block.zip.values(), strict=True))
    if block.union is not None:
        return chain.from_iterable(map(_choices, block.union))
    if block.list is not None:
        return iter(block.list)
    drawn = block.random or block.sobol
    if drawn is None:
        raise AssertionError("a block has exactly one way")
    return _drawn(drawn, "random" if block.random else "sobol")


def _drawn(drawn: Drawn, method: str) -> Iterator[Mapping[str, Any]]:
    """Yield distinct choices: fewer than asked for only where the space has no more."""
    from quantbench.research.asking import method_named

    space = Space(tuple(Dimension(name, values, None) for name, values in drawn.space.items()))
    asking = method_named(method)(space, objectives=1, trials=drawn.n, seed=drawn.seed)
    seen = set[str]()
    wanted, tried = min(drawn.n, space.size), 0
    for batch in asking:
        for choice in batch:
            tried += 1
            if (key := repr(choice)) not in seen:
                seen.add(key)
                yield choice
            if len(seen) >= wanted or tried >= _TRIED * max(drawn.n, 1_000):
                return
