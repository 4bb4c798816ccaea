"""The holdout: the last stretch of bars, kept shut while a strategy is developed, and every opening counted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from quantbench.config import now
from quantbench.core.account import Account, Costs, Sizing
from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError
from quantbench.core.limits import Limits
from quantbench.core.results import Backtest, counted, day_ends
from quantbench.core.strategy import Strategy
from quantbench.data.openings import Opening, append_opening, openings, searched_inside
from quantbench.data.trial_key import canonical
from quantbench.engine.backtest import backtest

__all__ = ["Holdout", "Opened", "hold_out", "open_holdout"]

_DAYS: Final = re.compile(r"(\d+)D")
_SHARE: Final = 0.15
_MOST: Final = 0.25
_YEAR: Final = np.timedelta64(365, "D")


@dataclass(frozen=True, eq=False, repr=False)
class Holdout:
    """Bars in two parts: what a strategy is developed on, and what stays shut until `open_holdout`.

    Attributes
    ----------
    development : Bars
        Search, walk forward and judge on these.
    begin : int
        Position of the first bar of the holdout in all bars.
    """

    development: Bars
    begin: int
    _all: Bars

    @property
    def opened(self) -> tuple[Opening, ...]:
        """Every time any part of this stretch was opened, by any strategy."""
        return openings(self._all[self.begin :])

    @property
    def seen(self) -> int:
        """Trials in the ledger that already traded a part of this stretch: each of them has looked."""
        return searched_inside(self._all[self.begin :])

    @property
    def bars(self) -> int:
        """How many bars are shut away."""
        return len(self._all) - self.begin

    def __repr__(self) -> str:
        rest = self._all.time[self.begin :]
        first, last = (np.datetime_as_string(rest[row], unit="D") for row in (0, -1))
        looked = counted(len(self.opened), "time")
        return (
            f"Holdout of {self._all.symbol} {self._all.timeframe}: {self.bars:,} bars, {first} to {last}, "
            f"opened {looked} before, {counted(self.seen, 'trial')} of the ledger reach into it; "
            f"develop on {self.development!r}"
        )


@dataclass(frozen=True, eq=False)
class Opened:
    """What the holdout showed.

    Attributes
    ----------
    result : Backtest
        Warmed up on the development bars, traded from the first bar of the holdout on.
    before : int
        How often any part of this stretch had been opened before.
    seen : int
        Trials that had traded a part of it before.
    """

    result: Backtest
    before: int
    seen: int

    @property
    def unspent(self) -> bool:
        """Whether nobody had looked."""
        return self.before == 0 and self.seen == 0


def hold_out(bars: Bars, share: float | str | None = None) -> Holdout:
    """Cut off the last stretch of bars, to be opened once.

    Parameters
    ----------
    bars : Bars
    share : float or str, optional
        A fraction of the bars, or trading days such as ``"250D"``. Without it 15 %, or the last
        365 days where that is more, but never over a quarter.

    Raises
    ------
    ParamsError
        When the holdout would leave nothing to develop on, or hold nothing.

    Examples
    --------
    >>> import quantbench as qb
    >>> kept = qb.hold_out(qb.load("EURUSD", "H1"), 0.2)
    >>> kept.bars, len(kept.development)
    (1233, 4992)
    """
    begin = _begin(bars, share)
    if not 0 < begin < len(bars):
        raise ParamsError(
            f"a holdout of {share} leaves {counted(max(begin, 0), 'bar')} of {len(bars):,} to develop on; "
            "take a fraction such as 0.15, or fewer days"
        )
    return Holdout(bars[:begin], begin, bars)


def _begin(bars: Bars, share: float | str | None) -> int:
    """Return where the holdout begins: always with a trading day."""
    days, ends = day_ends(bars)
    if isinstance(share, str):
        named = _DAYS.fullmatch(share)
        if named is None:
            raise ParamsError(f"a holdout is a fraction or trading days such as '250D', found {share!r}")
        return int(ends[-int(named[1]) - 1]) + 1 if 0 < int(named[1]) < len(days) else 0
    if share is None:
        year = np.mean(bars.time >= bars.time[-1] - _YEAR) if len(bars) else 0.0
        share = max(_SHARE, min(float(year), _MOST))
    if not 0 < share < 1:
        raise ParamsError(f"a holdout is a fraction between 0 and 1, or days such as '250D', found {share!r}")
    wanted = len(bars) - round(share * len(bars))
    later = ends[ends + 1 >= wanted]
    return int(later[0]) + 1 if len(later) and later[0] + 1 < len(bars) else wanted


def open_holdout(
    holdout: Holdout,
    strategy: Strategy,
    *,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    rates: Bars | None = None,
) -> Opened:
    """Trade the holdout, once: that it was opened is written to the ledger before anything is seen.

    Parameters
    ----------
    holdout : Holdout
    strategy : Strategy
        The one choice that is judged.
    account, costs, sizing, limits, rates
        As in `backtest`.

    Returns
    -------
    Opened
        The result, and how often others had looked before.

    Raises
    ------
    StoreError
        When the opening cannot be written; nothing was traded then.
    """
    rest = holdout._all[holdout.begin :]  # noqa: SLF001  (only here is it opened)
    before, seen = len(holdout.opened), holdout.seen
    append_opening(rest, family=type(strategy).__name__, params=canonical(strategy.params), now=now())
    words: dict[str, Any] = {"costs": costs, "sizing": sizing, "limits": limits, "rates": rates}
    start = str(np.datetime_as_string(rest.time[0]))
    result = backtest(strategy, holdout._all, account=account, trade_from=start, **words)  # noqa: SLF001
    return Opened(result, before, seen)
