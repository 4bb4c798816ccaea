"""The metrics of one backtest as pandas objects: what `result.metrics()` gives, and tables for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import DAY_NS
from quantbench.core.errors import ExecutionError, did_you_mean
from quantbench.core.results import Backtest, daily_returns, day_ends
from quantbench.core.rules import REASONS
from quantbench.core.timeframe import timeframe_ns
from quantbench.engine.market import spread_points
from quantbench.engine.metrics import splits
from quantbench.engine.metrics.annual import DAYS_A_YEAR, days_mismatch
from quantbench.engine.metrics.fills import (
    excursions_in_price,
    gross_profit,
    initial_risk,
    trade_costs,
    traded_notional,
)
from quantbench.engine.metrics.fills import waterfall as _waterfall
from quantbench.engine.metrics.outcomes import r_multiples
from quantbench.engine.metrics.summary import of_arrays
from quantbench.engine.metrics.underwater import STILL_UNDER, Drawdowns, days_under_water, drawdowns

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "SPLITS",
    "cost_waterfall",
    "drawdown_table",
    "excursion_table",
    "monthly_returns",
    "of_backtest",
    "split_table",
]

SPLITS: Final = ("side", "month", "weekday", "hour", "session", "reason")
"""What `split_table` can split by."""

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def of_backtest(result: Backtest) -> pd.Series[float]:
    """Return the metrics of one backtest, by name.

    Ratios use the returns of equity at the end of each trading day of the instrument's calendar and
    its days per year; drawdowns use equity on every bar, the starting balance being the first peak
    [EXECUTION 6]. A trade is a row of `result.trades`: one closed part.

    Parameters
    ----------
    result : Backtest

    Returns
    -------
    Series of float
        Fractions, never percent; drawdowns <= 0; money in account currency; `turnover` in mean
        equities a year; `max_drawdown_days` in calendar days; `value_at_risk` and
        `expected_shortfall` of the worst 5 % of days, with the sign of a return; `skew` and
        `kurtosis` divided by n, not excess. ``cagr`` counts trading days, ``cagr_calendar`` elapsed
        ones; ulcer index and Martin stand on days. ``.attrs["reasons"]`` says why each NaN is NaN,
        ``.attrs["notes"]`` what to know before believing the rest.

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> metrics = result.metrics()
    >>> bool(metrics["max_drawdown"] <= 0), metrics.attrs["reasons"]
    (True, {})
    """
    import pandas as pd

    bars, path, currency = result.bars, result.path, result.account.currency
    trades, instrument, balance = path.trades, bars.instrument, result.account.balance
    days, ends = day_ends(bars)
    risk = initial_risk(trades, instrument, currency=currency)
    found = of_arrays(
        equity=path.equity,
        position=path.position,
        balance=balance,
        daily=daily_returns(path.equity, ends, balance),
        time_ns=bars.time_ns,
        years=_elapsed_years(result),
        trade_profit=trades["profit"],
        trade_bars=trades["exit_bar"] - trades["entry_bar"],
        trade_risk=risk,
        trade_cost=trade_costs(trades, instrument, currency=currency, **_lost(result)),
        notional=traded_notional(trades, instrument, currency=currency),
        days_per_year=instrument.trading_calendar.days_per_year,
    )
    series = pd.Series(found.values, name="metrics", dtype=np.float64)
    series.attrs["reasons"] = found.reasons
    series.attrs["notes"] = _notes(result, days, without_stop=int(np.isnan(risk).sum()))
    return series


def _elapsed_years(result: Backtest) -> float:
    """Return the calendar years from the first bar's open to the last bar's end."""
    bars = result.bars
    if not len(bars):
        return 0.0
    return (int(bars.time_ns[-1] - bars.time_ns[0]) + timeframe_ns(bars.timeframe)) / DAY_NS / DAYS_A_YEAR


def _notes(result: Backtest, days: npt.NDArray[np.int64], *, without_stop: int) -> list[str]:
    """Return what a reader of these figures has to know."""
    of, notes = result.bars.instrument.trading_calendar, []
    found = days_mismatch(days, days_per_year=of.days_per_year)
    if found is not None:
        notes.append(
            f"the bars have {found:.0f} trading days a year, the {of.name} calendar annualises with "
            f"{of.days_per_year:g}: yearly figures are off; check the instrument's calendar and gaps in the bars"
        )
    if without_stop:
        notes.append(f"sqn is in money: {without_stop} of {len(result.path.trades)} trades have no stop, so no R")
    return notes


def drawdown_table(result: Backtest, *, most: int = 10) -> pd.DataFrame:
    """Return the deepest drawdowns of equity on bars, deepest first.

    Parameters
    ----------
    result : Backtest
    most : int
        Rows at most.

    Returns
    -------
    DataFrame
        ``depth`` (fraction, < 0), ``peak, trough, recovery`` (labels of bars; a drawdown from the
        starting balance has the first bar as peak; NaT: still under water), ``bars`` and ``days``
        (calendar) from peak to recovery, or to the last bar.
    """
    import pandas as pd

    bars = result.bars
    found = drawdowns(result.path.equity, balance=result.account.balance)
    deepest = np.argsort(found.depth, kind="stable")[:most]
    found = Drawdowns(found.peak[deepest], found.trough[deepest], found.recovery[deepest], found.depth[deepest])
    time = pd.DatetimeIndex(bars.time, tz="UTC")
    over = found.recovery != STILL_UNDER
    end = np.where(over, found.recovery, len(bars) - 1)
    columns = {
        "depth": found.depth,
        "peak": time[np.maximum(found.peak, 0)],
        "trough": time[found.trough],
        "recovery": pd.Series(time[end]).where(over),
        "bars": end - found.peak,
        "days": days_under_water(found, bars.time_ns),
    }
    return pd.DataFrame(columns)


def excursion_table(result: Backtest) -> pd.DataFrame:
    """Return how far each trade went against and for it, in price and in R, one row a trade.

    Parameters
    ----------
    result : Backtest

    Returns
    -------
    DataFrame
        Rows as `result.trades`. ``side``; ``mae_price, mfe_price`` (price distances, <= 0 and >= 0);
        ``mae_r, mfe_r`` (the same in initial risks; NaN without a stop), before costs; ``profit_r``
        (net); ``captured`` (gross profit over best open profit, at most 1; NaN where there was none).

    Notes
    -----
    Excursions come from the bars' extremes, and on the exit bar from the exit price alone
    [EXECUTION 5]: what else happened inside the entry bar is not known.
    """
    import pandas as pd

    trades, instrument, currency = result.path.trades, result.bars.instrument, result.account.currency
    mae, mfe = excursions_in_price(trades, instrument, currency=currency)
    risk = initial_risk(trades, instrument, currency=currency)
    columns = {
        "side": trades["side"],
        "mae_price": mae,
        "mfe_price": mfe,
        "mae_r": r_multiples(trades["mae"], risk=risk),
        "mfe_r": r_multiples(trades["mfe"], risk=risk),
        "profit_r": r_multiples(trades["profit"], risk=risk),
        "captured": r_multiples(gross_profit(trades), risk=trades["mfe"]),
    }
    return pd.DataFrame(columns)


def split_table(result: Backtest, by: str) -> pd.DataFrame:
    """Return what the trades made by side, month, weekday, hour, session or exit reason.

    Parameters
    ----------
    result : Backtest
    by : {"side", "month", "weekday", "hour", "session", "reason"}
        Months are those of the exit, when profit is booked; weekday (of the trading day), hour (UTC)
        and session those of the entry, when the decision was made.

    Returns
    -------
    DataFrame
        Index: the label. ``trades``, ``profit`` (sum), ``win_rate``, ``profit_factor``, ``expectancy``.

    Raises
    ------
    ExecutionError
        For another `by`.
    """
    import pandas as pd

    if by not in SPLITS:
        raise ExecutionError(f"trades cannot be split by {by!r}: {did_you_mean(by, SPLITS)}")
    trades, time_ns = result.path.trades, result.bars.time_ns
    entry, exited = time_ns[trades["entry_bar"]], time_ns[trades["exit_bar"]]
    labels: dict[int, str] = {}
    if by == "side":
        key, labels = trades["side"], {1: "long", -1: "short"}
    elif by == "month":
        key = splits.month_of(exited)
    elif by == "weekday":
        key, labels = splits.weekday_of(entry, result.bars.instrument.trading_calendar), dict(enumerate(_WEEKDAYS))
    elif by == "hour":
        key = splits.hour_of(entry)
    elif by == "session":
        key, labels = splits.session_of(entry), dict(enumerate(splits.SESSIONS))
    else:
        key, labels = trades["reason"], dict(enumerate(REASONS))
    found = splits.grouped(trades["profit"], key)
    keys = found.key.astype(str).tolist() if by == "month" else found.key.tolist()
    index = pd.Index([labels.get(each, each) for each in keys], name=by)
    return pd.DataFrame(found._asdict(), index=index).drop(columns="key")


def monthly_returns(result: Backtest) -> pd.DataFrame:
    """Return the net return of each month, compounded from trading days: years down, months 1 to 12 across.

    Fractions; NaN where the bars have no day.
    """
    import pandas as pd

    days, ends = day_ends(result.bars)
    returns = daily_returns(result.path.equity, ends, result.account.balance)
    months, made = splits.compounded(returns, days.astype("datetime64[D]").astype("datetime64[M]"))
    number = months.astype(np.int64)
    frame = pd.DataFrame({"year": number // 12 + 1970, "month": number % 12 + 1, "return": made})
    return frame.pivot_table(index="year", columns="month", values="return").reindex(columns=range(1, 13))


def cost_waterfall(result: Backtest) -> pd.Series[float]:
    """Return where the money went: gross, spread, commission, swap, slippage, net, in account currency.

    Parameters
    ----------
    result : Backtest

    Returns
    -------
    Series of float
        Costs <= 0 (a swap can be earned); the first five add up to ``net``, the trades' profit.

    See Also
    --------
    quantbench.engine.metrics.waterfall : what is assumed to reconstruct it.
    """
    import pandas as pd

    found = _waterfall(result.path.trades, result.bars.instrument, currency=result.account.currency, **_lost(result))
    return pd.Series(found._asdict(), name="waterfall", dtype=np.float64)


def _lost(result: Backtest) -> dict[str, Any]:
    """Return the spread of each bar and the slippage of a fill, as price distances."""
    bars, instrument = result.bars, result.bars.instrument
    paid, scale = result.costs.resolved(instrument), 10.0**instrument.digits
    ask = np.rint((bars.open + spread_points(bars, paid) * instrument.point) * scale) / scale
    slippage = float(np.rint((paid.slippage_points or 0.0) * instrument.point * scale) / scale)
    return {"spread": ask - bars.open, "slippage": slippage}
