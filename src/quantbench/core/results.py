"""What one strategy traded over bars gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.clock import DAY_NS
from quantbench.core.limits import Limits
from quantbench.core.path import SKIPS, Path
from quantbench.core.rules import REASONS
from quantbench.core.strategy import Strategy
from quantbench.core.views import with_views

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Backtest", "counted", "daily_returns", "day_ends"]

FloatArray = npt.NDArray[np.float64]


def day_ends(bars: Bars) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the trading days that have bars (days since 1970) and the last bar of each."""
    day = bars.trading_day
    last = np.flatnonzero(np.append(np.diff(day) != 0, np.ones(min(len(day), 1), bool)))
    return day[last], last


def daily_returns(equity: FloatArray, ends: npt.NDArray[np.int64], balance: float) -> FloatArray:
    """Return the simple return of equity over each trading day; the starting balance comes first.

    A day that begins at or below zero equity returns 0: there is nothing left to lose.
    """
    at_end = np.append(balance, equity[ends])
    before = at_end[:-1]
    return np.where(before > 0, at_end[1:] / np.where(before > 0, before, 1.0) - 1.0, 0.0)


@with_views
@dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """One strategy traded over bars: what it held, what it made, trade by trade. Read-only.

    Attributes
    ----------
    strategy, bars, account, costs, sizing, limits : as given to `backtest`
    engine : str
        Which engine traded it.
    path : Path
        The arrays the properties below are views of.
    rates, intrabar, trade_from : as given to `backtest`
    """

    strategy: Strategy
    bars: Bars
    account: Account
    costs: Costs
    sizing: Sizing
    limits: Limits
    engine: str
    path: Path
    rates: Bars | None = None
    intrabar: Bars | None = None
    trade_from: str | datetime | None = None

    if TYPE_CHECKING:  # given by the table in core.views

        def metrics(self) -> pd.Series[float]:
            """Return the metrics of this path."""

        def plot(self) -> Any:
            """Return the figure of this path."""

        def to_vectorbt(self) -> Any:
            """Return a `vectorbt.Portfolio` made of these fills."""

        def why(self, time: str | datetime | np.datetime64) -> Any:
            """Explain the bar that holds a moment."""

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row a closed part, in order of closing, then oldest part.

        Money is in account currency and net; `entry_time` and `exit_time` are labels of bars;
        ``mae <= 0 <= mfe`` are the worst and best open profit, before commission and swap.
        """
        import pandas as pd

        rows, times = self.path.trades, pd.DatetimeIndex(self.bars.time, tz="UTC")
        reasons = np.asarray(REASONS, dtype=object)[rows["reason"]]
        columns = {
            "episode": rows["episode"],
            "side": rows["side"],
            "lots": rows["lots"],
            "entry_time": times[rows["entry_bar"]],
            "exit_time": times[rows["exit_bar"]],
            **{name: rows[name] for name in ("entry_price", "exit_price", "stop", "take")},
            "reason": pd.array(reasons, dtype="str"),
            **{name: rows[name] for name in ("commission", "swap", "profit", "mae", "mfe")},
            "bars": rows["exit_bar"] - rows["entry_bar"],
            "ambiguous": rows["ambiguous"],
        }
        return pd.DataFrame(columns)

    @cached_property
    def skipped(self) -> pd.DataFrame:
        """Entries that did not open: `time` of the bar that would have filled, and `reason`."""
        import pandas as pd

        rows = self.path.skipped
        reasons = np.asarray(SKIPS, dtype=object)[rows[:, 1]]
        time = pd.DatetimeIndex(self.bars.time[rows[:, 0]], tz="UTC")
        return pd.DataFrame({"time": time, "reason": pd.array(reasons, dtype="str")})

    @cached_property
    def equity(self) -> pd.Series[float]:
        """Account currency at each close: balance plus open profit at the own-side price."""
        return self._series(self.path.equity, "equity")

    @cached_property
    def balance(self) -> pd.Series[float]:
        """Account currency at each close without open profit."""
        return self._series(self.path.balance, "balance")

    @cached_property
    def position(self) -> pd.Series[float]:
        """Signed lots held at each close."""
        return self._series(self.path.position, "position")

    @cached_property
    def daily(self) -> pd.Series[float]:
        """Simple net return of each trading day of the instrument's calendar that has bars."""
        import pandas as pd

        days, ends = day_ends(self.bars)
        index = pd.DatetimeIndex((days * DAY_NS).astype("datetime64[ns]"), name="day")
        return pd.Series(daily_returns(self.path.equity, ends, self.account.balance), index=index, name="return")

    def _series(self, values: FloatArray, name: str) -> pd.Series[float]:
        import pandas as pd

        return pd.Series(values, index=pd.DatetimeIndex(self.bars.time, tz="UTC", name="time"), name=name)

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        return f"{counted(len(self.path.trades), 'trade')}, {self.bars.years:.1f} years, net, in-sample, 1 trial"

    def __repr__(self) -> str:
        made = self.path.equity[-1] - self.account.balance if len(self.bars) else 0.0
        return (
            f"{self.strategy!r} on {self.bars!r}\n{self.headline}\n"
            f"profit {made:+,.2f} {self.account.currency}, {self.sizing!r}, {self.engine} engine"
        )


def counted(n: int, what: str) -> str:
    """Return ``"1 trade"`` or ``"1,234 trades"``."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
