"""Trades against the contract: what they were worth, risked and paid, in account currency.

A trade row keeps prices and money, not the rate between them. Where quote and account currency
differ by a third one, the rate is the trade's own: gross profit over the price it moved.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.instrument import Instrument
from quantbench.core.rules import REASONS

__all__ = [
    "Waterfall",
    "conversion",
    "excursion",
    "excursions_in_price",
    "gross_profit",
    "initial_risk",
    "trade_costs",
    "traded_notional",
    "waterfall",
]

FloatArray = npt.NDArray[np.float64]
Trades = npt.NDArray[np.void]

# EXECUTION 3: every exit loses slippage but these two, which get exactly their price.
_AT_THEIR_PRICE: Final = [REASONS.index("take"), REASONS.index("end_of_data")]


def _is_in_base(instrument: Instrument, currency: str) -> bool:
    """Return whether the account is in base currency; an index may have one currency for both, its quote."""
    return currency == instrument.base_currency != instrument.quote_currency


def gross_profit(trades: Trades) -> FloatArray:
    """Return profit before commission and swap, one a trade, after spread and slippage."""
    gross: FloatArray = trades["profit"] - trades["commission"] - trades["swap"]
    return gross


def conversion(trades: Trades, instrument: Instrument, *, currency: str) -> FloatArray:
    """Return the account currency a unit of quote currency was worth when each trade closed.

    Parameters
    ----------
    trades : array of `quantbench.core.path.TRADE`
    instrument : Instrument
    currency : str
        The account's.

    Returns
    -------
    float array
        1 where quote is the account's currency, 1 / exit price where base is, else what the
        trade's own gross profit says; a trade that did not move takes the rate of the trade before
        it (or after it); NaN where none moved.
    """
    if instrument.quote_currency == currency:
        return np.ones(len(trades))
    if _is_in_base(instrument, currency):
        return 1.0 / np.asarray(trades["exit_price"], dtype=np.float64)
    quoted = (trades["exit_price"] - trades["entry_price"]) * trades["side"] * trades["lots"] * instrument.contract_size
    moved = np.flatnonzero(quoted)
    if not len(moved):
        return np.full(len(trades), np.nan)
    nearest = moved[np.clip(np.searchsorted(moved, np.arange(len(trades)), side="right") - 1, 0, None)]
    rate: FloatArray = gross_profit(trades)[nearest] / quoted[nearest]
    return rate


def traded_notional(trades: Trades, instrument: Instrument, *, currency: str) -> float:
    """Return the value of everything bought and sold, entries and exits, in account currency, >= 0."""
    lots = trades["lots"] * instrument.contract_size
    if _is_in_base(instrument, currency):
        return 2.0 * float(lots.sum())
    rate = conversion(trades, instrument, currency=currency)
    return float(np.sum(lots * (trades["entry_price"] + trades["exit_price"]) * rate))


def initial_risk(trades: Trades, instrument: Instrument, *, currency: str) -> FloatArray:
    """Return what hitting the stop of the entry would have lost, before costs, in account currency.

    ``|entry_price - stop| x lots x contract_size``, converted at the stop; NaN where the trade had
    no stop, or was filled beyond it.
    """
    distance = (trades["entry_price"] - trades["stop"]) * trades["side"]
    if _is_in_base(instrument, currency):
        rate = 1.0 / np.asarray(trades["stop"], dtype=np.float64)
    else:
        rate = conversion(trades, instrument, currency=currency)
    risk = distance * trades["lots"] * instrument.contract_size * rate
    return np.where(risk > 0, risk, np.nan)


def excursion(side: int, *, entry: float, high: npt.ArrayLike, low: npt.ArrayLike) -> tuple[float, float]:
    """Return the worst and the best a position stood from its entry, in price: ``worst <= 0 <= best``.

    Parameters
    ----------
    side : {1, -1}
    entry : float
        Entry price.
    high, low : arrays of float
        Of the bars it was open in, on the side it closes at (bid for longs, ask for shorts).

    Examples
    --------
    >>> from quantbench.engine import metrics
    >>> metrics.excursion(-1, entry=100.0, high=[101.0, 103.0, 102.0], low=[99.0, 98.0, 100.0])
    (-3.0, 2.0)
    """
    highest, lowest = float(np.max(high)), float(np.min(low))
    ends = sorted((side * (highest - entry), side * (lowest - entry)))
    return min(ends[0], 0.0), max(ends[1], 0.0)


def excursions_in_price(trades: Trades, instrument: Instrument, *, currency: str) -> tuple[FloatArray, FloatArray]:
    """Return each trade's `mae` and `mfe` as price distances, ``<= 0`` and ``>= 0``.

    Exact where quote or base is the account's currency; elsewhere at the rate of the exit.
    """
    units = trades["lots"] * instrument.contract_size
    if _is_in_base(instrument, currency):
        return _moved_in_base(trades, units, "mae"), _moved_in_base(trades, units, "mfe")
    rate = conversion(trades, instrument, currency=currency)
    return trades["mae"] / (units * rate), trades["mfe"] / (units * rate)


def _moved_in_base(trades: Trades, units: FloatArray, name: str) -> FloatArray:
    """Solve ``money = (p - entry) * side * units / p`` for the move of the price p."""
    share = trades[name] * trades["side"] / units
    return np.asarray(trades["side"] * trades["entry_price"] * share / (1.0 - share), dtype=np.float64)


def trade_costs(
    trades: Trades, instrument: Instrument, *, currency: str, spread: FloatArray, slippage: float
) -> FloatArray:
    """Return what each trade cost, in account currency: spread, slippage, commission and swap; a swap can be earned.

    Parameters are those of `waterfall`, and so is what is assumed.
    """
    paid, lost = _on_fills(trades, instrument, currency=currency, spread=spread, slippage=slippage)
    cost: FloatArray = paid + lost - trades["commission"] - trades["swap"]
    return cost


def _on_fills(
    trades: Trades, instrument: Instrument, *, currency: str, spread: FloatArray, slippage: float
) -> tuple[FloatArray, FloatArray]:
    """Return what spread and slippage took from each trade, >= 0."""
    rate = conversion(trades, instrument, currency=currency)
    money = trades["lots"] * instrument.contract_size * np.where(np.isnan(rate), 0.0, rate)
    crossed = np.where(trades["side"] > 0, trades["entry_bar"], trades["exit_bar"])
    slips = 1.0 + ~np.isin(trades["reason"], _AT_THEIR_PRICE)
    return spread[crossed] * money, slips * slippage * money


class Waterfall(NamedTuple):
    """From what the price gave to what was kept, in account currency; costs are <= 0, and it adds up.

    Attributes
    ----------
    gross : float
        On bid prices at both ends, nothing lost on any fill.
    spread, commission, swap, slippage : float
        What each took; a swap can be earned.
    net : float
        The sum of the above, and of the trades' profit.
    """

    gross: float
    spread: float
    commission: float
    swap: float
    slippage: float
    net: float


def waterfall(
    trades: Trades, instrument: Instrument, *, currency: str, spread: FloatArray, slippage: float
) -> Waterfall:
    """Return where the money went: gross -> spread -> commission -> swap -> slippage -> net.

    Parameters
    ----------
    trades : array of `quantbench.core.path.TRADE`
    instrument : Instrument
    currency : str
        The account's.
    spread : float array
        Price distance between ask and bid, one a bar.
    slippage : float
        Price distance lost on a fill.

    Notes
    -----
    Reconstructed from the fills, as rows keep no quotes. A round trip pays one spread: a long's at
    its entry bar, a short's at its exit bar. Entries slip, and so do exits other than `take` and
    `end_of_data`. Everything is converted at the rate of the trade's profit. `gross` is what remains,
    so that a half point the price grid rounded away is in there.
    """
    taken = _on_fills(trades, instrument, currency=currency, spread=spread, slippage=slippage)
    paid, lost = (-float(np.sum(one)) for one in taken)
    commission, swap, net = (float(trades[name].sum()) for name in ("commission", "swap", "profit"))
    return Waterfall(net - paid - commission - swap - lost, paid, commission, swap, lost, net)
