"""Portfolios of target weights: equal to a slow and obvious one, and strict at the door."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.engine.portfolio import portfolio_backtest

HOUR = np.timedelta64(3_600_000_000_000, "ns")
START = np.datetime64("2020-01-01T00", "ns")
PAIRS = {"EURUSD": (5, 1.1, "EUR", "USD"), "USDJPY": (3, 130.0, "USD", "JPY"), "EURGBP": (5, 0.85, "EUR", "GBP")}


def instrument(symbol, **facts):
    digits, _, base, quote = PAIRS[symbol]
    plain = {"volume_min": 0.01, "volume_step": 0.01, "volume_max": 20.0, "contract_size": 10_000, "leverage": 30.0}
    known = {"symbol": symbol, "digits": digits, "point": 10.0**-digits, "base_currency": base, "quote_currency": quote}
    return qb.Instrument(**(plain | known | facts))


def walk(seed, n, symbol, *, spread=7.0, **facts):
    rng, contract = np.random.default_rng(seed), instrument(symbol, **facts)
    step = PAIRS[symbol][1] * 0.002
    opens = np.round(PAIRS[symbol][1] + np.cumsum(rng.normal(0, step, n)), contract.digits)
    closes = np.round(opens + rng.normal(0, step, n), contract.digits)
    highs, lows = np.maximum(opens, closes) + step, np.minimum(opens, closes) - step
    time = START + np.arange(n) * HOUR
    return qb.Bars(symbol, "H1", contract, time, opens, highs, lows, closes, spread=np.full(n, spread))


def pound(n, before=10):
    price = np.round(1.3 + 0.05 * np.sin(np.arange(n + before) / 5.0), 5)
    time = START + (np.arange(n + before) - before) * HOUR
    return qb.Bars("GBPUSD", "H1", replace(instrument("EURUSD"), symbol="GBPUSD"), time, price, price, price, price)


def weights_on(bars, rows):
    return pd.DataFrame(rows, index=next(iter(bars.values())).frame.index, dtype=float)


class Slow:
    """One account, many symbols, one bar after the other, in plain Python."""

    def __init__(self, weights, bars, rates, *, balance=10_000.0):
        self.weights, self.bars, self.rates, self.balance = weights, bars, rates, balance
        self.parts = {name: [] for name in bars}  # [side, steps, price]
        self.profits = 0.0

    def rate(self, name, k, price, *, at_close):
        facts = self.bars[name].instrument
        if facts.quote_currency == "USD":
            return 1.0
        if facts.base_currency == "USD":
            return 1.0 / price
        moment = self.bars[name].time[k] + (HOUR if at_close else 0 * HOUR)
        known = self.rates.time + HOUR <= moment
        return float(self.rates.close[known][-1])

    def quote(self, name, k, side, column):
        """What leaving a long (+1) gets, or leaving a short (-1) pays."""
        bars = self.bars[name]
        price = float(getattr(bars, column)[k])
        digits = bars.instrument.digits
        return price if side > 0 else round(price + float(bars.spread[k]) * bars.instrument.point, digits)

    def equity(self, k):
        total = self.balance
        for name, parts in self.parts.items():
            for side, steps, entry in parts:
                price = self.quote(name, k, side, "close")
                total += self.worth(name, steps) * (price - entry) * side * self.rate(name, k, price, at_close=True)
        return total

    def worth(self, name, steps):
        return round(steps * 0.01, 8) * self.bars[name].instrument.contract_size

    def pay(self, name, steps, price, rate):
        facts = self.bars[name].instrument
        notional = self.worth(name, steps) * price * rate
        self.balance -= facts.commission_per_lot * round(steps * 0.01, 8) + facts.commission_percent * notional

    def open(self, name, k, side, steps):
        facts = self.bars[name].instrument
        price = round(self.quote(name, k, -side, "open") + side * facts.slippage_points * facts.point, facts.digits)
        self.pay(name, steps, price, self.rate(name, k, price, at_close=False))
        self.parts[name].append([side, steps, price])

    def close(self, name, k, steps, *, column="open"):
        facts = self.bars[name].instrument
        while steps > 0:
            part = self.parts[name][0]
            side, closing = part[0], min(steps, part[1])
            slip = side * facts.slippage_points * facts.point if column == "open" else 0.0
            price = round(self.quote(name, k, side, column) - slip, facts.digits)
            rate = self.rate(name, k, price, at_close=column == "close")
            self.balance += self.worth(name, closing) * (price - part[2]) * side * rate
            self.pay(name, closing, price, rate)
            part[1], steps = part[1] - closing, steps - closing
            if not part[1]:
                self.parts[name].pop(0)

    def rebalance(self, k, equity):
        for name in self.weights:
            weight = float(self.weights[name].iloc[k - 1])
            if math.isnan(weight):
                continue
            close = float(self.bars[name].close[k - 1])
            unit = self.bars[name].instrument.contract_size * close * self.rate(name, k - 1, close, at_close=True)
            wanted = math.floor(abs(weight) * equity / unit / 0.01 + 1e-9)
            side = (weight > 0) - (weight < 0)
            held = sum(part[1] for part in self.parts[name])
            if held and self.parts[name][0][0] != side:
                self.close(name, k, held)
                held = 0
            if wanted < held:
                self.close(name, k, held - wanted)
            elif wanted > held:
                self.open(name, k, side, wanted - held)

    def run(self):
        n, equity, lots = len(self.weights), [], []
        for k in range(n):
            if k:
                self.rebalance(k, equity[-1])
            if k == n - 1:
                for name, parts in self.parts.items():
                    self.close(name, k, sum(part[1] for part in parts), column="close")
            equity.append(self.equity(k))
            lots.append([sum(part[0] * part[1] for part in parts) * 0.01 for parts in self.parts.values()])
        return np.array(equity), np.array(lots)


@pytest.mark.parametrize("seed", range(25))
def test_random_weights_give_what_a_slow_and_obvious_account_gives(seed):
    rng, n = np.random.default_rng(seed), 40
    facts = {"commission_per_lot": 0.7, "commission_percent": 1e-5, "slippage_points": 2.0}
    bars = {name: walk(seed + i, n, name, **facts) for i, name in enumerate(PAIRS)}
    rows = np.where(rng.random((n, 3)) < 0.4, np.nan, rng.choice([-1.5, -0.4, 0, 0, 0.2, 0.9, 2.0], (n, 3)))
    rows[rng.random(n) < 0.5] = np.nan
    weights = pd.DataFrame(rows, index=bars["EURUSD"].frame.index, columns=list(PAIRS))
    result = portfolio_backtest(weights, bars, rates={"GBP": pound(n)})
    equity, lots = Slow(weights, bars, pound(n)).run()
    np.testing.assert_allclose(result.equity, equity, rtol=1e-9)
    np.testing.assert_allclose(result.positions, lots, atol=1e-9)
    assert result.trades.profit.sum() == pytest.approx(result.equity.iloc[-1] - 10_000, rel=1e-9, abs=1e-7)
    assert len(result.trades) > 5


def test_one_weight_of_one_is_the_single_backtest_that_holds_all_equity():
    class Hold(qb.Strategy):
        def decide(self, bars):
            return qb.Signals((np.arange(len(bars)) >= 3).astype(float))

    bars = walk(1, 60, "EURUSD", commission_per_lot=3.0, swap_long_points=-4.0)
    weights = pd.DataFrame({"EURUSD": [1.0]}, index=bars.frame.index[[3]])
    result, single = portfolio_backtest(weights, {"EURUSD": bars}), qb.backtest(Hold(), bars)
    np.testing.assert_allclose(result.equity, single.equity, rtol=1e-12)
    assert single.trades.swap.sum() < 0
    pd.testing.assert_series_equal(result.trades.swap, single.trades.swap)
    pd.testing.assert_series_equal(result.daily, single.daily)
    ours, theirs = result.metrics(), single.metrics()
    assert np.isnan(ours.pop("average_over_cost"))
    assert "not kept" in ours.attrs["reasons"]["average_over_cost"]
    assert theirs.pop("average_over_cost") < 0
    pd.testing.assert_series_equal(ours, theirs, rtol=1e-9, check_index_type=False)


def test_decided_at_the_close_filled_at_the_next_open_valued_at_the_previous_close():
    bars = walk(3, 10, "EURUSD", spread=0.0)
    weights = pd.DataFrame({"EURUSD": [0.8]}, index=bars.frame.index[[4]])
    result = portfolio_backtest(weights, {"EURUSD": bars})
    first = result.orders.iloc[0]
    assert first.time == bars.frame.index[5]
    assert first.price == bars.open[5]
    assert first.lots == math.floor(0.8 * 10_000 / (bars.close[4] * 10_000) / 0.01) * 0.01
    assert (result.positions.EURUSD.iloc[:5] == 0).all()
    assert result.trades.reason.to_list() == ["end_of_data"]
    assert result.positions.iloc[-1, 0] == 0


def test_the_last_row_is_never_filled():
    bars = walk(3, 10, "EURUSD")
    weights = pd.DataFrame({"EURUSD": [1.0]}, index=bars.frame.index[[9]])
    assert portfolio_backtest(weights, {"EURUSD": bars}).orders.empty


def test_the_order_of_symbols_does_not_matter():
    bars = {name: walk(i, 30, name) for i, name in enumerate(PAIRS)}
    rows = np.random.default_rng(1).choice([-1.0, 0.5, 1.0], (30, 3))
    weights = pd.DataFrame(rows, index=bars["EURUSD"].frame.index, columns=list(PAIRS))
    one = portfolio_backtest(weights, bars, rates={"GBP": pound(30)})
    other = portfolio_backtest(weights.iloc[:, ::-1], dict(reversed(bars.items())), rates={"GBP": pound(30)})
    np.testing.assert_allclose(other.equity, one.equity, rtol=1e-12)


def test_nan_keeps_and_zero_closes():
    bars = walk(3, 12, "EURUSD")
    weights = pd.DataFrame({"EURUSD": [0.8, np.nan, 0.0]}, index=bars.frame.index[[1, 4, 7]])
    result = portfolio_backtest(weights, {"EURUSD": bars})
    held = result.positions.EURUSD.to_numpy()
    assert (held[2:8] == held[2]).all()
    assert held[2] > 0
    assert (held[8:] == 0).all()
    assert result.trades.reason.to_list() == ["signal"]


def test_weights_too_small_for_a_lot_are_told():
    bars = walk(3, 12, "EURUSD")
    weights = pd.DataFrame({"EURUSD": [1e-4]}, index=bars.frame.index[[4]])
    result = portfolio_backtest(weights, {"EURUSD": bars})
    assert result.skipped.to_dict("records") == [{"time": bars.frame.index[5], "symbol": "EURUSD"}]
    assert result.equity.iloc[-1] == 10_000


def test_bars_some_symbols_have_not_are_refused_or_dropped_as_asked():
    bars = {"EURUSD": walk(1, 20, "EURUSD"), "USDJPY": walk(2, 20, "USDJPY")}
    keep = np.arange(20) != 7
    columns = ("time", "open", "high", "low", "close", "volume", "spread")
    bars["USDJPY"] = replace(bars["USDJPY"], **{name: getattr(bars["USDJPY"], name)[keep] for name in columns})
    weights = pd.DataFrame({"EURUSD": [0.5], "USDJPY": [0.5]}, index=bars["EURUSD"].frame.index[[3]])
    with pytest.raises(
        qb.QuantbenchError, match="EURUSD has 1 bars the others have not, the first at 2020-01-01 07:00"
    ):
        portfolio_backtest(weights, bars)
    result = portfolio_backtest(weights, bars, missing="drop")
    assert len(result.equity) == 19
    assert set(result.trades.symbol) == {"EURUSD", "USDJPY"}


def broken(**changes):
    bars = {"EURUSD": walk(1, 20, "EURUSD", volume_max=1_000.0)}
    index = bars["EURUSD"].frame.index[[3]]
    plain = {"weights": pd.DataFrame({"EURUSD": [0.5]}, index=index), "bars": bars}
    return plain | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bars": {}}, "bars_by_symbol is empty"),
        ({"weights": [0.5]}, "weights must be a DataFrame, time x symbol, found list"),
        ({"weights": broken()["weights"].rename(columns={"EURUSD": "EURUDS"})}, "did you mean EURUSD"),
        ({"weights": broken()["weights"].drop(columns="EURUSD")}, "no weights for EURUSD"),
        ({"weights": broken()["weights"] / 0}, "a weight is infinite"),
        ({"weights": broken()["weights"].astype(str) + "x"}, "weights must be numbers"),
        ({"weights": broken()["weights"].reset_index(drop=True)}, "need a UTC DatetimeIndex"),
        ({"weights": broken()["weights"].tz_localize(None)}, "found no time zone"),
        (
            {"weights": broken()["weights"].shift(freq="30min")},
            "1 times that are no common bar, the first 2020-01-01 03:30",
        ),
        ({"weights": pd.concat([broken()["weights"]] * 2)}, "a time or a symbol twice"),
        ({"weights": broken()["weights"] * 100}, "need a margin of 16,"),
        ({"missing": "inner"}, "missing='inner' is unknown"),
        ({"costs": {"EURUDS": qb.Costs()}}, "costs name 'EURUDS'.*did you mean EURUSD"),
        ({"account": qb.Account(currency="CHF")}, "pass rates={'USD': bars whose close is CHF per USD}"),
        (
            {"bars": {"EURUSD": walk(1, 20, "EURUSD", calendar="crypto"), "USDJPY": walk(1, 20, "USDJPY")}},
            "no weights for",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_one_sentence(changes, message):
    given = broken(**changes)
    weights, bars = given.pop("weights"), given.pop("bars")
    with pytest.raises(qb.QuantbenchError, match=message):
        portfolio_backtest(weights, bars, **given)


def test_different_timeframes_days_and_calendars_are_refused():
    one, other = walk(1, 20, "EURUSD"), walk(1, 20, "USDJPY", calendar="crypto")
    weights = weights_on({"EURUSD": one}, {"EURUSD": [0.1] * 20, "USDJPY": [0.1] * 20})
    with pytest.raises(qb.QuantbenchError, match=r"different calendars \(crypto, fx\): pass calendar="):
        portfolio_backtest(weights, {"EURUSD": one, "USDJPY": other})
    chosen = portfolio_backtest(weights, {"EURUSD": one, "USDJPY": other}, calendar="fx")
    assert chosen.calendar.name == "fx"
    later = replace(other, time=other.time + 1_000 * HOUR)
    with pytest.raises(qb.QuantbenchError, match="no bar time in common"):
        portfolio_backtest(weights, {"EURUSD": one, "USDJPY": later})
    with pytest.raises(qb.QuantbenchError, match="one timeframe, found H1, M30"):
        portfolio_backtest(weights, {"EURUSD": one, "USDJPY": replace(other, timeframe="M30")})


def test_an_account_the_broker_would_close_is_refused():
    bars = walk(1, 20, "EURUSD", leverage=2.0)
    price = np.where(np.arange(20) < 10, 1.0, 0.53)
    bars = replace(bars, open=price, high=price, low=price, close=price)
    weights = pd.DataFrame({"EURUSD": [1.7]}, index=bars.frame.index[[3]])
    with pytest.raises(
        qb.QuantbenchError, match="on bar 2020-01-01 10:00 UTC the broker would have closed this portfolio"
    ):
        portfolio_backtest(weights, {"EURUSD": bars})


def test_costs_may_differ_by_symbol():
    bars = {"EURUSD": walk(1, 20, "EURUSD", spread=0.0), "USDJPY": walk(1, 20, "USDJPY", spread=0.0)}
    weights = weights_on(bars, {"EURUSD": [0.5] * 20, "USDJPY": [0.5] * 20})
    result = portfolio_backtest(weights, bars, costs={"USDJPY": qb.Costs(commission_per_lot=9.0)})
    paid = result.trades.groupby("symbol").commission.sum()
    assert paid["EURUSD"] == 0.0
    assert paid["USDJPY"] == pytest.approx(-9.0 * result.orders[result.orders.symbol == "USDJPY"].lots.sum())
    assert "2 symbols" in result.headline
    assert repr(result).startswith("Portfolio of EURUSD, USDJPY")
