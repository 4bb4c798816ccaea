"""EXECUTION 7: limits as values, and the rules that need no trades."""

from dataclasses import FrozenInstanceError, fields
from datetime import timedelta

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.core.limits import STATELESS, Blackout, Event, Limits, blocked_by, mean_true_range

ABC = qb.Instrument(
    symbol="EURUSD",
    digits=2,
    point=0.01,
    contract_size=100,
    volume_min=0.01,
    volume_step=0.01,
    volume_max=100.0,
    base_currency="EUR",
    quote_currency="USD",
    leverage=30,
)


def bars_of(n=24, *, start="2024-01-02T00:00", close=100.0, reach=1.0, instrument=ABC):
    time = np.datetime64(start, "m") + np.timedelta64(60, "m") * np.arange(n)
    close = np.full(n, close)
    return qb.Bars(instrument.symbol, "H1", instrument, time, close, close + reach, close - reach, close)


def blocked(limits, bars=None, spread=0.0):
    """Return the positions that are blocked, and by which rules."""
    bars = bars if bars is not None else bars_of()
    code = blocked_by(limits, bars, np.broadcast_to(np.asarray(spread, float), len(bars)))
    assert code.shape == (len(bars),)
    return {k: STATELESS[c - 1] for k, c in enumerate(code) if c}


# --- values ------------------------------------------------------------------------------------------------------


def test_no_limit_blocks_nothing():
    assert blocked(Limits()) == {}


def test_limits_are_frozen_and_compare_by_value():
    limits = Limits(cooldown="5min", sessions="08:00-20:00")
    assert limits == Limits(cooldown=timedelta(minutes=5), sessions=("08:00-20:00",))
    assert hash(limits) == hash(Limits(cooldown="300s", sessions=("08:00-20:00",)))
    with pytest.raises(FrozenInstanceError):
        limits.cooldown = None


def test_the_limits_are_those_of_the_law():
    assert [part.name for part in fields(Limits)] == [
        *("sessions", "max_spread_points", "max_atr_percent", "blackout", "max_wait", "max_trades_per_day"),
        *("max_daily_loss", "max_consecutive_losses", "cooldown", "max_drawdown", "flatten"),
    ]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5min", 300), ("1.5h", 5_400), ("2d", 172_800), (" 2 h ", 7_200)]
)
def test_spans_are_read_from_text(text, seconds):
    assert Limits(max_wait=text).max_wait == timedelta(seconds=seconds)
    assert Limits(cooldown=text).cooldown == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "5 minutes", "-5min", "h"])
def test_a_span_that_cannot_be_read_is_refused(text):
    with pytest.raises(ParamsError, match="cooldown must be a timedelta or a text such as"):
        Limits(cooldown=text)


@pytest.mark.parametrize("text", ["8-20", "08:00", "08:00-25:00", "08:70-09:00", "08:00-08:00", "8:00 to 9:00"])
def test_a_session_that_cannot_be_is_refused(text):
    with pytest.raises(ParamsError, match="a session must"):
        Limits(sessions=(text,))


@pytest.mark.parametrize(
    "name",
    ["max_spread_points", "max_atr_percent", "max_trades_per_day", "max_daily_loss", "max_consecutive_losses"],
)
@pytest.mark.parametrize("value", [0, -1])
def test_a_limit_that_allows_nothing_is_refused(name, value):
    with pytest.raises(ParamsError, match=f"{name} must be above 0"):
        Limits(**{name: value})


def test_a_drawdown_is_a_fraction():
    with pytest.raises(ParamsError, match=r"write 0\.05 for 5 %"):
        Limits(max_drawdown=5)
    with pytest.raises(ParamsError, match="max_drawdown must be above 0"):
        Limits(max_drawdown=0.0)


def test_blackout_takes_plain_rows_and_refuses_minutes_below_zero():
    assert Blackout((("2024-01-02", "USD", "high"),)).events == (Event("2024-01-02", "USD", "high"),)
    with pytest.raises(ParamsError, match="minutes before and after"):
        Blackout((), before=-1)


# --- masks -------------------------------------------------------------------------------------------------------


