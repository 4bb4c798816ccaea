"""A strategy that hangs is a failed trial; one that does not is left alone."""

import contextlib
import sys
import threading
import time
from dataclasses import dataclass

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.research.time_limit import within


@dataclass(frozen=True)
class Hangs(qb.Strategy):
    """Never comes back from one choice, whatever it raises on the way."""

    lookback: int = qb.param(10, among=(10, 11, 12))

    def decide(self, bars):
        while self.lookback == 11:
            try:
                time.sleep(0.001)
            except Exception:  # noqa: BLE001
                continue
        return qb.Signals.when(long=bars.close > qb.sma(bars.close, self.lookback))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_strategy_that_hangs_is_a_failed_trial(workers, monkeypatch, tmp_path):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
    words = {"method": "grid", "workers": workers, "progress": False, "resume": False}
    qb.sma(bars.close, 10)  # compiled code is loaded before the clock runs
    study = qb.search(Hangs, bars, trial_seconds=0.2, **words)
    assert study.failures == (None, "TimeoutError: decide took longer than 0.2 s", None)


def test_time_that_is_enough_changes_nothing_and_leaves_no_thread():
    before = threading.active_count()
    assert [within(30.0, lambda: 7) for _ in range(50)] == [7] * 50
    time.sleep(0.05)
    assert threading.active_count() <= before


def test_no_time_at_all_is_refused():
    with pytest.raises(ParamsError, match="trial_seconds must be above 0"):
        qb.search(qb.MaCross, qb.load("EURUSD", "H1"), method="grid", trial_seconds=0)


def test_what_ends_just_as_time_is_up_either_returns_or_times_out_and_tracing_works_after_it():
    for pause in np.linspace(0.0095, 0.0105, 30):
        with contextlib.suppress(TimeoutError):
            assert within(0.01, lambda pause=pause: time.sleep(pause)) is None
    seen = []
    tracer = sys.gettrace()
    sys.settrace(lambda frame, *_: seen.append(frame.f_code.co_name))
    try:
        within(30.0, lambda: 7)
    finally:
        sys.settrace(tracer)
    assert "within" in seen
