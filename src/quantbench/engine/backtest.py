"""The front door: trade one strategy over bars, by any engine."""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Final, cast

import numpy as np

from quantbench.core.account import Account, Costs, PercentEquity, Sizing
from quantbench.core.bars import Bars
from quantbench.core.clock import as_ns
from quantbench.core.errors import ExecutionError, did_you_mean
from quantbench.core.limits import Limits
from quantbench.core.path import Path
from quantbench.core.results import Backtest
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine.setting import Setting, venue_of

__all__ = ["ENGINES", "backtest"]

ENGINES: Final = {
    "kernel": "quantbench.engine.kernel",
    "reference": "quantbench.engine.reference",
    "vectorbt": "quantbench.engine.vectorbt",
}


def backtest(
    strategy: Strategy,
    bars: Bars,
    *,
    account: Account | None = None,
    costs: Costs | None = None,
    sizing: Sizing | None = None,
    limits: Limits | None = None,
    intrabar: Bars | None = None,
    rates: Bars | None = None,
    trade_from: str | datetime | None = None,
    engine: str = "kernel",
) -> Backtest:
    """Trade a strategy over bars: decided at the close of bar t, filled at the open of t+1.

    Parameters
    ----------
    strategy : Strategy
        What decides.
    bars : Bars
        Bid prices; shorts pay the ask.
    account : Account, optional
        USD 10,000 and a stop-out level of 50 % where not given.
    costs : Costs, optional
        The instrument's declared costs where not given.
    sizing : Sizing, optional
        ``PercentEquity(1.0)`` where not given.
    limits : Limits, optional
        None where not given.
    intrabar : Bars, optional
        Finer bars of the same symbol; they decide where a stop and a take are in one bar's reach.
    rates : Bars, optional
        Bars whose close converts quote to account currency.
    trade_from : str or datetime, optional
        Bars that open before it count as target 0: history for warming up.
    engine : {"kernel", "reference", "vectorbt"}
        The compiled kernel, the readable engine it is proved equal to, or vectorbt for what it can express.

    Returns
    -------
    Backtest
        Trades, equity and everything skipped; ``.metrics()`` and ``.plot()`` for more.

    Raises
    ------
    SignalError
        When the strategy does not give one finite target per bar.
    ExecutionError
        For an unknown engine, or a currency that cannot be converted.

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> bool(abs(result.equity.iloc[-1] - 10_000 - result.trades.profit.sum()) < 1e-6)
    True
    """
    if engine not in ENGINES:
        raise ExecutionError(f"unknown engine {engine!r}: {did_you_mean(engine, ENGINES)}")
    if not len(bars):
        raise ExecutionError(f"{bars.symbol} {bars.timeframe}: there are no bars to trade on")
    account, costs = account or Account(), costs or Costs()
    sizing, limits = sizing or PercentEquity(1.0), limits or Limits()
    venue = venue_of(bars, account=account, costs=costs, sizing=sizing, limits=limits, rates=rates, intrabar=intrabar)
    signals = traded_from(strategy.signals(bars), bars, trade_from)
    path = cast("Path", import_module(ENGINES[engine]).run(Setting(venue, signals)))
    return Backtest(strategy, bars, account, costs, sizing, limits, engine, path, rates, intrabar, trade_from)


def traded_from(signals: Signals, bars: Bars, trade_from: str | datetime | None) -> Signals:
    """Return the signals with every bar that opens before the moment flat."""
    if trade_from is None:
        return signals
    return signals.flat_before(int(np.searchsorted(bars.time_ns, as_ns(trade_from))))
