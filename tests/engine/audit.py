"""What must hold of any backtest, whoever made it: EXECUTION as invariants of the outputs."""

import numpy as np

from quantbench.core.path import SKIPS, TRADE
from quantbench.core.rules import REASONS
from quantbench.engine.market import market_of, own_side

PRICES = ("lots", "entry_price", "exit_price", "stop", "take")
MONEY = ("commission", "swap", "profit", "mae", "mfe")
CODES = ("episode", "side", "entry_bar", "exit_bar", "reason", "ambiguous")


def differences(one, other):
    """Return where two paths differ, as text; empty where they are the same.

    Counts, lots and prices are equal; money and equity to 1e-9 relative.
    """
    found = []
    if len(one.trades) != len(other.trades):
        found.append(f"{len(one.trades)} trades against {len(other.trades)}")
    else:
        found += [_where(name, one.trades[name], other.trades[name]) for name in (*CODES, *PRICES)]
        found += [_where(name, one.trades[name], other.trades[name], 1e-9) for name in MONEY]
    found.append(_where("equity", one.equity, other.equity, 1e-9))
    found.append(_where("balance", one.balance, other.balance, 1e-9))
    found.append(_where("position", one.position, other.position))
    if not np.array_equal(one.skipped, other.skipped):
        found.append(f"skipped {one.skipped.tolist()} against {other.skipped.tolist()}")
    return [text for text in found if text]


def _where(name, one, other, tolerance=0.0):
    same = np.isclose(one, other, rtol=tolerance, atol=1e4 * tolerance, equal_nan=one.dtype.kind == "f")
    row = int(np.argmin(same)) if len(same) else 0
    return "" if same.all() else f"{name}[{row}] is {one[row]!r} against {other[row]!r}"


def check(world, result):
    """Assert what must hold of a result in its world."""
    path, bars = result.path, world.bars
    rows, balance = path.trades, result.account.balance
    assert rows.dtype == TRADE
    assert path.equity[0] == path.balance[0] == balance
    assert path.position[-1] == 0
    assert np.isfinite(path.equity).all()
    assert np.isfinite(rows["profit"]).all()
    check_identity(result)
    check_rows(rows, bars.instrument)
    check_skips(path, len(bars))
    check_against_signals(world, rows)
    check_fills(world, result)
    check_positions(path)


def check_identity(result):
    """[4] What equity gained is what the trades made, at the end and wherever the account is flat."""
    path, balance = result.path, result.account.balance
    made = np.zeros(len(path.equity))
    np.add.at(made, path.trades["exit_bar"], path.trades["profit"])
    made = np.cumsum(made)
    scale = max(balance, np.abs(path.equity).max(), np.abs(made).max())
    assert abs(path.equity[-1] - balance - path.trades["profit"].sum()) <= 1e-9 * scale
    flat = path.position == 0
    assert np.array_equal(path.balance[flat], path.equity[flat])
    assert np.abs(path.equity[flat] - balance - made[flat]).max(initial=0.0) <= 1e-9 * scale


def check_rows(rows, instrument):
    """[5] Signs, order and whole steps."""
    steps = rows["lots"] / instrument.volume_step
    assert (np.abs(steps - np.rint(steps)) < 1e-6).all()
    assert (rows["lots"] > 0).all()
    assert (rows["mae"] <= 0).all()
    assert (rows["mfe"] >= 0).all()
    assert (rows["commission"] <= 0).all()
    assert (np.diff(rows["exit_bar"]) >= 0).all()
    assert (np.diff(rows["episode"]) >= 0).all()
    assert (rows["exit_bar"] >= rows["entry_bar"]).all()
    assert (rows["entry_bar"] >= 1).all()
    stops = [REASONS.index(name) for name in ("stop", "trail", "stop_out")]
    assert np.isin(rows["reason"][rows["ambiguous"]], stops).all()


def check_skips(path, n):
    assert path.skipped.shape[1] == 2
    bars = path.skipped[:, 0]
    assert ((bars >= 1) & (bars < n)).all()
    assert (np.diff(bars) > 0).all()
    assert np.isin(path.skipped[:, 1], range(len(SKIPS))).all()


def check_against_signals(world, rows):
    """[2, 3.3] Every entry was decided on the bar before; every exit by decision too."""
    signals = world.strategy.signals(world.bars)
    since = world.words.get("trade_from")
    if since is not None:
        signals = signals.flat_before(int(np.searchsorted(world.bars.time, np.datetime64(since))))
    want = np.sign(signals.target)
    before, leaving = want[rows["entry_bar"] - 1], want[np.maximum(rows["exit_bar"] - 1, 0)]
    assert (before == rows["side"]).all()
    assert (leaving[rows["reason"] == REASONS.index("signal")] == 0).all()
    reversal = rows["reason"] == REASONS.index("reversal")
    assert (leaving[reversal] == -rows["side"][reversal]).all()
    last = len(want) - 1
    assert (rows["exit_bar"][rows["reason"] == REASONS.index("end_of_data")] == last).all()
    resized = rows["reason"] == REASONS.index("resize")
    size = np.abs(signals.target)
    assert (size[rows["exit_bar"][resized] - 1] != size[rows["exit_bar"][resized] - 2]).all()


def check_fills(world, result):
    """[3.3, 3.4] Entries at the quote and slippage; exits within the bar on their own side, slippage aside."""
    bars, instrument = world.bars, world.bars.instrument
    market = market_of(bars, result.account, result.costs, world.words.get("rates"))
    tick, slip = 10.0**-instrument.digits, market.slippage
    for row in result.path.trades:
        side, k, j = int(row["side"]), int(row["entry_bar"]), int(row["exit_bar"])
        quote = market.ask_open[k] if side > 0 else market.bid_open[k]
        assert abs(row["entry_price"] - max(quote + side * slip, tick)) <= 0.5001 * tick
        own = own_side(market, side, j)
        low, high = min(own.adverse, own.favourable), max(own.adverse, own.favourable)
        assert low - slip - 0.5001 * tick <= row["exit_price"] <= high + slip + 0.5001 * tick
        if REASONS[row["reason"]] == "take":
            assert side * (row["exit_price"] - row["take"]) >= -0.5001 * tick  # a gap may be better, never worse
        if REASONS[row["reason"]] == "stop":
            assert side * (row["exit_price"] - row["stop"]) <= 0.5001 * tick
        assert not side * (row["stop"] - (market.bid_open[k] if side > 0 else market.ask_open[k])) >= 0 or k != j


def check_positions(path):
    """[5] The position at each close is what the trades say was open."""
    held = np.zeros(len(path.position) + 1)
    np.add.at(held, path.trades["entry_bar"], path.trades["side"] * path.trades["lots"])
    np.add.at(held, path.trades["exit_bar"], -path.trades["side"] * path.trades["lots"])
    scale = np.abs(path.trades["lots"]).max(initial=1.0)
    assert np.abs(np.cumsum(held[:-1]) - path.position).max() <= 1e-7 * scale
