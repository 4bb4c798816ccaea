"""Results made by hand: the figures of a report are known before the engine is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.path import TRADE, Path
from quantbench.core.rules import REASONS


@dataclass(frozen=True)
class Flip(qb.Strategy):
    """Long for `hold` bars, short for `hold` bars, and so on."""

    hold: int = qb.param(10, among=(10, 20))
    shift: int = qb.param(0, among=(0, 1))
    label: str = "plain"

    def __post_init__(self):
        qb.check(self.hold > 0, "hold must be above 0", hold=self.hold)

    def decide(self, bars):
        side = (np.arange(len(bars)) + self.shift) // self.hold % 2
        return qb.Signals.when(long=side == 0, short=side == 1)


EURUSD = qb.Instrument(
    symbol="EURUSD",
    digits=5,
    point=1e-5,
    contract_size=100_000,
    volume_min=0.01,
    volume_step=0.01,
    volume_max=100.0,
    base_currency="EUR",
    quote_currency="USD",
    leverage=30,
    typical_spread_points=8,
)


def bars_of(n, *, symbol="EURUSD", start="2017-01-02", seed=7, instrument=EURUSD):
    """Return hourly bars of a seeded random walk, without weekends."""
    close = 1.1 + np.cumsum(np.random.default_rng(seed).normal(0, 5e-4, n))
    before = np.append(1.1, close[:-1])
    time = np.datetime64(start, "h") + np.arange(n)
    high, low = np.maximum(before, close) + 2e-4, np.minimum(before, close) - 2e-4
    return qb.Bars(symbol, "H1", instrument, time, before, high, low, close)


def trade(entry, leave, profit, **others):
    """Return one row of trades; what is not given is plain."""
    row = {
        "episode": 0,
        "side": 1,
        "lots": 0.1,
        "entry_bar": entry,
        "exit_bar": leave,
        "entry_price": 1.1,
        "exit_price": 1.1 + profit / 10_000,
        "stop": 1.09,
        "take": np.nan,
        "reason": REASONS.index("signal"),
        "commission": -0.5,
        "swap": 0.0,
        "profit": profit,
        "mae": min(profit, -1.0),
        "mfe": max(profit, 1.0),
        "ambiguous": False,
    } | others
    return tuple(row[name] for name in TRADE.names)


def made_by_hand(bars, equity, *, trades=(), strategy=None, position=None):
    """Return a result with this equity and these trades, as no engine would have made it."""
    held = np.zeros(len(bars)) if position is None else position
    path = Path.of(np.asarray(equity, np.float64), held, trades=list(trades), skipped=[])
    parts = (qb.Account(), qb.Costs(), qb.PercentEquity(1.0), qb.Limits())
    return qb.Backtest(strategy or Flip(), bars, *parts, "kernel", path)


def study_of(bars, choices, *, failing=()):
    """Return the study of these choices, each traded for real."""
    results = [qb.backtest(Flip(**choice), bars) for choice in choices]
    metrics = [result.metrics() for result in results]
    names = ("total_return", "sharpe", "max_drawdown", "trades", "profit_factor", "win_rate")
    daily = np.array([result.daily.to_numpy(np.float32) for result in results])
    values = {name: np.array([found[name] for found in metrics]) for name in names}
    for i in failing:
        daily[i] = np.nan
        for column in values.values():
            column[i] = np.nan
    first = results[0]
    return qb.Study(
        strategy=Flip,
        bars=bars,
        account=first.account,
        costs=first.costs,
        sizing=first.sizing,
        limits=first.limits,
        params=tuple(result.strategy.params for result in results),
        values=values,
        failures=tuple("it broke" if i in failing else None for i in range(len(results))),
        daily=daily,
    )


@pytest.fixture(scope="session")
def bars():
    return bars_of(1_200)


@pytest.fixture(scope="session")
def result(bars):
    return qb.backtest(Flip(20), bars)


@pytest.fixture(scope="session")
def study(bars):
    """Two params, one failed trial; the best is not the first."""
    choices = [{"hold": hold, "shift": shift} for hold in (5, 10, 20, 40) for shift in (0, 3, 5)]
    return study_of(bars, choices, failing=(1,))


@pytest.fixture
def renamed(result):
    """The same result on a symbol of another name."""

    def rename(symbol, strategy=None):
        own = result.bars
        columns = (own.time, own.open, own.high, own.low, own.close, own.volume, own.spread)
        bars = qb.Bars(symbol, "H1", replace(EURUSD, symbol=symbol), *columns)
        return qb.backtest(strategy or result.strategy, bars)

    return rename


@pytest.fixture(scope="session")
def by_hand():
    return made_by_hand


@pytest.fixture(scope="session")
def trade_row():
    return trade


@pytest.fixture(scope="session")
def searched():
    return study_of


@pytest.fixture(scope="session")
def short_bars():
    return bars_of(48)


@pytest.fixture(scope="session")
def long_bars():
    return bars_of(12_000)
