"""Rules: their text, their canonical form, what they say on bars, and how much history they need."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quantbench as qb
from quantbench.core.errors import ParamsError
from quantbench.indicators.cache import CACHE
from quantbench.indicators.events import bar_before, bars_since, crossed_above
from quantbench.research.evolution.breeding import child, drawn
from quantbench.strategies import from_json, to_json
from quantbench.strategies.rule.canonical import canonical, mirrored
from quantbench.strategies.rule.grammar import DEEPEST, LARGEST, NEVER, WORDS, Kind, Node, below, depth, size
from quantbench.strategies.rule.text import parsed, text_of
from quantbench.strategies.rule.working import _TABLE, holds, memory_of
from quantbench.strategies.rule.working import _value as value

BARS = qb.load("EURUSD", "H1", "2017-01", "2017-07")
SEEDS = st.integers(0, 2**32 - 1)


def a_condition(seed):
    """A condition of some generations of breeding, not canonical yet: two sides of a rule joined and turned."""
    random = np.random.default_rng(seed)
    one, two = drawn(random), drawn(random)
    for _ in range(int(random.integers(4))):
        one = child(one, two, random)
    return Node("not", (Node("and", (one.long, Node("or", (one.short, Node("not", (two.long,)))))),))


# --- text ----------------------------------------------------------------------------------------------------


@given(SEEDS)
def test_what_a_rule_prints_is_read_back_as_the_same_rule(seed):
    node = a_condition(seed)
    assert parsed(text_of(node)) == node


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("close>sma(close,50)", "close > sma(close, 50)"),
        ("sma(close, 50) > close", "close < sma(close, 50)"),
        ("not close < sma(close, 50)", "close >= sma(close, 50)"),
        ("rsi(14) <= 30", "rsi(14) <= 30"),
        ("rsi(14) < 30 and (adx(14) > 25 or atr(5) < span)", "(adx(14) > 25 or span > atr(5)) and rsi(14) < 30"),
        ("recent(crossed_below(close, lowest(20)), 5)", "recent(crossed_below(close, lowest(20)), 5)"),
        (
            "recent(crossed_below(sma(close, 5), sma(close, 8)), 5)",
            "recent(crossed_above(sma(close, 8), sma(close, 5)), 5)",
        ),
        ("not not (always and close > open)", "close > open"),
    ],
)
def test_a_rule_is_printed_in_canonical_form(text, printed):
    assert qb.Rule(long=text, short="never").long == printed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("close > sme(close, 50)", r"a rule has no word 'sme': did you mean sma\?"),
        ("close > sma(close)", "sma takes a column of the bars, a lookback; found 1 of them"),
        ("close > sma(50, close)", "50 stands where a rule wants a column of the bars"),
        ("close > sma(close, 5000)", r"a lookback is from 2 to 1,000 \(found 5,000\)"),
        ("close > rsi(14)", r"rsi\(14\) is an oscillator, 0 to 100, and a rule wants a price there"),
        ("close", "close is a column of the bars, and a rule wants a condition there"),
        ("close > 1.1", "a rule knows no '1.1'"),
        ("close > open > low", "a rule knows no 'close > open > low'"),
        ("close == open", "a rule compares with > < >= <="),
        ("30 > rsi(14)", "an oscillator on the left and its level on the right"),
        ("rsi(14) > 130", r"a level, 0 to 100 is from 0 to 100 \(found 130\)"),
        ("above(close, open)", "above is no function of a rule"),
        ("crossed_above(close, open)", r"crossed_above\(close, open\) is an event, and a rule wants a condition"),
        ("close.mean() > open", "a rule knows no 'close.mean"),
        ("__import__('os').system('true')", "a rule knows no"),
        ("sma(close, lookback=5) > close", "a rule knows no 'sma"),
        ("[close > open for close in open]", "a rule knows no"),
        ("close >", "not a rule: 'close >'"),
        ("", "not a rule: ''"),
        ("(" * 3000 + "always" + ")" * 3000, "at most 4,000 characters"),
        (7, "a rule is a text"),
        ("\0", "not a rule"),
        ("rsi(True) > 30", "a rule knows no 'True'"),
    ],
)
def test_what_is_no_rule_is_refused_in_a_sentence(text, message):
    with pytest.raises(ParamsError, match=message):
        qb.Rule(long=text, short="never")


def test_a_rule_that_wants_nothing_and_a_stop_of_nothing_are_refused():
    with pytest.raises(ParamsError, match="long and short must not be the same condition"):
        qb.Rule(long="never", short="not always")
    with pytest.raises(ParamsError, match="stop_atr must be above 0"):
        qb.Rule(long="always", short="never", stop_atr=0.0)


# --- canonical form ------------------------------------------------------------------------------------------


@given(SEEDS)
def test_the_canonical_form_says_the_same_after_the_warm_up_and_is_its_own_canonical_form(seed):
    node = a_condition(seed)
    found = canonical(node)
    assert canonical(found) == found
    first = max(memory_of(node), memory_of(found))
    np.testing.assert_array_equal(holds(node, BARS)[first:], holds(found, BARS)[first:])
    assert size(found) <= size(node)


@given(SEEDS)
def test_order_repetition_and_double_negation_make_no_other_rule(seed):
    random = np.random.default_rng(seed)
    one, two = drawn(random).long, drawn(random).long
    both = canonical(Node("and", (one, two)))
    assert canonical(Node("and", (two, Node("and", (one, two))))) == both
    assert canonical(Node("not", (Node("not", (Node("and", (two, one)),)),))) == both
    assert canonical(Node("or", (one, Node("and", (one, two))))) == canonical(one)
    assert canonical(Node("and", (one, Node("not", (one,))))) == NEVER


@given(SEEDS)
def test_the_mirror_of_the_mirror_is_the_rule_and_it_trades_the_world_upside_down(seed):
    node = drawn(np.random.default_rng(seed)).long
    assert mirrored(mirrored(node)) == node


def test_the_mirror_holds_where_the_rule_holds_upside_down():
    # Powers of two, and sums of them, turn upside down without rounding.
    level = 4.0
    close = level + np.random.default_rng(5).integers(-64, 64, 600) / 128
    before = np.concatenate([close[:1], close[:-1]])
    high, low = np.maximum(before, close) + 1 / 64, np.minimum(before, close) - 1 / 64

    def bars(open_, high, low, close):
        return qb.Bars("EURUSD", "H1", BARS.instrument, BARS.time[:600], open_, high, low, close)

    up, down = bars(before, high, low, close), bars(*(2 * level - column for column in (before, low, high, close)))
    for text in ("close > highest(8)", "high > sma(low, 4)", "recent(crossed_above(close, open), 3) or close > low"):
        node = parsed(text)
        np.testing.assert_array_equal(holds(node, up)[10:], holds(mirrored(node), down)[10:])
        assert holds(node, up).any()


# --- what it says on bars ------------------------------------------------------------------------------------


def test_every_word_but_the_signs_means_one_function_and_no_other_can_be_called():
    assert set(_TABLE) == set(WORDS)


def test_a_rule_says_what_the_indicators_say():
    close, rule = (
        BARS.close,
        qb.Rule(
            long="close > sma(close, 50) and recent(crossed_above(rsi(14), 40), 8)",
            short="close < lowest(34) or (atr(5) > atr(21) and ema(close, 8) < upper_band(21) and adx(13) > 30)",
        ),
    )
    long = (close > qb.sma(close, 50)) & (bars_since(crossed_above(qb.rsi(close, 14), 40.0)) < 8)
    noise = (qb.atr(BARS, 5) > qb.atr(BARS, 21)) & (qb.ema(close, 8) < qb.bollinger(close, 21).upper)
    short = (close < bar_before(qb.donchian(BARS, 34).lower)) | (noise & (qb.adx(BARS, 13) > 30))
    found, first = rule.signals(BARS), rule.warmup
    assert first == 420
    np.testing.assert_array_equal(found.target[first:], (long.astype(int) - short)[first:])
    assert {-1.0, 0.0, 1.0} == set(found.target)
    np.testing.assert_array_equal(found.stop, 3.0 * qb.atr(BARS, 14))


def test_a_condition_is_worked_out_once_and_cannot_be_written_to():
    node = parsed("close > sma(close, 77) and rsi(13) > 50")
    first = holds(node, BARS)
    assert holds(parsed("close>sma(close,77) and rsi(13)>50"), BARS) is first
    assert not first.flags.writeable
    assert holds(parsed("rsi(13) > 50"), BARS) is holds(parsed("rsi(13) > 50"), BARS)
    CACHE.clear()
    np.testing.assert_array_equal(holds(node, BARS), first)


@pytest.mark.parametrize("name", [name for name, word in WORDS.items() if word.forgets[0] and name != "recent"])
def test_each_word_forgets_within_the_bars_it_claims(name):
    """Cut off all history but the claimed memory: the last value moves by less than 1e-8 of itself."""
    node = Node(name, tuple(Node("close") if kind is Kind.COLUMN else 13 for kind in WORDS[name].takes))
    for last in range(2_000, 3_000, 50):
        whole, cut = (value(node, bars)[-1] for bars in (BARS[:last], BARS[last - 1 - memory_of(node) : last]))
        assert math.isclose(whole, cut, rel_tol=1e-8), last


def test_a_crossing_is_forgotten_after_the_bars_it_claims():
    node = parsed("recent(crossed_above(close, sma(close, 5)), 13)")
    assert memory_of(node) == 13 + 1 + 5
    for last in range(2_000, 3_000, 50):
        assert holds(node, BARS[:last])[-1] == holds(node, BARS[last - 1 - memory_of(node) : last])[-1]


@pytest.mark.parametrize("seed", range(4))
def test_bred_rules_are_certified_causal_with_the_warm_up_they_claim(seed):
    random = np.random.default_rng(seed)
    one = drawn(random)
    for _ in range(5):
        one = child(one, drawn(random), random)
    found = qb.certify(qb.Rule.from_params(one.choice), BARS, cuts=40)
    assert not [finding for finding in found.findings if finding.severity == "fault"], str(found)
    assert not [finding for finding in found.findings if finding.severity == "hint"], str(found)


@given(SEEDS)
def test_bred_rules_stay_within_the_limits(seed):
    random = np.random.default_rng(seed)
    one, two = drawn(random), drawn(random)
    for _ in range(20):
        one, two = child(one, two, random), child(two, one, random)
    for side in (one.long, one.short):
        assert size(side) <= LARGEST
        assert depth(side) <= DEEPEST
        assert canonical(side) == side
        assert all(node.word in WORDS for node, _, _ in below(side))


def test_a_rule_is_a_value_that_survives_json_and_is_counted_by_its_words():
    rule = qb.Rule(long="rsi(14) < 30 and close > sma(close, 50)", short="never", stop_atr=2.0)
    assert (
        from_json(to_json(rule))
        == rule
        == qb.Rule(long="close > sma(close, 50) and rsi(14) < 30", short="never", stop_atr=2.0)
    )
    assert rule.complexity == 7
    assert repr(rule) == "Rule(long='close > sma(close, 50) and rsi(14) < 30', short='never', stop_atr=2.0)"
