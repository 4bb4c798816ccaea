"""Paths of money drawn from returns, compiled: each from its own stream of numbers, so threads change nothing."""

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.research.chance.lanes._kernels import LANES, grow_lanes

ORDER, BLOCK = 1, 2
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ONE, TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
A, B, C, LOW, HALF = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(0xFFFFFFFF), np.uint64(32)


@compiles(inline="always")
def mixed(state):
    """Return 64 random bits from a counter (SplitMix64; Steele, Lea and Flood 2014)."""
    bits = (state ^ (state >> A)) * ONE
    bits = (bits ^ (bits >> B)) * TWO
    return bits ^ (bits >> C)


@compiles()
def bootstrap_paths(returns, seed, first, steps, out, fan):
    """Grow money along paths of returns drawn with replacement, eight side by side: one alone waits for itself.

    As `draw_paths`; rows of `out` and `fan` come in eights.
    """
    growth, size, points = 1.0 + returns, np.uint64(len(returns)), fan.shape[1]
    seeds, state, seen = np.empty(LANES, np.uint64), np.empty((4, LANES)), np.empty((points, LANES), np.float32)
    for row in range(0, len(out), LANES):
        for i in range(LANES):
            seeds[i] = mixed(np.uint64(seed) + GOLDEN * np.uint64(first + row + i + 1))
        state[:] = 1.0
        at, step = np.uint64(0), 0
        for point in range(points):
            until = (point + 1) * steps // points
            pairs = (until - step) // 2
            grow_lanes(growth, seeds, at, pairs, state)  # type: ignore[call-arg]  # numba passes the context
            at += GOLDEN * np.uint64(pairs)
            step += 2 * pairs
            if step < until:
                at += GOLDEN
                step += 1
                for i in range(LANES):
                    grow_once(state[:, i], growth, mixed(seeds[i] + at), size)
            for i in range(LANES):
                seen[point, i] = state[0, i]
        for i in range(LANES):
            for point in range(points):  # row by row: a column of a large array is a cache line a cell
                fan[row + i, point] = seen[point, i]
            out[row + i, 0], out[row + i, 1], out[row + i, 2] = state[0, i] - 1.0, state[2, i] - 1.0, state[3, i] - 1.0


@compiles(inline="always")
def grow_once(path, growth, bits, size):
    """Take one path one draw on, from the upper half of the bits."""
    one = growth[((bits >> HALF) * size) >> HALF]
    path[0], path[1] = path[0] * one, min(path[1] * one, 1.0)
    path[2], path[3] = min(path[2], path[1]), min(path[3], path[0])


@compiles()
def draw_paths(returns, seed, first, method, steps, stay, out, fan):
    """Grow money along each path: its end, its deepest fall, its lowest point, and its value at some steps.

    `returns` are simple; path p of the whole is ``first + row`` here. `stay` is the chance of a block to go
    on, as a share of 2**32. `out` takes (end, fall, lowest) a row, `fan` the value after equal parts of the path.
    """
    many, points = len(returns), fan.shape[1]
    growth, order = 1.0 + returns, np.arange(many)
    goes_on, size = np.uint64(stay), np.uint64(many)
    for row in range(len(out)):
        state = mixed(np.uint64(seed) + GOLDEN * np.uint64(first + row + 1))
        money, under, fall, lowest, at = 1.0, 1.0, 1.0, 1.0, np.int64(0)
        if method == ORDER:
            for i in range(many):
                order[i] = i
        step, point = 0, 0
        while point < points:
            until = (point + 1) * steps // points
            while step < until:
                state += GOLDEN
                bits = mixed(state)
                if method == BLOCK and step > 0 and (bits & LOW) < goes_on:
                    at += 1
                    if at == many:
                        at = np.int64(0)
                elif method == ORDER:
                    other = step + np.int64(((bits >> HALF) * np.uint64(many - step)) >> HALF)
                    order[step], order[other] = order[other], order[step]
                    at = order[step]
                else:
                    at = np.int64(((bits >> HALF) * size) >> HALF)
                factor = growth[at]
                money *= factor
                under = min(under * factor, 1.0)
                fall = min(fall, under)
                lowest = min(lowest, money)
                step += 1
            fan[row, point] = money
            point += 1
        out[row, 0], out[row, 1], out[row, 2] = money - 1.0, fall - 1.0, lowest - 1.0
