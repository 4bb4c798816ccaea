"""One side: qb.sweep of an ordinary Python moving-average cross. Arguments: combinations bars rounds."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, repeat, say, windows

import quantbench as qb


@dataclass(frozen=True)
class Cross(qb.Strategy):
    """Long while the fast average is above the slow one."""

    fast: int = 10
    slow: int = 50

    def __post_init__(self) -> None:
        """Refuse half of the square: pairs, not products."""
        qb.check(self.fast < self.slow, "fast must be shorter than slow")

    @property
    def warmup(self) -> int:
        """Bars until both averages exist."""
        return self.slow - 1

    def decide(self, bars: qb.Bars) -> qb.Signals:
        """Compare two simple averages."""
        return qb.Signals.when(long=qb.sma(bars.close, self.fast) > qb.sma(bars.close, self.slow))


def swept(bars: qb.Bars, lengths: list[int], workers: int | None = None) -> qb.Study:
    """Try every pair of lengths."""
    return qb.sweep(
        Cross, bars, space={"fast": lengths, "slow": lengths}, account=qb.Account(balance=BALANCE),
        costs=qb.Costs(commission_percent=FEE), sizing=qb.FixedLots(LOTS), resume=False, progress=False,
        workers=workers,
    )  # fmt: skip


def main() -> None:
    combinations, bars, rounds = (int(text) for text in sys.argv[1:4])
    lengths = windows(combinations)
    world = qb_bars(bars)
    kept = []

    def work() -> None:
        kept[:] = [swept(world, lengths)]

    seconds = repeat(work, rounds=rounds)
    table = kept[0].table()
    say(
        seconds=seconds,
        peak_mb=peak_mb(),
        trials=len(table),
        daily=list(kept[0].daily.shape),
        figures={
            f"{int(row.fast)},{int(row.slow)}": [row.total_return, row.max_drawdown, row.trades, row.win_rate]
            for row in table.itertuples()
        },
    )


if __name__ == "__main__":
    main()
