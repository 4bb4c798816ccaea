"""The pitfalls of vectorbt (P1 .. P30) that could reach us, and that they do not."""

import inspect
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import quantbench as qb
from quantbench.core.limits import Limits
from quantbench.core.rules import lots_of, wanted_steps
from quantbench.core.signals import Signals
from quantbench.engine import vectorbt as engine
from quantbench.engine.plan import plan_of
from quantbench.engine.setting import Setting, venue_of

HOUR = np.timedelta64(3_600_000_000_000, "ns")
START = np.datetime64("2020-01-01T00", "ns")


@pytest.fixture
def vbt():
    import vectorbt

    before = {name: dict(vectorbt.settings[name]) for name in ("portfolio", "returns", "caching", "broadcasting")}
    kind = vectorbt.settings["engine"]
    yield vectorbt
    vectorbt.settings["engine"] = kind
    for name, values in before.items():
        for key, value in values.items():
            vectorbt.settings[name][key] = value


def instrument(**facts):
    plain = {"digits": 2, "point": 0.01, "contract_size": 100.0, "leverage": 30.0, "symbol": "CFD"}
    lots = {"volume_min": 0.01, "volume_step": 0.01, "volume_max": 1_000.0}
    return qb.Instrument(**(plain | lots | {"base_currency": "CFD", "quote_currency": "USD"} | facts))


def bars_of(opens, closes, *, spread=0.0, **facts):
    opens, closes = np.array(opens, float), np.array(closes, float)
    highs, lows = np.maximum(opens, closes) + 1, np.minimum(opens, closes) - 1
    time = START + np.arange(len(opens)) * HOUR
    return qb.Bars(
        "CFD", "H1", instrument(**facts), time, opens, highs, lows, closes, spread=np.full(len(opens), spread)
    )


SIX = bars_of([100, 102, 104, 106, 108, 110], [101, 103, 105, 107, 109, 111])


def setting(bars, target, sizing=None, rates=None, **account):
    venue = venue_of(
        bars,
        account=qb.Account(**account),
        costs=qb.Costs(),
        sizing=sizing or qb.FixedLots(1.0),
        limits=Limits(),
        rates=rates,
        intrabar=None,
    )
    return Setting(venue, Signals(np.array(target, float)).over(len(bars), 0))


def arguments(world):
    return engine.order_arguments([plan_of(world).book], world.venue.account.balance)


@pytest.mark.parametrize("decided", range(5))
def test_p1_a_decision_never_fills_on_its_own_bar_and_the_last_bars_never_fills(decided):
    target = np.zeros(6)
    target[decided:] = 1.0
    given = arguments(setting(SIX, target))
    first = int(np.flatnonzero(np.isfinite(given["size"][:, 0]))[0])
    assert first == decided + 1
    assert given["price"][first, 0] == SIX.open[decided + 1]
    last = arguments(setting(SIX, [0, 0, 0, 0, 0, 1]))
    assert np.isnan(last["size"]).all()


def test_p2_to_p8_stops_are_refused_rather_than_checked_late_at_the_wrong_price():
    for name in ("stop", "take", "trail", "breakeven"):
        world = setting(SIX, np.ones(6))
        with pytest.raises(qb.QuantbenchError, match=f"cannot express .*{name}"):
            engine.run(world._replace(signals=Signals(np.ones(6), **{name: np.full(6, 5.0)})))


def test_p9_and_p10_a_long_of_ten_times_the_cash_is_filled_in_full():
    path = engine.run(setting(SIX, np.ones(6), qb.FixedLots(10.0)))
    assert path.position.tolist() == [0, 10, 10, 10, 10, 0]
    assert path.equity[-1] == 10_000 + 10 * 100 * (111 - 102)


def test_p9_equity_below_zero_is_refused_not_reported():
    crash = bars_of([100, 100, 100, 10], [100, 100, 50, 10])
    with pytest.raises(qb.QuantbenchError, match=r"stop-out|lost more than it holds"):
        engine.run(setting(crash, np.ones(4), qb.FixedLots(5.0)))


def test_p10_a_fill_cut_short_fails_the_run(monkeypatch):
    asked = engine.order_arguments

    def halved(books, balance):
        given = asked(books, balance)
        given["size"][1] /= 2
        return given

    monkeypatch.setattr(engine, "order_arguments", halved)
    with pytest.raises(qb.QuantbenchError, match="did not fill what it was told; please report this"):
        engine.run(setting(SIX, [1, 1, 1, -1, -1, -1]))


