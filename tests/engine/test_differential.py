"""The kernel equals the reference on random worlds, and both keep the invariants of the law.

`python tests/engine/prove.py 100000 1` looks further than the suite has time to.
"""

from dataclasses import replace

import audit
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worlds import DrawnDice, SeededDice, world_of

import quantbench as qb
from quantbench.core.rules import REASONS
from quantbench.engine import _kernels, trials
from quantbench.engine.kernel import desk_of, with_signals
from quantbench.engine.metrics import of_backtest
from quantbench.engine.setting import venue_of
from quantbench.engine.trials import METRICS, floor_of, run_trials

CHUNK = 100
CHUNKS = 30  # 3,000 seeded worlds, and what hypothesis draws


@st.composite
def worlds(draw):
    """Return worlds that shrink."""
    return world_of(DrawnDice(draw), most_bars=25)


def prove(world):
    """Assert that both engines agree on a world and that their answer keeps the law's invariants."""
    expected, found = world.play("reference"), world.play("kernel")
    assert audit.differences(found.path, expected.path) == []
    audit.check(world, expected)
    return found


def seeded(chunk, each=CHUNK):
    for seed in range(chunk * each, (chunk + 1) * each):
        yield world_of(SeededDice(seed))


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_engines_agree_on_seeded_worlds(chunk):
    for world in seeded(chunk):
        prove(world)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(worlds())
def test_the_engines_agree_on_any_world(world):
    prove(world)


def test_the_worlds_are_worth_proving():
    """Every reason, every skip but none, both sides, ambiguity and splits occur: else agreement says little."""
    reasons, skipped, sides, ambiguous, parts = set(), set(), set(), 0, 0
    for chunk in range(6):
        for world in seeded(chunk):
            path = world.play("kernel").path
            reasons |= set(path.trades["reason"].tolist())
            skipped |= set(path.skipped[:, 1].tolist())
            sides |= set(path.trades["side"].tolist())
            ambiguous += int(path.trades["ambiguous"].sum())
            parts += len(path.trades) - len(np.unique(path.trades["episode"]))
    assert reasons == set(range(10))
    assert skipped == set(range(14))
    assert sides == {-1, 1}
    assert ambiguous > 20
    assert parts > 20


@pytest.mark.parametrize("chunk", range(3))
def test_the_book_has_room_for_all_that_can_happen(chunk):
    """The kernel writes into arrays of a size told beforehand: one row short is a corrupted process."""
    for world in seeded(chunk, 200):
        signals = world.strategy.signals(world.bars)
        venue = _venue(world)
        desk = with_signals(desk_of(venue), signals)
        parts, trades, skips = _kernels.room_for(len(desk.turns) - 1)
        path = world.play("reference").path
        fills = path.trades[["episode", "entry_bar"]]
        most = max(
            (len(np.unique(fills["entry_bar"][fills["episode"] == e])) for e in set(fills["episode"])), default=0
        )
        assert most <= parts
        assert len(path.trades) <= trades
        assert len(path.skipped) <= skips


@pytest.mark.parametrize("chunk", range(2))
def test_no_bar_is_known_before_its_time(chunk):
    """On the first m bars the account walks the same way as on all of them, its last bar aside."""
    for world in seeded(chunk, 60):
        whole = world.play("kernel").path
        m = len(world.bars) // 2 + 1
        signals = world.strategy.signals(world.bars)
        cut = {name: None if (v := getattr(signals, name)) is None else v[:m] for name in _FIELDS}
        part = replace(world, strategy=replace(world.strategy, wanted=qb.Signals(**cut)), bars=world.bars[:m])
        early = part.play("kernel").path
        assert np.array_equal(early.equity[: m - 1], whole.equity[: m - 1])
        assert np.array_equal(early.position[: m - 1], whole.position[: m - 1])
        assert np.array_equal(early.skipped, whole.skipped[whole.skipped[:, 0] < m])


_FIELDS = ("target", "stop", "take", "trail", "breakeven", "enter", "hold")


