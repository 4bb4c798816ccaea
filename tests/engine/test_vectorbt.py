"""vectorbt as second engine: what it keeps is what the kernel keeps, and what it cannot say it refuses."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.account import PercentRisk
from quantbench.core.limits import Limits
from quantbench.core.path import TRADE
from quantbench.core.rules import REASONS
from quantbench.core.signals import Signals
from quantbench.engine import backtest as door
from quantbench.engine import kernel
from quantbench.engine import vectorbt as engine
from quantbench.engine.setting import Setting, venue_of

HOUR = np.timedelta64(3_600_000_000_000, "ns")
START = np.datetime64("2020-01-01T00", "ns")
PAIRS = {"EURUSD": (5, 1.1, "EUR", "USD"), "USDJPY": (3, 130.0, "USD", "JPY"), "EURGBP": (5, 0.85, "EUR", "GBP")}


def instrument(symbol="EURUSD", **facts):
    digits, _, base, quote = PAIRS[symbol]
    plain = {"volume_min": 0.01, "volume_step": 0.01, "volume_max": 20.0, "contract_size": 100_000, "leverage": 30.0}
    known = {"symbol": symbol, "digits": digits, "point": 10.0**-digits, "base_currency": base, "quote_currency": quote}
    return qb.Instrument(**(plain | known | facts))


def walk(rng, n, contract):
    digits, start = contract.digits, PAIRS[contract.symbol][1]
    step = start * 0.003
    opens = np.round(np.maximum(start + np.cumsum(rng.normal(0, step, n)), start / 2), digits)
    closes = np.round(opens + rng.normal(0, step, n), digits)
    highs = np.round(np.maximum(opens, closes) + abs(rng.normal(0, step, n)), digits)
    lows = np.round(np.minimum(opens, closes) - abs(rng.normal(0, step, n)), digits)
    spread = np.where(rng.random(n) < 0.1, np.nan, rng.integers(0, 30, n).astype(float))
    return qb.Bars(
        contract.symbol, "H1", contract, START + np.arange(n) * HOUR, opens, highs, lows, closes, spread=spread
    )


def pound(n, before=50):
    """USD per GBP from `before` hours earlier on."""
    price = 1.3 + 0.02 * np.sin(np.arange(n + before) / 9.0)
    time = START + (np.arange(n + before) - before) * HOUR
    return qb.Bars("GBPUSD", "H1", replace(instrument(), symbol="GBPUSD"), time, price, price, price, price)


def random_setting(seed):
    rng = np.random.default_rng(seed)
    n, symbol = int(rng.integers(20, 100)), tuple(PAIRS)[seed % 3]
    contract = instrument(
        symbol,
        volume_min=float(rng.choice([0.01, 0.05])),
        leverage=float(rng.choice([5, 30, 500])),
        swap_long_points=-3.1,
        swap_short_points=1.3,
        slippage_points=float(rng.choice([0, 1.5])),
        commission_per_lot=float(rng.choice([0, 3.5])),
        commission_percent=float(rng.choice([0, 2e-5])),
    )
    held = int(rng.integers(1, 8))
    target = np.repeat(rng.choice([-1, -0.5, -0.25, 0, 0, 0.3, 0.5, 1.0], n // held + 1), held)[:n]
    sizings = (qb.FixedLots(0.37), qb.PercentEquity(float(rng.choice([0.5, 1, 3, 15]))), qb.VolatilityTarget(0.15, 5))
    return setting(walk(rng, n, contract), Signals(target), sizing=sizings[int(rng.integers(3))], rates=pound(n))


def setting(bars, signals, *, sizing=None, limits=None, intrabar=None, rates=None, account=None):
    venue = venue_of(
        bars,
        account=account or qb.Account(),
        costs=qb.Costs(),
        sizing=sizing or qb.FixedLots(0.1),
        limits=limits or Limits(),
        rates=rates,
        intrabar=intrabar,
    )
    return Setting(venue, signals.over(len(bars), 0))


def test_vectorbt_keeps_the_account_the_kernel_keeps_in_every_currency_with_every_cost():
    trades = refused = 0
    for seed in range(200):
        world = random_setting(seed)
        ours, theirs = kernel.run(world), None
        with suppress(qb.QuantbenchError):
            theirs = engine.run(world)
        if theirs is None:
            refused += 1
            continue
        trades += len(ours.trades)
        assert not (ours.trades["reason"] == REASONS.index("stop_out")).any(), seed
        np.testing.assert_allclose(theirs.equity, ours.equity, rtol=1e-9, err_msg=f"world {seed}")
        np.testing.assert_allclose(theirs.balance, ours.balance, rtol=1e-9, err_msg=f"world {seed}")
        np.testing.assert_array_equal(theirs.position, ours.position, err_msg=f"world {seed}")
        np.testing.assert_array_equal(theirs.skipped, ours.skipped, err_msg=f"world {seed}")
        assert len(theirs.trades) == len(ours.trades), seed
        for name in TRADE.names:
            np.testing.assert_allclose(
                theirs.trades[name].astype(float),
                ours.trades[name].astype(float),
                rtol=1e-9,
                atol=1e-8,
                err_msg=f"world {seed}, {name}",
            )
    assert trades > 1_500
    assert refused < 40


def test_an_account_the_kernel_stops_out_is_refused():
    stopped = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        bars = walk(rng, 40, instrument(leverage=500.0))
        world = setting(bars, Signals(np.where(np.arange(40) % 20 < 10, 1.0, -1.0)), sizing=qb.PercentEquity(100.0))
        if (kernel.run(world).trades["reason"] == REASONS.index("stop_out")).any():
            stopped += 1
            with pytest.raises(qb.QuantbenchError, match=r"stop-out, and on bar 2020-01-0|lost more than it holds"):
                engine.run(world)
    assert stopped > 20


def test_it_is_an_engine_of_backtest(monkeypatch):
    @dataclass(frozen=True)
    class Flip(qb.Strategy):
        def decide(self, bars):
            return Signals(np.where(np.arange(len(bars)) % 50 < 25, 1.0, -1.0))

    monkeypatch.setitem(door.ENGINES, "vectorbt", "quantbench.engine.vectorbt")
    bars = qb.load("EURUSD", "H1")[:1_000]
    ours, theirs = (qb.backtest(Flip(), bars, engine=name) for name in ("kernel", "vectorbt"))
    np.testing.assert_allclose(theirs.equity, ours.equity, rtol=1e-9)
    assert list(theirs.trades.dtypes) == list(ours.trades.dtypes)
    assert theirs.metrics()["sharpe"] == pytest.approx(ours.metrics()["sharpe"], rel=1e-9)
    assert theirs.trades.profit.sum() == pytest.approx(theirs.equity.iloc[-1] - 10_000, rel=1e-9)


@pytest.mark.parametrize(
    ("signals", "more", "what"),
    [
        ({"stop": 0.01}, {}, "exits decided inside a bar or by the clock \\(stop\\)"),
        ({"take": 0.01, "hold": 3.0}, {}, "\\(take, hold\\)"),
        ({"trail": 0.01}, {}, "\\(trail\\)"),
        ({"breakeven": 0.01}, {}, "\\(breakeven\\)"),
        ({"enter": np.ones(30, bool)}, {}, "enter="),
        ({}, {"limits": Limits(max_trades_per_day=1)}, "limits"),
        ({}, {"sizing": PercentRisk(0.01)}, "PercentRisk"),
    ],
)
def test_what_orders_without_memory_cannot_say_is_refused_in_one_sentence(signals, more, what):
    bars = walk(np.random.default_rng(1), 30, instrument())
    with pytest.raises(qb.QuantbenchError, match=f"vectorbt cannot express .*{what}.*: use engine='kernel'"):
        engine.run(setting(bars, Signals(np.ones(30), **signals), **more))


def test_finer_bars_are_refused():
    bars = walk(np.random.default_rng(1), 30, instrument())
    finer = qb.Bars(
        "EURUSD", "M30", bars.instrument, *(getattr(bars, name) for name in ("time", "open", "high", "low", "close"))
    )
    with pytest.raises(qb.QuantbenchError, match="cannot express intrabar="):
        engine.run(setting(bars, Signals(np.ones(30)), intrabar=finer))


def test_levels_that_are_never_set_are_no_levels():
    bars = walk(np.random.default_rng(1), 30, instrument())
    plain, empty = Signals(np.ones(30)), Signals(np.ones(30), stop=np.full(30, np.nan), enter=np.zeros(30, bool))
    np.testing.assert_array_equal(engine.run(setting(bars, plain)).equity, engine.run(setting(bars, empty)).equity)


def test_fees_above_what_is_sold_are_refused():
    bars = walk(np.random.default_rng(1), 30, instrument(contract_size=1.0, commission_per_lot=5.0, leverage=1.0))
    with pytest.raises(qb.QuantbenchError, match=r"vectorbt refuses an order .*worth less than its fees"):
        engine.run(setting(bars, Signals(-np.ones(30)), sizing=qb.FixedLots(1.0)))


@pytest.mark.parametrize("n", [1, 2])
def test_a_bar_or_two_are_enough(n):
    bars = walk(np.random.default_rng(1), n, instrument())
    world = setting(bars, Signals(np.ones(n)))
    np.testing.assert_allclose(engine.run(world).equity, kernel.run(world).equity, rtol=1e-12)


def test_nothing_loads_vectorbt_before_it_is_asked_for():
    code = "import sys, quantbench.engine.vectorbt, quantbench.engine.portfolio; print('vectorbt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_without_vectorbt_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    bars = walk(np.random.default_rng(1), 30, instrument())
    with pytest.raises(qb.QuantbenchError, match=r"pip install 'quantbench\[lab\]'"):
        engine.run(setting(bars, Signals(np.ones(30))))


# Our fills as its Portfolio


@dataclass(frozen=True)
class Levels(qb.Strategy):
    """Random targets with near levels: many fills on one bar."""

    seed: int = 0

    def decide(self, bars):
        rng, n, price = np.random.default_rng(self.seed), len(bars), float(bars.close[0])
        held = int(rng.integers(1, 6))
        target = np.repeat(rng.choice([-1, -0.5, 0, 0.3, 1.0], n // held + 1), held)[:n]
        return Signals(target, stop=price * 0.004, take=price * 0.005, trail=price * 0.006)


def levels(seed, *, swap=True):
    symbol = tuple(PAIRS)[seed % 3]
    contract = instrument(
        symbol, commission_per_lot=3.5, commission_percent=1e-5, swap_long_points=-3.0, slippage_points=1
    )
    bars = walk(np.random.default_rng(seed), 80, contract)
    return qb.backtest(Levels(seed), bars, rates=pound(80), costs=qb.Costs(swap=swap))


@pytest.mark.parametrize("seed", range(22, 34))
def test_a_portfolio_of_our_fills_makes_our_profit(seed):
    result = levels(seed)
    portfolio = engine.to_vectorbt(result)
    assert portfolio.total_profit() == pytest.approx(result.trades.profit.sum(), rel=1e-9, abs=1e-8)
    assert portfolio.final_value() == pytest.approx(result.equity.iloc[-1], rel=1e-12)
    assert portfolio.trades.open.count() == 0
    fees = -(result.trades.commission + result.trades.swap).sum()
    assert portfolio.orders.values["fees"].sum() == pytest.approx(fees, rel=1e-9)


@pytest.mark.parametrize("seed", [3, 27, 30, 42])
def test_its_value_is_our_equity_on_every_bar_where_money_is_one_and_no_swap_is_paid(seed):
    result = levels(seed, swap=False)
    assert (result.path.position < 0).any()
    np.testing.assert_allclose(engine.to_vectorbt(result).value(), result.equity, rtol=1e-11)


def test_every_fill_of_a_bar_has_its_record_at_its_price_in_the_order_of_the_law():
    result = levels(27)
    records = engine.to_vectorbt(result).orders.values
    assert (np.diff(records["idx"]) >= 0).all()
    assert np.bincount(records["idx"]).max() >= 3  # a level, then an episode that opens and ends on the same bar
    for row in result.path.trades:
        for bar, price in ((row["entry_bar"], row["entry_price"]), (row["exit_bar"], row["exit_price"])):
            assert price in records["price"][records["idx"] == bar]
    held = np.cumsum(np.where(records["side"] == 0, 1, -1) * records["size"])
    last = np.searchsorted(records["idx"], np.arange(len(result.bars)), side="right") - 1
    at_close = np.where(last >= 0, held[np.maximum(last, 0)], 0.0)
    np.testing.assert_allclose(at_close, result.path.position * 100_000, atol=1e-6)


@dataclass(frozen=True)
class Flips(qb.Strategy):
    """Always in the market, one size, with a stop if asked for."""

    held: int = 7
    stop: float = float("nan")

    def decide(self, bars):
        return Signals(np.where(np.arange(len(bars)) // self.held % 2, 1.0, -1.0), stop=self.stop)


@pytest.mark.parametrize("symbol", PAIRS)
def test_swap_and_commission_are_in_its_profit(symbol):
    bars = walk(np.random.default_rng(2), 90, instrument(symbol, swap_long_points=-30.0, commission_per_lot=3.5))
    result = qb.backtest(Flips(30), bars, rates=pound(90))
    assert result.trades.swap.sum() < 0
    assert engine.to_vectorbt(result).total_profit() == pytest.approx(result.trades.profit.sum(), rel=1e-9)


def test_its_trades_are_ours_one_by_one():
    bars = walk(np.random.default_rng(5), 200, instrument(commission_per_lot=3.5))
    million = qb.Account(balance=1e6)  # lots that change from trade to trade
    result = qb.backtest(Flips(3, stop=0.004), bars, account=million, costs=qb.Costs(swap=False))
    assert result.trades.lots.nunique() > 20
    assert (result.trades.groupby("exit_time").size() > 1).any()  # a reversal whose new position is stopped at once
    theirs = engine.to_vectorbt(result).trades.values
    np.testing.assert_allclose(theirs["pnl"], result.trades.profit, rtol=1e-9, atol=1e-8)
    np.testing.assert_allclose(theirs["entry_price"], result.trades.entry_price, rtol=1e-12)
    np.testing.assert_array_equal(theirs["exit_idx"], result.path.trades["exit_bar"])


def test_a_result_without_trades_is_a_portfolio_too():
    bars = walk(np.random.default_rng(1), 30, instrument())

    @dataclass(frozen=True)
    class Idle(qb.Strategy):
        def decide(self, bars):
            return Signals(np.zeros(len(bars)))

    portfolio = engine.to_vectorbt(qb.backtest(Idle(), bars))
    assert portfolio.orders.count() == 0
    assert portfolio.total_profit() == 0.0
