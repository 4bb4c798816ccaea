import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import quantbench as qb
from quantbench.core.errors import DataError
from quantbench.data import instruments
from quantbench.data.instruments import instrument

DECLARED = tomllib.loads((Path(instruments.__file__).with_name("instruments.toml")).read_text(encoding="utf-8"))


def test_every_symbol_of_the_sample_is_declared():
    assert set(qb.symbols().symbol) <= set(DECLARED["instruments"])
    assert DECLARED["schema"] == 1
    assert DECLARED["as_of"].isoformat() >= "2026-01-01"


@pytest.mark.parametrize("symbol", sorted(DECLARED["instruments"]))
def test_every_fact_is_declared_none_left_to_a_default(symbol):
    names = {part.name for part in fields(qb.Instrument)} - {"symbol", "swap_schedule"}
    assert set(DECLARED["instruments"][symbol]) == names


@pytest.mark.parametrize("symbol", sorted(DECLARED["instruments"]))
def test_facts_fit_each_other_and_trading_is_not_free(symbol):
    facts = instrument(symbol)
    assert facts.point == pytest.approx(10.0**-facts.digits)
    assert facts.typical_spread_points > 0
    assert facts.slippage_points > 0
    assert sum(facts.swap_multipliers) == 7, "a week's financing is seven nights"


@pytest.mark.parametrize(("symbol", "cap"), [("EURUSD", 30), ("SP500", 20), ("NASDAQ", 20), ("BTCUSD", 2)])
def test_leverage_is_the_cap_for_retail_clients_in_europe(symbol, cap):
    """ESMA Decision (EU) 2018/796."""
    assert instrument(symbol).leverage == cap


def test_an_unknown_symbol_is_asked_for_with_a_hint():
    with pytest.raises(
        DataError, match=r"no contract facts are declared for 'EURUSDm': did you mean EURUSD\?.*specification"
    ):
        instrument("EURUSDm")


def test_a_declared_instrument_is_the_same_value_each_time():
    assert instrument("EURUSD") == instrument("EURUSD")
