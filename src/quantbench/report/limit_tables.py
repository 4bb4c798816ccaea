"""What kept entries from opening, and how many trades could have ended otherwise, as text."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final, NamedTuple

import numpy as np

from quantbench.core.limits import Blackout
from quantbench.core.path import SKIPS
from quantbench.core.results import Backtest
from quantbench.report.wording import counted, money, percent

__all__ = ["RuleRow", "ambiguous_note", "rule_rows", "skipped_note"]


class RuleRow(NamedTuple):
    """A rule or a reason by name, what it means here, and how many entries it stopped."""

    name: str
    says: str
    stopped: str


_REASONS: Final = {
    "no stop": "The size is reckoned from the distance to the stop, and there was none.",
    "volume": "The lots asked for were below the smallest volume, or could not be reckoned.",
    "margin": "The required margin was more than the account had.",
    "ruin": "Equity had ended at or below zero: nothing more is traded.",
}


def rule_rows(result: Backtest) -> list[RuleRow]:
    """Return every limit that is on and every other reason there was, with the entries each stopped."""
    stopped, every = _stopped(result), len(result.path.skipped)
    return [
        RuleRow(_label(name), _REASONS.get(name) or _says(result, name), _counted(stopped.get(name, 0), every))
        for name in SKIPS
        if name in stopped or getattr(result.limits, name, None) not in (None, ())
    ]


def skipped_note(result: Backtest) -> str:
    """Return how many entries did not open."""
    every = len(result.path.skipped)
    return f"{every:,} {'entry' if every == 1 else 'entries'} did not open." if every else "Every entry opened."


def ambiguous_note(result: Backtest) -> str:
    """Return how many trades ended on a bar that reached both levels, where the order is not known."""
    rows = result.path.trades
    found = int(rows["ambiguous"].sum())
    finer = f" after asking {result.intrabar.timeframe} bars" if result.intrabar is not None else ""
    if not found:
        return f"No trade ended on a bar that reached both its stop and its take{finer}."
    return (
        f"* {counted(found, 'trade')} of {len(rows):,} ({percent(found / len(rows))}) ended on a bar that reached both "
        f"stop and take{finer}: the worse, the stop, was taken."
    )


def _stopped(result: Backtest) -> dict[str, int]:
    code, n = np.unique(result.path.skipped[:, 1], return_counts=True)
    return {SKIPS[int(each)]: int(many) for each, many in zip(code, n, strict=True)}


def _counted(n: int, every: int) -> str:
    return f"{n:,} ({percent(n / every)})" if n else "0"


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _says(result: Backtest, name: str) -> str:
    """Return a limit in words: when it forbids an entry."""
    value = getattr(result.limits, name)
    if isinstance(value, Blackout):
        near = f"from {value.before:g} minutes before to {value.after:g} after"
        return f"{_NONE} {near} {counted(len(value.events), 'event')} of a calendar ({', '.join(value.impact)} impact)."
    if isinstance(value, timedelta):
        return f"{_NONE} {'within' if name == 'cooldown' else 'later than'} {_long(value)} after the {_SINCE[name]}."
    if name == "max_daily_loss" and value >= 1:
        return f"{_NONE} for the rest of a day that has lost {money(value, result.account.currency)}."
    if name == "max_drawdown" and result.limits.flatten:
        return f"{_NONE} {_SAYS[name](value)}; what is held is closed."
    return f"{_NONE} {_SAYS[name](value)}."


def _long(span: timedelta) -> str:
    seconds = span.total_seconds()
    unit, size = next((each for each in _UNITS if seconds >= each[1] and seconds % each[1] == 0), ("second", 1))
    count = seconds / size
    return f"{count:g} {unit}{'' if count == 1 else 's'}"


_NONE: Final = "No entry"
_UNITS: Final = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_SINCE: Final = {"cooldown": "last entry", "max_wait": "decision"}
_SAYS: Final[dict[str, Any]] = {
    "sessions": lambda value: f"outside {', '.join(value)} on the server clock",
    "max_spread_points": lambda value: f"at a spread above {value:g} points",
    "max_atr_percent": lambda value: f"at a mean range of 14 bars above {value:g} % of the close",
    "max_trades_per_day": lambda value: f"after {value:,} {'entry' if value == 1 else 'entries'} in a day",
    "max_daily_loss": lambda value: f"for the rest of a day that has lost {percent(value)} of its starting equity",
    "max_consecutive_losses": lambda value: (
        f"for the rest of the day after {value:,} {'loss' if value == 1 else 'losses'} in a row"
    ),
    "max_drawdown": lambda value: f"ever again, once equity was {percent(value)} below its highest",
}
