"""One side: qb.walk_forward of the cross of the sweep. Arguments: combinations bars train test rounds."""

from __future__ import annotations

import sys

from sweep_quantbench import Cross
from worlds import BALANCE, FEE, LOTS, peak_mb, qb_bars, repeat, say, windows

import quantbench as qb


def main() -> None:
    combinations, bars, train, test, rounds = (int(text) for text in sys.argv[1:6])
    lengths, world, kept = windows(combinations), qb_bars(bars), []

    def work() -> None:
        kept[:] = [
            qb.walk_forward(
                Cross, world, train=train, test=test, select="best", objectives="total_return",
                space={"fast": lengths, "slow": lengths}, account=qb.Account(balance=BALANCE),
                costs=qb.Costs(commission_percent=FEE), sizing=qb.FixedLots(LOTS), resume=False, progress=False,
            )
        ]  # fmt: skip

    seconds = repeat(work, rounds=rounds)
    folds = kept[0].folds
    say(
        seconds=seconds,
        peak_mb=peak_mb(),
        trials=sum(len(fold.study) for fold in folds),
        folds=[[fold.params["fast"], fold.params["slow"], fold.study.best.metrics["total_return"]] for fold in folds],
        tests=[float(fold.test.path.equity[-1] - fold.test.account.balance) for fold in folds],
    )


if __name__ == "__main__":
    main()
