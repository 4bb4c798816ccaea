"""An import that is killed at any moment leaves the lake whole at its last version."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from quantbench.data import lake
from quantbench.data.manifest import Dataset

MANY = 20_000


def number_of(folder):
    """The import that the stored bars are from; fails when they are of two, or not whole."""
    frame = lake.read(Dataset("EURUSD", "M1", folder / "lake"))
    assert len(frame) == MANY
    assert frame["close"].n_unique() == 1, "bars of two imports"
    return round((float(frame["close"][0]) - 1) * 100)


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_import_leaves_the_lake_at_its_last_version(tmp_path, seed):
    command = [sys.executable, str(Path(__file__).with_name("importer.py")), str(tmp_path), "90"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        first = writer.stdout.readline().strip()
        time.sleep(random.Random(seed).uniform(0, 0.4))
        writer.kill()
        said = [int(line) for line in [first, *writer.stdout.read().split()]]
    assert number_of(tmp_path) in {said[-1], said[-1] + 1}, "what was announced is there, or the one after it"
    (current,) = lake.datasets(tmp_path / "lake")
    assert current.number >= len(said)
