"""A process that keeps replacing one dataset; the tests of the lake kill it whenever they like."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl

from quantbench.data import lake
from quantbench.data.manifest import Dataset, Origin

OPENS = np.arange(np.datetime64("2015-06-01"), np.datetime64("2018-07-01"), np.timedelta64(4, "h"))
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def state(number):
    """Four years of bars that say in every row which write they are from."""
    price = np.full(len(OPENS), 1.0 + number)
    return pl.DataFrame(
        {"time": OPENS.astype("datetime64[ns]"), **dict.fromkeys(("open", "high", "low", "close"), price)}
    )


def number_of(frame):
    """The write that a frame read back is from; fails when it is of two, or not whole."""
    assert len(frame) == len(OPENS), f"{len(frame)} bars of {len(OPENS)}"
    for name in ("open", "high", "low", "close"):
        assert frame[name].n_unique() == 1, "bars of two versions"
    return int(frame["close"][0]) - 1


def write(dataset, number):
    return lake.replace(state(number), dataset, origin=Origin(source=f"write {number}"), now=NOW)


if __name__ == "__main__":
    dataset = Dataset("EURUSD", "H4", Path(sys.argv[1]))
    for number in range(1, int(sys.argv[2]) + 1):
        write(dataset, number)
        print(number, flush=True)  # noqa: T201
