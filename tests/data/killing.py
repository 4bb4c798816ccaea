"""The long proof: `python tests/data/killing.py MOMENTS SEED` kills imports and updates as often, at random.

Prints the seed of each kill after which the lake was not whole, and ends with 1 if there is any.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import updater
from candle_server import candles, serving
from importer import MANY

from quantbench.data import lake
from quantbench.data.fetching import Manners
from quantbench.data.manifest import Dataset, read_current
from quantbench.data.readers import read
from quantbench.data.update import update_from_http

HERE = Path(__file__).parent


def started(script, *words):
    """Start a script and wait for its first line."""
    command = [sys.executable, str(HERE / script), *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def killed(process, seconds):
    """Kill a process after some seconds and return what it said since its first line."""
    with process:
        time.sleep(seconds)
        process.kill()  # SIGKILL: nothing is tidied up
        return process.stdout.read().split()


def kill_an_import(folder, seed):
    """Kill a process that imports one file after the other; the lake holds the last import told of, or the next."""
    process, first = started("importer.py", folder, 90)
    said = [int(line) for line in [first, *killed(process, random.Random(seed).uniform(0, 0.6))]]
    frame = lake.read(Dataset("EURUSD", "M1", folder / "lake"))
    assert len(frame) == MANY
    assert frame["close"].n_unique() == 1, "bars of two imports"
    number = round((float(frame["close"][0]) - 1) * 100)
    assert number in {said[-1], said[-1] + 1}, "what was announced is there, or the one after it"
    (current,) = lake.datasets(folder / "lake")
    assert current.number >= len(said)


def kill_an_update(folder, seed):
    """Kill an update; whole days are stored, the next update asks for the others only and ends with all of them."""
    dataset = Dataset("EURUSD", "M1", folder / "lake")
    days = [updater.START + timedelta(days=k) for k in range((updater.END - updater.START).days)]
    days = [day for day in days if day.weekday() != 5]
    with serving() as (url, asked):
        process, _ = started("updater.py", url, folder / "lake")
        killed(process, random.Random(seed).uniform(0, 1.2))
        before = stored_days(dataset, folder)
        asked.clear()
        update_from_http(
            "EURUSD", start=updater.START, end=updater.END, now=updater.NOW, base_url=url,
            into=folder / "lake", manners=Manners(pause=0.0), accept=updater.TRADES_ALWAYS,
        )  # fmt: skip
    assert len(asked) == len(days) - len(before), "only what was missing was asked for"
    assert stored_days(dataset, folder) == days
    return len(before)


def stored_days(dataset, folder):
    """Return the days that are stored; fails when one is in part, or holds other numbers than the server gave."""
    if read_current(dataset.place) is None:
        return []
    found = []
    stored = lake.read(dataset)
    for (day,), rows in stored.group_by(stored["time"].dt.date(), maintain_order=True):
        file = folder / "EURUSD" / f"{day.year}/{day.month - 1:02d}/{day.day:02d}" / "BID_candles_min_1.bi5"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(candles(day.day))
        truth = read(file).frame
        assert len(rows) == len(truth) == 1440, f"{day} is stored in part"
        for name in ("open", "high", "low", "close", "volume"):
            assert (rows[name] == truth[name]).all(), f"{day} has other numbers in {name}"
        found.append(day)
    return found


def main():
    """Kill as often as asked for; return the exit code."""
    say = sys.stdout.write
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("moments", type=int, nargs="?", default=50)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    asked = parser.parse_args()
    broken, resumed = 0, []
    for kill in (kill_an_import, kill_an_update):
        for seed in range(asked.seed, asked.seed + asked.moments):
            with tempfile.TemporaryDirectory() as folder:
                try:
                    resumed.append(kill(Path(folder), seed))
                except Exception as fault:  # noqa: BLE001  (whatever it is, the seed is what the reader needs)
                    broken += 1
                    say(f"{kill.__name__}, seed {seed}: {type(fault).__name__}: {fault}\n")
    days = [one for one in resumed if one is not None]
    say(f"{2 * asked.moments} kills, {broken} broken; updates died with {sorted(set(days))} days stored\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
