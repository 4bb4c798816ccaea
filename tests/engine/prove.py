"""The long proof: `python tests/engine/prove.py WORLDS SEED` compares the engines on that many random worlds.

Prints the seed of each world on which they differ or break an invariant, and ends with 1 if there is any.
"""

import argparse
import sys
import traceback
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import audit
from worlds import SeededDice, world_of

from quantbench.core.rules import REASONS

_ENOUGH = 10


def fault_of(seed, seen):
    """Return what is wrong on the world of a seed, or an empty text."""
    world = world_of(SeededDice(seed), most_bars=200 if seed % 5 == 0 else 70)
    try:
        expected, found = world.play("reference"), world.play("kernel")
        audit.check(world, expected)
    except Exception:  # noqa: BLE001  (whatever it is, the seed is what the reader needs)
        return traceback.format_exc(limit=-2)
    seen.update(REASONS[code] for code in expected.path.trades["reason"])
    return "; ".join(audit.differences(found.path, expected.path))


def main():
    """Prove what was asked for; return the exit code."""
    say = sys.stdout.write
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("worlds", type=int, nargs="?", default=10_000)
    parser.add_argument("seed", type=int, nargs="?", default=0)
    asked = parser.parse_args()
    warnings.simplefilter("error")
    seen, faults = Counter(), 0
    for number in range(asked.worlds):
        seed = asked.seed * 1_000_000 + number
        fault = fault_of(seed, seen)
        if fault:
            faults += 1
            say(f"seed {seed}: {fault}\n")
        if faults == _ENOUGH:
            say("stopped at the tenth\n")
            break
    say(f"{number + 1:,} worlds, {sum(seen.values()):,} trades, {faults} faults\n")
    say(", ".join(f"{count:,} {reason}" for reason, count in seen.most_common()) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
