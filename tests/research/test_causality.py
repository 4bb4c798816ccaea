import json
import random
import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ParamsError, SignalError
from quantbench.research.causality import certify
from quantbench.research.causality.cuts import chosen_cuts, turning_bars
from quantbench.research.causality.futures import other_futures
from quantbench.research.causality.lint import remarks_on
from quantbench.research.causality.outputs import outputs_of
from quantbench.research.causality.source import code_of
from quantbench.strategies import ALL

COLUMNS = ("time", "open", "high", "low", "close", "volume", "spread")
FIRST_BARS = 2_600  # January to May: months, weekends and both changes of the clock in spring


def module_beside(name):
    """Tests are no package: a corpus is loaded by its path, under a name that pickle finds again."""
    if name not in sys.modules:
        spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


BIASED = module_beside("biased_strategies")
GOOD = [*module_beside("honest_strategies").HONEST, *ALL]
every_bias = pytest.mark.parametrize("case", BIASED.CORPUS, ids=lambda case: case.strategy.__name__)
every_good = pytest.mark.parametrize("good", GOOD, ids=lambda good: good.__name__)


@pytest.fixture(autouse=True)
def nothing_learned_yet():
    BIASED.MODEL.clear()


@cache
def sample(rows=None):
    """The embedded EURUSD H1, with a spread on every bar."""
    bars = qb.load("EURUSD", "H1")[:rows]
    return replace(bars, spread=np.random.default_rng(1).integers(2, 9, len(bars)).astype(float))


@cache
def market(rows, *, seed=3, digits=5):
    """A random walk with jumps and holes; few digits make many closes equal."""
    rng = np.random.default_rng(seed)
    moves = rng.normal(0, 1e-3, rows) + np.where(rng.random(rows) < 0.01, rng.normal(0, 0.02, rows), 0.0)
    close = np.round(1.1 * np.exp(np.cumsum(moves)), digits)
    before = np.append(close[:1], close[:-1])
    wick = (np.abs(close - before) + 1e-4) * rng.random((2, rows))
    hours = np.arange(rows) + 48 * np.cumsum(rng.random(rows) < 0.01)
    return qb.Bars(
        "EURUSD",
        "H1",
        qb.load("EURUSD", "H1").instrument,
        np.datetime64("2017-01-02T00:00", "ns") + hours * np.timedelta64(1, "h"),
        before,
        (np.maximum(before, close) + wick[0]).round(5),
        (np.minimum(before, close) - wick[1]).round(5),
        close,
        rng.integers(1, 900, rows).astype(float),
        rng.integers(1, 20, rows).astype(float),
    )


# ---------------------------------------------------------------- the corpora


@every_bias
def test_every_biased_strategy_is_caught_and_the_certificate_names_what_where_and_how_far(case):
    bars = sample(FIRST_BARS)
    strategy = case.strategy()
    certificate = certify(strategy, bars, cuts=120)
    assert certificate.verdict == "failed"
    assert not certificate.passed
    found = [fault for fault in certificate.faults if (fault.what, fault.output) == (case.what, case.output)]
    assert found, str(certificate)
    fault = found[0]
    if isinstance(case.lag, range):
        assert fault.lag in case.lag
    else:
        assert fault.lag == case.lag
    if case.what in {"look-ahead", "warm-up"}:
        assert strategy.warmup <= fault.bar < len(bars)
        assert fault.time == str(bars.time[fault.bar].astype("datetime64[m]")).replace("T", " ")
        assert f"{fault.output}, bar {fault.bar:,} ({fault.time} UTC)" in str(certificate)


def test_the_corpus_is_large_and_has_every_kind_of_bias():
    assert len(BIASED.CORPUS) >= 20
    assert {case.what for case in BIASED.CORPUS} == {"look-ahead", "warm-up", "impure", "error"}
    ahead = {case.output for case in BIASED.CORPUS if case.what == "look-ahead"}
    assert ahead == {"target", "stop", "take", "trail", "breakeven", "enter", "hold", "indicator trend"}


@every_good
def test_no_good_strategy_is_accused_on_the_sample(good):
    certificate = certify(good(), sample(), cuts=80)
    assert certificate.passed, str(certificate)


@every_good
def test_no_good_strategy_is_accused_on_a_random_market(good):
    certificate = certify(good(), market(1_700, digits=3), cuts=40, seed=1)
    assert certificate.passed, str(certificate)


@every_good
@pytest.mark.parametrize("rows", [0, 1, 2, 61, 310])
def test_no_good_strategy_is_accused_on_a_short_history(good, rows):
    certificate = certify(good(), market(rows), cuts=16)
    assert certificate.faults == (), str(certificate)


