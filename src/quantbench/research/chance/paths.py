"""Many paths drawn from one series of returns: ends, falls, lowest points. The kernel, and the plain way beside it."""

from __future__ import annotations

import os
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError
from quantbench.research.chance._kernels import BLOCK, ORDER, bootstrap_paths, draw_paths
from quantbench.research.chance.lanes._kernels import LANES
from quantbench.research.crew import worked

__all__ = ["Draw", "Paths", "draw", "plainly_drawn"]

FloatArray = npt.NDArray[np.float64]
Draw = Literal["bootstrap", "order", "block"]

_METHODS: Final = {"order": ORDER, "block": BLOCK}
_POINTS: Final = 100  # of a fan
_PART: Final = 512  # paths a thread takes at once; a multiple of LANES


class Paths(NamedTuple):
    """What came of each path.

    Attributes
    ----------
    total_return, max_drawdown, lowest : float arrays, one value a path
        As fractions; a drawdown and a lowest point are never above 0.
    fan : float32 array of shape (paths, points)
        Growth of one unit of money after equal parts of the path.
    """

    total_return: FloatArray
    max_drawdown: FloatArray
    lowest: FloatArray
    fan: npt.NDArray[np.float32]


def draw(
    returns: npt.ArrayLike,
    *,
    method: Draw,
    paths: int,
    seed: int,
    block: float = 10.0,
    steps: int | None = None,
    workers: int | None = None,
) -> Paths:
    """Grow money along paths of returns drawn anew.

    Parameters
    ----------
    returns : float array
        Simple, of trades or of days, each of what there was before it.
    method : {"bootstrap", "order", "block"}
        With replacement one by one; all of them in another order; in blocks of a mean length (the
        stationary bootstrap), which keeps what hangs together in time.
    paths : int
    seed : int
        A path has its own stream of numbers: the answer does not depend on the number of threads.
    block : float
        Mean length of a block.
    steps : int, optional
        Length of a path; that of the returns if not given. Another order has no other length.
    workers : int, optional
        Threads.

    Raises
    ------
    ExecutionError
        When there are under two returns, one is not finite, or one loses more than everything.
    """
    values = _checked(returns, paths, seed, block)
    length = len(values) if steps is None else steps
    if length < 1 or (method == "order" and length != len(values)):
        raise ParamsError(f"a path of {length} steps cannot be drawn from {len(values)} returns by {method}")
    stay = round((1.0 - 1.0 / block) * 2**32)
    points = min(_POINTS, length)
    room = -(-paths // LANES) * LANES
    out, fan = np.empty((room, 3)), np.empty((room, points), np.float32)

    def part(begin: int) -> None:
        rows, start = slice(begin, min(begin + _PART, room)), np.uint64(seed)
        if method == "bootstrap":
            bootstrap_paths(values, start, begin, length, out[rows], fan[rows])
        else:
            draw_paths(values, start, begin, _METHODS[method], length, stay, out[rows], fan[rows])

    for _ in worked(part, range(0, paths, _PART), workers or os.cpu_count() or 1):
        pass
    total, fall, lowest = out[:paths].T
    return Paths(total, fall, lowest, fan[:paths])


def _checked(returns: npt.ArrayLike, paths: int, seed: int, block: float) -> FloatArray:
    values = np.ascontiguousarray(returns, np.float64)
    if paths < 1 or seed < 0 or not block >= 1:
        raise ParamsError(f"paths and block are at least 1, a seed at least 0 ({paths=}, {seed=}, {block=})")
    if len(values) < 2:
        raise ExecutionError(f"{len(values)} returns are too few to draw from")
    if not np.isfinite(values).all():
        raise ExecutionError("some returns are not finite")
    return np.maximum(values, -1.0)  # a debt is no path: what is lost is lost


def plainly_drawn(returns: FloatArray, rows: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """Return end, deepest fall and lowest point of the path that takes these rows: slow, obvious, for tests."""
    money = peak = lowest = 1.0
    fall = 0.0
    for row in rows.tolist():
        money *= 1.0 + float(returns[row])
        peak = max(peak, money)
        fall = min(fall, money / peak - 1.0) if peak > 0 else fall
        lowest = min(lowest, money)
    return money - 1.0, fall, lowest - 1.0
