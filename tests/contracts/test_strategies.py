"""The contract of every listed strategy, and biased strategies that show the contract bites.

Tolerances. Targets, entries and holds must be equal, bit for bit where nothing was cut off before
them. Distances made of Wilder's averages never forget the past wholly: after 20 x lookback bars a
weight of (1 - 1/lookback)**(20 x lookback), about 2e-9, is left. A history that begins in a panic
fifty times livelier than now moves them by 1e-7, so 1e-6 is allowed: a thousandth of a point on a
stop of 100 points.
"""

from __future__ import annotations

import itertools
import json
import pickle
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.indicators.cache import CACHE
from quantbench.indicators.events import bars_since
from quantbench.strategies import ALL, from_json, to_json

DECISIONS = ("target", "enter", "hold")
DISTANCES = ("stop", "take", "trail", "breakeven")
CLOSE_ENOUGH = 1e-6

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
)


# ---------------------------------------------------------------- markets


def bars_of(close, seed=0):
    """Bars whose open is the close before and whose wicks are random; prices on the grid of the closes."""
    close = np.asarray(close, dtype=float).round(5)
    rng = np.random.default_rng(seed)
    before = np.concatenate([close[:1], close[:-1]])
    wick = np.abs(np.diff(close, prepend=close[:1])) + 1e-4
    high = np.maximum(before, close) + wick * rng.random(len(close))
    low = np.minimum(before, close) - wick * rng.random(len(close))
    time = np.datetime64("2017-01-02T00:00", "ns") + np.arange(len(close)) * np.timedelta64(1, "h")
    return qb.Bars("EURUSD", "H1", EURUSD, time, before, high.round(5), low.round(5), close)


def walk(length, seed, *, size=1e-3, digits=5):
    rng = np.random.default_rng(seed)
    return np.round(1.1 * np.exp(np.cumsum(rng.normal(0, size, length))), digits)


def gaps(length, seed):
    rng = np.random.default_rng(seed)
    jumps = np.where(rng.random(length) < 0.01, rng.normal(0, 0.03, length), 0.0)
    return np.round(1.1 * np.exp(np.cumsum(jumps + rng.normal(0, 5e-4, length))), 5)


