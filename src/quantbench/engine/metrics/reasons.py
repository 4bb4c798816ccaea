"""Why a figure of a backtest is missing: what each one needs, and which of that a path does not have."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.engine.metrics import tails, underwater

__all__ = ["NEEDS", "found_in", "reason"]

FloatArray = npt.NDArray[np.float64]

# What each figure needs, tested in this order; the keys are also the order of the figures.
NEEDS: Final[dict[str, tuple[str, ...]]] = {
    "total_return": ("bars",),
    "cagr": ("bars", "span"),
    "volatility": ("bars", "days"),
    "sharpe": ("bars", "days", "vary"),
    "sortino": ("bars", "downside"),
    "calmar": ("bars", "drawdown", "span"),
    "max_drawdown": ("bars",),
    "max_drawdown_days": ("bars",),
    "profit_factor": ("trades", "losers"),
    "win_rate": ("trades",),
    "expectancy": ("trades",),
    "sqn": ("trades", "two trades", "trades vary"),
    "exposure": ("bars",),
    "trades": (),
    "turnover": ("bars", "equity"),
    "cagr_calendar": ("bars", "span"),
    "time_under_water": ("bars",),
    "ulcer_index": ("bars",),
    "martin": ("bars", "drawdown of days", "span"),
    "omega": ("bars", "downside"),
    "tail_ratio": ("bars", "tail"),
    "common_sense_ratio": ("bars", "downside", "tail"),
    "value_at_risk": ("bars",),
    "expected_shortfall": ("bars",),
    "skew": ("bars", "four days", "vary"),
    "kurtosis": ("bars", "four days", "vary"),
    "stability": ("bars", "four days", "vary", "solvent"),
    "k_ratio": ("bars", "four days", "vary", "solvent", "ragged"),
    "payoff": ("trades", "winners", "losers"),
    "kelly": ("trades", "winners", "losers"),
    "average_win": ("trades", "winners"),
    "average_loss": ("trades", "losers"),
    "best_trade": ("trades",),
    "worst_trade": ("trades",),
    "expectancy_r": ("trades", "stops"),
    "sqn_uncapped": ("trades", "two trades", "trades vary"),
    "max_consecutive_losses": (),
    "average_bars": ("trades",),
    "average_over_cost": ("trades", "costs"),
}

_MISSING: Final = {
    "bars": "there are no bars",
    "days": "there are fewer than two trading days",
    "four days": "there are fewer than four trading days",
    "vary": "daily returns do not vary",
    "downside": "no day lost money",
    "drawdown": "equity never fell below its peak",
    "drawdown of days": "equity never ended a day below its peak",
    "solvent": "a day lost everything",
    "ragged": "the curve is a straight line",
    "tail": "the 5th percentile of daily returns is 0",
    "span": "the sample is too short to be annualised",
    "equity": "mean equity is not above 0",
    "trades": "there are no trades",
    "two trades": "there is only one trade",
    "trades vary": "all trades made the same",
    "winners": "no trade made money",
    "losers": "no trade lost money",
    "costs": "trading cost nothing, or more was earned in swaps",
    "stops": "some trades have no stop at entry, so no R",
}


def found_in(
    *, equity: FloatArray, under: FloatArray, daily: FloatArray, profit: FloatArray, risk: FloatArray
) -> dict[str, bool]:
    """Return which of the needs this path meets; those that are not listed are never the reason but the last."""
    return {
        "bars": len(equity) > 0,
        "days": len(daily) > 1,
        "four days": len(daily) > 3,
        "vary": len(daily) > 0 and bool(np.ptp(daily) > 0),
        "downside": bool((daily < 0).any()),
        "drawdown": bool((under < 0).any()),
        "drawdown of days": bool((underwater.drawdown(underwater.growth(daily), balance=1.0) < 0).any()),
        "solvent": bool((daily > -1).all()),
        "tail": len(daily) > 0 and tails.value_at_risk(daily, alpha=0.05) != 0,
        "equity": len(equity) > 0 and float(equity.mean()) > 0,
        "trades": len(profit) > 0,
        "two trades": len(profit) > 1,
        "trades vary": len(profit) > 0 and bool(np.ptp(profit) > 0),
        "winners": bool((profit > 0).any()),
        "losers": bool((profit < 0).any()),
        "stops": bool((risk > 0).all()),
    }


def reason(name: str, found: dict[str, bool]) -> str:
    """Return the first need that is not met."""
    unmet = (_MISSING[need] for need in NEEDS[name] if not found.get(need, False))
    return next(unmet, "it does not exist for this path")