@pytest.mark.parametrize("cuts", [10, 64])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_leak_on_every_bar_is_caught_with_any_seed_and_few_cuts(seed, cuts):
    assert certify(BIASED.ShiftsBack(), market(600), seed=seed, cuts=cuts).faults[0].lag == 1


# ---------------------------------------------------------------- what a pass means


def test_too_few_bars_prove_nothing():
    certificate = certify(qb.MaCross(), market(200))
    assert certificate.verdict == "not proved"
    assert certificate.measured_warmup is None
    assert "200 bars show nothing after a warm-up of 280; give 590 or more" in str(certificate)


def test_a_strategy_that_never_trades_is_not_proved():
    @dataclass(frozen=True)
    class Waits(qb.Strategy):
        def decide(self, bars):
            return qb.Signals(np.zeros(len(bars)))

    certificate = certify(Waits(), market(300))
    assert certificate.verdict == "not proved"
    assert "never wants a position" in str(certificate)


def test_memory_without_end_is_a_fault_of_the_warm_up_and_no_look_ahead():
    certificate = certify(BIASED.ScoresAgainstAllThatWas(), sample(FIRST_BARS))
    assert {fault.what for fault in certificate.faults} == {"warm-up"}


@pytest.mark.parametrize(("lookback", "expected"), [(2, 1), (50, 49), (120, 119)])
def test_the_measured_warm_up_of_a_simple_average_is_its_lookback_less_one(lookback, expected):
    @dataclass(frozen=True)
    class Above(qb.Strategy):
        @property
        def warmup(self):
            return 200

        def decide(self, bars):
            return qb.Signals(1.0, stop=qb.sma(bars.high - bars.low, lookback) + 1e-5)

    certificate = certify(Above(), market(1_000))
    assert certificate.memory == {"target": 0, "stop": expected}
    assert certificate.measured_warmup == expected


def test_the_measured_memory_of_an_exponential_average_agrees_with_its_weights():
    @dataclass(frozen=True)
    class Smooth(qb.Strategy):
        @property
        def warmup(self):
            return 300

        def decide(self, bars):
            return qb.Signals(1.0, stop=qb.ema(bars.high, 20))

    # After n bars a weight of (19/21)**n is left. It falls below 1e-9 at 207; the seed is near the price.
    assert 100 < certify(Smooth(), market(1_500)).measured_warmup <= 207


def test_a_decision_by_rounding_is_a_hint_and_no_fault():
    crosses = next(good for good in GOOD if good.__name__ == "CrossesPandasAverages")
    on_ties = crosses(fast=2, slow=5)
    findings = certify(on_ties, market(1_500, digits=3)).findings
    assert {finding.what for finding in findings} == {"rounding"}
    assert {finding.severity for finding in findings} == {"hint"}


def test_what_is_only_strange_in_the_source_is_a_hint():
    looks_bad = next(good for good in GOOD if good.__name__ == "LooksWorseThanItIs")
    certificate = certify(looks_bad(), market(600))
    assert certificate.passed
    assert any("reads the clock" in hint.message for hint in certificate.hints)
    assert all(hint.where.startswith("honest_strategies.py:") for hint in certificate.hints)


# ---------------------------------------------------------------- nothing is touched, and the answer is the same


def test_the_same_question_has_the_same_certificate():
    first = certify(BIASED.CentresItsWindow(), market(600), seed=5)
    assert certify(BIASED.CentresItsWindow(), market(600), seed=5).to_dict() == first.to_dict()
    assert certify(BIASED.CentresItsWindow(), market(600), seed=6).seed == 6


def test_the_bars_the_global_dice_and_the_tracer_are_left_as_they_were():
    bars = sample(400)
    columns = {name: getattr(bars, name).tobytes() for name in COLUMNS}
    dice, python_dice, tracer = repr(np.random.get_state()), random.getstate(), sys.gettrace()  # noqa: NPY002
    certify(BIASED.OverwritesTheBars(), bars)
    certify(BIASED.DrawsFromTheGlobalDice(), bars[:300])
    certify(BIASED.ReadsTheClock(), bars)
    assert {name: getattr(bars, name).tobytes() for name in COLUMNS} == columns
    assert sys.gettrace() is tracer
    assert random.getstate() == python_dice
    assert repr(np.random.get_state()) != dice, "the strategy drew from them when it was asked the first time"  # noqa: NPY002


def test_a_certificate_is_json_with_a_schema():
    certificate = certify(BIASED.StopsBelowTheNextLow(), sample(500))
    found = json.loads(json.dumps(certificate.to_dict(), allow_nan=False))
    assert found["schema"] == 1
    assert found["verdict"] == "failed"
    assert found["strategy"] == "biased_strategies:StopsBelowTheNextLow"
    assert found["bars_version"] == sample(500).version
    assert found["findings"][0]["output"] == "stop"
    assert found["findings"][0]["lag"] == 1
    assert (found["declared_warmup"], found["measured_warmup"]) == (20, 19)


