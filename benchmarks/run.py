"""Run every benchmark side by side, in turn, and write RESULTS.md.

`python benchmarks/run.py [rounds]`; with `smoke` the scripts are tried on tiny sizes and nothing is written.
"""

from __future__ import annotations

import sys

import comparisons
from machine import header
from worlds import HERE


def main() -> None:
    argument = sys.argv[1] if len(sys.argv) > 1 else "3"
    smoke = argument == "smoke"
    rounds = 1 if smoke else int(argument)
    sizes = comparisons.SMOKE if smoke else comparisons.FULL
    text, missed = header(rounds), []
    for part in comparisons.PARTS:
        lines, targets = part(sizes, rounds)
        text += [*lines, ""]
        missed += [line for line, is_met in targets if not is_met]
        if not smoke:  # what was measured is kept, whatever happens to the rest
            (HERE / "RESULTS.md").write_text("\n".join(text))
        print("\n".join(lines), flush=True)
    text += ["## Missed targets", "", *([f"- {line}" for line in missed] or ["None."]), ""]
    prose = HERE / "where_the_time_goes.md"
    text += [prose.read_text()] if prose.exists() else []
    if not smoke:
        (HERE / "RESULTS.md").write_text("\n".join(text))


if __name__ == "__main__":
    main()
