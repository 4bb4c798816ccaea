"""Random worlds to trade in: bars, signals, instruments, costs, sizing and limits, from one source of whole numbers.

A `Dice` is either a seeded generator (fast, for thousands of worlds) or hypothesis (which shrinks what it finds).
Options are listed with the plainest first, so that what hypothesis shrinks is plain.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from stage import HOURS, Plan

import quantbench as qb
from quantbench.core.limits import Blackout, Event

NAN = np.nan


class SeededDice:
    """Whole numbers from a seed."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def whole(self, low, high):
        return int(self.rng.integers(low, high + 1))

    def wholes(self, n, low, high):
        return self.rng.integers(low, high + 1, n)

    def choose(self, options):
        return options[self.whole(0, len(options) - 1)]

    def one_in(self, n):
        return self.whole(0, n - 1) == n - 1


class DrawnDice(SeededDice):
    """Whole numbers drawn by hypothesis."""

    def __init__(self, draw):
        from hypothesis import strategies as st

        self.draw, self.st = draw, st

    def whole(self, low, high):
        return self.draw(self.st.integers(low, high))

    def wholes(self, n, low, high):
        return np.array(self.draw(self.st.lists(self.st.integers(low, high), min_size=n, max_size=n)), dtype=int)


@dataclass(frozen=True, eq=False)
class World:
    """Everything `qb.backtest` is given."""

    strategy: Plan
    bars: qb.Bars
    words: dict[str, Any] = field(default_factory=dict)

    def __repr__(self):
        """Return code that shows the world; hypothesis prints it where it fails."""
        rows = self.bars.frame.to_string(float_format=lambda value: f"{value:.10g}")
        return f"World(\n{self.strategy}\n{self.bars.instrument}\n{self.words}\n{rows}\n)"

    def play(self, engine, **others):
        return qb.backtest(self.strategy, self.bars, **(self.words | others), engine=engine)