def test_a_strategy_of_strategies_is_written_in_words():
    votes = next(good for good in GOOD if good.__name__ == "VotesOfOthers")
    found = certify(votes(), market(200)).to_dict()
    assert found["params"]["first"] == "MaCross(fast=5, slow=40, stop_atr=3.0)"


def test_a_strategy_made_inside_a_function_can_be_certified():
    @dataclass(frozen=True)
    class Local(qb.Strategy):
        def decide(self, bars):
            return qb.Signals.when(long=bars.close > bars.open)

    certificate = certify(Local(), market(400))
    assert certificate.passed
    assert [hint.message[:21] for hint in certificate.hints] == ["it cannot be pickled,"]


def test_a_strategy_without_source_is_judged_by_what_it_does():
    text = (
        "@dataclass(frozen=True)\nclass Made(qb.Strategy):\n    def decide(self, bars):\n"
        "        return qb.Signals(np.sign(np.append(np.diff(bars.close), 0.0)))\n"
    )
    names = {"dataclass": dataclass, "qb": qb, "np": np, "__name__": "__main__"}
    exec(text, names)
    certificate = certify(names["Made"](), market(400))
    assert certificate.faults[0].lag == 1
    assert any("no source to read for Made.decide" in hint.message for hint in certificate.hints)


def test_what_cannot_be_certified_is_refused_with_words():
    with pytest.raises(ParamsError, match=r"give a strategy such as MaCross\(\), not its class"):
        certify(qb.MaCross, market(400))
    with pytest.raises(ParamsError, match="cuts must be 1 or more"):
        certify(qb.MaCross(), market(400), cuts=0)

    @dataclass(frozen=True)
    class TooBig(qb.Strategy):
        def decide(self, bars):
            return qb.Signals(np.full(len(bars), 2.0))

    with pytest.raises(SignalError, match="finite and in"):
        certify(TooBig(), market(400))


# ---------------------------------------------------------------- cuts


def test_the_cuts_stand_on_both_sides_of_what_turns_and_at_the_ends():
    bars = sample()
    turning = turning_bars(bars, outputs_of(qb.MaCross(), bars))
    cuts = chosen_cuts(turning, 281, len(bars), count=200, seed=0)
    known = {cut.bars for cut in cuts}
    assert {281, 282, len(bars) - 2, len(bars) - 1} <= known
    assert {cut.why for cut in cuts} >= {"random", "last bar", "first bar", "decision", "spike", "session start"}
    months = turning["UTC month start"]
    both = [row for row in months.tolist() if {row, row + 1} <= known]
    assert len(both) >= 8
    assert known & set(turning["clock change"].tolist())
    assert 180 <= len(cuts) <= 220


def test_the_turning_bars_are_what_they_are_called():
    bars = sample()
    turning = turning_bars(bars, outputs_of(qb.MaCross(), bars))
    assert len(turning["UTC month start"]) == 11
    summer = np.array(["2017-03-12T07", "2017-03-26T01", "2017-10-29T01", "2017-11-05T06"], "datetime64[ns]")
    assert turning["clock change"].tolist() == np.searchsorted(bars.time, summer).tolist()
    holes = turning["hole in time"]
    assert (np.diff(bars.time)[holes - 1] > np.timedelta64(90, "m")).all()


def test_a_short_history_is_cut_at_every_bar():
    cuts = chosen_cuts({}, 11, 60, count=200, seed=0)
    assert [cut.bars for cut in cuts] == list(range(11, 60))
    assert chosen_cuts({}, 11, 11, count=200, seed=0) == ()


# ---------------------------------------------------------------- other futures


@settings(max_examples=40)
@given(rows=st.integers(2, 400), share=st.floats(0, 1), seed=st.integers(0, 2**31), digits=st.sampled_from([2, 5]))
def test_another_future_keeps_the_past_and_is_another_future(rows, share, seed, digits):
    bars = market(rows, digits=5 if digits == 5 else 3)
    bars = replace(bars, instrument=replace(bars.instrument, digits=digits, point=10.0**-digits))
    cut = 1 + int(share * (rows - 2))
    up, down = other_futures(bars, cut, seed)  # Bars check themselves: highs, lows and positive prices
    for future in (up, down):
        for name in COLUMNS:
            assert getattr(future, name)[:cut].tobytes() == getattr(bars, name)[:cut].tobytes()
        assert future.time.tobytes() == bars.time.tobytes()
        assert np.isfinite(future.spread).all()
    last = bars.close[cut - 1]
    grid = 10.0**-digits / np.minimum(up.close[cut:], down.close[cut:])
    mirrored = np.abs(np.log(up.close[cut:] / last) + np.log(down.close[cut:] / last))
    assert (mirrored <= 2 * grid).all()
    assert [b.version for b in other_futures(bars, cut, seed)] == [up.version, down.version]


