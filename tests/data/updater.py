"""A process that brings a symbol up to date from a server; a test kills it whenever it likes."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from quantbench.data.fetching import Manners
from quantbench.data.update import update_from_http

NOW = datetime(2019, 5, 1, tzinfo=UTC)
START, END = date(2019, 2, 4), date(2019, 4, 6)
TRADES_ALWAYS = ("after-close", "before-open")
"""The server of the tests knows no weekend."""

if __name__ == "__main__":
    print("begun", flush=True)  # noqa: T201
    update_from_http(
        "EURUSD",
        start=START,
        end=END,
        now=NOW,
        base_url=sys.argv[1],
        into=Path(sys.argv[2]),
        accept=TRADES_ALWAYS,
        manners=Manners(pause=0.0, wait=0.1),
    )
    print("done", flush=True)  # noqa: T201
