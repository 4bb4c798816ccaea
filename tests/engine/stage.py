"""A hand-written market to check the law on: prices a person can do sums with.

One lot of `ABC` is 100 units, a point is 0.01: one lot makes 100 USD a unit of price, and 1 USD a point.
The bars start on Tuesday 2024-01-02 at 00:00 UTC, 19:00 in New York: a dozen hourly bars cross no rollover.
"""

from dataclasses import dataclass, replace

import numpy as np

import quantbench as qb

START = "2024-01-02T00:00"
HOURS = {"M5": 1 / 12, "M15": 0.25, "M20": 1 / 3, "M30": 0.5, "H1": 1, "H4": 4, "D1": 24}

ABC = qb.Instrument(
    symbol="ABC",
    digits=2,
    point=0.01,
    contract_size=100,
    volume_min=0.01,
    volume_step=0.01,
    volume_max=1000.0,
    base_currency="ABC",
    quote_currency="USD",
    leverage=100,
)


@dataclass(frozen=True)
class Plan(qb.Strategy):
    """A strategy that decides what it was told to."""

    wanted: qb.Signals
    warm: int = 0

    @property
    def warmup(self):
        return self.warm

    def decide(self, bars):  # noqa: ARG002  (told beforehand)
        return self.wanted


def abc(**facts):
    """Return the instrument with some facts changed."""
    return replace(ABC, **facts)


def bars_of(rows, *, start=START, times=None, timeframe="H1", instrument=ABC, spread=0.0):
    """Return bars from (open, high, low, close) rows; a lone number is a bar that does not move."""
    rows = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    columns = np.array(rows, dtype=float).T
    if times is None:
        step = np.timedelta64(int(HOURS[timeframe] * 3600), "s")
        times = np.datetime64(start, "s") + step * np.arange(len(rows))
    else:
        times = np.array(times, dtype="datetime64[s]")
    spread = np.broadcast_to(np.asarray(spread, dtype=float), len(rows))
    return qb.Bars(instrument.symbol, timeframe, instrument, times, *columns, spread=spread)


def play(
    engine,
    bars,
    target,
    *,
    warmup=0,
    sizing=None,
    costs=None,
    account=None,
    limits=None,
    intrabar=None,
    rates=None,
    trade_from=None,
    **exits,
):
    """Trade what is given; one lot where no sizing is."""
    return qb.backtest(
        Plan(qb.Signals(np.array(target, dtype=float), **exits), warmup),
        bars,
        sizing=sizing or qb.FixedLots(1),
        costs=costs,
        account=account,
        limits=limits,
        intrabar=intrabar,
        rates=rates,
        trade_from=trade_from,
        engine=engine,
    )


def hour(k, start=START):
    """Return the label of hourly bar k as the outputs show it."""
    import pandas as pd

    return pd.Timestamp(start, tz="UTC") + pd.Timedelta(hours=k)


def the_trade(result):
    """Return the only trade there is."""
    assert len(result.trades) == 1, result.trades
    return next(result.trades.itertuples(index=False))


def shown(result, *names):
    """Return columns of the trades as a list of tuples."""
    return list(result.trades[list(names)].itertuples(index=False, name=None))


def skips(result):
    """Return what was skipped as (position of the bar, reason)."""
    at = {time: k for k, time in enumerate(result.equity.index)}
    return [(at[time], reason) for time, reason in result.skipped.itertuples(index=False, name=None)]
