"""The tables of a page, as text: what is written is decided here, how it looks in the template."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from quantbench.core.account import Costs
from quantbench.core.limits import Limits
from quantbench.core.results import Backtest
from quantbench.core.rules import REASONS
from quantbench.core.study import Study
from quantbench.engine import metrics
from quantbench.engine.market import spread_points
from quantbench.report.figures import MONTHS
from quantbench.report.search_data import varied
from quantbench.report.series import monthly_returns
from quantbench.report.wording import METRICS, counted, meaning, money, number, percent, points, tried_phrase, written
from quantbench.research.stress import AtCosts

__all__ = [
    "MAIN",
    "TILES",
    "MetricRow",
    "TradeRow",
    "best_trials",
    "headline",
    "metric_rows",
    "month_table",
    "parameters",
    "shown_trades",
    "stress_table",
    "trade_list",
    "where_it_went",
]

TILES: Final = ("total_return", "sharpe", "max_drawdown", "trades", "profit_factor", "win_rate")
MAIN: Final = tuple(METRICS)[:15]

_ENDS: Final = 10  # trades shown from either end
_MOST_TRADES: Final = 1_000  # about 350 bytes each: a third of a megabyte
_BEST_TRIALS: Final = 10
_STRONGEST: Final = 62  # percent of the hue in the strongest cell: text stays readable on it


_LIMITED: Final = "The limits hold at higher costs too: a wider spread or an earlier loss can stop further entries."


class MetricRow(NamedTuple):
    """A metric as printed, why it is missing (or empty), and what it says."""

    label: str
    value: str
    reason: str
    says: str


class TradeRow(NamedTuple):
    """A trade's net profit, whether that is a `gain` or a `loss`, and the cells before and after it."""

    before: tuple[str, ...]
    profit: str
    outcome: str
    after: tuple[str, ...]


def headline(result: Backtest, study: Study | None, *, tried: int = 0) -> str:
    """Return the result's headline with the number of trials it was chosen from, in its search and in the ledger."""
    phrase = tried_phrase(None if study is None else len(study), tried)
    return f"{result.headline.rpartition(', ')[0]}, {phrase}"


def metric_rows(result: Backtest, names: Iterable[str]) -> list[MetricRow]:
    """Return the named metrics, each NaN with its reason."""
    found, currency = result.metrics(), result.account.currency
    reasons = found.attrs.get("reasons", {})
    known = [name for name in names if name in found]
    values = [written(name, float(found[name]), currency=currency) for name in known]
    return [
        MetricRow(meaning(name).label, value, reasons.get(name, ""), meaning(name).says)
        for name, value in zip(known, values, strict=True)
    ]


def month_table(result: Backtest) -> dict[str, Any]:
    """Return the monthly returns as cells with a sign and a strength of colour."""
    table = monthly_returns(result)
    most = float(np.nanmax(np.abs(table.returns), initial=0.0)) or 1.0

    def cell(value: float) -> dict[str, Any]:
        if not np.isfinite(value):
            return {"text": "", "sign": "", "strength": 0}
        sign = "gain" if value > 0 else "loss" if value < 0 else ""
        strength = round(_STRONGEST * min(abs(value) / most, 1.0))
        return {"text": number(100 * value, digits=1), "sign": sign, "strength": strength}

    rows = [
        {"year": str(year), "cells": [cell(value) for value in months], "total": cell(total)}
        for year, months, total in zip(table.years, table.returns, table.total, strict=True)
    ]
    return {"names": MONTHS, "rows": rows}


def stress_table(stress: AtCosts, limits: Limits) -> dict[str, Any]:
    """Return what each multiple of the costs leaves, and what to know about it."""
    rows = [
        {"name": f"x{factor:g}", "cells": (percent(made), number(sharpe), percent(fall), number(trades, digits=0))}
        for factor, made, sharpe, fall, trades in zip(*stress[:5], strict=True)
    ]
    names = [METRICS[name].label for name in ("total_return", "sharpe", "max_drawdown", "trades")]
    notes = [f"Higher costs could not be tried: {stress.reason}."] * bool(stress.reason)
    notes += [_LIMITED] * (limits != Limits())
    return {"names": names, "rows": rows, "notes": notes}


def where_it_went(result: Backtest) -> dict[str, str]:
    """Return the way from gross to net in account currency; empty where it cannot be told."""
    bars, rows, currency = result.bars, result.path.trades, result.account.currency
    if not len(rows) or np.isnan(metrics.conversion(rows, bars.instrument, currency=currency)).any():
        return {}
    costs, point = result.costs.resolved(bars.instrument), bars.instrument.point
    found = metrics.waterfall(
        rows,
        bars.instrument,
        currency=currency,
        spread=spread_points(bars, costs) * point,
        slippage=(costs.slippage_points or 0.0) * point,
    )
    names = ("Gross, on bid prices", "Spread", "Commission", "Swap", "Slippage", "Net")
    return {name: number(value) for name, value in zip(names, found, strict=True)}


