"""Bars in another order: the same shapes, gaps and sessions, and nothing that lasts from one bar to the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.clock import HOUR_NS

__all__ = ["hour_of_week", "permuted_bars", "permuted_together"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def permuted_bars(bars: Bars, rng: np.random.Generator, *, after: int = 0) -> Bars:
    """Return bars of which those behind position `after` have changed places, within their hour of the week.

    In logarithms, the gap from the close before to the open moves by itself, and the high, low and close
    over the open move together: the shapes of bars, the first and the last close, the hours' volatility
    and, bar by bar, the spreads and volumes stay; what a rule could learn from the order is gone.

    Parameters
    ----------
    bars : Bars
        Daily and longer bars have no hours: any may change places with any.
    rng : numpy Generator
    after : int
        The bar at `after` and all before it stay as they are.

    Notes
    -----
    Masters (2018), within strata, as else the loss of session volatility alone would look like an edge
    (notes/statistics.md 1.6). Prices are not rounded to the instrument's digits, so that nothing drifts.
    Volatility that comes in clusters is lost too: a rule that times volatility can pass for that alone.

    Examples
    --------
    >>> import numpy as np
    >>> import quantbench as qb
    >>> bars = qb.load("EURUSD", "H1")
    >>> shuffled = permuted_bars(bars, np.random.default_rng(1))
    >>> bool(np.isclose(shuffled.close[-1], bars.close[-1])), bool((shuffled.close == bars.close).all())
    (True, False)
    """
    return permuted_together((bars,), rng, after=(after,))[0]


def permuted_together(
    markets: tuple[Bars, ...], rng: np.random.Generator, *, after: tuple[int, ...] | None = None
) -> tuple[Bars, ...]:
    """Return several markets shuffled by one order of moments: what they share at a moment they go on sharing.

    Bars that not every market has at a moment change places among themselves only.
    """
    starts = after or (0,) * len(markets)
    moments = [set(bars.time_ns[start + 1 :].tolist()) for bars, start in zip(markets, starts, strict=True)]
    common = np.array(sorted(set.intersection(*moments)), np.int64)
    strata = hour_of_week(common) if any(map(_has_hours, markets)) else np.zeros(len(common), np.int64)
    shared = [_orders(strata, rng) for _ in range(2)]
    return tuple(_moved(bars, start, common, shared, rng) for bars, start in zip(markets, starts, strict=True))


def _moved(bars: Bars, start: int, common: IntArray, shared: list[IntArray], rng: np.random.Generator) -> Bars:
    rows = np.arange(start + 1, len(bars))
    if len(rows) < 2:
        return bars
    place = rows[np.isin(bars.time_ns[rows], common)]
    own = np.setdiff1d(rows, place)
    strata = hour_of_week(bars.time_ns[own]) if _has_hours(bars) else np.zeros(len(own), np.int64)
    orders = []
    for order in shared:
        whole = np.arange(len(bars))
        whole[place] = place[order]
        whole[own] = own[_orders(strata, rng)]
        orders.append(whole)
    return _rebuilt(bars, start, *orders)


def _has_hours(bars: Bars) -> bool:
    return len(bars) > 1 and bool(np.median(np.diff(bars.time_ns)) < 24 * HOUR_NS)


def hour_of_week(time_ns: IntArray) -> IntArray:
    """Return the hour of the week each moment falls in, UTC."""
    return time_ns // HOUR_NS % (7 * 24)


def _orders(strata: IntArray, rng: np.random.Generator) -> IntArray:
    """Return a random order in which everything stays in its stratum."""
    by_stratum = np.argsort(strata, kind="stable")
    shuffled = np.lexsort((rng.random(len(strata)), strata))
    order = np.empty(len(strata), np.int64)
    order[by_stratum] = shuffled
    return order


def _rebuilt(bars: Bars, start: int, gaps: IntArray, shapes: IntArray) -> Bars:
    """Return the bars put together again from gaps and shapes in new orders, from `start` on."""
    logs = {name: np.log(getattr(bars, name)) for name in ("open", "high", "low", "close")}
    gap = logs["open"][1:] - logs["close"][:-1]
    gap = np.append(0.0, gap)[gaps][start + 1 :]
    body = {name: (logs[name] - logs["open"])[shapes][start + 1 :] for name in ("high", "low", "close")}
    close = logs["close"][start] + np.cumsum(gap + body["close"])
    opened = np.append(logs["close"][start], close[:-1]) + gap
    columns = {"open": np.exp(opened), **{name: np.exp(opened + part) for name, part in body.items()}}
    columns["high"] = np.maximum(columns["high"], np.maximum(columns["open"], columns["close"]))
    columns["low"] = np.minimum(columns["low"], np.minimum(columns["open"], columns["close"]))
    whole = {name: np.concatenate([getattr(bars, name)[: start + 1], part]) for name, part in columns.items()}
    return replace(bars, **whole)  # type: ignore[arg-type]  # columns by name
