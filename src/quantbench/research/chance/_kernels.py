"""Paths of money drawn from returns, compiled: each from its own stream of numbers, so threads change nothing."""

import numpy as np

from quantbench.config._kernels import compiles

ORDER, BLOCK = 1, 2
LANES = 4
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
ONE, TWO = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
A, B, C, LOW, HALF = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(0xFFFFFFFF), np.uint64(32)


@compiles(inline="always")
def mixed(state):
    """Return 64 random bits from a counter (SplitMix64; Steele, Lea and Flood 2014)."""
    bits = (state ^ (state >> A)) * ONE
    bits = (bits ^ (bits >> B)) * TWO
    return bits ^ (bits >> C)


@compiles(inline="always")
def grown(money, under, fall, lowest, growth, bits, size):
    """Return a path after two more draws, one from each half of the bits."""
    one, two = growth[((bits >> HALF) * size) >> HALF], growth[((bits & LOW) * size) >> HALF]
    middle, first = money * one, min(under * one, 1.0)
    end, second = middle * two, min(first * two, 1.0)
    return end, second, min(fall, first, second), min(lowest, middle, end)


@compiles()
def bootstrap_paths(returns, seed, first, steps, out, fan):
    """Grow money along paths of returns drawn with replacement, four side by side: one alone waits for itself.

    As `draw_paths`; rows of `out` and `fan` come in fours.
    """
    growth, size, points = 1.0 + returns, np.uint64(len(returns)), fan.shape[1]
    for row in range(0, len(out), LANES):
        begin = np.uint64(seed) + GOLDEN * np.uint64(first + row)
        s0, s1 = mixed(begin + GOLDEN), mixed(begin + GOLDEN * np.uint64(2))
        s2, s3 = mixed(begin + GOLDEN * np.uint64(3)), mixed(begin + GOLDEN * np.uint64(4))
        m0, u0, f0, l0 = 1.0, 1.0, 1.0, 1.0
        m1, u1, f1, l1 = 1.0, 1.0, 1.0, 1.0
        m2, u2, f2, l2 = 1.0, 1.0, 1.0, 1.0
        m3, u3, f3, l3 = 1.0, 1.0, 1.0, 1.0
        at, step = np.uint64(0), 0
        for point in range(points):
            until = (point + 1) * steps // points
            while step + 1 < until:
                at += GOLDEN
                m0, u0, f0, l0 = grown(m0, u0, f0, l0, growth, mixed(s0 + at), size)
                m1, u1, f1, l1 = grown(m1, u1, f1, l1, growth, mixed(s1 + at), size)
                m2, u2, f2, l2 = grown(m2, u2, f2, l2, growth, mixed(s2 + at), size)
                m3, u3, f3, l3 = grown(m3, u3, f3, l3, growth, mixed(s3 + at), size)
                step += 2
            if step < until:
                at += GOLDEN
                m0, u0, f0, l0 = grown_once(m0, u0, f0, l0, growth, mixed(s0 + at), size)
                m1, u1, f1, l1 = grown_once(m1, u1, f1, l1, growth, mixed(s1 + at), size)
                m2, u2, f2, l2 = grown_once(m2, u2, f2, l2, growth, mixed(s2 + at), size)
                m3, u3, f3, l3 = grown_once(m3, u3, f3, l3, growth, mixed(s3 + at), size)
                step += 1
            fan[row, point], fan[row + 1, point], fan[row + 2, point], fan[row + 3, point] = m0, m1, m2, m3
        out[row, 0], out[row, 1], out[row, 2] = m0 - 1.0, f0 - 1.0, l0 - 1.0
        out[row + 1, 0], out[row + 1, 1], out[row + 1, 2] = m1 - 1.0, f1 - 1.0, l1 - 1.0
        out[row + 2, 0], out[row + 2, 1], out[row + 2, 2] = m2 - 1.0, f2 - 1.0, l2 - 1.0
        out[row + 3, 0], out[row + 3, 1], out[row + 3, 2] = m3 - 1.0, f3 - 1.0, l3 - 1.0


@compiles(inline="always")
def grown_once(money, under, fall, lowest, growth, bits, size):
    """Return a path after one more draw."""
    one = growth[((bits >> HALF) * size) >> HALF]
    end, below = money * one, min(under * one, 1.0)
    return end, below, min(fall, below), min(lowest, end)


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
