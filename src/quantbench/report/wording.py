"""How a number is written, and what each metric means in one sentence."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

__all__ = [
    "METRICS",
    "Meaning",
    "counted",
    "meaning",
    "money",
    "number",
    "percent",
    "points",
    "span",
    "tried_phrase",
    "written",
]

NOT_KNOWN: Final = "n/a"


class Meaning(NamedTuple):
    """A metric's name as printed, what it says, and its kind.

    The kind is `percent`, `percent2` (two decimals), `ratio`, `money`, `days` or `count`.
    """

    label: str
    kind: str
    says: str


METRICS: Final = {
    "total_return": Meaning("Net return", "percent", "Profit after all costs, as a share of the starting balance."),
    "cagr": Meaning("Growth a year", "percent", "The yearly growth that compounds to the net return."),
    "volatility": Meaning("Volatility a year", "percent", "Standard deviation of daily returns, annualised."),
    "sharpe": Meaning("Sharpe", "ratio", "Mean over deviation of daily net returns, annualised. No risk-free rate."),
    "sortino": Meaning("Sortino", "ratio", "As Sharpe, but only days below zero count as risk."),
    "calmar": Meaning("Calmar", "ratio", "Growth a year over the worst drawdown."),
    "max_drawdown": Meaning("Worst drawdown", "percent", "Deepest fall of equity below its peak so far, on every bar."),
    "max_drawdown_days": Meaning("Longest under water", "days", "Calendar days of the longest stretch below a peak."),
    "profit_factor": Meaning("Profit factor", "ratio", "Money won over money lost, all trades. Above 1 makes money."),
    "win_rate": Meaning("Win rate", "percent", "Share of trades that closed above zero, after costs."),
    "expectancy": Meaning("Expectancy", "money", "Mean net profit of a trade."),
    "sqn": Meaning(
        "SQN", "ratio", "Mean over deviation of trades (in R if all have stops), times root n, n at most 100."
    ),
    "exposure": Meaning("Exposure", "percent", "Share of bars at which a position was held."),
    "trades": Meaning("Trades", "count", "Closed parts: a position closed in two parts counts twice."),
    "turnover": Meaning("Turnover a year", "ratio", "Notional traded a year over mean equity."),
    "cagr_calendar": Meaning("Growth a year, calendar", "percent", "As growth a year, counted in elapsed days."),
    "time_under_water": Meaning("Time under water", "percent", "Share of bars with equity below its peak so far."),
    "ulcer_index": Meaning("Ulcer index", "percent", "Root mean square of the daily drawdowns."),
    "martin": Meaning("Martin", "ratio", "Growth a year over the Ulcer index."),
    "omega": Meaning("Omega", "ratio", "Sum of the gains of all days over the sum of their losses."),
    "tail_ratio": Meaning("Tail ratio", "ratio", "95th over 5th percentile of daily returns."),
    "common_sense_ratio": Meaning("Common sense ratio", "ratio", "Tail ratio times Omega."),
    "value_at_risk": Meaning("Value at risk, 5 %", "percent2", "Daily return that the worst 5 % of days fall below."),
    "expected_shortfall": Meaning("Expected shortfall, 5 %", "percent2", "Mean return of the worst 5 % of days."),
    "skew": Meaning("Skew", "ratio", "Asymmetry of daily returns: below 0, the long tail is the losing one."),
    "kurtosis": Meaning("Kurtosis", "ratio", "Weight of the tails of daily returns; 3 is normal."),
    "stability": Meaning("Stability", "ratio", "R squared of log equity on time: 1 is a straight line."),
    "k_ratio": Meaning("K-ratio", "ratio", "Slope of log equity over its standard error (Kestner 2013)."),
    "payoff": Meaning("Payoff", "ratio", "Mean win over mean loss."),
    "kelly": Meaning("Kelly", "percent", "Stake for the fastest growth if the future were these trades: a ceiling."),
    "average_win": Meaning("Average win", "money", "Mean net profit of the winners."),
    "average_loss": Meaning("Average loss", "money", "Mean net loss of the losers."),
    "best_trade": Meaning("Best trade", "money", "Largest net profit."),
    "worst_trade": Meaning("Worst trade", "money", "Largest net loss."),
    "expectancy_r": Meaning("Expectancy in R", "ratio", "Mean net profit in units of the risk to the stop at entry."),
    "sqn_uncapped": Meaning("SQN, uncapped", "ratio", "SQN with every trade counted: it grows with their number."),
    "max_consecutive_losses": Meaning("Losses in a row", "count", "The longest run of losing trades."),
    "average_over_cost": Meaning(
        "Average trade over cost", "ratio", "Mean profit before costs over the mean cost of a trade. Above 1 earns."
    ),
    "average_bars": Meaning("Bars held", "ratio", "Mean number of bars from entry to exit."),
}


def meaning(metric: str) -> Meaning:
    """Return what is known of a metric; one without an entry is a ratio by its own name."""
    return METRICS.get(metric) or Meaning(metric.replace("_", " ").capitalize(), "ratio", "")


def number(value: float, *, digits: int = 2) -> str:
    """Return the number with that many decimals, or `n/a`; never ``-0.00``.

    Examples
    --------
    >>> number(-0.001), number(1234.5), number(float("nan"))
    ('0.00', '1,234.50', 'n/a')
    """
    if not math.isfinite(value):
        return NOT_KNOWN
    text = f"{value:,.{digits}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.,") else text


def percent(fraction: float, *, digits: int = 1) -> str:
    """Return a fraction as a percentage.

    Examples
    --------
    >>> percent(-0.042)
    '-4.2 %'
    """
    return f"{number(100 * fraction, digits=digits)} %" if math.isfinite(fraction) else NOT_KNOWN


def money(value: float, currency: str) -> str:
    """Return an amount with its currency."""
    return f"{number(value)} {currency}" if math.isfinite(value) else NOT_KNOWN


def counted(n: int, what: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "trade"), counted(1200, "trade")
    ('1 trade', '1,200 trades')
    """
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def tried_phrase(search: int | None, ledger: int) -> str:
    """Return how many trials a result was chosen from: those of its search (if any), and of the ledger if more.

    Examples
    --------
    >>> tried_phrase(241, 241), tried_phrase(241, 482)
    ('241 trials', '241 trials in this search, 482 distinct in the ledger')
    >>> tried_phrase(None, 482)
    '1 trial here, 482 distinct in the ledger'
    """
    own, where = (1, "here") if search is None else (search, "in this search")
    own_text = counted(own, "trial")
    return own_text if ledger <= own else f"{own_text} {where}, {ledger:,} distinct in the ledger"


def span(years: float) -> str:
    """Return a length of time: years, or days where that says more.

    Examples
    --------
    >>> span(1.02), span(0.05)
    ('1.0 years', '18 days')
    """
    return f"{years:.1f} years" if years >= 0.5 else counted(round(years * 365.25), "day")


def points(price: float, digits: int) -> str:
    """Return a price with the instrument's digits; nothing where there is none."""
    return f"{price:,.{digits}f}" if math.isfinite(price) else ""


def written(metric: str, value: float, *, currency: str) -> str:
    """Return a metric's value with its unit.

    Examples
    --------
    >>> written("win_rate", 0.5, currency="USD"), written("trades", 73.0, currency="USD")
    ('50.0 %', '73')
    """
    kind = meaning(metric).kind
    if kind.startswith("percent"):
        return percent(value, digits=2 if kind == "percent2" else 1)
    if kind == "money":
        return money(value, currency)
    if kind == "days":
        return f"{number(value, digits=0)} days" if math.isfinite(value) else NOT_KNOWN
    return number(value, digits=0 if kind == "count" else 2)