def test_the_two_futures_open_on_both_sides_of_the_last_known_close():
    bars = sample(1_000)
    for cut in (300, 500, 998):
        up, down = other_futures(bars, cut, seed=0)
        assert down.close[cut] < bars.close[cut - 1] < up.close[cut]
        assert np.log(up.high[cut:] / bars.close[cut - 1]).max() < 2.0


def test_prices_that_never_move_have_futures_that_do():
    bars = market(300)
    flat = replace(bars, **dict.fromkeys(("open", "high", "low", "close"), np.full(300, 1.1)))
    up, _ = other_futures(flat, 100, seed=0)
    assert len(np.unique(up.close[100:])) > 20


# ---------------------------------------------------------------- lint


LOOKS_AHEAD = {
    "frame.close.shift(-1)": "later bars back",
    "frame.close.shift(periods=-2)": "later bars back",
    "frame.close.pct_change(-3)": "later bars back",
    "frame.close.rolling(5, center=True).mean()": "around the bar",
    "frame.close.bfill()": "fills from later bars",
    "frame.close.fillna(method='bfill')": "values of later bars",
    "frame.reindex(x, method='nearest')": "values of later bars",
    "pd.merge_asof(x, x, direction='forward')": "values of later bars",
    "frame.close.interpolate()": "later value",
    "bars.close.mean()": "over a whole column",
    "np.std(bars.close)": "over a whole column",
    "max(bars.close)": "over a whole column",
    "frame.close.rank()": "ranks each bar",
    "scipy.stats.zscore(x)": "whole sample",
    "model.fit(x)": "fits on every bar",
    "bars.close[-1]": "the last bar",
    "frame.close.iloc[-1]": "the last bar",
    "np.roll(x, -1)": "wraps around",
    "x[::-1]": "turns time around",
    "frame.resample('1D').last()": "before it is known",
    "np.convolve(x, x, mode='same')": "around the bar",
    "np.gradient(x)": "next bar",
    "np.random.random(3)": "random numbers",
}
IS_FINE = (
    "frame.close.shift(1)",
    "frame.close.rolling(5).mean()",
    "frame.close.ewm(span=5).std()",
    "frame.close.expanding().max()",
    "frame.close.rolling(5).apply(lambda w: w.mean() + w[-1])",
    "frame.close.groupby(x).cumsum().max",
    "frame.resample('1D', label='right').last()",
    "windows.mean(axis=1)",
    "max(self.fast, self.slow)",
    "self.weights.sum()",
    "bars.close[1:] - bars.close[:-1]",
    "x.shape[-1]",
    "np.random.default_rng(7).normal(size=3)",
    "frame.close.ffill()",
)


def lint_of(expression, folder):
    file = folder / "linted.py"
    file.write_text(f"def decide(self, bars):\n    return {expression}\n", encoding="utf-8")
    names = {"__name__": "linted"}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    strategy = type("Linted", (qb.Strategy,), {"decide": names["decide"], "__module__": "linted"})
    return remarks_on(code_of(strategy()))


@pytest.mark.parametrize(("expression", "said"), LOOKS_AHEAD.items(), ids=LOOKS_AHEAD)
def test_the_lint_remarks_on_what_often_looks_ahead_with_its_line(expression, said, tmp_path):
    found = lint_of(expression, tmp_path)
    assert any(said in remark.message for remark in found), found
    assert {remark.where for remark in found} == {"linted.py:2"}


@pytest.mark.parametrize("expression", IS_FINE)
def test_the_lint_is_silent_about_what_is_fine(expression, tmp_path):
    assert lint_of(expression, tmp_path) == ()


def test_the_lint_reads_the_functions_that_decide_calls_and_no_others():
    names = {code.function.__qualname__ for code in code_of(BIASED.ShiftsBack())}
    assert names == {"ShiftsBack.decide"}
    names = {code.function.__qualname__ for code in code_of(BIASED.EntersBeforeRises())}
    assert names == {"EntersBeforeRises.decide", "next_of"}
    remark = next(r for r in remarks_on(code_of(BIASED.ShiftsBack())))
    lines = Path(BIASED.__file__).read_text(encoding="utf-8").splitlines()
    assert "shift(-1)" in lines[remark.line - 1]
