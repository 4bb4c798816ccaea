"""Threads that take turns at steps of Python: the same results in the same order, and nobody waits for nothing."""

from random import Random
from threading import Event, Lock
from time import sleep, thread_time

import pytest

from quantbench.research.turns import _AHEAD, stepped


def spin(seconds):
    until = thread_time() + seconds
    while thread_time() < until:
        pass


class Watch:
    """How many are inside at once."""

    def __init__(self):
        self.most, self.inside, self._lock = 0, 0, Lock()

    def __enter__(self):
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)

    def __exit__(self, *_):
        with self._lock:
            self.inside -= 1


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("lots", [1, 3])
def test_every_part_takes_its_steps_in_turn_and_results_come_in_order(threads, lots):
    naps, taken = Random(7), {number: [] for number in range(30)}

    def work(number):
        for lot in range(lots):
            taken[number].append(("decide", lot))
            yield
            sleep(naps.uniform(0, 0.003))
            taken[number].append(("trade", lot))
            if lot + 1 < lots:
                yield
        return number

    assert list(stepped(work, range(30), threads)) == list(range(30))
    in_turn = [(kind, lot) for lot in range(lots) for kind in ("decide", "trade")]
    assert all(steps == in_turn for steps in taken.values())
    assert list(stepped(work, [], threads)) == []


@pytest.mark.parametrize(("short", "long", "singly"), [(0.0005, 0.003, True), (0.004, 0.0005, False)])
def test_steps_of_python_are_taken_singly_unless_they_are_most_of_the_work(short, long, singly):
    watch = Watch()

    def work(number):
        with watch:
            spin(short)
        yield
        spin(long)
        return number

    assert list(stepped(work, range(40), 3)) == list(range(40))
    assert (watch.most == 1) is singly


def test_a_step_of_python_is_taken_ahead_while_all_others_are_at_compiled_code():
    began, two_ahead = [], Event()

    def work(number):
        began.append(("decide", number))
        if number == 2:
            two_ahead.set()
        yield
        began.append(("trade", number))
        assert two_ahead.wait(20), "the other thread decides what comes next"
        return number

    assert list(stepped(work, range(6), 2)) == list(range(6))
    assert began.index(("decide", 2)) < began.index(("trade", 1))


def test_no_more_parts_are_begun_than_are_needed():
    watch, threads = Watch(), 3

    def work(number):
        with watch:
            spin(0.0002)
            yield
            spin(0.001)
        return number

    assert list(stepped(work, range(60), threads)) == list(range(60))
    assert watch.most <= threads + _AHEAD


@pytest.mark.parametrize("step", [0, 1])
def test_what_a_step_raises_is_raised_in_place_of_its_part(step):
    def work(number):
        if number == 3 and step == 0:
            raise ArithmeticError("three")
        yield
        if number == 3 and step == 1:
            raise ArithmeticError("three")
        return number

    results = stepped(work, range(8), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ArithmeticError, match="three"):
        next(results)


def test_whoever_stops_listening_waits_for_nothing_and_the_rest_is_dropped():
    begun, let_go = [], Event()

    def work(number):
        begun.append(number)
        yield
        if number > 3:
            let_go.wait(20)
        return number

    results = stepped(work, range(1_000), 2)
    assert next(results) == 0
    results.close()
    assert not let_go.is_set()
    let_go.set()
    assert len(begun) < 20
