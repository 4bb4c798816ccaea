"""The contract of what else a strategy may look at: longer bars, and bars of other symbols, as they were known.

Two honest strategies are certified on bars with holes, beside a companion with holes of its own; others that read the
same bars by their place or by their open are caught.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import DataError

ROWS = 3_000


def market(symbol, seed, missing):
    """An hourly walk in which some bars never came."""
    rng = np.random.default_rng(seed)
    close = np.round(1.2 * np.exp(np.cumsum(rng.normal(0, 1e-3, ROWS))), 5)
    opened = np.append(close[:1], close[:-1])
    wick = 1e-4 * rng.integers(0, 9, (2, ROWS))
    time = np.datetime64("2017-01-02T00:00", "ns") + np.arange(ROWS) * np.timedelta64(1, "h")
    columns = (time, opened, np.maximum(opened, close) + wick[0], np.minimum(opened, close) - wick[1], close)
    there = rng.random(ROWS) >= missing
    facts = replace(qb.load("EURUSD", "H1").instrument, symbol=symbol)
    return qb.Bars(
        symbol, "H1", facts, *(column[there].round(5) if column is not time else time[there] for column in columns)
    )


EURUSD = replace(market("EURUSD", 1, 0.05), others=(market("GBPUSD", 2, 0.1),))


@dataclass(frozen=True)
class FollowsSterling(qb.Strategy):
    """Trades one symbol by the average of another."""

    needs = ("GBPUSD",)
    lookback: int = 20

    @property
    def warmup(self):
        return 60

    def decide(self, bars):
        sterling = bars.other("GBPUSD")
        gap = sterling.close - sterling.over(qb.sma(sterling.bars.close, self.lookback))
        return qb.Signals.when(long=gap > 0, short=gap < 0, stop=0.004)


@dataclass(frozen=True)
class FollowsFourHours(qb.Strategy):
    """Trades one timeframe by the average of a longer one."""

    @property
    def warmup(self):
        return 120

    def decide(self, bars):
        longer = bars.higher("H4")
        gap = bars.close - longer.over(qb.sma(longer.bars.close, 10))
        return qb.Signals.when(long=gap > 0, short=gap < 0)


@dataclass(frozen=True)
class ReadsSterlingByItsPlace(FollowsSterling):
    """Takes the row of the same number: with holes in both, bars of another time."""

    def decide(self, bars):
        close = bars.others[0].close
        gap = np.resize(np.append(np.diff(close), 0.0), len(bars))
        return qb.Signals.when(long=gap > 0, short=gap < 0)


@dataclass(frozen=True)
class KnowsWhereSterlingEnds(FollowsSterling):
    """Compares with the last close there is."""

    def decide(self, bars):
        sterling = bars.other("GBPUSD")
        last = sterling.bars.close[-1] if len(sterling.bars) else np.nan
        return qb.Signals.when(long=sterling.close < last, short=sterling.close > last)


@dataclass(frozen=True)
class SeesFourHoursWhenTheyOpen(FollowsFourHours):
    """Joins longer bars by their open: the close of a bar four hours before it is known."""

    def decide(self, bars):
        longer = bars.higher("H4").bars
        row = np.searchsorted(longer.time, bars.time, side="right") - 1
        known = np.append(longer.close, np.nan)[row]
        return qb.Signals.when(long=known > bars.close, short=known < bars.close)


HONEST = (FollowsSterling(), FollowsFourHours())
BIASED = (ReadsSterlingByItsPlace(), KnowsWhereSterlingEnds(), SeesFourHoursWhenTheyOpen())


@pytest.mark.parametrize("strategy", HONEST, ids=repr)
def test_what_is_known_by_the_close_of_a_bar_gets_a_certificate(strategy):
    certificate = qb.certify(strategy, EURUSD)
    assert certificate.passed, str(certificate)


@pytest.mark.parametrize("strategy", BIASED, ids=repr)
def test_what_is_known_later_is_caught(strategy):
    certificate = qb.certify(strategy, EURUSD)
    assert certificate.verdict == "failed"


@pytest.mark.parametrize("strategy", HONEST, ids=repr)
@pytest.mark.parametrize("cut", [200, 201, 202, 203, 1_000, 2_500])
def test_cutting_the_future_off_changes_no_decision_before(strategy, cut):
    whole, part = strategy.signals(EURUSD), strategy.signals(EURUSD[:cut])
    for column in fields(whole):
        before, after = getattr(whole, column.name), getattr(part, column.name)
        assert (before is None) == (after is None)
        if before is not None:
            np.testing.assert_array_equal(after, before[:cut], err_msg=column.name)


@pytest.mark.parametrize("strategy", HONEST, ids=repr)
def test_both_engines_trade_it_alike_on_one_leg(strategy):
    setting = {"account": qb.Account(balance=10_000), "costs": qb.Costs(), "sizing": qb.FixedLots(0.1)}
    kernel, reference = (qb.backtest(strategy, EURUSD, **setting, engine=name) for name in ("kernel", "reference"))
    assert len(kernel.trades) > 20
    np.testing.assert_array_equal(kernel.equity.to_numpy(), reference.equity.to_numpy())


def test_slices_of_slices_keep_what_was_known_and_no_more():
    part = EURUSD[100:900][50:500]
    again = EURUSD[150:600]
    assert part.others[0].time[-1] == again.others[0].time[-1] <= part.time[-1]
    np.testing.assert_array_equal(part.other("GBPUSD").close, again.other("GBPUSD").close)


def test_a_sweep_in_processes_brings_the_companions_along():
    space = {"lookback": [10, 20, 30, 40]}
    tables = [
        qb.sweep(FollowsSterling, EURUSD, space=space, workers=many, resume=False, progress=False).table()
        for many in (1, 2)
    ]
    assert tables[0].equals(tables[1])
    assert (tables[0].trades > 0).all()


def test_a_strategy_without_the_symbol_it_needs_is_told_how_to_load_it():
    alone = replace(EURUSD, others=())
    with pytest.raises(DataError, match=r"FollowsSterling needs GBPUSD beside EURUSD: load them together, qb\.load\("):
        qb.backtest(FollowsSterling(), alone, account=qb.Account(), costs=qb.Costs())
    with pytest.raises(DataError, match=r'carry no \'GBPUSD\'.*load them with others=\("GBPUSD",\)'):
        alone.other("GBPUSD")


def test_bars_are_loaded_with_the_symbols_asked_for():
    bars = qb.load("NASDAQ", "D1", "2017", others=["SP500"])
    assert [companion.symbol for companion in bars.others] == ["SP500"]
    seen = bars.other("SP500")
    assert (seen.time[5:] <= bars.time[5:]).all()
    assert bars.version != qb.load("NASDAQ", "D1", "2017").version