def trade_list(result: Backtest) -> dict[str, Any]:
    """Return the first and last trades, and all of them up to a budget of size."""
    n = len(result.path.trades)
    if n <= 4 * _ENDS:
        return {"title": counted(n, "trade"), "shown": shown_trades(result, range(n)), "all": [], "all_title": ""}
    ends = [*shown_trades(result, range(_ENDS)), None, *shown_trades(result, range(n - _ENDS, n))]
    half = _MOST_TRADES // 2
    if n <= _MOST_TRADES:
        everything, title = [*shown_trades(result, range(n))], f"All {n:,} trades"
    else:
        everything = [*shown_trades(result, range(half)), None, *shown_trades(result, range(n - half, n))]
        title = f"The first and last {half:,} of {n:,} trades; result.trades has all"
    head = f"The first and last {_ENDS} of {n:,} trades"
    return {"title": head, "shown": ends, "all": everything, "all_title": title}


def shown_trades(result: Backtest, positions: Sequence[int]) -> list[TradeRow | None]:
    """Return the trades at these positions as text."""
    rows, times = result.path.trades, np.datetime_as_string(result.bars.time, unit="m")
    return [_trade(i, rows[i], times, result.bars.instrument.digits) for i in positions]


def _trade(place: int, row: Any, times: Any, digits: int) -> TradeRow:
    entry, leave = (str(times[row[bar]]).replace("T", " ") for bar in ("entry_bar", "exit_bar"))
    names = ("entry_price", "stop", "take", "exit_price")
    price, stop, take, out = (points(float(row[name]), digits) for name in names)
    reason = REASONS[row["reason"]].replace("_", " ") + ("*" if row["ambiguous"] else "")
    taken = (number(float(row[name])) for name in ("mae", "mfe", "commission", "swap"))
    before = (
        str(place + 1),
        "long" if row["side"] > 0 else "short",
        number(float(row["lots"])),
        *(entry, price, stop, take, leave, out, reason),
    )
    profit, held = float(row["profit"]), str(row["exit_bar"] - row["entry_bar"])
    return TradeRow(before, number(profit), "gain" if profit > 0 else "loss", (held, *taken))


def best_trials(study: Study) -> dict[str, Any]:
    """Return the trials with the highest scores; failures come last and say why."""
    score = study.values[study.score]
    order = np.argsort(np.where(np.isfinite(score), -score, np.inf), kind="stable")[:_BEST_TRIALS]
    names = list(varied(study)) or list(study.params[0] if study.params else ())
    shown = [name for name in dict.fromkeys((study.score, *TILES)) if name in study.values]
    currency = study.account.currency
    rows = [
        (
            str(i),
            *(str(study.params[i][name]) for name in names),
            *(written(name, float(study.values[name][i]), currency=currency) for name in shown),
            study.failures[i] or "",
        )
        for i in order
    ]
    heads = ["Trial", *names, *(meaning(name).label for name in shown), "Failure"]
    if not any(row[-1] for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    return {"names": heads, "rows": rows, "count": counted(len(study), "trial"), "headline": study.headline}


def parameters(result: Backtest) -> dict[str, str]:
    """Return the choice, the money, what trading takes and on what else the result rests, by name."""
    costs = result.costs.resolved(result.bars.instrument)
    carried = bool(np.isfinite(result.bars.spread).any())
    declared = f"{costs.spread_points:g} points, where the bars carry none"
    spread = f"carried by the bars, x{costs.spread_factor:g}" if carried else declared
    return {
        **{name: str(value) for name, value in result.strategy.params.items()},
        "Warm-up": counted(result.strategy.warmup, "bar"),
        "Account": money(result.account.balance, result.account.currency),
        "Stop-out": f"at {percent(result.account.stop_out_level, digits=0)} of the required margin",
        "Sizing": repr(result.sizing),
        "Spread": spread,
        "Slippage": f"{costs.slippage_points:g} points",
        "Commission": _commission(costs, result.account.currency),
        "Swap": "charged" if costs.swap else "not charged",
        "Limits": "none" if result.limits == Limits() else "those listed above",
        **_also_given(result),
    }


def _also_given(result: Backtest) -> dict[str, str]:
    """Return what only some results have: another currency's rates, finer bars, a later start."""
    given = {
        "Converted with": result.rates and f"{result.rates.symbol} {result.rates.timeframe}, {result.rates.version}",
        "Finer bars": result.intrabar and f"{result.intrabar.timeframe}, {result.intrabar.version}",
        "Traded from": result.trade_from and str(result.trade_from),
    }
    return {name: value for name, value in given.items() if value}


def _commission(costs: Costs, currency: str) -> str:
    """Return what a side of a trade pays, in words."""
    by_lot, by_notional = costs.commission_per_lot or 0.0, costs.commission_percent or 0.0
    parts = [f"{by_lot:g} {currency} a lot"] * (by_lot > 0)
    parts += [f"{100 * by_notional:g} % of notional"] * (by_notional > 0)
    return f"{' and '.join(parts)}, each side" if parts else "none"
