"""vectorbt, behind one door: the second engine, and our fills as its Portfolio.

The only module that imports vectorbt, and only inside functions: the import takes seconds. It holds
cash and positions and fills orders; it knows no lots, levels, margin, swaps, bid and ask, or foreign
money. So here lots are decided by our arithmetic, every order is told its amount, price and fees, and
vectorbt keeps the account. The account must then show the equity each order was sized from, or the
run fails. `from_orders`, not `from_signals`: the latter sees signals and decides amounts itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.account import PercentRisk
from quantbench.core.errors import ExecutionError, MissingExtra
from quantbench.core.limits import Limits
from quantbench.core.path import Path
from quantbench.core.timeframe import timeframe_ns
from quantbench.engine.market import spread_points
from quantbench.engine.orders import Book, factors, swap_earned, units_held
from quantbench.engine.plan import Plan, plan_of
from quantbench.engine.records import fill_records
from quantbench.engine.setting import Setting

if TYPE_CHECKING:
    from quantbench.core.results import Backtest

__all__ = ["Kept", "keep_account", "order_arguments", "run", "to_vectorbt"]

FloatArray = npt.NDArray[np.float64]

_EXITS = ("stop", "take", "trail", "breakeven", "hold")


class Kept(NamedTuple):
    """The account as vectorbt kept it, swaps added.

    Attributes
    ----------
    equity : float array
        Account currency at each close; the last bar's after the close at the end of data.
    cash : float array
        Balance at each close: the two legs of a position cost nothing when opened. The last bar's is
        before the close at the end of data.
    lots : float array of shape (bars, symbols)
        Signed, at each close, before the close at the end of data.
    """

    equity: FloatArray
    cash: FloatArray
    lots: FloatArray


def run(setting: Setting) -> Path:
    """Trade the signals and return the path of the account vectorbt kept.

    Raises
    ------
    ExecutionError
        For what vectorbt cannot express: exits by level or time, `enter`, limits, finer bars, sizing
        by risk, an account that gets near its stop-out price, fees above what is sold.
    MissingExtra
        Without vectorbt.
    """
    _refuse(setting)
    plan = plan_of(setting)
    kept = keep_account([plan.book], setting.venue.account.balance)
    check_equity(kept, plan.decisions, plan.balance)
    _refuse_stop_out(setting, plan, kept)
    position, balance = kept.lots[:, 0].copy(), kept.cash.copy()
    position[-1], balance[-1] = 0.0, kept.equity[-1]
    return Path.of(kept.equity, position, trades=plan.book.trades, skipped=plan.skipped, balance=balance)


def _refuse(setting: Setting) -> None:
    """Refuse in one sentence what orders without memory cannot say."""
    venue, signals = setting.venue, setting.signals
    levels = [name for name in _EXITS if _says(getattr(signals, name))]
    missing = [
        (bool(levels), f"exits decided inside a bar or by the clock ({', '.join(levels)})"),
        (signals.enter is not None and bool(np.any(signals.enter)), "entries by enter="),
        (venue.limits != Limits(), "limits"),
        (venue.fine.market is not None, "intrabar="),
        (isinstance(venue.sizing, PercentRisk), "PercentRisk, which needs a stop"),
    ]
    for found, what in missing:
        if found:
            raise ExecutionError(f"vectorbt cannot express {what}: use engine='kernel'")


def _says(values: npt.NDArray[Any] | None) -> bool:
    return values is not None and not bool(np.isnan(values).all())


def _refuse_stop_out(setting: Setting, plan: Plan, kept: Kept) -> None:
    """Refuse an account whose stop-out price [3.4] came within a point: vectorbt has no margin."""
    venue, book = setting.venue, plan.book
    market, lots, size = venue.market, kept.lots[:, 0], venue.instrument.contract_size
    owed = np.cumsum([book.orders[k].loan if k in book.orders else 0.0 for k in range(len(lots))])
    swap = swap_earned(book, lots)
    before = [np.append(first, values[:-1]) for first, values in ((0.0, lots), (0.0, owed), (0.0, kept.cash - swap))]
    for held, loan, cash, long, short in (
        (before[0], before[1], before[2] + swap, market.bid_open, market.ask_open),
        (lots, owed, kept.cash, market.bid_low, market.ask_high),
    ):
        price = np.where(held > 0, long, short) - np.sign(held) * 10.0**-venue.instrument.digits
        factor, units = factors(market, np.maximum(price, 1e-300)), held * size
        equity = cash + (units * price + loan) * factor
        margin = np.abs(units) * price * factor / venue.instrument.leverage
        near = (held != 0) & (equity <= venue.account.stop_out_level * margin)
        if near.any():
            bar = np.datetime64(int(venue.time_ns[int(np.argmax(near))]), "ns").astype("datetime64[m]")
            raise ExecutionError(
                f"vectorbt cannot express a stop-out, and on bar {bar} UTC this account is at its stop-out price "
                "or a point away: use engine='kernel'"
            )


def check_equity(kept: Kept, decisions: Sequence[tuple[int, float]], final: float) -> None:
    """Refuse an account that does not show the equity its orders were sized from: a fill cut short, unsaid.

    Raises
    ------
    ExecutionError
        When vectorbt's account and our arithmetic differ by more than 1e-9 of what was at stake.
    """
    bars = np.array([t for t, _ in decisions] + [len(kept.equity) - 1], np.int64)
    sized = np.array([equity for _, equity in decisions] + [final])
    scale = np.abs(kept.equity).max() + np.abs(kept.cash).max()
    wrong = np.abs(kept.equity[bars] - sized) > 1e-9 * scale
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ExecutionError(
            f"vectorbt's account shows {float(kept.equity[bars[row]])!r} at the close of bar {int(bars[row])} where "
            f"orders were sized from {float(sized[row])!r}: it did not fill what it was told; please report this"
        )


def keep_account(books: Sequence[Book], balance: float) -> Kept:
    """Let vectorbt keep the account that fills these orders, cash shared by all symbols."""
    vbt = _vectorbt()
    n = len(books[0].market.bid_open)
    arguments = order_arguments(books, balance)
    with _settled(vbt):
        try:
            portfolio = vbt.Portfolio.from_orders(**arguments)
        except (ValueError, vbt.portfolio.enums.RejectedOrderError) as fault:
            raise ExecutionError(
                f"vectorbt refuses an order ({fault}): the account lost more than it holds, or a sale is worth less "
                "than its fees; margin, stop-out and debt are what engine='kernel' has and vectorbt has not"
            ) from fault
        value, cash = portfolio.value().to_numpy(), portfolio.cash().to_numpy()
        assets = portfolio.assets().to_numpy()
    units = assets[:n, ::2] / np.array([book.instrument.contract_size for book in books])
    lots: FloatArray = np.rint(units * 1e8) / 1e8
    swap = np.zeros(n)
    for column, book in enumerate(books):
        swap += swap_earned(book, lots[:, column])
    equity = value[:n] + swap
    equity[-1] = value[n] + swap[-1]
    return Kept(equity, cash[:n] + swap, lots)


def order_arguments(books: Sequence[Book], balance: float) -> dict[str, Any]:
    """Return every argument of `from_orders`, none left to vectorbt's defaults or global settings.

    Two columns a symbol, the base leg and the quote leg, in account currency; one row a bar and one more
    for the close at the end of data. `seed` alone is None: with a number vectorbt would seed NumPy
    globally, and nothing here is random.
    """
    import pandas as pd

    legs = [leg for book in books for leg in _legs(book)]
    size, price, fixed, fees, marks = (np.column_stack(list(part)) for part in zip(*legs, strict=True))
    return {
        "close": pd.DataFrame(marks),
        "size": size,
        "size_type": "amount",  # percent depends on the order of fills and cannot reverse
        "direction": "both",
        "price": price,
        "fees": fees,
        "fixed_fees": fixed,
        "slippage": 0.0,  # in the prices, rounded as the law says
        "min_size": 0.0,
        "max_size": np.inf,
        "size_granularity": np.nan,  # its float floor loses steps: lots are whole already
        "reject_prob": 0.0,
        "raise_reject": True,
        **dict.fromkeys(("lock_cash", "allow_partial", "log", "fillna_close", "attach_call_seq"), False),
        **dict.fromkeys(("ffill_val_price", "update_value"), False),
        "val_price": np.vstack((marks[:1], marks[:-1])),  # the previous close
        "init_cash": float(balance),
        "cash_sharing": True,
        "call_seq": "auto",  # sells first
        "max_orders": max(int(np.isfinite(size).sum()), 1),
        "max_logs": 1,
        "init_temp_records": True,
        "seed": None,
        "group_by": True,
        "broadcast_kwargs": dict.fromkeys(("align_index", "align_columns"), False)
        | dict.fromkeys(("index_from", "columns_from"), "strict"),
        "wrapper_kwargs": {"column_only_select": False, "group_select": True},
        "freq": pd.Timedelta(days=1),  # rows have no clock here: nothing of it is annualised
        "engine": "numba",
        "trades_type": "exittrades",
    }


def _legs(book: Book) -> Iterator[tuple[FloatArray, ...]]:
    """Yield size, price, fixed fees, fees and mark of the base leg, then of the quote leg."""
    market, rows = book.market, len(book.market.bid_close) + 1
    own = np.where(units_held(book, rows)[:-1] < 0, market.ask_close, market.bid_close)
    factor = factors(market, own, at_close=True)
    base, quote = np.append(own * factor, own[-1] * factor[-1]), np.append(factor, factor[-1])
    nothing, fees = np.zeros(rows), np.full(rows, market.commission_fraction)
    sizes, prices, fixed = np.full((2, rows), np.nan), np.stack((base, quote)), np.zeros(rows)
    for row, order in book.orders.items():
        sizes[:, row] = order.units or np.nan, order.loan or np.nan
        prices[:, row] = order.price * order.factor, order.factor
        fixed[row] = market.commission_per_lot * order.lots
    yield sizes[0], prices[0], fixed, fees, base
    yield sizes[1], prices[1], nothing, nothing, quote


def to_vectorbt(result: Backtest) -> Any:
    """Return a backtest as a ``vectorbt.Portfolio`` made of our fills, for its records and plots.

    One column; an order record per fill, several on one bar where the law filled several (vectorbt's own
    `from_orders` has room for one), in the order of EXECUTION 3. Nothing is simulated again.

    Parameters
    ----------
    result : Backtest

    Returns
    -------
    vectorbt.Portfolio
        ``total_profit()`` is `result.trades.profit.sum()`. ``value()`` is `result.equity` where the
        instrument is quoted in the account's currency and no swap was charged: its `close` is the ask while
        the position is short. Swap is booked as a fee of the closing order. In another currency sizes are
        units times the rate at the exit, so that profit comes out in account currency. Its `stats()` annualise
        by 365 days; take ratios from ``result.metrics()``.

    Raises
    ------
    MissingExtra
        Without vectorbt.
    """
    import pandas as pd

    vbt = _vectorbt()
    bars, instrument = result.bars, result.bars.instrument
    spread = spread_points(bars, result.costs.resolved(instrument)) * instrument.point
    ask = np.rint((bars.close + spread) * 10.0**instrument.digits) / 10.0**instrument.digits
    index = pd.DatetimeIndex(bars.time, tz="UTC", name="time")
    close = pd.Series(np.where(result.path.position < 0, ask, bars.close), index=index, name=bars.symbol)
    freq = pd.Timedelta(timeframe_ns(bars.timeframe), unit="ns")
    return vbt.Portfolio(
        vbt.ArrayWrapper.from_obj(close, freq=freq, group_by=False, column_only_select=False, group_select=True),
        close,
        fill_records(result, vbt.portfolio.enums.order_dt),
        np.empty(0, vbt.portfolio.enums.log_dt),
        np.array([float(result.account.balance)]),
        cash_sharing=False,
        call_seq=None,
        fillna_close=False,
        trades_type="exittrades",
        engine="numba",
    )


def _vectorbt() -> Any:
    try:
        import vectorbt
    except ImportError as fault:
        raise MissingExtra("vectorbt is not installed: pip install 'quantbench[lab]'") from fault
    return vectorbt


@contextmanager
def _settled(vbt: Any) -> Iterator[None]:
    """Keep vectorbt from caching whole frames on the objects of this run; leave its settings as they were."""
    caching = vbt.settings["caching"]
    before = caching["enabled"]
    caching["enabled"] = False
    try:
        yield
    finally:
        caching["enabled"] = before
