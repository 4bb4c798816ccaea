"""Two draws of eight paths at once, written as vector code: numba chooses none where numbers are looked up.

What it computes is `grow_once` of `chance._kernels` twice, lane by lane and to the bit; a test holds it to the plain
way. Where a processor has no such instructions, the compiler takes the lanes one after the other.
"""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LANES = 8
GOLDEN, ONE, TWO, LOW = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xFFFFFFFF
INT, FLOAT, SHORT = ir.IntType(64), ir.DoubleType(), ir.IntType(32)
INTS, FLOATS, FLAGS = (ir.VectorType(one, LANES) for one in (INT, FLOAT, ir.IntType(1)))
POINTERS = ir.VectorType(ir.PointerType(), LANES)
GATHER = "llvm.masked.gather.v8f64.v8p0"


@intrinsic
def grow_lanes(_context: Any, growth: Any, seeds: Any, at: Any, pairs: Any, state: Any) -> Any:
    """Take eight paths twice `pairs` draws on.

    ``growth`` is looked up by each draw, ``seeds`` are the eight streams, ``at`` how far they are, and ``state``
    of shape (4, 8) holds money, share of the peak, deepest fall and lowest point of each path.
    """
    return types.void(growth, seeds, at, pairs, state), _built


def _built(context: Any, b: Any, signature: Any, args: Any) -> Any:
    table, seeds, state = (context.make_array(signature.args[i])(context, b, args[i]) for i in (0, 1, 4))
    size = b.and_(b.extract_value(table.shape, 0), ir.Constant(INT, LOW))  # known to be short: a quicker product
    places = _splat(b, size, INTS), _splat(b, b.ptrtoint(table.data, INT), INTS)
    rows = [b.gep(state.data, [ir.Constant(INT, i * LANES)]) for i in range(4)]
    streams, start = _load(b, seeds.data, INTS), [_load(b, row, FLOATS) for row in rows]
    entry, loop, end = b.block, b.append_basic_block("draws"), b.append_basic_block("drawn")
    b.cbranch(b.icmp_signed(">", args[3], ir.Constant(INT, 0)), loop, end)
    b.position_at_end(loop)
    done, stand, now = b.phi(INT), b.phi(INT), [b.phi(FLOATS) for _ in rows]
    next_stand, next_done = b.add(stand, ir.Constant(INT, GOLDEN)), b.add(done, ir.Constant(INT, 1))
    after = _grown(b, now, _factors(b, b.add(streams, _splat(b, next_stand, INTS)), *places))
    b.cbranch(b.icmp_signed("<", next_done, args[3]), loop, end)
    for phi, first, then in zip(
        (done, stand, *now), (ir.Constant(INT, 0), args[2], *start), (next_done, next_stand, *after), strict=True
    ):
        phi.add_incoming(first, entry)
        phi.add_incoming(then, loop)
    b.position_at_end(end)
    last = [b.phi(FLOATS) for _ in rows]
    for phi, first, then, row in zip(last, start, after, rows, strict=True):
        phi.add_incoming(first, entry)
        phi.add_incoming(then, loop)
        b.store(phi, b.bitcast(row, FLOATS.as_pointer()), align=8)
    return context.get_dummy_value()


def _factors(b: Any, x: Any, size: Any, table: Any) -> tuple[Any, Any]:
    """Return the growth of two draws: `mixed` bits, each half of them a place in the table."""
    for shift, factor in ((30, ONE), (27, TWO)):
        x = b.mul(b.xor(x, b.lshr(x, _all(shift))), _all(factor))
    x = b.xor(x, b.lshr(x, _all(31)))
    halves = b.lshr(x, _all(32)), b.and_(x, _all(LOW))
    one, two = (_looked_up(b, table, b.lshr(b.mul(half, size), _all(32))) for half in halves)
    return one, two


def _looked_up(b: Any, table: Any, rows: Any) -> Any:
    gather = b.module.globals.get(GATHER)
    if gather is None:
        gather = ir.Function(b.module, ir.FunctionType(FLOATS, [POINTERS, SHORT, FLAGS, FLOATS]), GATHER)
    cells = b.inttoptr(b.add(table, b.shl(rows, _all(3))), POINTERS)
    every, none = ir.Constant(FLAGS, [1] * LANES), ir.Constant(FLOATS, ir.Undefined)
    return b.call(gather, [cells, ir.Constant(SHORT, 8), every, none])


def _grown(b: Any, now: Any, factors: tuple[Any, Any]) -> tuple[Any, ...]:
    money, under, fall, lowest = now
    one, two = factors
    whole = ir.Constant(FLOATS, [1.0] * LANES)
    middle, first = b.fmul(money, one), _least(b, b.fmul(under, one), whole)
    end, second = b.fmul(middle, two), _least(b, b.fmul(first, two), whole)
    return end, second, _least(b, _least(b, fall, first), second), _least(b, _least(b, lowest, middle), end)


def _least(b: Any, one: Any, other: Any) -> Any:
    return b.select(b.fcmp_ordered("<", other, one), other, one)


def _all(value: int) -> Any:
    return ir.Constant(INTS, [value] * LANES)


def _splat(b: Any, value: Any, kind: Any) -> Any:
    lanes = ir.Constant(kind, ir.Undefined)
    for i in range(LANES):
        lanes = b.insert_element(lanes, value, ir.Constant(SHORT, i))
    return lanes


def _load(b: Any, pointer: Any, kind: Any) -> Any:
    return b.load(b.bitcast(pointer, kind.as_pointer()), align=8)