@pytest.mark.parametrize("chunk", range(2))
def test_costs_never_help(chunk):
    """With fixed lots, and no level or limit that a cost could move, twice the costs earn no more."""
    for world in seeded(chunk, 75):
        signals = world.strategy.signals(world.bars)
        instrument = replace(world.bars.instrument, leverage=1e9, volume_max=1e9)
        lots = 1_000.0 / (world.bars.close.max() * instrument.contract_size) * 10
        instrument = replace(instrument, volume_step=lots, volume_min=lots)
        bars = replace(world.bars, instrument=instrument)
        words = world.words | {
            "sizing": qb.FixedLots(lots),
            "limits": None,
            "account": replace(world.words["account"], stop_out_level=0.0, balance=1e9),
        }
        plain = replace(
            world, strategy=replace(world.strategy, wanted=qb.Signals(signals.target, hold=signals.hold)), bars=bars
        )
        costs = world.words["costs"] or qb.Costs()
        once = qb.backtest(plain.strategy, bars, **(words | {"costs": costs}))
        twice = qb.backtest(plain.strategy, bars, **(words | {"costs": costs.times(2)}))
        assert len(once.trades) == len(twice.trades)
        assert (twice.path.trades["profit"] <= once.path.trades["profit"] + 1e-6).all()


# --- many strategies over the same bars --------------------------------------------------------------------------


def _venue(world):
    words = {"account": qb.Account(), "costs": None, "sizing": None, "limits": None} | world.words
    words.pop("trade_from")
    words["costs"] = words["costs"] or qb.Costs()
    words["limits"] = words["limits"] or qb.Limits()
    return venue_of(world.bars, **words)


