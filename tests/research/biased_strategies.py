"""Strategies that cheat on purpose, each in one way, and what a certificate must say about them.

Outside of its one fault every strategy is honest: it declares enough warm-up and reads nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

import quantbench as qb

ASKED = [0]
MODEL = {}
WHOLE = None
"""As a lag: the whole sample, or nothing that can be counted in bars."""


class Case(NamedTuple):
    strategy: type[qb.Strategy]
    what: str
    output: str | None
    lag: object = WHOLE


CORPUS: list[Case] = []


def caught_as(what, output, lag=WHOLE):
    def listed(strategy):
        CORPUS.append(Case(strategy, what, output, lag))
        return strategy

    return listed


def biased(what, output, lag=WHOLE):
    """Make a frozen dataclass and put it into the corpus with what must be found."""
    return lambda strategy: caught_as(what, output, lag)(dataclass(frozen=True)(strategy))


def long_above_average(close, lookback=20):
    average = qb.sma(close, lookback)
    return qb.Signals.when(long=close > average, short=close < average)


def next_of(column):
    return np.append(column[1:], column[-1])


class Averages(qb.Strategy):
    """Declares the warm-up of an average of 20."""

    @property
    def warmup(self):
        return 20


# ---------------------------------------------------------------- look-ahead in the target


@biased("look-ahead", "target", 1)
class ShiftsBack(Averages):
    def decide(self, bars):
        close = bars.frame["close"]
        return qb.Signals.when(long=close.shift(-1) > close)


@biased("look-ahead", "target", 5)
class LooksFiveBarsAhead(Averages):
    def decide(self, bars):
        gain = bars.frame["close"].pct_change(5).shift(-5)
        return qb.Signals.when(long=gain > 0, short=gain < 0)


@biased("look-ahead", "target", 10)
class CentresItsWindow(Averages):
    def decide(self, bars):
        close = bars.frame["close"]
        return qb.Signals.when(long=close < close.rolling(21, center=True).mean())


@biased("look-ahead", "target")
class ScoresAgainstTheWholeSample(Averages):
    def decide(self, bars):
        score = (bars.close - bars.close.mean()) / bars.close.std()
        return qb.Signals.when(long=score < -1, short=score > 1)


@biased("look-ahead", "target", range(1, 400))
class FillsBackwards(Averages):
    def decide(self, bars):
        move = pd.Series(np.diff(bars.close, prepend=bars.close[0]))
        events = np.sign(move).where(move.abs() > move.abs().rolling(20).mean() * 2)
        return qb.Signals(events.bfill().fillna(0.0))


@biased("look-ahead", "target")
class RanksAgainstAll(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=bars.frame["close"].rank(pct=True) < 0.3)


@biased("look-ahead", "target")
class KnowsTheLastClose(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=bars.close < bars.close[-1], short=bars.close > bars.close[-1])


@biased("look-ahead", "target", range(1, 60))
class LabelsDaysByTheirBeginning(Averages):
    def decide(self, bars):
        frame = bars.frame
        day = frame["close"].resample("1D").last().reindex(frame.index, method="ffill")
        return qb.Signals.when(long=day > frame["close"], short=day < frame["close"])


@biased("look-ahead", "target", range(1, 60))
class KnowsTheDaysHighInTheMorning(Averages):
    def decide(self, bars):
        frame = bars.frame
        highest = frame.groupby(frame.index.floor("D"))["high"].transform("max")
        return qb.Signals.when(short=frame["high"] >= highest)


@biased("look-ahead", "target")
class FitsATrendOnAllData(Averages):
    def decide(self, bars):
        bar = np.arange(len(bars))
        slope, level = np.polyfit(bar, bars.close, 1)
        rest = bars.close - (slope * bar + level)
        return qb.Signals.when(long=rest < 0, short=rest > 0)


@biased("look-ahead", "target")
class NormalisesByTheMaximum(Averages):
    def decide(self, bars):
        return qb.Signals(bars.close / bars.close.max())


@biased("look-ahead", "target")
class IsLongInTheFirstHalf(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=np.arange(len(bars)) < len(bars) // 2)


@biased("look-ahead", "target", 1)
class RollsBackwards(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=np.roll(bars.open, -1) < bars.open)


@biased("look-ahead", "target")
class RunsBackwards(Averages):
    def decide(self, bars):
        later_high = np.maximum.accumulate(bars.close[::-1])[::-1]
        return qb.Signals.when(short=bars.close >= later_high)


@biased("look-ahead", "target", range(1, 20))
class Interpolates(Averages):
    def decide(self, bars):
        every_fourth = bars.frame["close"].where(bars.time_ns // 3_600_000_000_000 % 4 == 0)
        smooth = every_fourth.interpolate().ffill().bfill()
        return qb.Signals.when(long=smooth.diff() > 0)


@biased("look-ahead", "target", range(10, 400))
class FiltersForthAndBack(Averages):
    def decide(self, bars):
        forth = bars.frame["close"].ewm(span=10, adjust=False).mean()
        smooth = forth[::-1].ewm(span=10, adjust=False).mean()[::-1]
        return qb.Signals.when(long=smooth.diff() > 0, short=smooth.diff() < 0)


@biased("look-ahead", "target", 1)
class TakesTheCentralDifference(Averages):
    def decide(self, bars):
        slope = np.gradient(bars.close)
        return qb.Signals.when(long=slope > 0, short=slope < 0)


@biased("look-ahead", "target", 1)
class SeesTheNextVolume(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=next_of(bars.volume) > bars.volume)


@biased("look-ahead", "target", range(1, 3))
class KnowsTheNextSpread(Averages):
    def decide(self, bars):
        return qb.Signals.when(long=next_of(bars.spread) <= bars.spread)


# ---------------------------------------------------------------- look-ahead at rare moments


@biased("look-ahead", "target", 1)
class PeeksAtMonthEnds(Averages):
    def decide(self, bars):
        target = long_above_average(bars.close).target.copy()
        month = bars.time.astype("datetime64[M]")
        last = np.flatnonzero(month[1:] != month[:-1])
        target[last] = np.sign(bars.close[last + 1] - bars.close[last])
        return qb.Signals(target)


@biased("look-ahead", "target", 1)
class KnowsThatTheMonthEnds(Averages):
    """Looks at the time of the next bar only."""

    def decide(self, bars):
        month = bars.time.astype("datetime64[M]")
        return qb.Signals.when(long=np.append(month[1:] != month[:-1], False))


@biased("look-ahead", "target", 1)
class StepsAsideBeforeGaps(Averages):
    def decide(self, bars):
        target = long_above_average(bars.close).target.copy()
        gap = np.append(np.abs(bars.open[1:] - bars.close[:-1]), 0.0)
        target[gap > 0.002 * bars.close] = 0.0
        return qb.Signals(target)


@biased("look-ahead", "target", 1)
class StepsAsideBeforeCrashes(Averages):
    """No hour of the sample moves so far: only another future shows it."""

    def decide(self, bars):
        target = long_above_average(bars.close).target.copy()
        target[np.abs(next_of(bars.close) / bars.close - 1) > 0.015] = 0.0
        return qb.Signals(target)


@biased("look-ahead", "target", 1)
class PeeksWhenClocksChange(Averages):
    def decide(self, bars):
        target = long_above_average(bars.close).target.copy()
        offset = bars.frame.index.tz_convert("America/New_York").hour.to_numpy() - bars.frame.index.hour.to_numpy()
        change = np.flatnonzero(np.diff(offset % 24)) + 1
        change = change[change + 1 < len(bars)]
        target[change] = np.sign(bars.close[change + 1] - bars.close[change])
        return qb.Signals(target)


@biased("look-ahead", "target", 1)
class ConfirmsItsCrossesWithTheNextBar(Averages):
    """Honest on every bar but those on which it would enter."""

    def decide(self, bars):
        target = long_above_average(bars.close, 20).target.copy()
        cross = np.flatnonzero(np.diff(target)) + 1
        cross = cross[cross + 1 < len(bars)]
        wrong = (bars.close[cross + 1] - bars.close[cross]) * target[cross] < 0
        target[cross[wrong]] = 0.0
        return qb.Signals(target)


# ---------------------------------------------------------------- look-ahead elsewhere


@biased("look-ahead", "stop", 1)
class StopsBelowTheNextLow(Averages):
    def decide(self, bars):
        honest = long_above_average(bars.close)
        return qb.Signals(honest.target, stop=np.abs(bars.close - next_of(bars.low)) + 1e-4)


@biased("look-ahead", "take", 1)
class TakesTheNextHigh(Averages):
    def decide(self, bars):
        honest = long_above_average(bars.close)
        return qb.Signals(honest.target, take=np.abs(next_of(bars.high) - bars.close) + 1e-4)


@biased("look-ahead", "trail")
class TrailsByTheWholeSample(Averages):
    def decide(self, bars):
        return qb.Signals(long_above_average(bars.close).target, trail=np.quantile(bars.high - bars.low, 0.9) + 1e-5)


@biased("look-ahead", "breakeven", 3)
class BreaksEvenByLaterRanges(Averages):
    def decide(self, bars):
        ranges = (bars.frame["high"] - bars.frame["low"]).rolling(3).max().shift(-3)
        return qb.Signals(long_above_average(bars.close).target, breakeven=ranges + 1e-5)


@biased("look-ahead", "enter", 1)
class EntersBeforeRises(Averages):
    def decide(self, bars):
        return qb.Signals(1.0, enter=next_of(bars.close) > bars.close)


@biased("look-ahead", "hold")
class HoldsUntilTheEnd(Averages):
    def decide(self, bars):
        return qb.Signals(long_above_average(bars.close).target, hold=np.arange(len(bars), 0, -1.0))


@biased("look-ahead", "indicator trend", 7)
class DeclaresACentredIndicator(Averages):
    def decide(self, bars):
        return long_above_average(bars.close)

    def indicators(self, bars):
        return {"fast": qb.sma(bars.close, 5), "trend": bars.frame["close"].rolling(15, center=True).mean()}


# ---------------------------------------------------------------- warm-up too short


@biased("warm-up", "target")
class ForgetsOneBar(qb.Strategy):
    """An average of 100 bars declared as 98 before it."""

    @property
    def warmup(self):
        return 98

    def decide(self, bars):
        return long_above_average(bars.close, 100)


@biased("warm-up", "stop")
class TrustsAFreshEma(qb.Strategy):
    @property
    def warmup(self):
        return 50

    def decide(self, bars):
        return qb.Signals(1.0, stop=qb.ema(bars.high - bars.low, 50) + 1e-5)


@biased("warm-up", "stop")
class TrustsAFreshAtr(qb.Strategy):
    @property
    def warmup(self):
        return 28

    def decide(self, bars):
        return qb.Signals(1.0, stop=qb.atr(bars, 14) + 1e-5)


@biased("warm-up", "target")
class SumsFromTheBeginning(qb.Strategy):
    @property
    def warmup(self):
        return 100

    def decide(self, bars):
        flow = np.cumsum(np.sign(bars.close - bars.open))
        return qb.Signals.when(long=flow > 0, short=flow < 0)


@biased("warm-up", "target")
class ScoresAgainstAllThatWas(qb.Strategy):
    """No look-ahead: but its mean never forgets, so live and research differ."""

    @property
    def warmup(self):
        return 100

    def decide(self, bars):
        close = bars.frame["close"]
        score = (close - close.expanding().mean()) / close.expanding().std()
        return qb.Signals.when(long=score < -1, short=score > 1)


@biased("warm-up", "target")
class RemembersItsLastEntryForEver(qb.Strategy):
    @property
    def warmup(self):
        return 100

    def decide(self, bars):
        close = bars.frame["close"]
        return qb.Signals.from_entries(close >= close.rolling(100).max(), close <= close.rolling(100).min())


@biased("warm-up", "target")
class CountsBarsFromTheBeginning(qb.Strategy):
    @property
    def warmup(self):
        return 50

    def decide(self, bars):
        return qb.Signals.when(long=np.arange(len(bars)) % 50 < 25)


# ---------------------------------------------------------------- impure


@biased("impure", "target")
class CountsInTheModule(Averages):
    def decide(self, bars):
        ASKED[0] += 1
        return qb.Signals(np.full(len(bars), float(ASKED[0] % 2)))


@biased("impure", "target")
class CountsInItself(Averages):
    asked: int = 0

    def decide(self, bars):
        object.__setattr__(self, "asked", self.asked + 1)
        return qb.Signals(np.full(len(bars), 1.0 / self.asked))


@biased("impure", None)
class WritesToItsClass(Averages):
    def decide(self, bars):
        type(self).seen = len(bars)
        return long_above_average(bars.close)


@biased("impure", None)
class LearnsOnceInTheModule(Averages):
    """Fits on the first bars it is ever given: later calls look causal."""

    def decide(self, bars):
        if "mean" not in MODEL:
            MODEL["mean"] = float(np.mean(bars.close))
        return qb.Signals.when(long=bars.close < MODEL["mean"])


@biased("impure", None)
class KeepsAListOfWhatItSaw(Averages):
    seen: list = field(default_factory=list, hash=False)

    def decide(self, bars):
        self.seen.append(bars.close[0])
        return long_above_average(bars.close)


@biased("impure", "target")
class Gambles(Averages):
    def decide(self, bars):
        return qb.Signals(np.random.default_rng().choice([-1.0, 1.0], len(bars)))


@biased("impure", "stop")
class DrawsFromTheGlobalDice(Averages):
    def decide(self, bars):
        return qb.Signals(long_above_average(bars.close).target, stop=1e-3 + 1e-4 * np.random.random(len(bars)))  # noqa: NPY002


@biased("impure", None)
class ReadsTheClock(Averages):
    def decide(self, bars):
        live = datetime.now(UTC).year > 9_000  # noqa: TID251
        return qb.Signals(0.0 if live else long_above_average(bars.close).target)


@biased("impure", None)
class ReadsThePandasClock(Averages):
    def decide(self, bars):
        old = bars.frame.index < pd.Timestamp.now("UTC")
        return qb.Signals(long_above_average(bars.close).target * old)


@biased("impure", None)
class ReadsAFile(Averages):
    def decide(self, bars):
        return qb.Signals(long_above_average(bars.close).target * bool(Path(__file__).read_text(encoding="utf-8")))


@biased("impure", None)
class LoadsTheWholeHistory(Averages):
    """Knows the future whatever bars it is given."""

    def decide(self, bars):
        rises = dict(
            zip(qb.load("EURUSD", "H1").time_ns.tolist(), np.diff(qb.load("EURUSD", "H1").close), strict=False)
        )
        return qb.Signals(np.sign([rises.get(when, 0.0) for when in bars.time_ns.tolist()]))


@biased("impure", None)
class OverwritesTheBars(Averages):
    def decide(self, bars):
        smooth = bars.frame["close"].rolling(5, min_periods=1).mean().to_numpy()
        object.__setattr__(bars, "close", smooth)
        return qb.Signals(1.0)


@biased("error", None)
class CannotDecideAtTheEdge(Averages):
    """Asks for a bar that is not there yet."""

    def decide(self, bars):
        lows = bars.frame["low"]
        day = pd.Timestamp("2017-03-01T12:00", tz="UTC")
        ahead = lows.loc[day] if day < lows.index[-1] + pd.Timedelta("40D") else 0.0
        return qb.Signals(1.0, stop=1e-3 + 1e-3 * ahead)