def world_of(dice, *, most_bars=70):
    """Return a random world."""
    n = dice.choose((8, 3, 2, 1, 15)) if dice.one_in(5) else dice.whole(5, most_bars)
    currency = dice.choose(("USD", "BASE", "EUR"))  # of the account: quote, base, or neither
    timeframe = dice.choose(("H1", "M15", "H4", "D1"))
    digits, base = dice.choose(((2, 10_000), (5, 110_000), (8, 1_000), (0, 30_000), (2, 50_000_000), (8, 40)))
    wild = max(1, base // dice.choose((200, 30, 2_000, 60, 6)))  # points a bar may move
    points = _points(dice, n, base, wild)
    price = base / 10.0**digits
    value = 1.0 if currency == "USD" else 1.0 / price if currency == "BASE" else 0.8
    instrument = _instrument(dice, digits, price * value)
    bars = _bars(dice, points, instrument, timeframe)
    account = qb.Account(currency, 10_000.0, dice.choose((0.5, 0.0, 1.0)))
    words = {
        "account": account,
        "costs": _costs(dice),
        "sizing": _sizing(dice, price * value * instrument.contract_size),
        "limits": _limits(dice, bars) if dice.one_in(2) else None,
        "rates": _rates(dice, bars) if currency == "EUR" else None,
        "intrabar": _finer(dice, bars) if dice.one_in(3) else None,
        "trade_from": bars.time[dice.whole(0, n - 1)].astype("datetime64[s]").item() if dice.one_in(12) else None,
    }
    signals, warmup = _signals(dice, n, wild / 10.0**digits)
    return World(Plan(signals, warmup), bars, words)


# --- bars --------------------------------------------------------------------------------------------------------


def _points(dice, n, base, wild):
    """Return open, high, low, close in points: quiet bars, spikes, gaps, bars that do not move."""
    body, up, down = (dice.wholes(n, low, wild) for low in (-wild, 0, 0))
    gap, rare = dice.wholes(n, -wild, wild), dice.wholes(n, 0, 19)
    rows, before = np.zeros((4, n), dtype=np.int64), base
    for k in range(n):
        if rare[k] == 0:
            up[k] = down[k] = body[k] = 0
        size = 6 if rare[k] == 19 else 1 if rare[k] > 12 else 0
        spike = 5 if rare[k] == 18 else 1
        opens = max(2, before + gap[k] * size)
        close = max(2, opens + body[k])
        high, low = max(opens, close) + up[k] * spike, max(1, min(opens, close) - down[k] * spike)
        rows[:, k], before = (opens, high, low, close), close
    return rows


def _times(dice, n, timeframe):
    """Return bar opens over weekends, holes, and both changes of New York's clock."""
    start = dice.choose(("2024-01-02T00:00", "2024-03-08T12:00", "2024-11-01T12:00", "2024-01-10T18:00"))
    steps = np.ones(n, dtype=np.int64)
    holes = dice.wholes(n, 0, 39)
    steps[holes == 39] = 60
    steps[holes == 38] = 3
    steps[0] = 0
    return np.datetime64(start, "s") + np.timedelta64(int(HOURS[timeframe] * 3600), "s") * np.cumsum(steps)


def _bars(dice, points, instrument, timeframe):
    n = points.shape[1]
    prices = points / 10.0**instrument.digits
    if dice.one_in(10):  # a source that quotes finer than the instrument
        prices = prices * (1.0 + 3e-6)
    kind = dice.choose(("zero", "fixed", "random", "half", "missing", "mixed"))
    spread = dice.wholes(n, 0, 30).astype(float)
    spread = {
        "zero": np.zeros(n),
        "fixed": np.full(n, 10.0),
        "random": spread,
        "half": spread / 2.0,
        "missing": np.full(n, NAN),
        "mixed": np.where(spread > 15, NAN, spread),
    }[kind]
    return qb.Bars(instrument.symbol, timeframe, instrument, _times(dice, n, timeframe), *prices, spread=spread)


def _finer(dice, bars):
    """Return three finer bars inside most bars, on a path that touches the high and the low."""
    timeframe, minutes = {"M15": ("M5", 5), "H1": ("M20", 20), "H4": ("H1", 60), "D1": ("H4", 240)}[bars.timeframe]
    rows = []
    for k, (missing, up_first) in enumerate(
        zip(dice.wholes(len(bars), 0, 9), dice.wholes(len(bars), 0, 1), strict=True)
    ):
        if missing == 9:
            continue
        opens, high, low, close = bars.open[k], bars.high[k], bars.low[k], bars.close[k]
        first, second = (high, low) if up_first else (low, high)
        path = (opens, first, second, close) if missing else (opens, opens, first, close)
        for j in range(3):
            start, end = path[j], path[j + 1]
            time = bars.time[k] + np.timedelta64(minutes * j, "m")
            rows.append((time, start, max(start, end), min(start, end), end, bars.spread[k]))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    time = np.array(columns[0], dtype="datetime64[ns]")
    return qb.Bars(
        bars.symbol, timeframe, bars.instrument, time, *map(np.array, columns[1:5]), spread=np.array(columns[5])
    )


def _rates(dice, bars):
    """Return hourly rates around 0.8 that begin before the bars and have holes."""
    first, last = bars.time[0] - np.timedelta64(30, "h"), bars.time[-1] + np.timedelta64(26, "h")
    time = np.arange(first, last, np.timedelta64(7, "h"))
    close = 0.8 + dice.wholes(len(time), -100, 100) / 1000.0
    rate = replace(bars.instrument, symbol="USDEUR", base_currency="USD", quote_currency="EUR")
    return qb.Bars("USDEUR", "H4", rate, time, close, close, close, close)


# --- what is traded, and how -------------------------------------------------------------------------------------


def _instrument(dice, digits, value):
    """Return an instrument one lot of which is worth some 1,000 of the account's currency."""
    size = 10.0 ** np.round(np.log10(1_000.0 / value))
    step = dice.choose((0.01, 0.1, 0.001, 0.25, 1.0))
    schedule = (("2024-01-10", -4.0, 1.0), ("2024-03-10", 3.0, -2.0), ("2024-11-02", -1.0, -1.0))
    return qb.Instrument(
        symbol="RND",
        digits=digits,
        point=10.0**-digits,
        contract_size=float(dice.choose((size, size * 3, size / 7))),
        volume_min=step * dice.choose((1, 1, 3)),
        volume_step=step,
        volume_max=dice.choose((10_000.0, 8.0, 25.5)),
        base_currency="BASE",
        quote_currency="USD",
        leverage=dice.choose((100, 30, 5, 1, 500)),
        stops_level_points=dice.choose((0, 3, 40)),
        swap_long_points=dice.choose((0.0, -3.2, 1.5)),
        swap_short_points=dice.choose((0.0, 0.7, -2.4)),
        swap_multipliers=dice.choose(((1, 1, 3, 1, 1, 0, 0), (1, 1, 1, 1, 1, 1, 1))),
        swap_schedule=schedule if dice.one_in(6) else None,
        typical_spread_points=dice.choose((0, 12)),
        slippage_points=dice.choose((0, 2)),
        commission_per_lot=dice.choose((0.0, 3.5)),
        commission_percent=dice.choose((0.0, 0.0002)),
        calendar=dice.choose(("fx", "crypto", "us_equity")),
        server_clock=dice.choose(("America/New_York+7", "UTC")),
    )


def _costs(dice):
    kind = dice.choose(("none", "declared", "own", "doubled", "tripled"))
    own = qb.Costs(
        commission_per_lot=dice.choose((None, 0.0, 2.0)),
        commission_percent=dice.choose((None, 0.0, 0.0001)),
        slippage_points=dice.choose((None, 0.0, 1.5, 5.0)),
        spread_points=dice.choose((None, 0.0, 7.0)),
        swap=not dice.one_in(4),
        spread_factor=dice.choose((1.0, 1.5)),
    )
    return {
        "none": None,
        "declared": qb.Costs(),
        "own": own,
        "doubled": own.times(2),
        "tripled": qb.Costs().times(3),
    }[kind]


def _sizing(dice, worth):
    """Return a sizing; `worth` is the notional of a lot in account currency."""
    multiple = dice.choose((1.0, 0.3, 4.0, 0.02, 20.0))
    return dice.choose(
        (
            qb.FixedLots(multiple * 10_000.0 / worth),
            qb.PercentEquity(multiple),
            qb.PercentRisk(dice.choose((0.01, 0.1, 0.5))),
            qb.VolatilityTarget(5 * multiple, dice.choose((2, 5))),
        )
    )


def _limits(dice, bars):
    """Return a few limits, of any kind."""
    middle = str(bars.time[len(bars) // 2].astype("datetime64[s]"))
    rules = {
        "sessions": dice.choose((("08:00-20:00",), ("22:00-06:00", "10:15-11:45"))),
        "max_spread_points": dice.choose((10.0, 3.0)),
        "max_atr_percent": dice.choose((1.0, 5.0)),
        "blackout": Blackout((Event(middle, "USD", "high"),), before=90, after=dice.choose((0, 600))),
        "max_wait": dice.choose(("2h", "1s", "2d")),
        "max_trades_per_day": dice.whole(1, 4),
        "max_daily_loss": dice.choose((0.01, 150.0, 0.2)),
        "max_consecutive_losses": dice.whole(1, 3),
        "cooldown": dice.choose(("90min", "1d")),
        "max_drawdown": dice.choose((0.02, 0.3)),
    }
    picked = {name: rule for name, rule in rules.items() if dice.one_in(4)}
    return qb.Limits(**picked, flatten=dice.one_in(2))


# --- signals -----------------------------------------------------------------------------------------------------


def _signals(dice, n, wild):
    """Return signals and a warm-up; `wild` is how far a bar may move."""
    target = _target(dice, n)
    warmup = dice.choose((0, 0, 1, 5))
    if warmup:
        target[: min(warmup, n)] = NAN
    exits = {name: _distance(dice, n, wild) for name in ("stop", "take", "trail", "breakeven")}
    hold = dice.choose((None, 3.0, dice.wholes(n, 1, 9) * 1.0, np.where(dice.wholes(n, 0, 1), 2.5, NAN)))
    enter = dice.choose((None, None, dice.wholes(n, 0, 3) == 3, True))
    return qb.Signals(target, **exits, hold=hold, enter=enter), warmup


def _target(dice, n):
    values = np.array([0.0, 1.0, -1.0, 0.5, -0.5, 0.3, -0.25, 0.003])
    if dice.one_in(3):  # a new want on every bar
        return values[dice.wholes(n, 0, 7)]
    want, target, now, rare = dice.wholes(n, 0, 7), np.zeros(n), 0.0, dice.choose((5, 24))
    for k, changes in enumerate(dice.wholes(n, 0, rare)):
        now = values[want[k]] if changes == rare else now
        target[k] = now
    return target


def _distance(dice, n, wild):
    kind = dice.choose(("none", "none", "one", "many", "some"))
    if kind == "none":
        return None
    size = wild * dice.choose((1.0, 0.3, 3.0, 0.0777))
    if kind == "one":
        return size
    many = size * dice.wholes(n, 1, 20) / 7.0
    return many if kind == "many" else np.where(dice.wholes(n, 0, 2) == 0, NAN, many)
