import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import quantbench as qb

sys.path.insert(0, str(Path(__file__).parent))  # for `from killing import ...`: tests are no package

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="session")
def bars():
    return qb.load("EURUSD", "H1", "2017-03", "2017-04")


@pytest.fixture
def make_study(bars):
    """Build a study of the given (fast, slow) pairs, all NaN where the pair is named as failed."""

    def make(pairs, *, failed=(), limits=None, strategy=qb.MaCross):
        many = len(pairs)
        names = ("sharpe", "total_return", "max_drawdown", "trades", "win_rate")
        values = {name: np.arange(many) + 0.5 for name in names}
        for row in failed:
            for column in values.values():
                column[row] = np.nan
        return qb.Study(
            strategy=strategy,
            bars=bars,
            account=qb.Account(),
            costs=qb.Costs(),
            sizing=qb.PercentEquity(1.0),
            limits=limits or qb.Limits(),
            params=tuple({"fast": fast, "slow": slow, "stop_atr": 3.0} for fast, slow in pairs),
            values=values,
            failures=tuple("it raised" if row in failed else None for row in range(many)),
            daily=np.zeros((many, 1), np.float32),
        )

    return make
