"""The front door of luck: the same strategy along thousands of paths that did not happen."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ExecutionError, ParamsError, did_you_mean
from quantbench.core.results import Backtest
from quantbench.research.chance.paths import Draw, draw
from quantbench.research.chance.result import MonteCarlo
from quantbench.research.chance.traded import FIGURES, Chances, figures_of, retraded
from quantbench.research.overfit.resampling import block_length

__all__ = ["METHODS", "monte_carlo", "trade_returns"]

FloatArray = npt.NDArray[np.float64]


class _About(NamedTuple):
    """What a method answers, and what it does not prove."""

    question: str
    not_proved: str


METHODS: Final = {
    "trades": _About(
        "How different could the result be, had the same kind of trades come in other numbers?",
        "that there is an edge: the trades are taken as they came, and as if one did not touch the next",
    ),
    "order": _About(
        "How deep could the drawdown be, had the same trades come in another order? Path risk only.",
        "anything about profit: in any order the same trades end with the same money",
    ),
    "block": _About(
        "How different could the result be, had days like these come again, in stretches that hang together?",
        "that there is an edge: the average day is taken as it was",
    ),
    "prices": _About(
        "What would it have done on other prices, put together from stretches of these?",
        "an edge that needs longer memory than a stretch: the seams cut it",
    ),
    "permute": _About(
        "Would these params earn as much on the same bars in random order?",
        "that the choice of params was not luck: they were chosen on the true order; see the gauntlet for that",
    ),
    "noise": _About(
        "Does it hang on the very last digit of prices?",
        "that there is an edge, only that it does not come from exact prices",
    ),
    "params": _About(
        "Does it hang on these very params, or do their neighbours earn as well?",
        "that there is an edge: a broad one can be luck as well",
    ),
    "execution": _About(
        "What is left when orders are missed, late, slip, and spreads are wide now and then?",
        "that there is an edge, only that it does not need perfect fills",
    ),
    "start": _About(
        "Does it hang on the day it began?",
        "anything the later half does not show: every path ends there",
    ),
    "random_entry": _About(
        "Are its entries better than as many, as long, as often long and short, at random moments?",
        "that its exits help, or that the choice of params was not luck",
    ),
}

_DRAWN: Final[dict[str, Draw]] = {"trades": "bootstrap", "order": "order", "block": "block"}


def monte_carlo(
    result: Backtest,
    *,
    method: str = "block",
    paths: int | None = None,
    seed: int,
    block: float | None = None,
    noise: float = 0.2,
    jitter: float = 0.1,
    missed: float = 0.1,
    late: float = 0.1,
    slippage: float = 3.0,
    workers: int | None = None,
) -> MonteCarlo:
    """Send a result along many paths that did not happen.

    Parameters
    ----------
    result : Backtest
    method : str
        From its returns: ``"trades"`` (bootstrap), ``"order"`` (path risk only), ``"block"`` (stationary
        bootstrap of days). Traded anew: ``"prices"`` (weeks of bars drawn in blocks), ``"permute"`` (bars
        in random order within their hour of the week), ``"noise"``, ``"params"``, ``"execution"``,
        ``"start"``, ``"random_entry"``.
    paths : int, optional
        10,000 of those drawn from returns, 500 of those traded anew, if not given.
    seed : int
        The same seed gives the same paths for any number of workers.
    block : float, optional
        Mean length of a block, in days (`block`, by `block_length` if not given) or weeks (`prices`, 4).
    noise : float
        Deviation of the error of each price, as a share of ATR(14).
    jitter : float
        How far each number among the params may be off.
    missed, late : float
        Shares of episodes that are missed, or come a bar late.
    slippage : float
        Slippage of a path is between once and so many times what is declared, 1 point at least.
    workers : int, optional
        Threads.

    Returns
    -------
    MonteCarlo
        Its `question`, what it does `not` prove, `table`, `ruin`, `fan_chart`, `p_value`, `plot`.

    Raises
    ------
    ParamsError
        For an unknown method, or numbers that mean nothing.
    ExecutionError
        When there is too little to draw from.

    Notes
    -----
    A Monte Carlo says how far luck reaches around what was seen, never that what was seen is skill
    (notes/statistics.md 0.6). The stationary bootstrap: Politis and Romano (1994).

    Examples
    --------
    >>> import quantbench as qb
    >>> result = qb.backtest(qb.MaCross(20, 100), qb.load("EURUSD", "H1"))
    >>> luck = qb.monte_carlo(result, paths=1000, seed=7)
    >>> len(luck), bool(luck.quantile("max_drawdown", 0.05) < luck.quantile("max_drawdown", 0.5))
    (1000, True)
    """
    if method not in METHODS:
        raise ParamsError(f"no Monte Carlo {method!r}: {did_you_mean(method, METHODS)}")
    if not len(result.path.trades):
        raise ExecutionError(f"{type(result.strategy).__name__} never traded: there is nothing to draw from")
    observed = dict(zip(FIGURES, figures_of(result), strict=True))
    if method in _DRAWN:
        return _from_returns(result, method, observed, paths or 10_000, seed, block=block, workers=workers)
    chances = Chances(4.0 if block is None else block, noise, jitter, missed, late, slippage)
    _require(chances)
    if (many := paths or 500) < 1:
        raise ParamsError(f"at least one path (paths={paths!r})")
    values = retraded(result, method, chances, paths=many, seed=seed, workers=workers)
    return _result(method, seed, observed, values, None, {"paths": many, **chances._asdict()})


def _require(chances: Chances) -> None:
    shares = {name: getattr(chances, name) for name in ("noise", "jitter", "missed", "late")}
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ParamsError(f"{name} is a share between 0 and 1 ({name}={value!r})")
    if not (chances.block >= 1 and chances.slippage >= 1):
        raise ParamsError(f"block and slippage are 1 or more (block={chances.block!r}, slippage={chances.slippage!r})")


def _from_returns(
    result: Backtest,
    method: str,
    observed: dict[str, float],
    paths: int,
    seed: int,
    *,
    block: float | None,
    workers: int | None,
) -> MonteCarlo:
    returns = result.daily.to_numpy(np.float64) if method == "block" else trade_returns(result)
    length = 1.0 if method != "block" else block_length(returns) if block is None else block
    made = draw(returns, method=_DRAWN[method], paths=paths, seed=seed, block=length, workers=workers)
    values = {"total_return": made.total_return, "max_drawdown": made.max_drawdown, "lowest": made.lowest}
    settings: dict[str, Any] = {"paths": paths, "returns": len(returns), "block": length}
    return _result(method, seed, observed, values, made.fan, settings)


def trade_returns(result: Backtest) -> FloatArray:
    """Return the net profit of each trade over the balance before it closed, in order of closing."""
    profit = result.path.trades["profit"]
    before = result.account.balance + np.append(0.0, np.cumsum(profit)[:-1])
    found: FloatArray = np.where(before > 0, profit / np.where(before > 0, before, 1.0), 0.0)
    return found


def _result(  # noqa: PLR0917  (private: one line of every method)
    method: str,
    seed: int,
    observed: dict[str, float],
    values: dict[str, FloatArray],
    fan: npt.NDArray[np.float32] | None,
    settings: dict[str, Any],
) -> MonteCarlo:
    about = METHODS[method]
    return MonteCarlo(
        method=method,
        question=about.question,
        not_proved=about.not_proved,
        seed=seed,
        observed=observed,
        values=values,
        fan=fan,
        settings=settings,
    )
