"""A verdict is honest: it never calls an in-sample result proven, and it says what luck would give."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.errors import ExecutionError
from quantbench.report.search_data import expected_best, luck_sharpe, trial_sharpes
from quantbench.report.verdict import distinct_trials, judged
from quantbench.research import stress
from quantbench.research.stress import AtCosts, at_costs, concentration


@dataclass(frozen=True)
class Never(qb.Strategy):
    def decide(self, bars):
        return qb.Signals.when(long=np.zeros(len(bars), bool))


@dataclass(frozen=True)
class Foresight(qb.Strategy):
    """Cheats, so that the verdict has something very good to look at."""

    ahead: int = 6

    def decide(self, bars):
        later = np.append(bars.close[self.ahead :], np.full(self.ahead, bars.close[-1]))
        return qb.Signals.when(long=later > bars.close, short=later < bars.close)


FINE = AtCosts(np.array([1.0, 1.5, 2.0]), np.array([0.3, 0.2, 0.1]), *([np.ones(3)] * 3), reason="")


def test_a_verdict_is_three_lines(result, study):
    for found in (qb.verdict(result), qb.verdict(result, study)):
        assert str(found).splitlines() == list(found.lines)
        assert len(found.lines) == 3
        assert all(line.endswith(".") for line in found.lines)


def test_the_first_line_says_what_was_made(by_hand, long_bars, trade_row):
    equity = np.linspace(10_000, 10_420, len(long_bars))
    made = judged(by_hand(long_bars, equity, trades=[trade_row(0, 10, 420.0)]), None, FINE).made
    assert made.startswith("Flip on EURUSD H1 made 4.2 % net over 1.4 years: 1 trade, Sharpe ")
    assert made.endswith("worst drawdown 0.0 %.")


def test_what_lost_money_is_red(result):
    assert result.path.equity[-1] < 10_000  # eight points of spread against a random walk
    found = qb.verdict(result)
    assert (found.level, found.because) == ("red", "it did not make money after costs")
    assert " lost " in found.made


def test_even_perfect_foresight_is_not_green(bars):
    found = qb.verdict(qb.backtest(Foresight(), bars))
    assert found.level == "amber"
    assert found.because == "it is good in-sample, which proves nothing yet"
    assert "nothing here is out-of-sample" in found.luck


def test_what_higher_costs_take_is_red(by_hand, short_bars, trade_row):
    rows = [trade_row(0, 1, 2.0) for _ in range(40)]
    result = by_hand(short_bars, np.linspace(10_000, 10_080, 48), trades=rows)
    thin = FINE._replace(total_return=np.array([0.008, 0.001, -0.01]))
    found = judged(result, None, thin)
    assert (found.level, found.because) == ("red", "costs x2 take the whole profit")
    assert "with costs x1.5 and x2 it returns 0.1 % and -1.0 %" in found.fragile.lower()


def test_the_best_of_many_is_compared_with_luck(bars, study):
    best = qb.backtest(study.best_strategy, bars)
    found = judged(best, study, FINE)
    assert found.luck.startswith("Best of 11 trials, in-sample: ")
    assert "nothing here is out-of-sample" in found.luck


def test_what_luck_explains_is_red(by_hand, bars, study, trade_row):
    rows = [trade_row(0, 1, 1.0) for _ in range(40)]
    # Sharpe of the study's own best choice, but with a path that ends barely above its start.
    equity = 10_000 + np.random.default_rng(1).normal(0, 5, len(bars))
    result = by_hand(bars, equity, trades=rows, strategy=study.best_strategy)
    found = judged(result, study, FINE)
    assert (found.level, found.because) == ("red", "luck alone can explain it")
    assert "is no more than luck gives" in found.luck


def test_a_choice_that_was_not_the_best_is_not_called_so(bars, study):
    assert judged(qb.backtest(study.strategy(5, 3), bars), study, FINE).luck.startswith("One of 11 trials")
    assert judged(qb.backtest(study.strategy(7), bars), study, FINE).luck.startswith("Beside a search of 11 trials")


def test_the_best_of_a_real_sweep_is_known_by_the_params_it_searched(bars):
    study = qb.sweep(qb.MaCross, bars, space={"fast": (5, 10), "slow": (40, 60)}, workers=1, progress=False)
    found = judged(qb.backtest(study.best_strategy, bars), study, FINE)
    assert found.luck.startswith("Best of 4 trials")
    other = qb.MaCross(**{**study.best.params, "stop_atr": 9.0})
    assert judged(qb.backtest(other, bars), study, FINE).luck.startswith("Beside a search of 4 trials")


def test_no_trades_is_red_and_says_why(bars):
    found = qb.verdict(qb.backtest(Never(), bars))
    assert (found.level, found.because) == ("red", "it never traded")
    assert "never traded in 50 days" in found.made


def test_skipped_entries_are_counted_when_nothing_opened(bars, study):
    result = qb.backtest(study.strategy(20), bars, sizing=qb.FixedLots(90))  # margin for 90 lots: 330,000 USD
    assert qb.verdict(result).fragile == "Entries that did not open: 60 (margin 60)."


def test_few_trades_are_said_to_be_few(by_hand, short_bars, trade_row):
    result = by_hand(short_bars, np.linspace(10_000, 10_080, 48), trades=[trade_row(0, 1, 80.0)])
    assert "1 trade is too few to tell skill from chance" in judged(result, None, FINE).fragile


def test_a_study_of_something_else_is_refused(study):
    with pytest.raises(ExecutionError, match="judge a result with the study it was chosen from"):
        qb.verdict(qb.backtest(Foresight(), study.bars), study)


def test_a_study_on_other_bars_is_refused(study):
    with pytest.raises(ExecutionError, match="the study searched Flip on"):
        qb.verdict(qb.backtest(study.best_strategy, study.bars[100:]), study)


def test_higher_costs_are_those_of_trading_again(result):
    found = at_costs(result)
    again = qb.backtest(result.strategy, result.bars, costs=result.costs.times(2))
    assert found.reason == ""
    assert found.total_return[0] == result.metrics()["total_return"]
    assert found.total_return[2] == again.metrics()["total_return"]
    assert found.total_return[0] > found.total_return[1] > found.total_return[2]


def test_higher_costs_trade_again_from_the_same_start_with_the_same_limits(bars):
    kept = {"trade_from": "2017-02-01", "limits": qb.Limits(max_trades_per_day=1)}
    late = qb.backtest(Foresight(), bars, **kept)
    found = at_costs(late)
    assert found.reason == ""
    again = qb.backtest(Foresight(), bars, costs=late.costs.times(1.5), **kept)
    assert found.total_return[1] == again.metrics()["total_return"]
    assert found.trades[1] == len(again.path.trades) < len(qb.backtest(Foresight(), bars).path.trades)


def test_higher_costs_ask_the_same_finer_bars_and_rates(bars, monkeypatch):
    asked = []
    given = qb.backtest(Foresight(), bars)
    given = replace(given, intrabar=bars[:10], rates=bars[:20])
    monkeypatch.setattr(stress, "backtest", lambda *_, **named: asked.append(named) or given)
    at_costs(given)
    assert [(named["intrabar"], named["rates"]) for named in asked] == [(given.intrabar, given.rates)] * 2


def test_what_cannot_be_traded_at_higher_costs_says_why(result, monkeypatch):
    def refuse(*_, **__):
        raise ExecutionError("no such costs")

    monkeypatch.setattr(stress, "backtest", refuse)
    found = at_costs(result)
    assert np.isfinite(found.total_return).tolist() == [True, False, False]
    assert "higher costs could not be tried (no such costs)" in judged(result, None, found).fragile.lower()


def test_more_trials_in_the_ledger_than_in_the_search_are_said_and_raise_the_bar(bars, study):
    best = qb.backtest(study.best_strategy, bars)
    found = judged(best, study, FINE, tried=482)
    assert found.luck.startswith("Best of 12 trials in this search, 482 distinct in the ledger, in-sample: ")
    bar = np.nanstd(trial_sharpes(study), ddof=1) * expected_best(482)
    assert luck_sharpe(study, tried=482) == pytest.approx(bar)
    assert f"would show a Sharpe near {bar:.2f} " in found.luck
    assert bar > luck_sharpe(study)


@pytest.mark.parametrize("tried", [0, 5, 12])
def test_a_ledger_that_holds_no_more_than_the_search_changes_nothing(bars, study, tried):
    best = qb.backtest(study.best_strategy, bars)
    assert judged(best, study, FINE, tried=tried) == judged(best, study, FINE)


def test_trials_in_the_ledger_count_without_a_study_too(result):
    found = judged(result, None, FINE, tried=482)
    assert found.luck.startswith("1 trial here, 482 distinct in the ledger, in-sample: ")
    error = np.sqrt(result.bars.instrument.trading_calendar.days_per_year / len(result.daily))
    assert f"would show a Sharpe near {error * expected_best(482):.2f} " in found.luck
    assert judged(result, None, FINE, tried=1) == judged(result, None, FINE)


def test_the_front_door_reads_the_ledger_only_where_no_count_is_given(bars, study, monkeypatch):
    qb.sweep(study.strategy, bars, space={"hold": (3, 6), "shift": (0, 1)}, workers=1, progress=False)
    result = qb.backtest(study.strategy(6), bars)
    counted = distinct_trials(result)
    assert counted == 4  # a search of other tests would be on other bars
    assert "1 trial here, 4 distinct in the ledger" in qb.verdict(result).luck
    monkeypatch.setattr("quantbench.report.verdict.count_distinct", lambda **_: pytest.fail("the ledger was read"))
    assert "Counted as 1 trial" in qb.verdict(result, tried=0).luck


def test_concentration_divides_the_best_trades_out(by_hand, short_bars, trade_row):
    rows = [trade_row(0, 1, profit) for profit in (500.0, 400.0, 300.0, 200.0, 100.0, -50.0, 20.0)]
    found = concentration(by_hand(short_bars, np.linspace(10_000, 11_470, 48), trades=rows))
    assert found.trades == 5
    # Each on a balance of 10,000: shares of 5, 4, 3, 2 and 1 % are divided out of a growth of 14.7 %.
    assert found.without_trades == pytest.approx(1.147 / (1.05 * 1.04 * 1.03 * 1.02 * 1.01) - 1)
    assert np.isnan(found.without_month)  # one month only


def test_a_trade_counts_by_its_share_of_the_account_it_was_made_with(by_hand, short_bars, trade_row):
    # Doubled six times: 10,000 to 640,000. Without five of six doublings, one is left.
    equity = np.repeat(10_000 * 2.0 ** np.arange(7), 7)[:48]
    rows = [trade_row(7 * i + 1, 7 * i + 7, 10_000 * 2.0**i) for i in range(6)]
    assert concentration(by_hand(short_bars, equity, trades=rows)).without_trades == pytest.approx(1.0)


def test_the_best_month_is_divided_out(by_hand, long_bars):
    equity = np.full(len(long_bars), 10_000.0)
    equity[5_000:] = 12_000
    assert concentration(by_hand(long_bars, equity)).without_month == pytest.approx(1 / 1.2 - 1)
