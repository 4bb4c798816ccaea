"""Three plain lines on a result: what it made, how fragile that is, and what it means given what was tried."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from quantbench.core.errors import ExecutionError
from quantbench.core.results import Backtest, Study
from quantbench.report.search_data import has_score, luck_sharpe, trial_sharpes
from quantbench.report.stress import AtCosts, Concentration, at_costs, concentration
from quantbench.report.wording import counted, number, percent, span

__all__ = ["Level", "Verdict", "judged", "verdict"]

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
    """The Sharpe found, what luck alone gives, one standard error, and how many trials and days."""

    sharpe: float
    luck: float
    error: float
    trials: int
    days: int


def verdict(result: Backtest, study: Study | None = None) -> Verdict:
    """Return the verdict on a backtest, in-sample, after costs.

    Parameters
    ----------
    result : Backtest
        What is judged. It is traded again at one and a half and at twice its costs.
    study : Study, optional
        The search it was chosen from; without it the result counts as the only trial.

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
    return judged(result, study, at_costs(result))


def judged(result: Backtest, study: Study | None, stress: AtCosts) -> Verdict:
    """Return the verdict from a stress of costs that was already run."""
    if study is not None:
        _same_question(result, study)
    if not len(result.path.trades):
        return _untraded(result, study)
    odds, kept = _odds(result, study), concentration(result)
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


def _untraded(result: Backtest, study: Study | None) -> Verdict:
    skipped = result.skipped
    why = ", ".join(f"{reason} {n:,}" for reason, n in skipped["reason"].value_counts().items())
    fragile = f"Entries that did not open: {len(skipped):,} ({why})." if why else ""
    tried = f"{counted(len(study), 'trial')} tried" if study is not None else "1 trial"
    return Verdict(
        "red",
        "it never traded",
        f"{_who(result)} never traded in {span(result.bars.years)}: there is nothing to judge.",
        fragile or "No entry was decided: look at the signals, the warm-up and the length of the bars.",
        f"{tried}, in-sample; nothing here is out-of-sample.",
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


def _odds(result: Backtest, study: Study | None) -> _Odds:
    sharpe, days = float(result.metrics()["sharpe"]), len(result.daily)
    error = math.sqrt(result.bars.instrument.trading_calendar.days_per_year / days) if days else math.nan
    if study is None:
        return _Odds(sharpe, 0.0, error, 1, days)
    return _Odds(sharpe, luck_sharpe(study), error, int(np.isfinite(trial_sharpes(study)).sum()), days)


def _luck(result: Backtest, study: Study | None, odds: _Odds) -> str:
    ends = "nothing here is out-of-sample."
    if not math.isfinite(odds.sharpe):
        return f"{counted(odds.trials, 'trial')}, in-sample: it has no Sharpe to compare with luck, and {ends}"
    if study is None:
        return (
            f"Counted as 1 trial, in-sample: over {counted(odds.days, 'day')} a Sharpe without any skill lies within "
            f"+-{number(_TWO_SIDED * odds.error, digits=1)} nineteen times in twenty; {ends}"
        )
    if not math.isfinite(odds.luck):
        return f"{counted(len(study), 'trial')}, in-sample: too few to say what luck gives, and {ends}"
    return (
        f"{_place(result, study)} {counted(odds.trials, 'trial')}, in-sample: "
        f"without any skill the best of so many would show a Sharpe near {number(odds.luck)} "
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
