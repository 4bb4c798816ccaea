"""The cache: once per input, never stale, bounded, safe between threads."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.immutable import frozen, owner_of
from quantbench.indicators import cache
from quantbench.indicators.cache import Cache, cached

MB = 2**20


@pytest.fixture
def own_cache(monkeypatch):
    mine = Cache(bound=MB)
    monkeypatch.setattr(cache, "CACHE", mine)
    return mine


def column(length=100, seed=0):
    return frozen(1.1 + np.random.default_rng(seed).normal(0, 1e-3, length))


def test_the_same_input_and_lookback_is_computed_once(own_cache):
    calls = []

    @cached
    def doubled(columns, lookback):
        calls.append(lookback)
        return columns[0] * 2.0

    values = column()
    assert doubled((values,), 5) is doubled((values,), 5)
    doubled((values,), 6)
    doubled((column(),), 5)  # equal numbers in other memory: another input
    assert calls == [5, 6, 5]


def test_an_average_of_an_average_and_every_named_result_is_found_again(own_cache):
    values = column()
    assert qb.sma(qb.sma(values, 5), 3) is qb.sma(qb.sma(values, 5), 3)
    assert qb.bollinger(values, 5) is qb.bollinger(values, 5)
    bars = qb.load("EURUSD", "H1")[:200]
    for call in (qb.atr, qb.adx, qb.donchian, qb.stochastic):
        assert call(bars, 9) is call(bars, 9)


def test_functions_lookbacks_and_columns_do_not_share_a_result(own_cache):
    values = column()
    found = [qb.sma(values, 5), qb.sma(values, 6), qb.ema(values, 5), qb.rsi(values, 5), qb.sma(values[10:], 5)]
    assert len({id(array) for array in found}) == len(found)
    assert len(own_cache) == 5


def test_memory_that_can_be_written_gives_the_new_answer_each_time(own_cache):
    values = np.arange(10.0)
    before = qb.sma(values, 2)[-1]
    values[-1] = 100.0
    assert before == 8.5
    assert qb.sma(values, 2)[-1] == 54.0
    locked = values.view()
    locked.flags.writeable = False  # read-only through this name only
    before = qb.sma(locked, 2)[-1]
    values[-1] = 0.0
    assert (before, qb.sma(locked, 2)[-1]) == (54.0, 4.0)
    shared = np.frombuffer(bytearray(values.tobytes()))
    qb.sma(shared, 2)
    shared[-1] = 2.0
    assert qb.sma(shared, 2)[-1] == 5.0
    assert len(own_cache) == 0


def test_a_new_array_at_an_old_address_gives_its_own_answer(own_cache):
    for seed in range(200):  # memory of the array freed is given out again
        values = column(50, seed)
        assert qb.sma(values, 50)[-1] == pytest.approx(values.mean(), rel=1e-12)
        del values
        if seed % 20 == 0:
            own_cache.clear()
            gc.collect()


def test_an_array_whose_header_was_changed_in_place_is_another_input(own_cache):
    values = frozen(np.arange(8.0))
    whole = qb.sma(values, 2)
    every_second = np.lib.stride_tricks.as_strided(values, shape=(4,), strides=(16,))
    assert qb.sma(every_second, 2).tolist()[1:] == [1.0, 3.0, 5.0]
    assert qb.sma(values, 2) is whole


def test_memory_stays_below_the_bound_and_the_result_used_last_stays(own_cache):
    values = column(10_000)
    favourite = qb.sma(values, 2)
    for lookback in range(3, 60):  # 80 kB each
        qb.sma(values, lookback)
        assert own_cache.n_bytes <= MB
        assert qb.sma(values, 2) is favourite
    assert 5 < len(own_cache) < 20


def test_inputs_kept_alive_count_once_and_are_let_go(own_cache):
    values = column(10_000)
    qb.sma(values, 2)
    assert own_cache.n_bytes == 160_000
    qb.sma(values[100:], 2)  # a view keeps the whole column alive
    assert own_cache.n_bytes == 160_000 + 8 * 9_900
    own_cache.clear()
    assert (own_cache.n_bytes, len(own_cache)) == (0, 0)


def test_eviction_gives_back_every_byte_it_counted(own_cache):
    for seed in range(40):
        values = column(5_000, seed)
        qb.bollinger(values, 7)
        qb.sma(qb.sma(values, 3), 4)
    alive = {}
    for result, inputs in own_cache._entries.values():
        for array in (*cache._arrays(result), *inputs):
            alive[id(owner_of(array))] = len(owner_of(array))
    assert own_cache.n_bytes == sum(alive.values())


def test_a_result_larger_than_the_bound_is_given_and_not_kept(own_cache):
    values = column(200_000)
    assert qb.sma(values, 2)[-1] == pytest.approx(values[-2:].mean())
    assert own_cache.n_bytes == 0


def test_threads_get_one_answer_and_the_count_stays_right(own_cache):
    columns, barrier = [column(2_000, seed) for seed in range(4)], Barrier(8)

    def work(worker):
        barrier.wait()
        rng = np.random.default_rng(worker)
        for _ in range(300):
            values, lookback = columns[rng.integers(4)], int(rng.integers(2, 30))
            assert qb.sma(values, lookback)[-1] == pytest.approx(values[-lookback:].mean(), rel=1e-12)
        barrier.wait()  # from here on nothing is pushed out
        return qb.sma(columns[0], 2)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(8)))
    assert len({id(array) for array in found}) == 1
    assert own_cache.n_bytes <= MB


def test_an_error_is_not_remembered(own_cache):
    outcomes = iter([ZeroDivisionError("first"), None])

    @cached
    def fails_once(columns, lookback):
        outcome = next(outcomes)
        if outcome is not None:
            raise outcome
        return columns[0] + 1.0

    values = column()
    with pytest.raises(ZeroDivisionError, match="first"):
        fails_once((values,), 1)
    np.testing.assert_array_equal(fails_once((values,), 1), values + 1.0)


def test_threads_that_want_the_same_result_work_it_out_once(own_cache):
    calls, begun = [], Barrier(4)

    @cached
    def slow(columns, lookback):
        calls.append(lookback)
        sleep(0.05)  # the others arrive meanwhile
        return columns[0] * lookback

    values = column()

    def want(lookback):
        begun.wait()
        return slow((values,), lookback)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(want, (2, 2, 2, 3)))
    assert sorted(calls) == [2, 3]
    assert found[0] is found[1] is found[2]


def test_a_result_that_could_not_be_worked_out_is_tried_again_by_whoever_waits(own_cache):
    calls, begun = [], Barrier(2)

    @cached
    def moody(columns):
        calls.append(1)
        if len(calls) == 1:
            sleep(0.05)
            raise ValueError("once")
        return columns[0] * 2.0

    values = column()

    def want(_):
        begun.wait()
        try:
            return moody((values,))[0]
        except ValueError as fault:
            return str(fault)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(map(str, pool.map(want, range(2)))) == sorted(["once", str(values[0] * 2.0)])
