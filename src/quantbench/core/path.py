"""What any engine gives back: the account's path over the bars, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["SKIPS", "TRADE", "Path"]

TRADE: Final = np.dtype(
    [
        ("episode", np.int64),
        ("side", np.int8),
        ("lots", np.float64),
        ("entry_bar", np.int64),
        ("exit_bar", np.int64),
        ("entry_price", np.float64),
        ("exit_price", np.float64),
        ("stop", np.float64),
        ("take", np.float64),
        ("reason", np.int8),
        ("commission", np.float64),
        ("swap", np.float64),
        ("profit", np.float64),
        ("mae", np.float64),
        ("mfe", np.float64),
        ("ambiguous", np.bool_),
    ]
)
"""One closed part: `reason` indexes `rules.REASONS`, the bars are positions."""

SKIPS: Final = (
    "no stop",
    "volume",
    "margin",
    "ruin",
    "sessions",
    "max_spread_points",
    "max_atr_percent",
    "blackout",
    "max_wait",
    "max_trades_per_day",
    "max_daily_loss",
    "max_consecutive_losses",
    "cooldown",
    "max_drawdown",
)
"""Why an entry did not open, in the order of the kernel's codes; limits go by their rule's name."""


class Path(NamedTuple):
    """The account over the bars, and what it did.

    Attributes
    ----------
    equity, position : float arrays, one value a bar
        Account currency and signed lots, at the bar's close.
    trades : array of `TRADE`
        One row a closed part, in order of closing, then oldest part.
    skipped : int array of shape (n, 2)
        Bar that would have filled, and the index of the reason in `SKIPS`.
    balance : float array, one value a bar
        Account currency at the close without open profit.
    """

    equity: npt.NDArray[np.float64]
    position: npt.NDArray[np.float64]
    trades: npt.NDArray[np.void]
    skipped: npt.NDArray[np.int64]
    balance: npt.NDArray[np.float64]

    @classmethod
    def of(
        cls,
        equity: npt.NDArray[np.float64],
        position: npt.NDArray[np.float64],
        *,
        trades: Sequence[tuple[object, ...]],
        skipped: Sequence[tuple[int, int]],
        balance: npt.NDArray[np.float64] | None = None,
    ) -> Path:
        """Return the path from rows in the order of `TRADE`; without a balance, equity is all there is."""
        rows = np.array(list(trades), TRADE) if trades else np.zeros(0, TRADE)
        return cls(
            equity, position, rows, np.array(skipped, np.int64).reshape(-1, 2), equity if balance is None else balance
        )
