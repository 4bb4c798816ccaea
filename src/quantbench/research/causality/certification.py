"""`certify`: every causality test on one strategy and one range of bars."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.core.strategy import Strategy
from quantbench.data.code import code_hash
from quantbench.research.causality.certificate import Certificate, Finding
from quantbench.research.causality.cuts import chosen_cuts, turning_bars
from quantbench.research.causality.lint import remarks_on
from quantbench.research.causality.lookahead import look_ahead
from quantbench.research.causality.memory import measured_memory
from quantbench.research.causality.outputs import Outputs, asked, outputs_of
from quantbench.research.causality.purity import asked_again, before, executed, unchanged
from quantbench.research.causality.source import Code, code_of

__all__ = ["certify"]

_ENOUGH: Final = 30  # bars after the warm-up below which nothing is shown
_ORDER: Final = ("fault", "open", "hint")


def certify(strategy: Strategy, bars: Bars, *, seed: int = 0, cuts: int = 200) -> Certificate:
    """Test whether a strategy decides from what was known, remembers what it says, and is pure.

    At each of the cuts, the bars after it are taken away, and replaced twice by another future: nothing
    that was said before may change (relative 1e-9), neither the target nor any distance, entry, hold or
    declared indicator. The cuts stand at session and month starts, holes, gaps, spikes, clock changes, the
    strategy's own decisions, the first and last bars, and at random. Histories that begin later show after
    how many bars more history changes nothing. The strategy is asked again, as a copy, with other global
    random numbers, and must have changed nothing. Its source is read for what often goes wrong.

    A strategy may define ``indicators(bars)``, a mapping of name to one value per bar: they are tested too.

    Parameters
    ----------
    strategy : Strategy
        What is tested, with its params: others need a certificate of their own.
    bars : Bars
        What it is tested on. They should hold at least twice its warm-up, and trades.
    seed : int
        Of the choice of cuts and of the other futures.
    cuts : int
        How many cuts; a quarter as many later beginnings of the history.

    Returns
    -------
    Certificate
        `passed`, `findings` (output, first bar, lag) and the measured warm-up; ``str()`` is the verdict.

    Raises
    ------
    ParamsError
        When a class is given, or no cut is asked for.
    SignalError
        When the strategy gives no valid signals on the bars as they are.

    Notes
    -----
    The measured warm-up is what these bars showed: a slow average behind a decision shows wholly only where
    it is a declared indicator. Proof against the strategy is certain; proof for it is as good as the cuts
    and the bars. State kept outside the strategy by earlier calls can hide a leak: certify in a new process.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.research.causality import certify
    >>> found = certify(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> found.passed, found.declared_warmup
    (True, 280)
    """
    check(isinstance(strategy, Strategy), "give a strategy such as MaCross(), not its class", found=strategy)
    check(cuts >= 1, "cuts must be 1 or more", cuts=cuts)
    codes = code_of(strategy)
    first = max(strategy.warmup, 0)
    if len(bars) < first + 2:
        tests = _Tests((_too_short(bars, first),), {})
    else:
        tests = _tested(strategy, bars[:], codes, seed=seed, cuts=cuts)  # who writes to bars writes to this copy
    findings = dict.fromkeys([*tests.findings, *_on_source(strategy, bars[:], codes)])
    return Certificate(
        strategy=strategy,
        code=code_hash(type(strategy)),
        bars=repr(bars),
        bars_version=bars.version,
        seed=seed,
        cuts=tests.cuts,
        starts=tests.starts,
        decided=max(0, len(bars) - first),
        findings=tuple(sorted(findings, key=lambda finding: _ORDER.index(finding.severity))),
        memory=tests.memory,
        declared_warmup=strategy.warmup,
    )


class _Tests(NamedTuple):
    """What the tests on bars gave."""

    findings: Sequence[Finding]
    memory: Mapping[str, int | None]
    cuts: int = 0
    starts: int = 0


def _tested(strategy: Strategy, bars: Bars, codes: tuple[Code, ...], *, seed: int, cuts: int) -> _Tests:
    """Run every test that asks the strategy; one that answers otherwise each time is not asked further."""
    first, then = max(strategy.warmup, 0), before(strategy, bars, codes)
    strategy.signals(bars)
    known = outputs_of(strategy, bars)
    asked(strategy, bars[: max(first + 1, len(bars) // 2)])  # what it saw in between must leave no trace
    changed = unchanged(then, before(strategy, bars, codes))
    impure = asked_again(strategy, bars, known, seed) + changed
    if _has_fault(impure):
        return _Tests([*impure, _UNTESTED], dict.fromkeys(known))
    turning = turning_bars(bars, known)
    places = chosen_cuts(turning, first + 1, len(bars), count=cuts, seed=seed)
    starts = chosen_cuts(turning, 1, len(bars) - first - 1, count=max(8, cuts // 4), seed=seed + 1)
    seen = look_ahead(strategy, bars, known, places, first=first, seed=seed)
    memory, late = measured_memory(strategy, bars, known, [start.bars for start in starts], warmup=first)
    findings = [*impure, *seen, *late, *_vacuous(known, first)]
    if not _has_fault(findings):  # so much later, and after so many other bars, the answer must be the same
        findings += asked_again(strategy, bars, known, seed + 1)
        findings += unchanged(then, before(strategy, bars, codes))
    return _Tests(findings, memory, len(places), len(starts))


_UNTESTED: Final = Finding(
    "open", "untested", "look-ahead and warm-up: an impure strategy may answer otherwise each time; mend that first"
)


def _has_fault(findings: Iterable[Finding]) -> bool:
    return any(finding.severity == "fault" for finding in findings)


def _too_short(bars: Bars, first: int) -> Finding:
    message = f"{len(bars):,} bars show nothing after a warm-up of {first:,}; give {2 * first + _ENOUGH:,} or more"
    return Finding("open", "untested", message)


def _vacuous(known: Outputs, first: int) -> list[Finding]:
    """Say where a pass would mean nothing."""
    target = known["target"][first:]
    if target.size < _ENOUGH:
        message = f"only {target.size:,} bars after the warm-up; give {2 * first + _ENOUGH:,} or more"
        return [Finding("open", "untested", message)]
    if not np.any(np.nan_to_num(target)):
        return [Finding("open", "untested", "it never wants a position on these bars; give bars on which it trades")]
    return []


def _on_source(strategy: Strategy, bars: Bars, codes: tuple[Code, ...]) -> list[Finding]:
    """Return the remarks on the code: hints, and faults where a line that reads other than bars has run."""
    remarks = remarks_on(codes)
    reading = tuple(remark for remark in remarks if remark.reads_more)
    ran = set(executed(strategy, bars, reading)) if reading and len(bars) > strategy.warmup + 1 else set()
    unread = [code for code in codes if code.tree is None]
    findings = [
        Finding("fault", "impure", f"{remark.message}, and that line ran", where=remark.where)
        if remark in ran
        else Finding("hint", "source", remark.message, where=remark.where)
        for remark in remarks
    ]
    if unread:
        names = ", ".join(sorted(code.function.__qualname__ for code in unread))
        findings.append(Finding("hint", "source", f"no source to read for {names}: only its behaviour was tested"))
    return findings
