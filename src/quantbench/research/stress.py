"""The same decisions under worse conditions: higher costs, later fills, without the luckiest trades and months."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Costs
from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError, QuantbenchError
from quantbench.core.results import Backtest
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy
from quantbench.engine import metrics
from quantbench.engine.backtest import backtest, traded_from
from quantbench.indicators import atr

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "FACTORS",
    "AtCosts",
    "BreakEven",
    "Concentration",
    "at_costs",
    "break_even",
    "by_part",
    "concentration",
    "delayed",
    "stress",
]

FloatArray = npt.NDArray[np.float64]

FACTORS: Final = (1.0, 1.5, 2.0)
_BEST: Final = 5
_COLUMNS: Final = ("target", "stop", "take", "trail", "breakeven", "enter", "hold")
_REGIMES: Final = ("quiet", "normal", "wild")


class AtCosts(NamedTuple):
    """One value per cost factor: fractions, Sharpe a year, trades; NaN with a `reason` where it cannot be said."""

    factor: FloatArray
    total_return: FloatArray
    sharpe: FloatArray
    max_drawdown: FloatArray
    trades: FloatArray
    reason: str


class Concentration(NamedTuple):
    """Total return without the best `trades` trades, and without the best month (NaN if under three): fractions."""

    trades: int
    without_trades: float
    without_month: float


def at_costs(result: Backtest, *, factors: tuple[float, ...] = FACTORS) -> AtCosts:
    """Trade the same strategy again, in every other way as before, with all costs times each factor.

    Returns
    -------
    AtCosts
        The first factor, 1, is the result itself. Its limits hold at higher costs too: with a
        ``max_spread_points`` a wider spread also forbids entries, and with loss limits an earlier
        halt does, so that a worse price can mean fewer trades.
    """
    rows, reason = [_row(result)], ""
    try:
        rows += [_row(_again(result, factor)) for factor in factors[1:]]
    except QuantbenchError as fault:
        reason = str(fault)
    rows += [(math.nan,) * 4] * (len(factors) - len(rows))
    made, sharpe, fall, trades = np.asarray(rows, np.float64).T
    return AtCosts(np.asarray(factors, np.float64), made, sharpe, fall, trades, reason)


def _again(result: Backtest, factor: float) -> Backtest:
    start = result.trade_from
    return _retraded(result, result.strategy, result.bars, costs=result.costs.times(factor), trade_from=start)


def _retraded(result: Backtest, strategy: Strategy, bars: Bars, *, costs: Costs, trade_from: Any) -> Backtest:
    return backtest(
        strategy,
        bars,
        account=result.account,
        costs=costs,
        sizing=result.sizing,
        limits=result.limits,
        intrabar=result.intrabar,
        rates=result.rates,
        trade_from=trade_from,
        engine=result.engine,
    )


def _row(result: Backtest) -> tuple[float, float, float, float]:
    found = result.metrics()
    return found["total_return"], found["sharpe"], found["max_drawdown"], len(result.path.trades)


def concentration(result: Backtest) -> Concentration:
    """Return what is left of the total return without its best trades, and without its best month.

    Both are divided out of the growth, for sizes that grow with the account: a trade as its profit over
    the balance before it, a month as its return.
    """
    rows, balance = result.path.trades, result.account.balance
    before = np.append(balance, result.path.balance)[rows["entry_bar"]]
    share = np.sort(rows["profit"] / np.where(before > 0, before, np.inf))[::-1]
    best = share[:_BEST]
    months = _months(result)
    total = float(rows["profit"].sum()) / balance
    without = (1.0 + total) / (1.0 + months.max()) - 1.0 if len(months) > 2 else math.nan
    return Concentration(len(best), max(float((1.0 + total) / np.prod(1.0 + best) - 1.0), -1.0), float(without))


def _months(result: Backtest) -> FloatArray:
    """Return the net return of each month that has days."""
    daily = result.daily
    return metrics.compounded(daily.to_numpy(), daily.index.to_numpy().astype("datetime64[M]").astype(np.int64))[1]


class BreakEven(NamedTuple):
    """The multiple of all costs at which nothing is left; NaN, or a bound, with the reason."""

    multiple: float
    reason: str


def break_even(result: Backtest | Sequence[Backtest], *, most: float = 16.0) -> BreakEven:
    """Return the multiple of its costs at which a result earns nothing, to a hundredth.

    Parameters
    ----------
    result : Backtest or sequence of Backtest
        Of several, accounts of one currency, what they earn together counts.
    most : float
        The highest multiple tried.

    Returns
    -------
    BreakEven
        0 where it loses even without costs, `most` where it earns even there, NaN where nothing was traded.

    Notes
    -----
    Found by bisection. Costs also change what is traded (lots, margin, limits), so the return need not fall
    evenly; where it crosses 0 more than once, one of the crossings is found.

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.break_even(qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1")))
    BreakEven(multiple=0.0, reason='it loses even without costs')
    """
    results = (result,) if isinstance(result, Backtest) else tuple(result)
    if not any(len(one.path.trades) for one in results):
        return BreakEven(math.nan, "nothing was traded")
    try:
        if _made(results, 0.0) <= 0:
            return BreakEven(0.0, "it loses even without costs")
        if _made(results, most) > 0:
            return BreakEven(most, f"it still earns at {most:g} times its costs")
        low, high = 0.0, most
        while high - low > 0.01:
            middle = (low + high) / 2
            low, high = (middle, high) if _made(results, middle) > 0 else (low, middle)
    except QuantbenchError as fault:
        return BreakEven(math.nan, str(fault))
    return BreakEven((low + high) / 2, "")


def _made(results: Sequence[Backtest], factor: float) -> float:
    return sum(float(_again(one, factor).path.equity[-1]) - one.account.balance for one in results)


def delayed(result: Backtest, *, bars: float) -> Backtest:
    """Return the same decisions traded late: by whole bars, or by a part of one.

    Parameters
    ----------
    result : Backtest
    bars : float
        A whole number of bars, or less than one: then the fill at the open moves that share of the way to
        the close, which is where the price is then if it went straight.

    Raises
    ------
    ParamsError
        For a delay below 0, or of bars and a part.
    """
    if not (bars >= 0 and (bars < 1 or float(bars).is_integer())):
        raise ParamsError(f"a delay is whole bars, or a part of one bar, found {bars!r}")
    signals, market = traded_from(result.strategy.signals(result.bars), result.bars, result.trade_from), result.bars
    if bars < 1:
        market = replace(market, open=market.open + bars * (market.close - market.open))
    else:
        signals = _shifted(signals.spread_over(len(market)), int(bars))
    return _retraded(result, Decided(signals), market, costs=result.costs, trade_from=None)


@dataclass(frozen=True)
class Decided(Strategy):
    """Decisions made before."""

    signals_made: Signals

    def decide(self, bars: Bars) -> Signals:  # noqa: ARG002  (it was decided on other bars)
        """Return them."""
        return self.signals_made


def _shifted(signals: Signals, bars: int) -> Signals:
    moved: dict[str, Any] = {}
    for name in _COLUMNS:
        column = getattr(signals, name)
        if column is not None:
            blank = np.zeros(min(bars, len(column)), column.dtype) if name in {"target", "enter"} else column[:bars]
            moved[name] = np.concatenate([blank, column[: max(len(column) - bars, 0)]])
    return Signals(**moved)


def stress(result: Backtest) -> pd.DataFrame:
    """Return total return and Sharpe a year as traded, and under each stress; NaN where it cannot be said.

    Rows: as traded; costs times 1.5 and 2; a tenth of a bar and a bar late; without the best five trades,
    the best month, the worst month (returns divided out of growth; no Sharpe).

    Examples
    --------
    >>> import quantbench as qb
    >>> qb.stress(qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))).index[0]
    'as traded'
    """
    import pandas as pd

    costs, lean, months = at_costs(result), concentration(result), _months(result)
    rows = {"as traded": (costs.total_return[0], costs.sharpe[0])}
    for at, factor in enumerate(costs.factor[1:], 1):
        rows[f"costs x {factor:g}"] = costs.total_return[at], costs.sharpe[at]
    for name, late in (("0.1 bar late", 0.1), ("1 bar late", 1)):
        rows[name] = _row(delayed(result, bars=late))[:2]
    rows[f"without the best {lean.trades} trades"] = lean.without_trades, math.nan
    rows["without the best month"] = lean.without_month, math.nan
    worst = (1.0 + costs.total_return[0]) / (1.0 + months.min()) - 1.0 if len(months) > 2 else math.nan
    rows["without the worst month"] = worst, math.nan
    return pd.DataFrame.from_dict(rows, orient="index", columns=["total_return", "sharpe"])


def by_part(result: Backtest) -> pd.DataFrame:
    """Return trades and net profit by year of exit, session of entry, and regime of entry.

    A regime is a third of all bars by ATR(14) over the close, at the close on which the entry was decided;
    ``unknown`` before there is an ATR.
    """
    import pandas as pd

    rows, bars = result.path.trades, result.bars
    moves = np.asarray(atr(bars, 14)) / bars.close
    known = moves[np.isfinite(moves)]
    edges = np.quantile(known, (1 / 3, 2 / 3)) if len(known) else np.full(2, np.nan)
    before = moves[np.maximum(rows["entry_bar"] - 1, 0)]
    regime = np.where(np.isfinite(before), np.array(_REGIMES, object)[np.searchsorted(edges, before)], "unknown")
    session = np.array(metrics.SESSIONS, object)[metrics.session_of(bars.time_ns[rows["entry_bar"]])]
    year = bars.time[rows["exit_bar"]].astype("datetime64[Y]").astype(str).astype(object)
    parts = {
        name: pd.DataFrame({"profit": rows["profit"], "part": labels}).groupby("part")["profit"].agg(["size", "sum"])
        for name, labels in (("year", year), ("session", session), ("regime", regime))
    }
    table = pd.concat(parts, names=["by", "part"])
    return table.rename(columns={"size": "trades", "sum": "profit"})
