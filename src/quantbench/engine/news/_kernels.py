"""Reading signals: the few bars whose decision is news are all the engine looks at.

News is a target that differs from the bar before's (0 before the first), or `enter`. Only such a bar can
start, end or resize a position, so its distances are the only ones ever read.
"""

import numpy as np

from quantbench.config._kernels import compiles
from quantbench.engine.book import WANT_ENTER, WANT_EXITS, WANT_TARGET

BLOCK = 32  # bars
WORD = 8  # bars of one byte each


@compiles(_nrt=False)
def fill_in(target, enter_, exits, warm, first, turns, wanted):
    """Write what is decided on each bar of news; return whether `Signals.checked` passes it from bar `warm` on.

    `exits` hold no distance, one for all bars, or one each.
    """
    fine = _are_fine(target[warm:first]) and _are_distances(target[warm:], exits, warm)
    for i in range(len(wanted)):
        t = turns[i]
        wanted[i, WANT_TARGET] = target[t]
        wanted[i, WANT_ENTER] = enter_[t] if len(enter_) else False
        fine &= abs(wanted[i, WANT_TARGET]) <= 1.0  # NaN fails too; each value the target takes is news once
    for c in range(len(exits)):
        column, wants = exits[c], wanted[:, WANT_EXITS + c]
        if len(column) > 1:
            for i in range(len(wants)):
                wants[i] = column[turns[i]]
        else:
            wants[:] = column[0] if len(column) else np.nan
    return fine


@compiles(_nrt=False)
def find_news(target, enter_, first, turns):
    """Write the bars of news from `first` on, then the number of bars; return how many there are."""
    n, found = len(target), 0
    if first < n:
        turns[0] = first
        found += target[first] != 0 or (len(enter_) > 0 and enter_[first])
    if target.itemsize == 1 and not len(enter_):
        return _news_of_bytes(target, min(first + 1, n), turns, found)
    for begin in range(first + 1, n, BLOCK):  # most blocks of bars hold no news: asked at once, whole vectors at a time
        end, many = min(begin + BLOCK, n), 0
        now, before, flags = target[begin:end], target[begin - 1 : end - 1], enter_[begin:end]
        for t in range(len(now)):
            many += now[t] != before[t]
        for t in range(len(flags)):
            many += flags[t]
        if not many:
            continue
        for t in range(len(now)):
            if now[t] != before[t] or (len(flags) > 0 and flags[t]):
                turns[found] = begin + t
                found += 1
    turns[found] = n
    return found


@compiles(_nrt=False)
def _news_of_bytes(target, begin, turns, found):
    """Find the news from bar `begin` on among targets of one byte: eight bars are one word, which tells at once."""
    n = len(target)
    end = begin + (n - begin) // WORD * WORD
    now, before = target[begin:end].view(np.uint64), target[begin - 1 : end - 1].view(np.uint64)
    for i in range(len(now)):
        if now[i] != before[i]:
            found = _note(target, begin + WORD * i, begin + WORD * (i + 1), turns, found)
    found = _note(target, end, n, turns, found)
    turns[found] = n
    return found


@compiles(_nrt=False)
def _note(target, begin, end, turns, found):
    """Write every bar and keep those that are news, without a guess at which are; return how many are known."""
    for t in range(begin, end):
        turns[found] = t
        found += target[t] != target[t - 1]
    return found


@compiles(_nrt=False)
def _are_fine(target):
    bad = 0
    for t in range(len(target)):
        bad += not abs(target[t]) <= 1.0
    return bad == 0


@compiles(_nrt=False)
def _are_distances(target, exits, warm):
    """Return whether each distance is positive, or NaN, where something is wanted."""
    bad = 0
    for c in range(len(exits)):
        column = exits[c]
        if len(column) == 1:
            if column[0] <= 0 or np.isinf(column[0]):
                for t in range(len(target)):
                    bad += target[t] != 0
        elif len(column):
            distances = column[warm:]
            for t in range(len(target)):
                bad += (distances[t] <= 0 or np.isinf(distances[t])) and target[t] != 0
    return bad == 0
