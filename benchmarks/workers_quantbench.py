"""The same sweep by one worker and by two, in turn in one process. Arguments: combinations bars pairs of runs."""

from __future__ import annotations

import sys
import time
from hashlib import blake2b

from sweep_quantbench import swept
from worlds import qb_bars, say, windows


def main() -> None:
    combinations, bars, pairs = (int(text) for text in sys.argv[1:4])
    lengths, world = windows(combinations), qb_bars(bars)
    answers = set()

    def seconds(workers: int) -> float:
        began = time.perf_counter()
        study = swept(world, lengths, workers)
        took = time.perf_counter() - began
        answers.add(blake2b(study.table().to_csv().encode() + study.daily.tobytes()).digest())
        return took

    seconds(1), seconds(2)  # warm
    found = [(seconds(1), seconds(2)) for _ in range(pairs)]
    if len(answers) > 1:
        raise SystemExit("one worker and two give different answers")
    say(one=[one for one, _ in found], two=[two for _, two in found])


if __name__ == "__main__":
    main()
