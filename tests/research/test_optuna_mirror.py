"""A study as Optuna knows it: in memory, in a journal, in a real PostgreSQL; and what its params explain."""

import os
import shutil
import socket
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError, ParamsError, StoreError

NOBODY = 65534


@dataclass(frozen=True)
class Exits(qb.Strategy):
    """Has a param of every kind, and fails for some."""

    way: str = qb.param("long", among=("long", "short", "fails"))
    stop: float = qb.param(0.01, low=0.001, high=0.1, log=True, when={"way": ("long",)})
    lookback: int = qb.param(20, low=5, high=50)

    def decide(self, bars):
        if self.way == "fails":
            raise RuntimeError("as asked")
        above = bars.close > qb.sma(bars.close, self.lookback)
        return qb.Signals.when(long=above if self.way == "long" else ~above, stop=self.stop)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    home, before = tmp_path_factory.mktemp("home"), os.environ.get("QUANTBENCH_HOME")
    os.environ["QUANTBENCH_HOME"] = str(home)
    bars = qb.load("EURUSD", "H1", "2017-01", "2017-04")
    made = qb.search(Exits, bars, method="random", trials=40, seed=2, progress=False, resume=False)
    os.environ.pop("QUANTBENCH_HOME") if before is None else os.environ.update(QUANTBENCH_HOME=before)
    return made


def same(mirror, study):
    assert len(mirror.trials) == len(study)
    for theirs, ours in zip(mirror.trials, study.trials, strict=True):
        assert theirs.params == ours.params
        assert (theirs.value if theirs.state.is_finished() and theirs.values else None) == ours.metrics.get("sharpe")
        assert theirs.user_attrs.get("failure") == ours.failure
    assert mirror.best_trial.number == study.best.number


def test_every_trial_is_there_the_failed_ones_too(study):
    same(study.to_optuna(), study)
    assert any(study.failures)


def test_a_journal_is_added_to_not_repeated(study, tmp_path):
    file = str(tmp_path / "study.journal")
    for _ in range(2):
        same(study.to_optuna(file), study)


def test_a_storage_that_cannot_be_written_is_one_sentence(study, tmp_path):
    with pytest.raises(StoreError, match="cannot keep the study in"):
        study.to_optuna(str(tmp_path / "missing" / "study.journal"))
    with pytest.raises(StoreError, match="cannot keep the study in"):
        study.to_optuna("postgresql+pg8000://nobody@127.0.0.1:9/none")


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """A throwaway cluster of the real server, run by nobody, on a free port."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin")) if shutil.which("initdb") is None else [Path()]
    if not found:
        pytest.skip("PostgreSQL is not installed: its initdb is neither on the path nor in its usual folder")
    if os.geteuid() != 0:
        pytest.skip("the throwaway server is started as another user, which needs root")
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    os.chown(folder, NOBODY, NOBODY)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def as_nobody(program, *words):
        subprocess.run(
            [str(found[-1] / program), *words],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    as_nobody("initdb", "-D", f"{folder}/data", "-U", "qb", "-A", "trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    as_nobody("pg_ctl", "-D", f"{folder}/data", "-w", "-o", options, "-l", f"{folder}/log", "start")
    yield f"postgresql+pg8000://qb@127.0.0.1:{port}/postgres"
    as_nobody("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
    shutil.rmtree(folder)


def test_a_study_is_kept_in_postgresql_and_added_to(study, postgres):
    for _ in range(2):
        same(study.to_optuna(postgres), study)


def test_importance_finds_what_moves_the_metric(study):
    found = study.importance()
    assert found.sum() == pytest.approx(1.0)
    assert set(found.index) == {"way", "stop", "lookback"}
    assert (found == study.importance()).all(), "the same every time"


def test_importance_of_what_is_planted_is_all_of_it(study):
    planted = np.array([float(choice["lookback"]) for choice in study.params])
    found = replace(study, values={**study.values, "trades": planted}).importance("trades")
    assert found.index[0] == "lookback"
    assert found.iloc[0] > 0.9


def test_importance_of_nothing_says_why(study):
    with pytest.raises(ParamsError, match="the study has no 'sharp'; it has trades"):
        study.importance("sharp")
    few = qb.sweep(qb.MaCross, study.bars, space={"fast": (5, 10)}, progress=False)
    with pytest.raises(ExecutionError, match="at least four trials with a sharpe, found 2"):
        few.importance()
