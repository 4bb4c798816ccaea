"""What every test shares, those of `src` and `notebooks` too: a home of its own, and no false green."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# The first example may wait for a compiler, and tests never judge speed: benchmarks do.
settings.register_profile("quantbench", deadline=None, print_blob=True)
settings.load_profile("quantbench")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what it puts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def own_home() -> Iterator[Path]:
    """Keep what tests write (ledger, reports, lake) out of the checkout and out of the user's own home."""
    before = os.environ.get("QUANTBENCH_HOME")
    with tempfile.TemporaryDirectory(prefix="quantbench-tests-", ignore_cleanup_errors=True) as home:
        os.environ["QUANTBENCH_HOME"] = home
        yield Path(home)
    if before is None:
        del os.environ["QUANTBENCH_HOME"]
    else:
        os.environ["QUANTBENCH_HOME"] = before


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a notebook from the cell that timed out on.

    nbval interrupts a slow cell and expects the later ones to fail. A cell that swallows the interrupt
    therefore passes, and an error after it is "expected": the run would end green.
    """
    report = yield
    timed_out = getattr(item.parent, "timed_out", False)
    if timed_out and report.when == "call" and report.outcome != "failed":
        report.outcome = "failed"
        report.longrepr = f"{item.name}: a cell of this notebook timed out; nothing after it can be believed"
        vars(report).pop("wasxfail", None)
    return report
