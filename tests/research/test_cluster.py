"""A search on a real Dask scheduler and two workers of its own, one of them killed on the way."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError
from quantbench.research import cluster, evaluation

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, from threads that outlive the test


@dataclass(frozen=True)
class Slow(qb.Strategy):
    """Takes five milliseconds to decide."""

    lookback: int = qb.param(20, among=range(2, 162))

    def decide(self, bars):
        time.sleep(0.005)
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, self.lookback))


@pytest.fixture(scope="module")
def address():
    with cluster.start_local(2) as address:
        yield address


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1", "2017-01", "2017-04")


def test_a_cluster_gives_the_same_table_as_one_worker_also_when_a_worker_dies(address, bars):
    words = {"method": "random", "trials": 120, "seed": 3, "progress": False, "resume": False}
    here = qb.search(Slow, bars, workers=1, **words)
    with qb.cluster(address) as client:
        assert cluster.cores() == 2
        pids = client.run(os.getpid)
        killer = threading.Timer(0.3, os.kill, (next(iter(pids.values())), signal.SIGKILL))
        killer.start()
        there = qb.search(Slow, bars, **words)
        swept = qb.sweep(qb.MaCross, bars, progress=False)
    assert cluster.cores() == 0
    assert there.table().to_csv() == here.table().to_csv()
    assert swept.table().to_csv() == qb.sweep(qb.MaCross, bars, workers=1, progress=False).table().to_csv()


@pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")
def test_a_scheduler_that_vanishes_is_one_sentence_and_the_search_goes_on(bars, monkeypatch, tmp_path):
    words = {"method": "random", "trials": 120, "seed": 3, "progress": False}
    here = qb.search(Slow, bars, workers=1, resume=False, **words)
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path / "vanished"))
    monkeypatch.setattr(evaluation, "KEPT_SECONDS", 0.0)
    program = [sys.executable, "-m", "quantbench", "cluster", "start", "--workers", "1", "--port", "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True, start_new_session=True) as started:
        try:
            address = re.search(r"1 workers at (\S+);", started.stdout.readline())[1]
            real, kept = evaluation.keep, []

            def keeps(*part):
                kept.append(real(*part))
                if len(kept) == 2:
                    os.killpg(started.pid, signal.SIGKILL)

            monkeypatch.setattr(evaluation, "keep", keeps)
            with (
                qb.cluster(address),
                pytest.raises(ExecutionError, match=r"the cluster was lost .*; what was tried is"),
            ):
                qb.search(Slow, bars, **words)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)
    tried = qb.read_ledger()
    assert 0 < len(tried) < 120
    assert tried.attrs["broken"] == []
    monkeypatch.setattr(evaluation, "keep", real)
    made = Counting(evaluation.batches)
    monkeypatch.setattr(evaluation, "batches", made)
    assert qb.search(Slow, bars, workers=1, **words).table().to_csv() == here.table().to_csv()
    assert made.trials == 120 - len(tried), "what was tried is not tried again"


class Counting:
    def __init__(self, real):
        self.real, self.trials = real, 0

    def __call__(self, question, strategies, **words):
        self.trials += len(strategies)
        return self.real(question, strategies, **words)


def test_an_address_where_nobody_answers_is_one_sentence(monkeypatch):
    monkeypatch.setattr(cluster, "_REACH_SECONDS", 0.3)
    with (
        pytest.raises(ExecutionError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        qb.cluster("tcp://127.0.0.1:9"),
    ):
        pass


def test_a_cluster_without_workers_is_one_sentence():
    with (
        cluster.start_local(0) as address,
        pytest.raises(ExecutionError, match="has no workers: start some"),
        qb.cluster(address),
    ):
        pass
