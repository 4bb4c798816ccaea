"""Paths of money drawn from returns, compiled: each from its own stream of numbers, so threads change nothing."""

import numpy as np

from quantbench.config._kernels import compiles

BOOTSTRAP, ORDER, BLOCK = 0, 1, 2
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ONE, TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
A, B, C, LOW, HALF = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(0xFFFFFFFF), np.uint64(32)


@compiles()
def mixed(state):
    """Return 64 random bits from a counter (SplitMix64; Steele, Lea and Flood 2014)."""
    bits = (state ^ (state >> A)) * ONE
    bits = (bits ^ (bits >> B)) * TWO
    return bits ^ (bits >> C)


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
