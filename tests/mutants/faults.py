"""Classic faults of backtest engines, each as a change of the source that must not go unnoticed.

A fault is a name, the file it is planted in, and the text to replace: found exactly once, or the plant is stale.
"""

from typing import NamedTuple


class Fault(NamedTuple):
    """A fault to plant: `edits` are (old, new) texts of `path`, below src/quantbench."""

    name: str
    engine: str  # whose tests must catch it
    path: str
    edits: tuple[tuple[str, str], ...]


REFERENCE, KERNEL = "reference", "kernel"


def _in(path, engine=REFERENCE):
    def fault(name, *edits):
        return Fault(name, engine, path, edits)

    return fault


_engine = _in("engine/reference.py")
_rules = _in("core/rules.py")
_market = _in("engine/market.py")
_setting = _in("engine/setting.py")
_guards = _in("core/guards.py")
_limits = _in("core/limits.py")
_calendar = _in("core/calendar.py")
_signals = _in("core/signals.py")
_kernel = _in("engine/_kernels.py", KERNEL)
_fills = _in("engine/fills/_kernels.py", KERNEL)
_quiet = _in("engine/quiet/_kernels.py", KERNEL)
_levels = _in("engine/levels/_kernels.py", KERNEL)
_news = _in("engine/news/_kernels.py", KERNEL)
_tally = _in("engine/tally/_kernels.py", KERNEL)

