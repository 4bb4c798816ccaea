"""The holdout: shut, opened once, and every look counted."""

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError, StoreError
from quantbench.data import openings as kept


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def bars():
    return qb.load("EURUSD", "H1")


def test_development_ends_where_the_holdout_begins_with_a_trading_day(bars):
    held = qb.hold_out(bars, 0.2)
    assert len(held.development) + held.bars == len(bars)
    assert held.bars == pytest.approx(0.2 * len(bars), abs=24)
    assert bars.trading_day[held.begin] != bars.trading_day[held.begin - 1]


def test_days_are_trading_days(bars):
    held = qb.hold_out(bars, "20D")
    assert len(np.unique(bars.trading_day[held.begin :])) == 20


def test_by_itself_it_is_a_year_but_never_more_than_a_quarter(bars):
    assert qb.hold_out(bars).bars == pytest.approx(0.25 * len(bars), abs=24)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, "0D", "100000D", "a month"])
def test_a_holdout_that_leaves_nothing_is_refused(bars, share):
    with pytest.raises(ParamsError, match="holdout"):
        qb.hold_out(bars, share)


def test_every_opening_is_counted_whoever_looks(home, bars):
    held = qb.hold_out(bars, "20D")
    first = qb.open_holdout(held, qb.MaCross(10, 60))
    assert first.unspent
    assert first.before == 0
    second = qb.open_holdout(qb.hold_out(bars, "10D"), qb.RsiReversion())
    assert (second.before, second.unspent) == (1, False)
    assert [one.family for one in held.opened] == ["MaCross", "RsiReversion"]


def test_it_trades_from_its_first_bar_warmed_up_on_those_before(home, bars):
    held = qb.hold_out(bars, "20D")
    result = qb.open_holdout(held, qb.MaCross(10, 60)).result
    assert (result.path.position[: held.begin] == 0).all()
    assert np.count_nonzero(result.path.position[held.begin : held.begin + 48])


def test_trials_that_reach_into_it_have_looked(home, bars):
    held = qb.hold_out(bars, "20D")
    space = {"fast": (10, 20), "slow": (60,)}
    qb.sweep(qb.MaCross, held.development, space=space, progress=False)
    assert held.seen == 0
    qb.sweep(qb.MaCross, bars, space=space, progress=False)
    assert held.seen == 2
    assert not qb.open_holdout(held, qb.MaCross(10, 60)).unspent


def test_another_symbol_does_not_count(home, bars):
    qb.open_holdout(qb.hold_out(bars, "20D"), qb.MaCross(10, 60))
    assert kept.openings(qb.load("BTCUSD", "H1", "2017-12")) == ()


def test_it_stays_shut_when_the_opening_cannot_be_written(home, bars, monkeypatch):
    def refuse(*_args, **_words):
        raise StoreError("no room")

    monkeypatch.setattr("quantbench.research.holdout.append_opening", refuse)
    monkeypatch.setattr("quantbench.research.holdout.backtest", lambda *_a, **_w: pytest.fail("it was traded"))
    with pytest.raises(StoreError, match="no room"):
        qb.open_holdout(qb.hold_out(bars, "20D"), qb.MaCross(10, 60))


def test_an_opening_that_cannot_be_read_is_no_smaller_count(home, bars):
    held = qb.hold_out(bars, "20D")
    qb.open_holdout(held, qb.MaCross(10, 60))
    (file,) = (home / "experiments" / "ledger" / "openings").glob("*.json")
    file.write_text("{", encoding="utf-8")
    with pytest.raises(StoreError, match="restore it, do not delete it"):
        _ = held.opened
