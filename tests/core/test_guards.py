"""EXECUTION 7: the limits that remember, as pure functions."""

import math
from datetime import timedelta

import pytest

from quantbench.core import guards
from quantbench.core.guards import Memory
from quantbench.core.limits import Limits

START = Memory(day_start=10_000.0, peak=10_000.0)
HOUR = 3_600 * 10**9


def block(memory, limits, *, time_ns=0, equity=10_000.0):
    return guards.remembered_block(memory, limits, time_ns=time_ns, equity=equity)


def test_a_fresh_memory_blocks_nothing():
    everything = Limits(
        max_trades_per_day=1, max_daily_loss=100, max_consecutive_losses=1, cooldown="30d", max_drawdown=0.01
    )
    assert block(START, everything) == ""
    assert block(START, Limits()) == ""


def test_fills_are_counted_until_the_day_ends():
    limits = Limits(max_trades_per_day=2)
    once = guards.after_fill(START, 5)
    twice = guards.after_fill(once, 6)
    assert [block(memory, limits) for memory in (START, once, twice)] == ["", "", "max_trades_per_day"]
    assert block(guards.new_day(twice, 10_000.0), limits) == ""


@pytest.mark.parametrize(("limit", "equity", "rule"), [(100.0, 9_900.0, "max_daily_loss"), (100.0, 9_900.01, "")])
def test_a_daily_loss_in_money(limit, equity, rule):
    assert block(START, Limits(max_daily_loss=limit), equity=equity) == rule


@pytest.mark.parametrize(("equity", "rule"), [(19_800.0, "max_daily_loss"), (19_800.01, "")])
def test_a_daily_loss_as_a_fraction_of_the_days_start(equity, rule):
    day = guards.new_day(START, 20_000.0)
    assert block(day, Limits(max_daily_loss=0.01), equity=equity) == rule


def test_a_daily_loss_seen_at_a_close_is_remembered_until_the_next_day():
    limits = Limits(max_daily_loss=100.0)
    lost = guards.after_mark(START, limits, 9_900.0)
    again = guards.after_mark(lost, limits, 10_050.0)
    assert block(again, limits, equity=10_050.0) == "max_daily_loss"
    assert block(guards.new_day(again, 10_050.0), limits, equity=10_050.0) == ""


def test_losses_in_a_row():
    limits = Limits(max_consecutive_losses=2)
    once = guards.after_close(START, limits, -1.0)
    twice = guards.after_close(once, limits, -1.0)
    assert [block(memory, limits) for memory in (once, twice)] == ["", "max_consecutive_losses"]
    assert block(guards.new_day(twice, 9_998.0), limits) == ""


def test_a_position_that_does_not_lose_ends_the_row():
    limits = Limits(max_consecutive_losses=2)
    for profit in (0.0, 1.0):
        memory = guards.after_close(guards.after_close(START, limits, -1.0), limits, profit)
        assert memory.losses == 0
        assert block(guards.after_close(memory, limits, -1.0), limits) == ""


def test_a_row_of_losses_goes_on_over_the_night_unless_it_blocked():
    limits = Limits(max_consecutive_losses=2)
    once = guards.new_day(guards.after_close(START, limits, -1.0), 9_999.0)
    assert block(guards.after_close(once, limits, -1.0), limits) == "max_consecutive_losses"
    blocked = guards.new_day(guards.after_close(guards.after_close(START, limits, -1.0), limits, -1.0), 9_998.0)
    assert block(guards.after_close(blocked, limits, -1.0), limits) == ""


def test_a_win_on_the_day_of_the_block_does_not_lift_it():
    # Two positions cannot be open at once, but a part closed later may win.
    limits = Limits(max_consecutive_losses=1)
    memory = guards.after_close(guards.after_close(START, limits, -1.0), limits, 5.0)
    assert block(memory, limits) == "max_consecutive_losses"


def test_cooldown_is_over_when_its_time_has_passed():
    memory = guards.after_fill(START, 10 * HOUR)
    limits = Limits(cooldown="2h")
    assert block(memory, limits, time_ns=12 * HOUR - 1) == "cooldown"
    assert block(memory, limits, time_ns=12 * HOUR) == ""
    assert block(guards.new_day(memory, 10_000.0), limits, time_ns=11 * HOUR) == "cooldown"


def test_a_drawdown_is_latched_for_good():
    limits = Limits(max_drawdown=0.1)
    assert block(START, limits, equity=9_000.01) == ""
    assert block(START, limits, equity=9_000.0) == "max_drawdown"
    risen = guards.after_mark(START, limits, 12_000.0)
    assert risen.peak == 12_000.0
    broken = guards.after_mark(risen, limits, 10_800.0)
    later = guards.new_day(guards.after_mark(broken, limits, 20_000.0), 20_000.0)
    assert block(later, limits, equity=20_000.0) == "max_drawdown"


def test_rules_that_are_off_never_latch():
    memory = guards.after_mark(guards.after_close(START, Limits(), -9_999.0), Limits(), 1.0)
    assert (memory.lost_day, memory.on_streak, memory.broken) == (False, False, False)


def test_the_order_of_the_rules():
    names = ["max_trades_per_day", "max_daily_loss", "max_consecutive_losses", "cooldown", "max_drawdown"]
    rules = dict(zip(names, (1, 100.0, 1, "1h", 0.1), strict=True))
    memory = START._replace(fills=5, last_fill=0, lost_day=True, on_streak=True, broken=True)
    for first, name in enumerate(names):
        limits = Limits(**{rule: rules[rule] for rule in names[first:]})
        # A latch without its rule cannot come to be; clear those of the rules taken away.
        state = memory._replace(lost_day=first <= 1, on_streak=first <= 2)
        assert block(state, limits, time_ns=1) == name


def test_spans_and_limits_as_the_kernel_reads_them():
    assert guards.nanoseconds(timedelta(minutes=5)) == 300 * 10**9
    assert guards.nanoseconds(None) == -1
    assert math.isnan(guards.off_is_nan(None))
    assert guards.off_is_nan(3) == 3.0
