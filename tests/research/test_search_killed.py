"""A search by each method that is killed half-way, for real, goes on to the bytes of one that was not.

`KILLS=30 pytest tests/research/test_search_killed.py` kills each at as many moments. The file is also the program
that is killed: `python test_search_killed.py FOLDER` forks a search for each method and moment, which ends itself
with SIGKILL while it decides on a trial.
"""

import hashlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import deap.tools
import optuna
import pytest

import quantbench as qb
from quantbench.engine import trials as engine
from quantbench.research import evaluation
from quantbench.research.asking import METHODS, method_named

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills are those of Unix")

TRIALS = 60
KILLS = int(os.environ.get("KILLS", "1"))
RANDOM = random.Random(7)
MOMENTS = [TRIALS // 2, *RANDOM.sample([at for at in range(1, TRIALS) if at != TRIALS // 2], KILLS - 1)]
LOADED = (optuna, deap.tools)  # once, before the forks


def searched(method):
    words = {"seed": 5, "constraints": {"trades": 3}, "workers": 1, "progress": False}
    if method == "grid":
        words["space"] = {"fast": range(5, 60, 5), "slow": range(60, 180, 20)}
    if method.startswith("nsga"):
        words["objectives"] = ("sharpe", "max_drawdown")
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
    return qb.search(qb.MaCross, bars, method=method, trials=TRIALS, **words)


def counted(then):
    """Call a function with the number of each trial that is decided."""
    real, made = engine._signals, []

    def signals(*words):
        made.append(1)
        then(len(made))
        return real(*words)

    engine._signals = signals
    return made


def forked(method, moment, root):
    """Begin a search that kills itself; everything is loaded, and no thread has begun."""
    one = os.fork()
    if not one:
        os.environ["QUANTBENCH_HOME"] = str(Path(root, f"{method}-{moment}"))
        counted(lambda number: number <= moment or os.kill(os.getpid(), signal.SIGKILL))
        searched(method)
        os._exit(0)
    return one


def die(root):
    evaluation.KEPT_SECONDS = 0.0  # sixty trials take no second
    for method in METHODS:
        method_named(method)
    for moment in MOMENTS:
        for one in [forked(method, moment, root) for method in METHODS]:
            sys.stdout.write(f"{os.waitstatus_to_exitcode(os.waitpid(one, 0)[1])}\n")


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Return the folder with the home of each search that was killed."""
    root = tmp_path_factory.mktemp("killed")
    words = [sys.executable, __file__, str(root)]
    ended = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
    assert ended == [str(-signal.SIGKILL)] * len(METHODS) * len(MOMENTS)
    return root


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_search_that_was_killed_goes_on_to_the_same_bytes(method, moment, killed, monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "_signals", engine._signals)  # put back afterwards
    made = counted(lambda _: None)
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    whole, alone = searched(method), len(made)
    home = Path(killed, f"{method}-{moment}")
    monkeypatch.setenv("QUANTBENCH_HOME", str(home))
    assert len(qb.read_ledger()) == 0, "it had no time to say goodbye"
    resumed = searched(method)
    assert digest(resumed) == digest(whole)
    assert resumed.daily.tobytes() == whole.daily.tobytes()
    assert len(qb.read_ledger()) == len(whole) == alone
    if moment >= TRIALS // 2:
        assert len(made) - alone <= alone - 10, "what was kept is not made again"


def digest(study):
    return hashlib.sha256(study.table().to_csv().encode()).hexdigest()


if __name__ == "__main__":
    die(sys.argv[1])