@pytest.mark.parametrize("chunk", range(3))
def test_a_batch_of_trials_has_the_figures_of_single_backtests(chunk):
    """One book serves trial after trial: nothing of one may be left for the next."""
    for world in seeded(chunk, 20):
        n = len(world.bars)
        others = [world_of(SeededDice(seed)).strategy for seed in range(5)]
        strategies = [world.strategy, *(_cut(other, n) for other in others)]
        for first in (0, n // 3):
            batch = run_trials(strategies, floor_of(world.bars, _venue(world), first=first))
            since = world.bars.time[first].astype("datetime64[us]").item()
            for row, strategy in enumerate(strategies):
                single = qb.backtest(strategy, world.bars, **(world.words | {"trade_from": since}))
                assert batch.failures[row] is None
                _same_figures(batch, row, single)


@pytest.mark.parametrize("seed", range(2))
def test_trials_that_hold_for_long_have_the_figures_of_single_backtests(seed):
    """A search passes quiet bars by whole blocks: nothing may be reached, moved or lost inside one unseen."""
    reasons, rng, world = set(), np.random.default_rng(seed), _calm(seed)
    bar = float(np.median(world.bars.high - world.bars.low))
    strategies = []
    for _ in range(60):
        n = len(world.bars)
        target = np.repeat(rng.choice([-1.0, 0.0, 1.0], n), rng.integers(1, 200, n))[:n]
        names = [name for name in ("stop", "take", "trail", "breakeven") if rng.random() < 0.5]
        exits = {name: bar * rng.choice([1.0, 2.0, 4.0, 8.0, 16.0]) for name in names}
        if rng.random() < 0.5:
            exits["enter"] = rng.random(n) < 0.03  # news that changes nothing while something is held
        wanted = (
            qb.Signals(target, **exits)
            if rng.random() < 0.5
            else qb.Signals.when(long=target > 0, short=target < 0, **exits)
        )
        strategies.append(replace(world.strategy, wanted=wanted, warm=0))
    batch = run_trials(strategies, floor_of(world.bars, _venue(world)))
    for row, strategy in enumerate(strategies):
        single = replace(world, strategy=strategy).play("kernel")
        _same_figures(batch, row, single)
        reasons |= {REASONS[code] for code in single.path.trades["reason"]}
    assert {"stop", "take", "trail", "signal", "reversal", "end_of_data"} <= reasons


def test_trials_of_every_kind_have_the_figures_they_have_alone(monkeypatch):
    """Several share a lot and its shelf: nothing of one may be left for the next."""
    rng, world = np.random.default_rng(1), _calm(0)
    n, bar = len(world.bars), float(np.median(world.bars.high - world.bars.low))
    flags = np.repeat(rng.random(n) < 0.5, rng.integers(1, 60, n))[:n]
    other = flags.copy()
    other[700] ^= True
    kinds = [
        qb.Signals.when(long=flags, stop=4 * bar),
        qb.Signals.when(long=other, stop=4 * bar),
        qb.Signals(1.0 * flags, stop=4 * bar),
        qb.Signals.when(long=flags, stop=5 * bar),
        qb.Signals.when(long=flags, stop=rng.uniform(2 * bar, 9 * bar, n)),
        qb.Signals.when(long=flags, stop=4 * bar, enter=rng.random(n) < 0.01),
        qb.Signals.when(long=flags, take=-bar),
        qb.Signals.when(short=flags, trail=6 * bar, hold=20.0),
        qb.Signals.when(long=flags, take=6 * bar, breakeven=2 * bar),
        qb.Signals(0.5 * flags - 0.25, trail=8 * bar),
        qb.Signals.when(long=flags[1:]),
    ]
    strategies = [replace(world.strategy, wanted=wanted, warm=warm) for warm in (0, 333) for wanted in kinds]
    floor = floor_of(world.bars, _venue(world))
    alone = [run_trials([strategy], floor) for strategy in strategies]
    for lot in (1, 3, 100):
        monkeypatch.setattr(trials, "_CELLS", lot * n)
        batch = run_trials(strategies, floor)
        assert batch.failures == [one.failures[0] for one in alone]
        assert batch.values.tobytes() == np.concatenate([one.values for one in alone]).tobytes()
        assert batch.daily.tobytes() == np.concatenate([one.daily for one in alone]).tobytes()
    refused = [text for text in batch.failures if text]
    assert [text.split(";")[0] for text in refused] == 2 * [
        "SignalError: take must be a positive price distance or NaN",
        "SignalError: target has shape (1499,), the bars have 1500",
    ]
    assert len({values.tobytes() for values in batch.values}) == len(strategies) - 2 - 3  # the same stop said twice


def _calm(seed):
    """Return a world of many small moves in which an account lives long; a rollover each day, or none."""
    world, rng, n = world_of(SeededDice(seed)), np.random.default_rng(seed), 1_500
    nights = {"swap_long_points": -3.0, "swap_short_points": 1.0} if seed else {}
    instrument = qb.Instrument(
        symbol="CALM", digits=5, point=1e-5, contract_size=100_000.0, volume_min=0.01, volume_step=0.01,
        volume_max=100.0, base_currency="BASE", quote_currency="USD", leverage=30.0, **nights,
    )  # fmt: skip
    close = np.round(1.1 + 0.0004 * np.cumsum(rng.standard_normal(n)), 5)
    before = np.append(1.1, close[:-1])
    high, low = (np.round(pick(before, close) + sign * 0.0002 * rng.random(n), 5) for pick, sign in _ENDS)
    time = np.datetime64("2024-01-08T00:00", "s") + np.arange(n) * np.timedelta64(900, "s")
    bars = qb.Bars("CALM", "M15", instrument, time, before, high, low, close, spread=np.full(n, 5.0))
    words = {"sizing": qb.PercentEquity(1.0), "trade_from": None, "rates": None, "intrabar": None}
    return replace(world, bars=bars, words=words)


_ENDS = ((np.maximum, 1), (np.minimum, -1))


def _same_figures(batch, row, single):
    expected = of_backtest(single)[list(METRICS)].to_numpy(float)
    np.testing.assert_allclose(batch.values[row], expected, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(batch.daily[row], single.daily.to_numpy(np.float32), rtol=1e-6)


def _cut(strategy, n):
    """Return a strategy of another world for n bars, repeated where it is too short."""
    signals = strategy.signals(range(len(strategy.wanted.target)))
    fitted = {name: None if (v := getattr(signals, name)) is None else np.resize(v, n) for name in _FIELDS}
    return replace(strategy, wanted=qb.Signals(**fitted), warm=0)


def test_trials_without_trades_and_of_one_day_have_the_figures_of_single_backtests():
    for world in seeded(0, 10):
        for n in sorted({len(world.bars), min(3, len(world.bars)), 1}):
            for strategy in (_cut(world.strategy, n), replace(world.strategy, wanted=qb.Signals(np.zeros(n)))):
                words = world.words | {"trade_from": None, "intrabar": None}
                one = replace(world, strategy=strategy, bars=world.bars[:n], words=words)
                batch = run_trials([strategy], floor_of(one.bars, _venue(one)))
                _same_figures(batch, 0, one.play("kernel"))


def test_a_strategy_that_raises_is_a_failed_trial_and_leaves_the_others_alone():
    world = next(seeded(1, 10))
    broken = replace(world.strategy, wanted=qb.Signals(np.full(len(world.bars), 2.0)), warm=0)
    batch = run_trials([world.strategy, broken, world.strategy], floor_of(world.bars, _venue(world)))
    assert "target must be finite" in batch.failures[1]
    assert np.isnan(batch.values[1]).all()
    assert np.isnan(batch.daily[1]).all()
    assert np.array_equal(batch.values[0], batch.values[2], equal_nan=True)
