"""The rules of EXECUTION one by one, as functions of numbers. The engines' tests show them together."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core import rules
from quantbench.core.path import SKIPS
from quantbench.core.rules import (
    BASE_IS_ACCOUNT,
    BY_RATE,
    QUOTE_IS_ACCOUNT,
    Conversion,
    Distances,
    Levels,
    Own,
)

NAN, INF = math.nan, math.inf
ONE = Conversion(QUOTE_IS_ACCOUNT)
LOTS = {"volume_min": 0.01, "volume_step": 0.01, "volume_max": 100.0}


def instrument(**facts):
    words = {"symbol": "ABC", "digits": 2, "point": 0.01, "contract_size": 100, "leverage": 10} | LOTS
    return qb.Instrument(**words | {"base_currency": "ABC", "quote_currency": "USD"} | facts)


# --- prices ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("price", "digits", "expected"),
    [
        (1.234567, 5, 1.23457),
        (1.234564, 5, 1.23456),
        (98.5, 0, 98.0),  # a half goes to the even neighbour, as rint does
        (99.5, 0, 100.0),
        (0.00000123, 8, 0.00000123),
        (123456.789, 2, 123456.79),
    ],
)
def test_a_price_is_rounded_to_the_digits(price, digits, expected):
    assert rules.round_price(price, digits) == expected


def test_what_is_no_price_stays_what_it_is():
    assert math.isnan(rules.round_price(NAN, 2))
    assert rules.round_price(INF, 2) == INF


@given(st.floats(1e-3, 1e6), st.integers(0, 8))
def test_rounding_twice_changes_nothing(price, digits):
    once = rules.round_price(price, digits)
    assert rules.round_price(once, digits) == once
    assert abs(once - price) <= 0.5001 * 10**-digits


def test_conversion_is_one_a_price_or_a_rate():
    assert Conversion(QUOTE_IS_ACCOUNT, 9.0).factor(125.0) == 1.0
    assert Conversion(BASE_IS_ACCOUNT, 9.0).factor(125.0) == 0.008
    assert Conversion(BY_RATE, 9.0).factor(125.0) == 9.0


# --- episodes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "before", "enter", "is_flat", "starts"),
    [
        (1.0, 0.0, False, True, True),
        (1.0, 0.0, False, False, True),
        (-0.5, 1.0, False, False, True),
        (0.5, 1.0, False, True, False),  # the size alone starts nothing
        (1.0, 1.0, False, True, False),
        (1.0, 1.0, True, True, True),
        (1.0, 1.0, True, False, False),
        (0.0, 1.0, True, True, False),
        (0.0, 0.0, True, True, False),
    ],
)
def test_an_episode_starts(target, before, enter, is_flat, starts):
    assert rules.starts_episode(target, before, enter=enter, is_flat=is_flat) is starts


def test_sign_is_minus_one_zero_or_one():
    assert [rules.sign(value) for value in (-0.2, -0.0, 0.0, 1e-300)] == [-1, 0, 0, 1]


# --- lots --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lots", "facts", "steps"),
    [
        (0.3, {"volume_step": 0.1, "volume_min": 0.1}, 3),  # 0.3 / 0.1 is 2.9999999999999996
        (0.7, {"volume_step": 0.1, "volume_min": 0.1}, 7),
        (0.2999, {"volume_step": 0.1, "volume_min": 0.1}, 2),
        (1.13, {}, 113),
        (500.0, {}, 10_000),  # volume_max
        (500.0, {"volume_max": 2.5, "volume_step": 1.0, "volume_min": 1.0}, 2),
        (0.02, {"volume_min": 0.03}, 0),
        (0.03, {"volume_min": 0.03}, 3),
        (0.0, {}, 0),
        (-1.0, {}, 0),
        (NAN, {}, 0),
        (INF, {}, 10_000),
    ],
)
def test_lots_become_whole_steps(lots, facts, steps):
    assert rules.wanted_steps(lots, instrument(**facts)) == steps


@given(st.integers(1, 10_000), st.sampled_from([0.01, 0.1, 0.001, 0.25, 1.0]))
def test_whole_steps_survive_the_way_to_lots_and_back(steps, step):
    of = instrument(volume_step=step, volume_min=step, volume_max=step * 20_000)
    assert rules.wanted_steps(rules.lots_of(steps, step), of) == steps


def test_steps_are_lots_on_the_decimal_grid():
    assert rules.lots_of(3, 0.1) == 0.3
    assert rules.lots_of(113, 0.01) == 1.13


@pytest.mark.parametrize(
    ("sizing", "amount", "expected"),
    [
        (qb.FixedLots(2), 2.0, 2.0),
        (qb.PercentRisk(0.01), 0.01, 0.5),  # 10,000 x 1 % / (2 x 100)
        (qb.PercentEquity(1.0), 1.0, 0.8),  # 10,000 / (125 x 100)
        (qb.VolatilityTarget(0.1), 0.5, 0.4),  # the amount is the fraction it came to
    ],
)
def test_raw_lots(sizing, amount, expected):
    found = rules.raw_lots(sizing, amount, equity=10_000.0, close=125.0, distance=2.0, contract=100.0, convert=ONE)
    assert found == expected


def test_raw_lots_are_converted_at_the_close():
    base = Conversion(BASE_IS_ACCOUNT)
    words = {"equity": 10_000.0, "close": 125.0, "distance": 2.0, "contract": 100.0, "convert": base}
    # A lot is 100 of the account's currency; 2 x 100 / 125 = 1.6 at risk.
    assert rules.raw_lots(qb.PercentEquity(1.0), 1.0, **words) == pytest.approx(100.0)
    assert rules.raw_lots(qb.PercentRisk(0.01), 0.01, **words) == pytest.approx(62.5)


def test_required_margin():
    # 2 lots x 100 x 125 / 10
    assert rules.required_margin(2.0, 125.0, instrument(), ONE) == 2_500.0
    assert rules.required_margin(2.0, 125.0, instrument(), Conversion(BASE_IS_ACCOUNT)) == 20.0
    assert rules.required_margin(2.0, 125.0, instrument(), Conversion(BY_RATE, 3.0)) == 7_500.0


# --- levels ------------------------------------------------------------------------------------------------------


def levels_at_entry(side, nearest=0.01, **distances):
    return rules.entry_levels(side, bid=100.0, ask=100.1, nearest=nearest, distances=Distances(**distances), digits=2)


def test_levels_stand_off_the_entry_quote():
    assert levels_at_entry(1, stop=1.0, take=2.0) == (99.1, 102.1)
    assert levels_at_entry(-1, stop=1.0, take=2.0) == (101.0, 98.0)


def test_levels_are_kept_outside_the_market():
    assert levels_at_entry(1, nearest=0.5, stop=0.05, take=0.05) == (99.5, 100.5)
    assert levels_at_entry(-1, nearest=0.5, stop=0.05, take=0.05) == (100.6, 99.6)


def test_no_distance_is_no_level_and_a_trail_stands_in_for_a_stop():
    assert all(math.isnan(level) for level in levels_at_entry(1))
    assert levels_at_entry(1, trail=3.0)[0] == 97.1
    assert levels_at_entry(-1, trail=3.0)[0] == 103.0
    assert levels_at_entry(1, stop=1.0, trail=3.0)[0] == 99.1


NONE = Levels(NAN, NAN, NAN)


@pytest.mark.parametrize(
    ("side", "quote", "levels", "reason"),
    [
        (1, 99.0, Levels(NAN, 99.0, NAN), "stop"),
        (1, 99.01, Levels(NAN, 99.0, NAN), None),
        (1, 98.0, Levels(NAN, 99.0, NAN, moved=True), "trail"),
        (1, 102.0, Levels(NAN, 99.0, 102.0), "take"),
        (1, 80.0, Levels(90.0, 99.0, 102.0), "stop_out"),
        (1, 80.0, Levels(INF, NAN, NAN), "stop_out"),
        (-1, 101.0, Levels(NAN, 101.0, NAN), "stop"),
        (-1, 100.99, Levels(NAN, 101.0, NAN), None),
        (-1, 98.0, Levels(NAN, 101.0, 98.0), "take"),
        (-1, 120.0, Levels(110.0, 101.0, 98.0), "stop_out"),
        (1, 1.0, NONE, None),
    ],
)
def test_exits_at_the_open(side, quote, levels, reason):
    found = rules.exit_at_open(side, quote, levels)
    assert (found and found.reason) == reason
    if found:
        assert found.price == quote
        assert found.slips == (reason != "take")
        assert not found.ambiguous


LONG = Own(open=100.0, adverse=98.0, favourable=103.0, close=101.0)
SHORT = Own(open=100.0, adverse=103.0, favourable=98.0, close=101.0)


@pytest.mark.parametrize(
    ("side", "bar", "levels", "expected"),
    [
        (1, LONG, Levels(NAN, 98.0, NAN), ("stop", 98.0, True, False)),
        (1, LONG, Levels(NAN, 97.99, NAN), None),
        (1, LONG, Levels(NAN, 99.0, NAN, moved=True), ("trail", 99.0, True, False)),
        (1, LONG, Levels(NAN, 90.0, 103.0), ("take", 103.0, False, False)),
        (1, LONG, Levels(NAN, 99.0, 102.0), ("stop", 99.0, True, True)),
        (1, LONG, Levels(99.5, 99.0, 110.0), ("stop_out", 99.5, True, False)),
        (1, LONG, Levels(98.5, 99.0, 110.0), ("stop", 99.0, True, False)),
        (1, LONG, Levels(99.0, 99.0, 110.0), ("stop_out", 99.0, True, False)),
        (1, LONG, Levels(99.5, 99.0, 102.0), ("stop_out", 99.5, True, True)),
        (1, LONG, Levels(120.0, NAN, NAN), ("stop_out", 100.0, True, False)),  # born beyond it: the market
        (-1, SHORT, Levels(NAN, 103.0, NAN), ("stop", 103.0, True, False)),
        (-1, SHORT, Levels(NAN, 103.01, NAN), None),
        (-1, SHORT, Levels(NAN, 110.0, 98.0), ("take", 98.0, False, False)),
        (-1, SHORT, Levels(NAN, 101.0, 99.0), ("stop", 101.0, True, True)),
        (-1, SHORT, Levels(100.5, 101.0, 90.0), ("stop_out", 100.5, True, False)),
        (-1, SHORT, Levels(80.0, NAN, NAN), ("stop_out", 100.0, True, False)),
        (1, LONG, NONE, None),
    ],
)
def test_exits_inside_the_bar(side, bar, levels, expected):
    found = rules.exit_inside(side, bar, levels)
    assert (tuple(found) if found else None) == expected


def followed(side, bar, stop=NAN, nearest=0.01, quote=100.0, **distances):
    return rules.followed_stop(
        side, bar, stop=stop, quote=quote, distances=Distances(**distances), nearest=nearest, digits=2
    )


def test_a_trail_follows_the_favourable_extreme():
    assert followed(1, LONG, 95.0, trail=3.0) == 100.0
    assert followed(-1, SHORT, 105.0, trail=4.0) == 102.0


def test_a_trail_never_loosens():
    assert followed(1, LONG, 100.5, trail=3.0) == 100.5
    assert followed(-1, SHORT, 101.5, trail=4.0) == 101.5


def test_a_followed_stop_is_kept_beyond_the_close():
    assert followed(1, LONG, 95.0, trail=0.5) == 100.99
    assert followed(1, LONG, 95.0, nearest=0.5, trail=0.5) == 100.5
    assert followed(-1, SHORT, 105.0, trail=0.5) == 101.01


def test_break_even_moves_to_the_entry_quote_once_its_distance_is_reached():
    assert followed(1, LONG, 95.0, breakeven=3.0) == 100.0
    assert followed(1, LONG, 95.0, breakeven=3.01) == 95.0
    assert followed(-1, SHORT, 105.0, quote=101.5, breakeven=3.5) == 101.5
    assert followed(-1, SHORT, 105.0, quote=101.5, breakeven=3.51) == 105.0


def test_without_a_stop_following_sets_the_first_one_and_without_distances_nothing_follows():
    assert followed(1, LONG, breakeven=1.0) == 100.0
    assert followed(1, LONG, trail=5.0) == 98.0
    assert math.isnan(followed(1, LONG))
    assert followed(1, LONG, 95.0) == 95.0


@given(
    st.sampled_from([1, -1]),
    st.lists(st.integers(8_000, 12_000), min_size=4, max_size=4),
    st.integers(8_000, 12_000),
    st.integers(1, 4_000),
    st.integers(1, 4_000),
)
def test_following_never_loosens_and_never_crosses_the_close(side, prices, stop, trail, breakeven):
    low, opens, close, high = (p / 100 for p in sorted(prices))
    bar = Own(opens, low, high, close) if side > 0 else Own(opens, high, low, close)
    before = stop / 100
    after = followed(side, bar, before, trail=trail / 100, breakeven=breakeven / 100)
    assert side * (after - before) >= 0
    assert after == before or side * (close - after) > 0


# --- stop-out ----------------------------------------------------------------------------------------------------


def stop_out(side, convert=ONE, *, balance=10_000.0, lots=5.0, entry=100.0, level=0.5, **facts):
    return rules.stop_out_price(
        side,
        balance=balance,
        lots=lots,
        lots_entry=lots * entry,
        level=level,
        instrument=instrument(**facts),
        convert=convert,
    )


def test_the_stop_out_price_by_hand():
    assert stop_out(1) == 84.21  # 10,000 + 500 (p - 100) = 25 p
    assert stop_out(-1) == 114.29  # 10,000 - 500 (p - 100) = 25 p
    assert stop_out(1, Conversion(BY_RATE, 2.0)) == 94.74  # 5,000 + 500 (p - 100) = 25 p
    assert stop_out(1, Conversion(BASE_IS_ACCOUNT), lots=500.0) == 86.96
    assert stop_out(-1, Conversion(BASE_IS_ACCOUNT), lots=500.0) == 117.65


def test_what_cannot_be_lost_is_never_stopped_out():
    assert math.isnan(stop_out(-1, Conversion(BASE_IS_ACCOUNT), lots=50.0))
    assert stop_out(1, lots=0.5, level=0.0) < 0  # below any price


@given(
    st.sampled_from([1, -1]),
    st.sampled_from([Conversion(QUOTE_IS_ACCOUNT), Conversion(BASE_IS_ACCOUNT), Conversion(BY_RATE, 1.7)]),
    st.floats(0.0, 1.5),
    st.sampled_from([5, 30, 100]),
    st.floats(0.5, 4.0),
)
def test_at_the_stop_out_price_equity_is_the_level_times_the_margin(side, convert, level, leverage, worth):
    lots = worth * 10_000.0 * leverage / 5 / (100.0 * 100.0 * convert.factor(100.0))
    of = instrument(leverage=leverage, digits=8, point=1e-8)
    price = stop_out(side, convert, lots=lots, level=level, digits=8, point=1e-8, leverage=leverage)
    if math.isnan(price) or price <= 0.01 or price == INF:
        return
    factor = convert.factor(price)
    equity = 10_000.0 + side * (price - 100.0) * lots * 100 * factor
    margin = rules.required_margin(lots, price, of, convert)
    assert equity == pytest.approx(level * margin, rel=1e-6, abs=1e-3)


def test_reasons_are_those_of_the_law_and_skips_name_every_limit():
    law = {"signal", "reversal", "time", "resize", "stop", "take", "trail", "limit", "stop_out", "end_of_data"}
    assert set(rules.REASONS) == law
    assert SKIPS[:4] == ("no stop", "volume", "margin", "ruin")
    asked = {name for name in qb.Limits.__dataclass_fields__ if name != "flatten"}
    assert set(SKIPS[4:]) == asked
