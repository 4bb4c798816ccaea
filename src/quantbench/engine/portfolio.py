"""Portfolios: target weights over many symbols that share one account, kept by vectorbt.

The law is EXECUTION's, with one difference: a weight is a wish about value, so every row of weights
rebalances, where a strategy's lots change only with its target. Numbers in brackets are its sections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from quantbench.core.account import Account, Costs
from quantbench.core.bars import Bars
from quantbench.core.calendar import Calendar, trading_day
from quantbench.core.clock import DAY_NS
from quantbench.core.results import daily_returns
from quantbench.core.views import with_views
from quantbench.engine.basket import Basket, basket_of
from quantbench.engine.rebalancing import rebalanced, refuse_stop_out, trade_columns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PortfolioBacktest", "portfolio_backtest"]


@with_views
@dataclass(frozen=True, eq=False, repr=False)
class PortfolioBacktest:
    """Target weights traded over many symbols with shared cash: what was held and made. Read-only.

    Attributes
    ----------
    bars : mapping of str to Bars
        On the common clock.
    account : Account
    costs : mapping of str to Costs
    weights : DataFrame, time x symbol
        On every bar of the clock; NaN where what is held was kept.
    equity : Series of float
        Account currency at each close: balance plus open profit at the own-side price.
    positions : DataFrame, time x symbol
        Signed lots at each close; 0 on the last, where everything is closed.
    trades : DataFrame
        As `Backtest.trades`, with the symbol first; by exit, then symbol, then oldest part.
    orders : DataFrame
        ``time`` (bar whose open fills; the last bar's close for the close at the end of data), ``symbol``,
        ``side``, ``lots``, ``price`` (quote currency, with spread and slippage), ``notional`` (account
        currency), net per bar. A change of zero lots is no order.
    skipped : DataFrame
        ``time, symbol``: weights, or changes of weight, too small for the lots of their symbol.
    calendar : Calendar
        By whose days results are counted.
    """

    bars: Mapping[str, Bars]
    account: Account
    costs: Mapping[str, Costs]
    weights: pd.DataFrame
    equity: pd.Series[float]
    positions: pd.DataFrame
    trades: pd.DataFrame
    orders: pd.DataFrame
    skipped: pd.DataFrame
    calendar: Calendar

    @cached_property
    def daily(self) -> pd.Series[float]:
        """Simple net return of each trading day that has bars."""
        import pandas as pd

        days, ends = self._day_ends()
        index = pd.DatetimeIndex((days * DAY_NS).astype("datetime64[ns]"), name="day")
        made = daily_returns(np.asarray(self.equity, np.float64), ends, self.account.balance)
        return pd.Series(made, index=index, name="return")

    def metrics(self) -> pd.Series[float]:
        """Return the metrics of this path, by the names and definitions of `Backtest.metrics`.

        A trade is a closed part of one symbol; exposure counts bars on which anything is held. What each
        trade cost is not kept, so `average_over_cost` is NaN.
        """
        import pandas as pd

        from quantbench.engine.metrics.summary import of_arrays

        lots = self.trades["lots"].to_numpy()
        found = of_arrays(
            equity=np.asarray(self.equity, np.float64),
            position=self.positions.abs().sum(axis=1).to_numpy(),
            balance=self.account.balance,
            daily=np.asarray(self.daily, np.float64),
            time_ns=self._time_ns,
            years=next(iter(self.bars.values())).years,
            trade_profit=self.trades["profit"].to_numpy(),
            trade_bars=self.trades["bars"].to_numpy(),
            trade_risk=np.full(len(lots), np.nan),
            notional=float(self.orders["notional"].sum()),
            days_per_year=self.calendar.days_per_year,
        )
        series = pd.Series(found.values, name="metrics", dtype=np.float64)
        unknown = {"average_over_cost": "what each trade of a portfolio cost is not kept"}
        series.attrs["reasons"], series.attrs["notes"] = found.reasons | unknown, []
        return series

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        years = next(iter(self.bars.values())).years
        return f"{len(self.bars)} symbols, {len(self.trades):,} trades, {years:.1f} years, net, in-sample, 1 trial"

    def __repr__(self) -> str:
        made = float(self.equity.iloc[-1]) - self.account.balance
        return f"Portfolio of {', '.join(self.bars)}\n{self.headline}\nprofit {made:+,.2f} {self.account.currency}"

    @property
    def _time_ns(self) -> npt.NDArray[np.int64]:
        return next(iter(self.bars.values())).time_ns

    def _day_ends(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        day = trading_day(self._time_ns, self.calendar)
        last = np.flatnonzero(np.append(np.diff(day) != 0, True))
        return day[last], last


def portfolio_backtest(
    weights: pd.DataFrame,
    bars_by_symbol: Mapping[str, Bars],
    *,
    account: Account | None = None,
    costs: Costs | Mapping[str, Costs] | None = None,
    rates: Mapping[str, Bars] | None = None,
    missing: str = "error",
    calendar: str | None = None,
) -> PortfolioBacktest:
    """Trade target weights over many symbols that share one account.

    Decided at the close of bar t, filled at the open of t+1, valued at the close of t: a symbol's lots are
    ``|weight| x equity / value(close x contract_size)``, floored to whole volume steps as EXECUTION 2 has it.
    Every row with a weight rebalances the symbols it names; more lots open a further part, fewer close the
    oldest. Spread, slippage, commission and swap are charged as in `backtest`; the last row is never filled,
    and what is open after the last bar is closed at its close.

    Parameters
    ----------
    weights : DataFrame, time x symbol
        Fractions of equity as notional, negative for short; they may add up to more than 1. NaN keeps what is
        held, 0 closes it. The index are bar times (UTC opens, as `Bars.frame`); bars without a row keep.
    bars_by_symbol : mapping of str to Bars
        One timeframe; the names are the columns of `weights`.
    account : Account, optional
        USD 10,000 and a stop-out level of 50 % where not given.
    costs : Costs, or mapping of symbol to Costs, optional
        Each instrument's declared costs where not given.
    rates : mapping of str to Bars, optional
        By quote currency: bars whose close converts it to account currency, as of the same time. Not needed
        where quote or base currency is the account's.
    missing : {"error", "drop"}
        What to do with bars some symbols have and others have not: refuse, or trade on common bars only.
    calendar : str, optional
        ``"fx"``, ``"crypto"`` or ``"us_equity"``; needed where the instruments' own differ.

    Returns
    -------
    PortfolioBacktest

    Raises
    ------
    ExecutionError
        When weights and bars do not fit, a currency cannot be converted, the weights ask for more margin than
        there is equity, or the account reaches its stop-out level at a close: a portfolio has no stop-out.
    MissingExtra
        Without vectorbt.

    Examples
    --------
    >>> import pandas as pd, quantbench as qb
    >>> from quantbench.engine.portfolio import portfolio_backtest
    >>> bars = qb.load("EURUSD", "H1")[:500]
    >>> weights = pd.DataFrame({"EURUSD": [0.5, -0.5]}, index=bars.frame.index[[100, 300]])
    >>> result = portfolio_backtest(weights, {"EURUSD": bars})
    >>> result.trades.reason.to_list()
    ['reversal', 'end_of_data']

    Notes
    -----
    vectorbt keeps the account: one group with shared cash, two columns a symbol (what is held, and the quote
    currency owed for it), amounts and prices of every order given. Lots are decided outside it, because it
    knows no lots, and its account must show the equity they were decided from.
    """
    basket = basket_of(
        weights,
        bars_by_symbol,
        account=account or Account(),
        costs=costs,
        rates=rates or {},
        missing=missing,
        calendar=calendar,
    )
    return _result(basket)


def _result(basket: Basket) -> PortfolioBacktest:
    import pandas as pd

    from quantbench.engine import vectorbt

    plan = rebalanced(basket)
    kept = vectorbt.keep_account(plan.books, basket.account.balance)
    vectorbt.check_equity(kept, plan.decisions, plan.balance)
    refuse_stop_out(basket, plan.books, equity=kept.equity, lots=kept.lots)
    names, first = list(basket.bars), next(iter(basket.bars.values()))
    index = pd.DatetimeIndex(first.time, tz="UTC", name="time")
    lots = kept.lots.copy()
    lots[-1] = 0.0
    tables: dict[str, dict[str, Any]] = trade_columns(plan, names, index)
    return PortfolioBacktest(
        bars=basket.bars,
        account=basket.account,
        costs=basket.costs,
        weights=pd.DataFrame(basket.weights, index=index, columns=names),
        equity=pd.Series(kept.equity, index=index, name="equity"),
        positions=pd.DataFrame(lots, index=index, columns=names),
        trades=pd.DataFrame(tables["trades"]),
        orders=pd.DataFrame(tables["orders"]),
        skipped=pd.DataFrame(tables["skipped"]),
        calendar=basket.calendar,
    )