FAULTS = (
    # --- when things are known
    _engine(
        "fills at the close that decided",
        (
            "quote = market.ask_open[k] if state.side > 0 else market.bid_open[k]",
            "quote = market.ask_close[k - 1] if state.side > 0 else market.bid_close[k - 1]",
        ),
    ),
    _engine(
        "acts on the decision of the bar it fills in",
        ("    target = state.signals.target\n", "    target = np.append(state.signals.target[1:], 0.0)\n"),
    ),
    _engine(
        "leaves by the decision of the bar it fills in",
        ("target = float(state.signals.target[k - 1])", "target = float(state.signals.target[k])"),
    ),
    _engine("retries inside an episode", ("before, enter=enter, is_flat", "before, enter=True, is_flat")),
    _rules("any change of size starts an episode", ("sign(target) != sign(before)", "target != before")),
    _signals("the warm-up is not masked", (".flat_before(min(max(warmup, 0), length))", "")),
    _setting(
        "lots are counted at the open of the fill",
        ("close=float(venue.market.bid_close[t])", "close=float(venue.market.bid_open[t + 1])"),
    ),
    # --- lots
    _rules("lots are floored as floats", ("_STEP_SLACK: Final = 1e-9", "_STEP_SLACK: Final = 0.0")),
    _rules("volume_max is ignored", ("+ _STEP_SLACK), most)", "+ _STEP_SLACK), 10**9)")),
    _engine("margin is not asked for", ('        return "margin"\n', "        pass\n")),
    _engine("an addition forgets the margin of what is open", ("free=equity - bound)", "free=equity)")),
    _engine(
        "a resize closes the newest part first",
        ("        part = state.parts[0]\n", "        part = state.parts[-1]\n"),
        ("state.parts.pop(0)", "state.parts.pop()"),
    ),
    # --- fills and levels
    _engine(
        "exit slippage is a gift",
        ("how.price - state.side * slip,", "how.price + state.side * slip,"),
    ),
    _engine(
        "levels stand off the close that decided",
        ("venue.market.bid_open[k], venue.market.ask_open[k]", "venue.market.bid_close[t], venue.market.ask_close[t]"),
    ),
    _engine(
        "levels stand off the fill, slippage included",
        (
            "        bid=bid,\n        ask=ask,\n",
            "        bid=bid - venue.market.slippage,\n        ask=ask + venue.market.slippage,\n",
        ),
    ),
    _engine(
        "the stop is not checked on the bar of the entry",
        (
            "    if not state.parts:\n        return\n    levels",
            "    if not state.parts or state.entry_bar == k:\n        return\n    levels",
        ),
    ),
    _rules(
        "the take comes before the stop",
        (
            "stopped = side * (bar.adverse - levels.stop) <= 0",
            "stopped = side * (bar.adverse - levels.stop) <= 0 and not side * (bar.favourable - levels.take) >= 0",
        ),
    ),
    _rules(
        "a gap fills at the stop's level",
        ('"stop", quote, slips=True)', '"stop", levels.stop, slips=True)'),
    ),
    _rules(
        "a gap through a take fills at its level",
        ('Exit("take", quote, slips=False)', 'Exit("take", levels.take, slips=False)'),
    ),
    _rules("a take pays slippage", ('Exit("take", levels.take, slips=False)', 'Exit("take", levels.take, slips=True)')),
    _rules("an ambiguous bar is not marked", ("levels.stop, slips=True, ambiguous=taken)", "levels.stop, slips=True)")),
    _market(
        "shorts are triggered on the bid",
        (
            "market.ask_high[k], market.ask_low[k], market.ask_close[k]",
            "market.bid_high[k], market.bid_low[k], market.ask_close[k]",
        ),
    ),
    _market(
        "shorts are marked at the bid",
        (
            "market.ask_high[k], market.ask_low[k], market.ask_close[k]",
            "market.ask_high[k], market.ask_low[k], market.bid_close[k]",
        ),
    ),
    _market("the stops level is ignored", ("max(instrument.stops_level_points, 1.0)", "1.0")),
    _engine("finer bars are not asked", ("if reached and reached.ambiguous:", "if reached and not reached:")),
    # --- following
    _engine(
        "a trail acts on the bar that moves it",
        (
            "            _reach_levels(state, k)\n            _follow(state, k)\n",
            "            _follow(state, k)\n            _reach_levels(state, k)\n",
        ),
    ),
    _rules("a trail may loosen", ("return stop if side * (level - stop) <= 0 else level", "return level")),
    _rules("a trail may cross the close", ("outermost = bar.close - side * nearest", "outermost = bar.favourable")),
    _engine(
        "hold lasts a bar longer",
        ("k - state.entry_bar >= state.distances.hold", "k - state.entry_bar > state.distances.hold"),
    ),
    # --- money
    _engine(
        "commission is paid on one side",
        ("        paid = commission_of(market, instrument, lots, price, convert)\n", "        paid = 0.0\n"),
    ),
    _market(
        "profit is converted at the entry",
        (
            "instrument.contract_size * convert.factor(price)\n\n\ndef commission_of",
            "instrument.contract_size * convert.factor(entry)\n\n\ndef commission_of",
        ),
    ),
    _market(
        "a missing rate is one",
        (
            "    if rates is None:\n",
            "    if rates is None:\n        return np.ones(len(bars)), np.ones(len(bars))\n    if rates is None:\n",
        ),
    ),
    _market(
        "a rate is known before its bar is complete",
        ("complete = rates.time_ns + timeframe_ns(rates.timeframe)", "complete = rates.time_ns"),
    ),
    _market(
        "swap earned is scaled with the costs",
        ("np.where(points < 0, points * paid.declared_factor, points)", "points * paid.declared_factor"),
    ),
    _calendar("triple swap on the wrong day", ("(days + 3) % 7, moment", "(days + 4) % 7, moment")),
    _calendar("the rollover ignores summer time", ("- utc_offset(moment, NEW_YORK)", "+ 5 * HOUR_NS")),
    _engine(
        "an exit within a bar is no excursion", ("min(part.worst * lots, gross, 0.0)", "min(part.worst * lots, 0.0)")
    ),
    _engine(
        "the end of data pays slippage", ("_own(state, k).close, slips=False)", "_own(state, k).close, slips=True)")
    ),
    # --- ruin
    _engine(
        "nobody is stopped out",
        (
            "    moved = not",
            "    return Levels(math.nan, state.stop, state.take, state.stop != state.at_entry[0])\n    moved = not",
        ),
    ),
    _engine("the ruined go on trading", ("    if state.balance <= 0:\n", "    if state.balance <= -1e18:\n")),
    # --- limits
    _guards("a drawdown is forgotten", ("broken=memory.broken or _is_broken", "broken=_is_broken")),
    _guards("a lost day is never over", ("losses=losses, lost_day=False", "losses=losses, lost_day=memory.lost_day")),
    _limits(
        "max_wait counts from the open of the decision",
        ("bars.time_ns[:-1] + timeframe_ns(bars.timeframe))", "bars.time_ns[:-1])"),
    ),
    _limits("volatility knows the bar of the fill", ("closed = np.append(np.nan, percent[:-1])", "closed = percent")),
    # --- the kernel: the same kind, and what only it can do
    _kernel(
        "kernel: buys at the close that decided",
        ("        desk.quotes[4 + OPEN, k],\n", "        desk.quotes[4 + CLOSE, t],\n"),
    ),
    _kernel(
        "kernel: the stop is not checked on the bar of the entry",
        ("if moment == 2 and state[HELD] == 0:", "if moment == 2 and (state[HELD] == 0 or state[ENTRY_BAR] == k):"),
    ),
    _quiet(
        "kernel: a quiet stretch runs through a stop",
        (
            "        reached += side * (adverses[i] - worst) <= 0\n",
            "",
        ),
    ),
    _quiet(
        "kernel: a quiet stretch runs through a rollover",
        ("        reached += swap[i] != 0\n", "        pass\n"),
    ),
    _quiet(
        "kernel: a quiet stretch runs through hold",
        ("last = max(k, book.state[ENTRY_BAR] + int(np.ceil(cells[HOLD])))", "last = max(k, last)"),
    ),
    _quiet(
        "kernel: a quiet stretch forgets how far the stop has followed",
        ("end, cells[STOP] = _followed(", "end, _ = _followed("),
    ),
    _fills(
        "kernel: a stop-out price outlives an addition",
        ("    state[FILLS] += 1\n    state[OUT_IS_OLD] = 1\n", "    state[FILLS] += 1\n"),
    ),
    _kernel("kernel: a resize has no room", ("    parts = 1 + news\n", "    parts = 1\n")),
    _levels(
        "kernel: a gap fills at the stop's level",
        ("else HIT_TRAIL), quote, True, False", "else HIT_TRAIL), money[STOP], True, False"),
    ),
    _levels(
        "kernel: the take comes before the stop",
        ("    if stopped:\n", "    if taken:\n        return HIT_TAKE, take, False, False\n    if stopped:\n"),
    ),
    _tally(
        "search: a rollover inside a block of bars is passed",
        ("                if swap.shape[1] and swap[row, k] != 0:\n                    adverse = -np.inf\n", ""),
    ),
    _quiet(
        "search: the stop stays where it was while a block is passed",
        ("                stop = tightened(side, stop, level, level, scale)\n", ""),
    ),
    _quiet(
        "search: a block is passed by the stop it began with",
        ("nearer(side, worst, furthest + side / scale), take)", "worst, take)"),
    ),
    _tally("search: a peak inside a block is not seen", ("if best <= book.money[TOP] and not worst", "if not worst")),
    _tally(
        "search: a loss inside a block is not seen",
        (" and not worst < book.money[WORST] * SLACK * book.money[TOP]:", ":"),
    ),
    _quiet(
        "search: break-even is not met inside a block",
        ("if known and not side * (blocks[1, b] - even) >= 0:", "if known:"),
    ),
    _quiet(
        "search: a block is followed to its end, though only some of it is left",
        ("_furthest(favourables[k:end], closes[k:end]", "_furthest(favourables[k : k + BLOCK], closes[k : k + BLOCK]"),
    ),
    _tally(
        "search: bars after a block that is passed in part are passed with it",
        ("                k = after\n", "                k = (b + 1) * BLOCK + 1\n"),
    ),
    _news(
        "search: the last targets of one byte are not read",
        ("    found = _note(target, end, n, turns, found)\n", ""),
    ),
    _news(
        "search: a target of one byte is not compared with the word before",
        ("target[begin - 1 : end - 1].view(np.uint64)", "target[begin:end].view(np.uint64)"),
    ),
    _fills(
        "kernel: lots are floored as floats", ("min(lots / terms.step, 1e15) + 1e-9)", "min(lots / terms.step, 1e15))")
    ),
    _fills(
        "kernel: the stop's level is measured from the fill",
        ("stop, take = quote - side * distance,", "stop, take = quote + side * terms.slippage - side * distance,"),
    ),
)
