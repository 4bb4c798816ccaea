"""Walk-forward, both sides in turn: `python benchmarks/walk_forward.py [bars]`; its figures are in results/."""

from __future__ import annotations

import sys
from statistics import median

import numpy as np
from worlds import BALANCE, FEE, LOTS, measured

ROUNDS = 3


def main() -> None:
    bars = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    train = bars * 7 // 40
    test = -(-(bars - train) // 24)
    asked = (400, bars, train, test)
    ours = measured("walk_forward_quantbench.py", *asked, ROUNDS)
    theirs = measured("walk_forward_vectorbt.py", *asked, 1)
    mine, other = (np.array(side["folds"]) for side in (ours, theirs))
    same = (mine[:, :2] == other[:, :2]).all(axis=1)
    fee = 2 * FEE * LOTS * 100_000 * 2 / BALANCE  # a trade left open is closed by one side and marked by the other
    apart = np.abs(mine[:, 2] - other[:, 2]).max()
    if apart > fee:
        raise SystemExit(f"the best of a train range differs by {apart:.2e}, more than a trade left open ({fee:.2e})")
    tested = np.abs(np.array(ours["tests"]) - np.array(theirs["tests"]))[same]
    if tested.max(initial=0.0) > fee * BALANCE:
        raise SystemExit(f"the same choice made {tested.max():.4f} more in one test, over a trade left open")
    a, b = median(ours["seconds"]), median(theirs["seconds"])
    print(f"{len(mine)} folds, {ours['trials']:,} trials, {bars:,} bars, train {train:,}, test {test:,}")
    print(f"{int(same.sum())} of {len(mine)} choices equal; best train returns at most {apart:.1e} apart")
    print(
        f"qb {a:.3f} s ({ours['peak_mb']:.0f} MB), vectorbt {b:.2f} s ({theirs['peak_mb']:.0f} MB), ratio {b / a:.1f}"
    )


if __name__ == "__main__":
    main()