def test_p10_a_rejected_order_raises():
    given = arguments(setting(SIX, np.ones(6)))
    assert given["allow_partial"] is False
    assert given["raise_reject"] is True


def test_p11_every_argument_is_given_so_that_a_new_one_fails_here(vbt):
    given = arguments(setting(SIX, np.ones(6)))
    known = set(inspect.signature(vbt.Portfolio.from_orders).parameters) - {"kwargs"}
    # what from_orders hands to the constructor by itself, and what it takes from us for it
    made = {
        "self",
        "wrapper",
        "close",
        "order_records",
        "log_records",
        "init_cash",
        "cash_sharing",
        "call_seq",
        "engine",
    }
    known |= set(inspect.signature(vbt.Portfolio.__init__).parameters) - made
    assert set(given) == known
    assert [name for name, value in given.items() if value is None] == ["seed"]


def test_p11_no_default_of_vectorbts_settings_reaches_us(vbt):
    world = setting(SIX, [1, 1, -1, -1, 0, 0])
    before = engine.run(world)
    portfolio = vbt.settings["portfolio"]
    for name, value in {
        "size": 1.0,
        "size_type": "value",
        "order_direction": "longonly",
        "init_cash": 1.0,
        "fees": 0.1,
        "fixed_fees": 5.0,
        "slippage": 0.1,
        "min_size": 1e6,
        "max_size": 1e-3,
        "size_granularity": 7.0,
        "reject_prob": 1.0,
        "lock_cash": True,
        "allow_partial": True,
        "raise_reject": False,
        "log": True,
        "val_price": 1.0,
        "cash_sharing": False,
        "call_seq": "reversed",
        "update_value": True,
        "ffill_val_price": True,
        "trades_type": "entrytrades",
        "fillna_close": True,
        "freq": "1D",
        "attach_call_seq": True,
    }.items():
        portfolio[name] = value
    vbt.settings["broadcasting"]["index_from"] = 0
    after = engine.run(world)
    np.testing.assert_array_equal(before.equity, after.equity)
    np.testing.assert_array_equal(before.position, after.position)


def test_p12_no_step_of_ten_thousand_is_lost_on_the_way():
    assert 0.29 // 0.01 * 0.01 != 0.29  # what vectorbt's size_granularity does
    contract = instrument()
    for steps in range(1, 10_001):
        assert wanted_steps(steps * 0.01, contract) == steps
        assert round(lots_of(steps, 0.01) * contract.contract_size) == steps
    path = engine.run(setting(SIX, np.ones(6), qb.FixedLots(0.29)))
    assert path.position[1] == 0.29
    assert np.isnan(arguments(setting(SIX, np.ones(6)))["size_granularity"])


def test_p13_spread_slippage_commission_per_lot_and_swap_are_charged_to_the_cent():
    facts = {"commission_per_lot": 2.5, "slippage_points": 3.0, "swap_long_points": -10.0}
    bars = bars_of([100.0] * 30, [100.0] * 30, spread=5.0, **facts)
    target = np.zeros(30)
    target[2:25] = 1.0
    path = engine.run(setting(bars, target, qb.FixedLots(2.0)))
    # 2 lots x 100 units: spread 0.05 and slippage 0.03 in, 0.03 out; 2.5 a lot and side; 17:00 New York of Wednesday
    # 2020-01-01 (22:00 UTC) is inside: three nights of 0.10
    assert path.equity[-1] == pytest.approx(
        10_000 - 200 * (0.05 + 0.03 + 0.03) - 2 * 2 * 2.5 - 3 * 0.10 * 200, abs=1e-9
    )
    reversal = plan_of(setting(bars, np.where(np.arange(30) < 9, 1.0, -1.0), qb.FixedLots(2.0))).book.orders[10]
    assert reversal.lots == 4.0  # both sides of a reversal pay


def test_p14_yen_become_dollars_at_the_price_of_the_exit():
    facts = {"base_currency": "USD", "quote_currency": "JPY", "contract_size": 100_000.0}
    bars = bars_of([100, 100, 100, 125, 125], [100, 100, 125, 125, 125], **facts)
    path = engine.run(setting(bars, [1, 1, 0, 0, 0], qb.FixedLots(0.1)))
    assert path.equity.tolist() == pytest.approx(
        [10_000, 10_000, 12_000, 12_000, 12_000], rel=1e-12
    )  # 25 / 125 x 10,000


@dataclass(frozen=True)
class Flip(qb.Strategy):
    """Long, short, long."""

    def decide(self, bars):
        return Signals(np.where(np.arange(len(bars)) % 50 < 25, 1.0, -1.0))


