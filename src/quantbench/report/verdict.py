"""Three plain lines on a result: what it made, how fragile that is, and what it means given what was tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from quantbench.core.errors import ExecutionError
from quantbench.core.results import Backtest
from quantbench.core.study import Study
from quantbench.data.ledger import count_distinct
from quantbench.report.search_data import expected_best, has_score, luck_sharpe, trial_sharpes
from quantbench.report.wording import counted, number, percent, span, tried_phrase
from quantbench.research.stress import AtCosts, Concentration, at_costs, concentration

__all__ = ["Level", "Verdict", "distinct_trials", "judged", "verdict"]

Level = Literal["green", "amber", "red"]

_FEW_TRADES: Final = 30
_TWO_SIDED: Final = 1.96  # 95 %


@dataclass(frozen=True)
class Verdict:
    """What to think of a result, in three lines and one colour.

    Attributes
    ----------
    level : {"green", "amber", "red"}
        Red: stop here. Amber: not proven. Green needs out-of-sample evidence: a backtest alone never is.
    because : str
        What decided the level.
    made, fragile, luck : str
        The three lines.
    """

    level: Level
    because: str
    made: str
    fragile: str
    luck: str

    @property
    def lines(self) -> tuple[str, str, str]:
        """The three lines, in order."""
        return self.made, self.fragile, self.luck

    def __str__(self) -> str:
        return "\n".join(self.lines)


class _Odds(NamedTuple):
    """The Sharpe found, what luck alone gives, one standard error, how many trials (in words too) and days."""

    sharpe: float
    luck: float
    error: float
    trials: int
    tried: str
    days: int


def verdict(result: Backtest, study: Study | None = None, *, tried: int | None = None) -> Verdict:
    """Return the verdict on a backtest, in-sample, after costs.

    Parameters
    ----------
    result : Backtest
        What is judged. It is traded again at one and a half and at twice its costs.
    study : Study, optional
        The search it was chosen from; without it the result counts as one trial.
    tried : int, optional
        Distinct trials of this strategy on these bars; those in the ledger where not given. What
        luck alone gives is reckoned for so many, if they are more than the study holds.

    Raises
    ------
    ExecutionError
        When the study searched another strategy or other bars.

    Examples
    --------
    >>> import quantbench as qb
    >>> found = qb.verdict(qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1")))
    >>> found.level in {"amber", "red"}, len(str(found).splitlines())
    (True, 3)
    """
    return judged(result, study, at_costs(result), tried=distinct_trials(result) if tried is None else tried)


def distinct_trials(result: Backtest) -> int:
    """Return how many different trials of this strategy on these bars the ledger holds."""
    return count_distinct(family=type(result.strategy).__name__, data_version=result.bars.version)


def judged(result: Backtest, study: Study | None, stress: AtCosts, *, tried: int = 0) -> Verdict:
    """Return the verdict from a stress of costs that was already run and a count that was already made."""
    if study is not None:
        _same_question(result, study)
    if not len(result.path.trades):
        return _untraded(result, study, tried)
    odds, kept = _odds(result, study, tried), concentration(result)
    level, because = _level(result, odds, stress)
    return Verdict(level, because, _made(result), _fragile(result, stress, kept), _luck(result, study, odds))


def _same_question(result: Backtest, study: Study) -> None:
    name, searched = type(result.strategy).__name__, study.strategy.__name__
    if name != searched or result.bars.version != study.bars.version:
        raise ExecutionError(
            f"the study searched {searched} on {study.bars!r}, the result is {name} on {result.bars!r}; "
            "judge a result with the study it was chosen from"
        )


def _who(result: Backtest) -> str:
    return f"{type(result.strategy).__name__} on {result.bars.symbol} {result.bars.timeframe}"


def _untraded(result: Backtest, study: Study | None, tried: int) -> Verdict:
    skipped = result.skipped
    why = ", ".join(f"{reason} {n:,}" for reason, n in skipped["reason"].value_counts().items())
    fragile = f"Entries that did not open: {len(skipped):,} ({why})." if why else ""
    phrase = tried_phrase(None if study is None else len(study), tried)
    return Verdict(
        "red",
        "it never traded",
        f"{_who(result)} never traded in {span(result.bars.years)}: there is nothing to judge.",
        fragile or "No entry was decided: look at the signals, the warm-up and the length of the bars.",
        f"{phrase}, in-sample; nothing here is out-of-sample.",
    )


def _made(result: Backtest) -> str:
    found = result.metrics()
    total = float(found["total_return"])
    verb = "made" if total > 0 else "lost" if total < 0 else "broke even:"
    return (
        f"{_who(result)} {verb} {percent(abs(total))} net over {span(result.bars.years)}: "
        f"{counted(len(result.path.trades), 'trade')}, Sharpe {number(found['sharpe'])}, "
        f"worst drawdown {percent(found['max_drawdown'])}."
    )


def _fragile(result: Backtest, stress: AtCosts, kept: Concentration) -> str:
    trades = len(result.path.trades)
    without = []
    if trades > kept.trades:
        without.append(f"{percent(kept.without_trades)} without its best {kept.trades} of {trades:,} trades")
    if math.isfinite(kept.without_month):
        without.append(f"{percent(kept.without_month)} without its best month")
    parts = [_costs_phrase(stress)] + [f"it returns {' and '.join(without)}"] * bool(without)
    if trades < _FEW_TRADES:
        parts.append(f"{counted(trades, 'trade')} {'is' if trades == 1 else 'are'} too few to tell skill from chance")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _costs_phrase(stress: AtCosts) -> str:
    if stress.reason:
        return f"higher costs could not be tried ({stress.reason})"
    if np.ptp(stress.total_return) == 0:
        return "its costs are declared as zero, which no broker offers"
    factors = " and ".join(f"x{factor:g}" for factor in stress.factor[1:])
    return f"with costs {factors} it returns {' and '.join(percent(made) for made in stress.total_return[1:])}"


def _odds(result: Backtest, study: Study | None, tried: int) -> _Odds:
    sharpe, days = float(result.metrics()["sharpe"]), len(result.daily)
    error = math.sqrt(result.bars.instrument.trading_calendar.days_per_year / days) if days else math.nan
    if study is None:
        # Of the ledger's trials only the number is known: they count as independent ones without skill.
        luck = error * expected_best(tried)
        return _Odds(sharpe, luck if tried > 1 else 0.0, error, max(tried, 1), tried_phrase(None, tried), days)
    if tried > len(study):
        said = tried_phrase(len(study), tried)
        return _Odds(sharpe, luck_sharpe(study, tried=tried), error, tried, said, days)
    scored = int(np.isfinite(trial_sharpes(study)).sum())
    return _Odds(sharpe, luck_sharpe(study), error, scored, counted(scored, "trial"), days)


def _luck(result: Backtest, study: Study | None, odds: _Odds) -> str:
    ends = "nothing here is out-of-sample."
    if not math.isfinite(odds.sharpe):
        return f"{odds.tried}, in-sample: it has no Sharpe to compare with luck, and {ends}"
    if study is None and odds.trials == 1:
        return (
            f"Counted as 1 trial, in-sample: over {counted(odds.days, 'day')} a Sharpe without any skill lies within "
            f"+-{number(_TWO_SIDED * odds.error, digits=1)} nineteen times in twenty; {ends}"
        )
    if not math.isfinite(odds.luck):
        return f"{odds.tried}, in-sample: too few to say what luck gives, and {ends}"
    who = odds.tried if study is None else f"{_place(result, study)} {odds.tried}"
    independent = " independent ones" if study is None else ""
    return (
        f"{who}, in-sample: "
        f"without any skill the best of so many{independent} would show a Sharpe near {number(odds.luck)} "
        f"over {counted(odds.days, 'day')}; this one's {number(odds.sharpe)} is {_compared(odds)}, and {ends}"
    )


def _place(result: Backtest, study: Study) -> str:
    # A trial names what was searched; the fields that were not are the same for all.
    own, fixed = result.strategy.params, study.strategy.from_params(study.params[0]).params
    if has_score(study) and fixed | dict(study.best.params) == own:
        return "Best of"
    return "One of" if any(fixed | dict(choice) == own for choice in study.params) else "Beside a search of"


def _compared(odds: _Odds) -> str:
    if odds.sharpe <= odds.luck:
        return "no more than luck gives"
    return f"{number((odds.sharpe - odds.luck) / odds.error, digits=1)} standard errors above that"


def _level(result: Backtest, odds: _Odds, stress: AtCosts) -> tuple[Level, str]:
    if result.path.trades["profit"].sum() <= 0:
        return "red", "it did not make money after costs"
    if (stress.total_return <= 0).any():
        factor = stress.factor[int(np.argmax(stress.total_return <= 0))]
        return "red", f"costs x{factor:g} take the whole profit"
    if odds.sharpe <= odds.luck:
        return "red", "luck alone can explain it"
    if len(result.path.trades) < _FEW_TRADES:
        return "amber", "too few trades, and only in-sample"
    if not odds.sharpe - odds.luck > _TWO_SIDED * odds.error:
        return "amber", "it cannot be told from luck"
    return "amber", "it is good in-sample, which proves nothing yet"