def test_sessions_are_hours_of_the_server_with_the_end_left_out():
    # Winter: the server is two hours ahead of UTC; 08:00-10:00 there is 06:00-08:00 UTC.
    found = blocked(Limits(sessions=("08:00-10:00",)))
    assert sorted(set(range(24)) - set(found)) == [6, 7]


def test_sessions_of_another_server_clock():
    instrument = qb.Instrument(**{part.name: getattr(ABC, part.name) for part in fields(ABC)} | {"server_clock": "UTC"})
    found = blocked(Limits(sessions=("08:00-10:00",)), bars_of(instrument=instrument))
    assert sorted(set(range(24)) - set(found)) == [8, 9]


def test_a_session_may_end_at_midnight_or_pass_it():
    assert sorted(set(range(24)) - set(blocked(Limits(sessions=("20:00-24:00",))))) == [18, 19, 20, 21]
    assert sorted(set(range(24)) - set(blocked(Limits(sessions=("23:00-02:00",))))) == [21, 22, 23]


def test_sessions_keep_the_servers_hours_over_the_change_to_summer_time():
    # Sunday 2024-03-10: New York and the server go ahead. 08:00 on the server is 06:00 UTC before, 05:00 after.
    limits = Limits(sessions=("08:00-09:00",))
    allowed = {}
    for day in ("2024-03-08", "2024-03-11"):
        allowed[day] = sorted(set(range(24)) - set(blocked(limits, bars_of(start=f"{day}T00:00"))))
    assert allowed == {"2024-03-08": [6], "2024-03-11": [5]}


def test_a_wide_spread():
    assert blocked(Limits(max_spread_points=10), bars_of(4), [9, 10, 10.5, 99]) == {
        2: "max_spread_points",
        3: "max_spread_points",
    }


def test_the_mean_true_range_by_hand():
    # True ranges: 2; max(high, before) - min(low, before): 3 (a gap up of 1), 2, 5 (a gap down of 4)
    bars = qb.Bars(
        "EURUSD",
        "H1",
        ABC,
        np.datetime64("2024-01-02T00", "h") + np.arange(4),
        np.array([100.0, 102.0, 102.0, 98.0]),
        np.array([101.0, 103.0, 103.0, 99.0]),
        np.array([99.0, 101.0, 101.0, 97.0]),
        np.array([100.0, 102.0, 102.0, 98.0]),
    )
    assert mean_true_range(bars, 2)[1:].tolist() == [2.5, 2.5, 3.5]
    assert np.isnan(mean_true_range(bars, 2)[0])
    assert np.isnan(mean_true_range(bars, 5)).all()


def test_volatility_blocks_once_fourteen_bars_have_closed():
    assert blocked(Limits(max_atr_percent=1.99), bars_of(16)) == {14: "max_atr_percent", 15: "max_atr_percent"}
    assert blocked(Limits(max_atr_percent=2.0), bars_of(16)) == {}


def test_blackout_includes_both_ends():
    limits = Limits(blackout=Blackout((("2024-01-02T05:00", "EUR", "high"),), before=60, after=120))
    assert sorted(blocked(limits)) == [4, 5, 6, 7]


def test_max_wait_asks_how_long_after_the_close_of_the_decision():
    time = np.array(["2024-01-05T20:00", "2024-01-05T21:00", "2024-01-07T22:00", "2024-01-07T23:00"], "datetime64[s]")
    close = np.full(4, 100.0)
    bars = qb.Bars("EURUSD", "H1", ABC, time, close, close, close, close)
    assert blocked(Limits(max_wait="47h"), bars) == {2: "max_wait"}
    assert blocked(Limits(max_wait="2d"), bars) == {}  # exactly 48 hours


def test_the_first_rule_of_the_list_gives_its_name():
    limits = Limits(
        sessions=("20:00-21:00",),
        max_spread_points=1,
        blackout=Blackout((("2024-01-02T05:00", "EUR", "high"),)),
    )
    assert set(blocked(limits, spread=5).values()) == {"sessions", "max_spread_points"}
    assert blocked(limits, spread=5)[18] == "max_spread_points"  # 20:00 on the server
