"""A process that keeps importing files into one dataset; a test kills it whenever it likes."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from quantbench.data.importing import add

NOW = datetime(2026, 1, 2, tzinfo=UTC)
MANY = 20_000


def write_csv(file, number):
    """Write hours that say in every row which import they are from."""
    time = np.datetime64("2016-01-04T00:00") + np.arange(MANY) * np.timedelta64(1, "m")
    price = 1.0 + number / 100
    row = f",{price:.5f},{price + 0.001:.5f},{price - 0.001:.5f},{price:.5f},5"
    lines = [str(moment).replace("T", " ") + row for moment in time]
    file.write_text("\n".join(["Time,Open,High,Low,Close,Volume", *lines]) + "\n")


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for number in range(1, int(sys.argv[2]) + 1):
        file = folder / "EURUSD_M1.csv"
        write_csv(file, number)
        add(file, clock="UTC", mode="replace", accept=("frozen",), into=folder / "lake", now=NOW)
        print(number, flush=True)  # noqa: T201
