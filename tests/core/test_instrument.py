"""Instruments refuse facts that cannot be."""

from dataclasses import asdict

import pytest

import quantbench as qb
from quantbench.core.errors import DataError

FACTS = {
    "symbol": "EURUSD",
    "digits": 5,
    "point": 1e-5,
    "contract_size": 100_000,
    "volume_min": 0.01,
    "volume_step": 0.01,
    "volume_max": 100.0,
    "base_currency": "EUR",
    "quote_currency": "USD",
    "leverage": 30,
}


def test_the_required_facts_are_enough_and_the_rest_has_plain_defaults():
    eurusd = qb.Instrument(**FACTS)
    assert eurusd.swap_multipliers == (1, 1, 3, 1, 1, 0, 0)
    assert (eurusd.stops_level_points, eurusd.commission_per_lot, eurusd.typical_spread_points) == (0, 0, 0)
    assert eurusd.trading_calendar.name == "fx"
    assert eurusd.server_clock == "America/New_York+7"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("point", "contract_size", "leverage") for value in (0, -1, float("nan"))),
        *((name, value) for name in ("volume_min", "volume_step", "volume_max") for value in (0, float("inf"))),
        *((name, -1) for name in ("stops_level_points", "typical_spread_points", "slippage_points")),
        ("digits", -1),
        ("digits", 11),
        ("volume_max", 0.001),
        ("swap_multipliers", (1, 1, 3)),
        ("swap_schedule", (("not a date", 1.0, 2.0),)),
    ],
)
def test_an_impossible_fact_is_refused_by_name(name, value):
    with pytest.raises(DataError, match=f"EURUSD: {name} must be .*, found"):
        qb.Instrument(**{**FACTS, name: value})


def test_an_unknown_calendar_is_refused():
    with pytest.raises(DataError, match="unknown calendar 'cryptos': did you mean crypto"):
        qb.Instrument(**FACTS, calendar="cryptos")


def test_the_swap_schedule_is_put_in_order_of_date():
    rows = (("2017-06-01", 1, 2), ("2016-01-01", 3, 4))
    assert qb.Instrument(**FACTS, swap_schedule=rows).swap_schedule == (
        ("2016-01-01", 3.0, 4.0),
        ("2017-06-01", 1.0, 2.0),
    )


def test_an_instrument_is_a_value():
    assert qb.Instrument(**FACTS) == qb.Instrument(**FACTS)
    assert hash(qb.Instrument(**FACTS, swap_multipliers=[1] * 7)) == hash(
        qb.Instrument(**FACTS, swap_multipliers=(1,) * 7)
    )
    with pytest.raises(AttributeError, match="cannot assign"):
        qb.Instrument(**FACTS).point = 1.0


def test_an_instrument_survives_a_dict_and_refuses_unknown_or_missing_facts():
    eurusd = qb.Instrument(**FACTS)
    assert qb.Instrument.from_dict(asdict(eurusd)) == eurusd
    with pytest.raises(DataError, match="unknown instrument facts: lot_size; known: base_currency"):
        qb.Instrument.from_dict({**FACTS, "lot_size": 1})
    with pytest.raises(DataError, match="instrument EURUSD lacks leverage: none is assumed"):
        qb.Instrument.from_dict({name: fact for name, fact in FACTS.items() if name != "leverage"})
