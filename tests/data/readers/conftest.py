from datetime import datetime, timedelta
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def shared():
    """The folder of real files beside the checkout; nothing of it is kept in the repository."""
    if not SHARED.is_dir():
        pytest.skip("the folder of real data files is not beside this checkout")
    return SHARED


@pytest.fixture
def saved(tmp_path):
    """Write a file into a folder of its own."""

    def save(name, content):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        return file

    return save


@pytest.fixture
def rows():
    """Return (time, open, high, low, close, volume) of as many hourly bars, every number different."""

    def make(many, start=datetime(2017, 1, 2), step=timedelta(hours=1)):  # noqa: DTZ001
        prices = [1.05 + 0.0001 * number for number in range(many)]
        return [
            (start + step * number, price, price + 0.0007, price - 0.0005, price + 0.0002, 100 + number)
            for number, price in enumerate(prices)
        ]

    return make
