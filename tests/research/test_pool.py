"""Who trades the trials: one, threads or processes, and always the same answer in the same order."""

import gc
import signal
from dataclasses import dataclass, replace
from mmap import mmap
from random import Random
from threading import Event
from time import sleep

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import StoreError
from quantbench.research import pool
from quantbench.research.crew import worked
from quantbench.research.parcel import opened, parcel_of


@pytest.fixture(scope="module")
def question():
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-03")
    return pool.Question(bars, qb.Account(), qb.Costs(), qb.PercentEquity(1.0), qb.Limits())


STRATEGIES = [qb.MaCross(fast, 100) for fast in range(2, 82)]
STRATEGIES[38] = qb.Strategy()  # it cannot decide


def answer(batches):
    values, daily, failures = zip(*batches, strict=True)
    return np.concatenate(values), np.concatenate(daily), [text for part in failures for text in part]


def test_one_worker_threads_and_processes_give_the_same_answer(question, monkeypatch):
    alone = answer(pool.batches(question, STRATEGIES, workers=1))
    threads = answer(pool.batches(question, STRATEGIES, workers=3))
    pool._PACES[question] = pool.Pace(alone=0.001, threaded=0.001, looks=pool._LOOKS)
    monkeypatch.setattr(pool, "_PROCESSES_PAY", -1e9)
    monkeypatch.setattr(pool, "_BATCH", 8)
    processes = answer(pool.batches(question, STRATEGIES, workers=2))
    for other in (threads, processes):
        assert np.array_equal(alone[0], other[0], equal_nan=True)
        assert np.array_equal(alone[1], other[1], equal_nan=True)
        assert alone[2] == other[2]
    assert [row for row, text in enumerate(alone[2]) if text] == [38]
    assert "must define decide" in alone[2][38]


@pytest.mark.parametrize("many", [0, 1, 2, 9, 10, 11])
@pytest.mark.parametrize("workers", [1, 2, 5, None])
def test_no_trial_is_lost_or_made_twice(question, many, workers, monkeypatch):
    monkeypatch.setattr(pool, "_THREADS_PAY", 0.0)
    made = list(pool.batches(question, STRATEGIES[:many], workers=workers))
    assert [len(part.values) for part in made] == [len(part.failures) for part in made]
    assert sum(len(part.failures) for part in made) == many


def test_processes_pay_where_threads_wait_for_the_lock_and_much_is_left():
    assert not pool._processes_pay(100_000, pool.Pace(0.01, 0.0025), 4)  # threads are as fast as can be
    assert pool._processes_pay(1_000, pool.Pace(0.01, 0.01), 4)  # no faster than one: 7.5 s to win
    assert not pool._processes_pay(100, pool.Pace(0.01, 0.01), 4)
    assert not pool._processes_pay(0, pool.Pace(0.01, 0.01), 4)
    assert not pool._processes_pay(100_000, pool.Pace(0.01), 4)  # threads were never tried


def test_a_batch_counts_what_is_ahead_and_what_earlier_batches_taught(question, monkeypatch):
    by_processes = []
    monkeypatch.setattr(pool, "_pooled", lambda _, parts, __: by_processes.extend(parts) or iter(()))
    ours, slow = replace(question, token="ours"), {"alone": 1.0, "threaded": 1.0, "looks": pool._LOOKS}
    pool._PACES[ours] = pool.Pace(**slow)
    assert list(pool.batches(ours, STRATEGIES, workers=2)) == []
    assert sum(map(len, by_processes)) == len(STRATEGIES), "80 trials save half a second each"
    monkeypatch.setattr(pool, "_PROCESSES_PAY", 1_000.0)
    assert list(pool.batches(ours, STRATEGIES[:20], workers=2, ahead=2_000)) == []
    assert len(answer(pool.batches(ours, STRATEGIES[:20], workers=2))[0]) == 20, "by threads"


def test_a_parcel_is_the_thing_on_memory_all_share_and_goes_with_it(question):
    thing = replace(question, token="thing")
    folder = parcel_of(thing)
    assert parcel_of(thing) == folder
    other = opened(folder)
    assert (other.token, other.bars.version) == ("thing", question.bars.version)
    for name in ("open", "close", "spread"):
        base = getattr(other.bars, name)
        while isinstance(base, np.ndarray):
            assert not base.flags.writeable
            base = base.base
        assert type(base.obj) is mmap, "no copy was made"
    assert qb.sma(other.bars.close, 7) is qb.sma(other.bars.close, 7), "indicators are found again"
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        other.bars.close.flags.writeable = True
    del thing
    gc.collect()
    assert not folder.exists()


def test_no_room_for_a_parcel_is_one_sentence(question, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match=r"missing cannot take the bars for worker processes: .*; make room"):
        parcel_of(replace(question, token="no room"))


def test_ctrl_c_while_threads_trade_ends_at_once_and_what_was_tried_is_kept(question, monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    let_go = Event()

    @dataclass(frozen=True)
    class Slow(qb.Strategy):
        number: int = qb.param(0, among=range(60))

        def decide(self, bars):
            if self.number == 30:
                signal.raise_signal(signal.SIGINT)
            if self.number >= 30:
                let_go.wait(20)  # a trial that takes long: nobody waits for it
            return qb.Signals(np.zeros(len(bars)))

    monkeypatch.setattr(pool, "_BATCH", 5)
    with pytest.raises(KeyboardInterrupt):
        qb.sweep(Slow, question.bars, workers=2, progress=False)
    assert not let_go.is_set()
    let_go.set()
    kept = qb.read_ledger()
    assert kept.trial.tolist() == list(range(len(kept)))
    assert 9 <= len(kept) <= 30


def test_results_come_in_order_whoever_is_first():
    random = Random(7)
    naps = [random.uniform(0, 0.004) for _ in range(40)]

    def work(number):
        sleep(naps[number])
        return number

    assert list(worked(work, range(40), 4)) == list(range(40))
    assert list(worked(work, [], 4)) == []


def test_what_a_part_raises_is_raised_in_its_place_and_the_rest_is_dropped():
    done = []

    def work(number):
        if number == 3:
            raise ArithmeticError("three")
        done.append(number)
        sleep(0.001)
        return number

    results = worked(work, range(1_000), 2)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ArithmeticError, match="three"):
        next(results)
    assert len(done) < 1_000


@pytest.mark.parametrize(("trials", "each", "cores"), [(1, 0.0, 1), (7, 9.0, 2), (1_500, 1e-5, 2), (10_000, 1e-4, 8)])
def test_parts_hold_every_trial_once_and_the_last_are_small(trials, each, cores):
    parts = pool._parts(range(trials), each, cores)
    assert [trial for part in parts for trial in part] == list(range(trials))
    sizes = [len(part) for part in parts]
    assert max(sizes) <= pool._BATCH
    assert sizes == sorted(sizes, reverse=True)
    assert trials < 1_000 or sizes[-2] <= max(sizes) // 2 + 1
    assert max(sizes) * each <= max(each, pool._BATCH_SECONDS)
    assert len(parts) >= min(trials, 2 * cores)