def panic_then_calm(length, seed):
    rng = np.random.default_rng(seed)
    size = np.where(np.arange(length) < length // 3, 1e-2, 2e-4)
    return np.round(1.1 * np.exp(np.cumsum(rng.normal(0, 1, length) * size)), 5)


def with_a_flat_stretch(length, seed):
    close = walk(length, seed)
    close[length // 2 : length // 2 + 60] = close[length // 2]
    return close


LENGTH = 1_200
MARKETS = {
    "walk": lambda: bars_of(walk(LENGTH, 11)),
    "coarse": lambda: bars_of(walk(LENGTH, 12, digits=3)),  # many closes exactly equal: ties
    "gaps": lambda: bars_of(gaps(LENGTH, 13)),
    "panic": lambda: bars_of(panic_then_calm(LENGTH, 14)),
    "flat stretch": lambda: bars_of(with_a_flat_stretch(LENGTH, 15)),
}
market = pytest.mark.parametrize("name", MARKETS)


@cache
def bars_named(name):
    return MARKETS[name]()


# ---------------------------------------------------------------- cases


def grid(strategy_class):
    """Every combination of the declared space."""
    space = strategy_class.space()
    return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]


def constructible(strategy_class):
    found = []
    for params in grid(strategy_class):
        try:
            found.append(strategy_class.from_params(params))
        except ParamsError:
            continue
    return found


def some_of(strategy_class):
    """The default, the two ends of the space, and two in between."""
    choices = constructible(strategy_class)
    between = np.random.default_rng(len(choices)).choice(len(choices), 2)
    return [strategy_class(), choices[0], choices[-1], *(choices[i] for i in between)]


CASES = [strategy for listed in ALL for strategy in some_of(listed)]
every_case = pytest.mark.parametrize("strategy", CASES, ids=repr)
every_class = pytest.mark.parametrize("listed", ALL, ids=lambda listed: listed.__name__)


# ---------------------------------------------------------------- the contract


def columns_of(signals):
    return {part.name: getattr(signals, part.name) for part in fields(signals)}


def assert_same(found, expected, why):
    for name, values in columns_of(expected).items():
        other = columns_of(found)[name]
        assert (values is None) == (other is None), f"{why}: {name} comes and goes"
        if values is not None:
            np.testing.assert_array_equal(other, values, err_msg=f"{why}: {name} differs")


def first_bars(signals, length):
    return type(signals)(**{k: None if v is None else v[:length] for k, v in columns_of(signals).items()})


def with_another_future(bars, cut, seed):
    """The same bars up to `cut`, then a market that has nothing to do with what came."""
    future = bars_of(bars.close[cut - 1] * walk(len(bars) - cut, seed, size=2e-2), seed)
    columns = {
        name: np.concatenate([getattr(bars, name)[:cut], getattr(future, name)])
        for name in ("open", "high", "low", "close")
    }
    return qb.Bars(bars.symbol, bars.timeframe, bars.instrument, bars.time, **columns)


def cuts_of(strategy, bars):
    rng = np.random.default_rng(17)
    return [strategy.warmup + 1, *rng.integers(strategy.warmup + 2, len(bars) - 1, 6).tolist(), len(bars) - 1]


def assert_no_look_ahead(strategy, bars):
    whole = strategy.signals(bars)
    for cut in cuts_of(strategy, bars):
        known = first_bars(whole, cut)
        assert_same(strategy.signals(bars[:cut]), known, f"the future after bar {cut} was cut off")
        scrambled = strategy.signals(with_another_future(bars, cut, seed=cut))
        assert_same(first_bars(scrambled, cut), known, f"the future after bar {cut} was scrambled")


def assert_warmup_sufficient(strategy, bars):
    whole = columns_of(strategy.signals(bars))
    starts = np.random.default_rng(19).integers(1, len(bars) - strategy.warmup - 2, 8)
    for start in (1, *starts.tolist()):
        later = columns_of(strategy.signals(bars[start:]))
        for name in DECISIONS + DISTANCES:
            if whole[name] is None:
                assert later[name] is None
                continue
            expected, found = whole[name][start + strategy.warmup :], later[name][strategy.warmup :]
            rtol = CLOSE_ENOUGH if name in DISTANCES else 0.0
            message = f"{name} depends on bars before {start}, more than warmup={strategy.warmup} bars ago"
            np.testing.assert_allclose(found, expected, rtol=rtol, err_msg=message)


def assert_pure(strategy, bars):
    columns = ("time", "open", "high", "low", "close", "volume", "spread")
    before = {name: getattr(bars, name).tobytes() for name in columns}
    fields_before, class_before = dict(vars(strategy)), dict(vars(type(strategy)))
    first = strategy.signals(bars)
    kept = {name: None if v is None else v.copy() for name, v in columns_of(first).items()}
    strategy.signals(bars[: len(bars) // 2])  # what it saw in between must leave no trace
    CACHE.clear()
    assert_same(strategy.signals(bars), type(first)(**kept), "asked a second time")
    assert_same(type(strategy)(**strategy.params).signals(bars), first, "asked of an equal strategy")
    assert {name: getattr(bars, name).tobytes() for name in columns} == before, "the bars were changed"
    assert vars(strategy) == fields_before, "decide wrote to the strategy"
    assert dict(vars(type(strategy))) == class_before, "decide wrote to the class"


@every_case
@market
def test_nothing_before_the_cut_changes_when_the_future_is_cut_off_or_scrambled(strategy, name):
    assert_no_look_ahead(strategy, bars_named(name))


@every_case
@market
def test_the_warm_up_is_sufficient(strategy, name):
    assert_warmup_sufficient(strategy, bars_named(name))


@every_case
def test_deciding_is_pure(strategy):
    assert_pure(strategy, bars_named("walk"))


@every_case
def test_a_pickled_strategy_is_equal_and_decides_the_same(strategy):
    bars = bars_named("gaps")
    again, same_bars = pickle.loads(pickle.dumps((strategy, bars)))
    assert again == strategy
    assert hash(again) == hash(strategy)
    assert_same(again.signals(same_bars), strategy.signals(bars), "pickled")


@every_case
def test_a_strategy_survives_json(strategy):
    text = to_json(strategy)
    again = from_json(text)
    assert again == strategy
    assert type(again) is type(strategy)
    assert {name: type(value) for name, value in again.params.items()} == {
        name: type(value) for name, value in strategy.params.items()
    }
    assert json.loads(text)["schema"] == 1


@every_class
def test_a_strategy_is_frozen_and_documented(listed):
    strategy = listed()
    name = next(iter(strategy.params))
    with pytest.raises(AttributeError, match="cannot assign to field"):
        setattr(strategy, name, 1)
    assert listed.__doc__
    assert strategy.warmup > 0


@every_class
def test_the_declared_space_holds_the_defaults_and_is_mostly_possible(listed):
    space, default = listed.space(), listed()
    assert space
    for name, among in space.items():
        assert default.params[name] in among
        assert len(set(among)) == len(among)
        assert list(among) == sorted(among)
        assert {type(value) for value in among} == {type(default.params[name])}
    possible = constructible(listed)
    assert len(possible) >= len(grid(listed)) / 2
    for name, among in space.items():
        assert {strategy.params[name] for strategy in possible} == set(among), f"some {name} are never possible"


@every_case
@pytest.mark.parametrize("length", [0, 1, 2, 3, 20, 300])
def test_short_histories_and_gaps_are_decided_without_error(strategy, length):
    for make, seed in ((walk, 1), (gaps, 2)):
        signals = strategy.signals(bars_of(make(length, seed)))
        assert signals.target.shape == (length,)
        assert np.isfinite(signals.target).all()


@every_case
@market
def test_after_the_warm_up_every_open_target_has_its_distances(strategy, name):
    signals = strategy.signals(bars_named(name))
    wanted = signals.target != 0
    assert wanted.any(), "the market never made it trade: the test shows nothing"
    assert set(np.unique(signals.target)) <= {-1.0, 0.0, 1.0}
    for distance in (signals.stop, signals.take, signals.trail, signals.breakeven):
        assert distance is None or (np.isfinite(distance[wanted]) & (distance[wanted] > 0)).all()


@every_class
def test_prices_that_never_move_give_no_trade_and_no_error(listed):
    # Fails while Signals.over refuses a distance of 0 on bars whose target is 0, where nothing reads it.
    flat = np.full(700, 1.1)
    time = np.datetime64("2017-01-02T00:00", "ns") + np.arange(700) * np.timedelta64(1, "h")
    signals = listed().signals(qb.Bars("EURUSD", "H1", EURUSD, time, flat, flat, flat, flat))
    assert (signals.target == 0).all()


# ---------------------------------------------------------------- the test of the tests


@dataclass(frozen=True)
class SeesTomorrow(qb.Strategy):
    """Knows the next close."""

    def decide(self, bars):
        return qb.Signals(np.sign(np.append(np.diff(bars.close), 0.0)))


@dataclass(frozen=True)
class KnowsTheAverage(qb.Strategy):
    """Compares with the mean of the whole sample."""

    def decide(self, bars):
        return qb.Signals.when(long=bars.close > bars.close.mean())


@dataclass(frozen=True)
class RanksAgainstAll(qb.Strategy):
    """Holds where the close is the final high of the sample: cutting keeps the prefix mostly right."""

    def decide(self, bars):
        return qb.Signals.when(long=bars.close >= np.maximum.accumulate(bars.close[::-1])[::-1])


@dataclass(frozen=True)
class PeeksInItsStop(qb.Strategy):
    """Decides honestly, but its stop knows how low the next bar goes."""

    def decide(self, bars):
        next_low = np.append(bars.low[1:], bars.low[-1])
        return qb.Signals(1.0, stop=np.abs(bars.close - next_low) + 1e-4)


@dataclass(frozen=True)
class PeeksInItsEntry(qb.Strategy):
    """Re-enters only where the next bar rises."""

    def decide(self, bars):
        return qb.Signals(1.0, enter=np.append(np.diff(bars.close) > 0, False))


@dataclass(frozen=True)
class PeeksInItsHold(qb.Strategy):
    """Holds longer in samples that are longer."""

    def decide(self, bars):
        return qb.Signals(1.0, hold=np.full(len(bars), float(len(bars))))


@dataclass(frozen=True)
class ForgetsItsWarmup(qb.Strategy):
    """An average of 100 bars declared as 99."""

    @property
    def warmup(self):
        return 98

    def decide(self, bars):
        gap = bars.close - qb.sma(bars.close, 100)
        return qb.Signals.when(long=gap > 0, short=gap < 0)


@dataclass(frozen=True)
class NeverForgets(qb.Strategy):
    """Long from a new high of 20 bars until a new low of 200: the state may be of any age."""

    @property
    def warmup(self):
        return 280

    def decide(self, bars):
        up = bars.close >= qb.donchian(bars, 20).upper - 1e-9 - (bars.high - bars.close)
        down = bars.close <= qb.donchian(bars, 400).lower + (bars.close - bars.low)
        return qb.Signals.when(long=bars_since(up) < bars_since(down))


@dataclass(frozen=True)
class TrustsAFreshAtr(qb.Strategy):
    """Calls Wilder's average warm after 14 bars."""

    @property
    def warmup(self):
        return 15

    def decide(self, bars):
        return qb.Signals(1.0, stop=qb.atr(bars, 14) + 1e-5)


@dataclass(frozen=True)
class Counts(qb.Strategy):
    """Remembers how often it was asked."""

    asked: int = 0

    def decide(self, bars):
        object.__setattr__(self, "asked", self.asked + 1)
        return qb.Signals(np.full(len(bars), float(self.asked % 2)))


@dataclass(frozen=True)
class Gambles(qb.Strategy):
    """Throws dice."""

    def decide(self, bars):
        return qb.Signals(np.random.default_rng().choice([-1.0, 1.0], len(bars)))


@dataclass(frozen=True)
class LeavesANote(qb.Strategy):
    """Answers the same, but writes to its class."""

    def decide(self, bars):
        type(self).seen = len(bars)
        return qb.Signals(np.ones(len(bars)))


LOOKERS = (SeesTomorrow, KnowsTheAverage, RanksAgainstAll, PeeksInItsStop, PeeksInItsEntry, PeeksInItsHold)


@pytest.mark.parametrize("biased", LOOKERS, ids=lambda biased: biased.__name__)
def test_a_strategy_that_sees_the_future_is_caught(biased):
    with pytest.raises(AssertionError, match="the future after bar"):
        assert_no_look_ahead(biased(), bars_named("walk"))


@pytest.mark.parametrize(
    ("biased", "name"), [(ForgetsItsWarmup, "walk"), (NeverForgets, "gaps"), (TrustsAFreshAtr, "panic")]
)
def test_a_warm_up_too_short_is_caught(biased, name):
    with pytest.raises(AssertionError, match="depends on bars before"):
        assert_warmup_sufficient(biased(), bars_named(name))


@pytest.mark.parametrize("biased", [Counts, Gambles, LeavesANote], ids=lambda b: b.__name__)
def test_an_impure_strategy_is_caught(biased):
    with pytest.raises(AssertionError, match=r"differs|asked|wrote"):
        assert_pure(biased(), bars_named("walk"))


def test_writing_to_the_bars_is_impossible():
    for column in ("open", "high", "low", "close", "volume", "spread"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(bars_named("walk"), column)[0] = 1.0