def test_p15_an_irregular_index_has_the_frequency_of_its_bars():
    result = qb.backtest(Flip(), qb.load("EURUSD", "H1")[:400])
    portfolio = engine.to_vectorbt(result)
    assert portfolio.wrapper.index.freq is None
    assert portfolio.wrapper.freq == pd.Timedelta(hours=1)


def test_p16_and_p17_ratios_count_the_calendars_days_not_vectorbts_years(vbt):
    result = qb.backtest(Flip(), qb.load("EURUSD", "H1")[:2_000], costs=qb.Costs(swap=False), sizing=qb.FixedLots(0.1))
    again = qb.backtest(Flip(), result.bars, costs=qb.Costs(swap=False), sizing=qb.FixedLots(0.1), engine="vectorbt")
    assert vbt.settings["returns"]["year_freq"] == "365 days"
    expected = result.daily.mean() / result.daily.std(ddof=1) * np.sqrt(260)
    for year in ("365 days", "252 days"):
        vbt.settings["returns"]["year_freq"] = year
        assert result.metrics()["sharpe"] == pytest.approx(expected, rel=1e-9)
        assert again.metrics()["sharpe"] == pytest.approx(expected, rel=1e-9)


def test_p18_what_is_open_at_the_end_is_closed_and_counted():
    path = engine.run(setting(SIX, np.ones(6)))
    assert path.trades["profit"].sum() == path.equity[-1] - 10_000 == 100 * (111 - 102)
    assert path.position[-1] == 0
    result = qb.backtest(Flip(), qb.load("EURUSD", "H1")[:400])
    portfolio = engine.to_vectorbt(result)
    assert portfolio.trades.open.count() == 0
    records = portfolio.trades.records_arr
    assert (records["pnl"] > 0).mean() == (result.trades.profit > 0).mean()


def test_p20_orders_are_valued_at_the_previous_close():
    given = arguments(setting(SIX, np.ones(6)))
    np.testing.assert_array_equal(given["val_price"][1:], given["close"].to_numpy()[:-1])
    assert given["call_seq"] == "auto"
    assert given["cash_sharing"] is True


def test_p21_amounts_reverse_in_one_order():
    given = arguments(setting(SIX, [1, 1, -1, -1, -1, -1]))
    assert given["size_type"] == "amount"
    assert given["size"][3, 0] == -200.0


def test_p22_no_price_is_missing_and_a_size_only_where_nothing_trades():
    world = setting(SIX, [0, 1, 1, -1, -1, 0])
    given, orders = arguments(world), plan_of(world).book.orders
    for name in ("close", "price", "fees", "fixed_fees", "val_price"):
        assert np.isfinite(np.asarray(given[name])).all()
    assert np.flatnonzero(np.isfinite(given["size"][:, 0])).tolist() == sorted(orders)
    with pytest.raises(qb.QuantbenchError, match="NaN or infinite"):
        bars_of([100, np.nan], [100, 100])


def test_p23_room_is_made_for_the_orders_there_are_and_frames_are_not_cached(vbt):
    world = setting(SIX, [0, 1, 1, -1, -1, 0])
    given = arguments(world)
    assert given["max_orders"] == np.isfinite(given["size"]).sum() == 6  # two legs of three orders
    seen = []
    real = vbt.Portfolio.from_orders

    def watched(**kwargs):
        seen.append(vbt.settings["caching"]["enabled"])
        return real(**kwargs)

    vbt.Portfolio.from_orders = watched
    try:
        engine.run(world)
    finally:
        vbt.Portfolio.from_orders = real
    assert seen == [False]
    assert vbt.settings["caching"]["enabled"] is True


def test_p25_the_engine_is_numba_whatever_the_settings_say(vbt):
    world = setting(SIX, [0, 1, 1, -1, -1, 0])
    before = engine.run(world)
    vbt.settings["engine"] = "rust"  # not installed here: whoever asks for it fails
    np.testing.assert_array_equal(engine.run(world).equity, before.equity)
    assert arguments(world)["engine"] == "numba"


def test_p26_the_global_random_state_is_left_alone():
    np.random.seed(5)  # noqa: NPY002, TID251  (the state vectorbt would touch)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    engine.run(setting(SIX, np.ones(6)))
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002
    assert arguments(setting(SIX, np.ones(6)))["reject_prob"] == 0.0


def test_p29_no_record_is_uninitialised_memory():
    assert arguments(setting(SIX, np.ones(6)))["init_temp_records"] is True


def test_p30_the_version_these_tests_speak_of(vbt):
    assert vbt.__version__.startswith("1.2.")
