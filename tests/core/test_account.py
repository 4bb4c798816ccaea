"""Accounts, costs and sizings: what they refuse, and what doubling costs doubles."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ParamsError

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
    typical_spread_points=12,
    slippage_points=2,
    commission_per_lot=3.5,
    commission_percent=0.0001,
)
DECLARED = {"commission_per_lot": 3.5, "commission_percent": 0.0001, "slippage_points": 2, "spread_points": 12}


@pytest.mark.parametrize("balance", [0, -1, math.nan, math.inf])
def test_an_account_without_money_is_refused(balance):
    with pytest.raises(ParamsError, match="starting balance must be above 0"):
        qb.Account(balance=balance)


@pytest.mark.parametrize("level", [-0.1, math.nan, math.inf])
def test_a_stop_out_level_is_a_fraction_of_margin(level):
    with pytest.raises(ParamsError, match="stop-out level must be a fraction"):
        qb.Account(stop_out_level=level)


@pytest.mark.parametrize("name", [*DECLARED, "spread_factor", "declared_factor"])
@pytest.mark.parametrize("value", [-0.01, math.nan, math.inf])
def test_costs_that_pay_the_trader_are_refused(name, value):
    with pytest.raises(ParamsError, match=f"{name} must be 0 or more"):
        qb.Costs(**{name: value})


def test_a_percentage_given_as_percent_is_refused():
    with pytest.raises(ParamsError, match=r"is a fraction of notional: write 0\.001 for 0\.1 %"):
        qb.Costs(commission_percent=1.0)


def test_nothing_said_means_the_instruments_figures():
    resolved = qb.Costs().resolved(EURUSD)
    assert {name: getattr(resolved, name) for name in DECLARED} == DECLARED


@pytest.mark.parametrize("name", DECLARED)
def test_a_zero_is_a_zero_and_not_the_instruments_figure(name):
    resolved = qb.Costs(**{name: 0}).resolved(EURUSD)
    assert getattr(resolved, name) == 0
    assert all(getattr(resolved, other) == value for other, value in DECLARED.items() if other != name)


@given(st.floats(0, 10), st.sampled_from([None, 0.0, 0.0002]), st.sampled_from([None, 0.0, 5.0]))
def test_costs_times_k_are_k_times_the_costs_however_they_were_given(k, percent, points):
    costs = qb.Costs(
        commission_percent=percent, slippage_points=points, commission_per_lot=points, spread_points=points
    )
    once, more = costs.resolved(EURUSD), costs.times(k).resolved(EURUSD)
    for name in DECLARED:
        assert getattr(more, name) == pytest.approx(k * getattr(once, name))
    assert more.spread_factor == pytest.approx(k)  # the spread the bars carry
    assert more.declared_factor == pytest.approx(k)  # swaps paid
    assert more.swap == once.swap


def test_times_one_changes_nothing_and_times_compose():
    costs = qb.Costs(commission_per_lot=3.0, swap=False)
    assert costs.times(1) == costs
    assert costs.times(2).times(1.5) == costs.times(3)
    assert costs.times(0).resolved(EURUSD).spread_points == 0


@pytest.mark.parametrize("sizing", [qb.FixedLots, qb.PercentRisk, qb.PercentEquity, qb.VolatilityTarget])
@pytest.mark.parametrize("size", [0, -1, math.nan, math.inf])
def test_a_size_that_is_no_size_is_refused(sizing, size):
    with pytest.raises(ParamsError, match=r"(lots|fraction|annual) must be above 0"):
        sizing(size)


def test_sizes_above_one_are_allowed_and_positional():
    assert qb.PercentEquity(3.0).fraction == 3.0
    assert qb.VolatilityTarget(1.2).lookback == 20
    with pytest.raises(ParamsError, match="lookback must be at least 2 returns"):
        qb.VolatilityTarget(0.1, 1)


def test_money_values_are_frozen_and_can_be_replaced():
    with pytest.raises(AttributeError, match="cannot assign"):
        qb.Account().balance = 1.0
    assert replace(qb.Account(), balance=5.0) == qb.Account(balance=5.0)
