"""Strategies in which nothing is wrong, though some look it: no certificate may accuse them."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import time as clock_time
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

import quantbench as qb
from quantbench.indicators.events import bars_since

HONEST: list[type[qb.Strategy]] = []


def honest(strategy):
    HONEST.append(dataclass(frozen=True)(strategy))
    return HONEST[-1]


def log(what):
    sys.stderr.write(f"{what}\n")


def deviation(windows):
    """How far the last of each window is from its mean: statistics, but of windows."""
    return (windows[:, -1] - np.mean(windows, axis=1)) / (windows.std(axis=1) + 1e-9)


@honest
class BuysAndHolds(qb.Strategy):
    def decide(self, bars):  # noqa: ARG002
        return qb.Signals(1.0, stop=0.01)


@honest
class ScoresWithinTheWeek(qb.Strategy):
    """An expanding z-score that begins anew every Monday."""

    @property
    def warmup(self):
        return 168

    def decide(self, bars):
        close = bars.frame["close"]
        week = close.groupby((bars.time_ns // 3_600_000_000_000 + 72) // 168)
        mean, size = (week.expanding().agg(what).droplevel(0) for what in ("mean", "std"))
        score = ((close - mean) / size).where(size > 1e-9)
        return qb.Signals.when(long=score < -1.5, short=score > 1.5)


@honest
class LabelsDaysByTheirEnd(qb.Strategy):
    """An average of five finished days."""

    @property
    def warmup(self):
        return 24 * 7

    def decide(self, bars):
        close = bars.frame["close"]
        days = close.resample("1D", label="right", closed="left").last().dropna()
        average = days.rolling(5).mean().reindex(close.index, method="ffill")
        return qb.Signals.when(long=close > average, short=close < average)


@honest
class CrossesPandasAverages(qb.Strategy):
    """Pandas adds and subtracts, so its averages differ in the last digit with where the history begins."""

    fast: int = 10
    slow: int = 40

    @property
    def warmup(self):
        return self.slow

    def decide(self, bars):
        close = bars.frame["close"]
        gap = close.rolling(self.fast).mean() - close.rolling(self.slow).mean()
        return qb.Signals.when(long=gap > 0, short=gap < 0, stop=3 * close.diff().rolling(self.slow).std() + 1e-5)


@honest
class HandlesNan(qb.Strategy):
    """Trades only where the spread is known and small; carries the last known one for two bars."""

    @property
    def warmup(self):
        return 60

    def decide(self, bars):
        spread = bars.frame["spread"].ffill(limit=2)
        usual = spread.rolling(50, min_periods=5).median()
        calm = (spread <= 2 * usual).to_numpy() | spread.isna().to_numpy()
        up = bars.close > qb.sma(bars.close, 30)
        stop = np.where(up, qb.sma(bars.high - bars.low, 30) + 1e-5, np.nan)
        return qb.Signals.when(long=up & calm, stop=stop)


@honest
class EntersAndLeavesWithinTheDay(qb.Strategy):
    """A state that every midnight ends: its memory is one day."""

    @property
    def warmup(self):
        return 24 + 20

    def decide(self, bars):
        hour = bars.time_ns // 3_600_000_000_000 % 24
        high = pd.Series(bars.high).rolling(20).max().shift(1)
        ends = (hour == 0) | (np.diff(bars.time_ns, prepend=bars.time_ns[:1]) > 3_600_000_000_000)
        return qb.Signals.from_entries((bars.close > high) & ~ends, ends)


@honest
class WaitsForAVeryLongAverage(qb.Strategy):
    lookback: int = 120

    @property
    def warmup(self):
        return int(10.4 * self.lookback) + self.lookback

    def decide(self, bars):
        slow = qb.ema(bars.close, self.lookback)
        return qb.Signals.when(long=bars.close > slow, short=bars.close < slow)


@honest
class SizesByVolatility(qb.Strategy):
    @property
    def warmup(self):
        return 50

    def decide(self, bars):
        moves = np.diff(np.log(bars.close), prepend=np.nan)
        size = pd.Series(moves).rolling(48).std()
        trend = np.sign(bars.close - qb.sma(bars.close, 30))
        return qb.Signals((trend * (0.001 / (size + 1e-5)).clip(0.0, 1.0)).fillna(0.0))


@honest
class WeighsFeatures(qb.Strategy):
    """A linear model with weights fixed by a seed, computed once."""

    @cached_property
    def weights(self):
        return np.random.default_rng(7).normal(size=4)

    @property
    def warmup(self):
        return 60

    def decide(self, bars):
        lookbacks = (5, 10, 20, 50)
        features = np.stack([bars.close / qb.sma(bars.close, n) - 1.0 for n in lookbacks], axis=1)
        believed = np.nan_to_num(features @ self.weights)
        return qb.Signals.when(long=believed > 1e-5, short=believed < -1e-5)


@honest
class VotesOfOthers(qb.Strategy):
    first: qb.Strategy = qb.MaCross(5, 40)
    second: qb.Strategy = qb.RsiReversion()

    @property
    def warmup(self):
        return max(self.first.warmup, self.second.warmup)

    def decide(self, bars):
        return qb.Signals((self.first.signals(bars).target + self.second.signals(bars).target) / 2)


@honest
class DeclaresItsIndicators(qb.Strategy):
    @property
    def warmup(self):
        return 40

    def decide(self, bars):
        fast, slow = self.indicators(bars).values()
        return qb.Signals.when(long=fast > slow, short=fast < slow)

    def indicators(self, bars):
        return {"fast": qb.sma(bars.close, 10), "slow": qb.sma(bars.close, 40)}


@honest
class SumsVolumeInItsIndicator(qb.Strategy):
    """The sum never settles, but only its change over 20 bars decides."""

    @property
    def warmup(self):
        return 40

    def decide(self, bars):
        return qb.Signals.when(long=qb.sma(np.sign(bars.close - bars.open), 20) > 0)

    def indicators(self, bars):
        return {"flow": np.cumsum(np.sign(bars.close - bars.open))}


@honest
class WalksBarByBar(qb.Strategy):
    """A loop with a state that fifty bars without news end."""

    @property
    def warmup(self):
        return 20 + 60

    def decide(self, bars):
        upper = np.append(np.nan, qb.donchian(bars, 20).upper[:-1])
        news = bars_since(bars.close > upper)
        target = np.zeros(len(bars))
        for row in range(len(bars)):
            target[row] = 1.0 if news[row] < 50 else 0.0
        return qb.Signals(target)


@honest
class KnowsTheSeason(qb.Strategy):
    def decide(self, bars):
        index = bars.frame.index.tz_convert("America/New_York")
        return qb.Signals.when(long=(index.hour >= 8) & (index.hour < 12), short=index.hour == 17)


@honest
class LooksWorseThanItIs(qb.Strategy):
    """Statistics of windows, a reversed kernel, a last element that is no bar, a clock it never reads."""

    verbose: bool = False

    @property
    def warmup(self):
        return 60

    def decide(self, bars):
        if self.verbose:
            log(time.time())
        length = min(24, max(1, len(bars)))
        windows = np.lib.stride_tricks.sliding_window_view(bars.close, length) if len(bars) else np.ones((0, 1))
        unknown = np.full(len(bars) - len(windows), np.nan)
        top, score = (np.append(unknown, values) for values in (windows.max(axis=-1), deviation(windows)))
        weights = np.arange(1.0, 6.0)[::-1]
        smooth = np.convolve(bars.close, weights / weights.sum())[: len(bars)] if len(bars) else bars.close
        return qb.Signals.when(long=(smooth > 0.999 * top) & (score > 0))


@honest
class NamesThingsBadly(qb.Strategy):
    """Its own `open`, `time` and `now` read bars and nothing else."""

    @property
    def warmup(self):
        return 20

    def open(self, bars):
        return bars.open > qb.sma(bars.open, 20)

    def now(self, bars):
        return bars.close > qb.sma(bars.close, 20)

    def decide(self, bars):
        early = bars.frame.index.time < clock_time(12, 0)
        return qb.Signals.when(long=self.open(bars) & self.now(bars) & early)


@honest
class ThrowsSeededDice(qb.Strategy):
    """The same noise on the same weekday, always."""

    def decide(self, bars):
        noise = np.random.default_rng(11).normal(size=7)
        return qb.Signals(np.sign(noise[bars.time_ns // 86_400_000_000_000 % 7]))


@lru_cache(maxsize=8)
def squares(count):
    return tuple(float(n * n) for n in range(count))


@honest
class RemembersAPureFunction(qb.Strategy):
    @property
    def warmup(self):
        return 25

    def decide(self, bars):
        weights = np.array(squares(10))
        smooth = np.convolve(bars.close, weights / weights.sum())[: len(bars)]
        return qb.Signals.when(long=bars.close > smooth)
