"""Plant each classic fault in a copy of the source and see that the tests catch it.

    python tests/mutants/mutants.py [words of a name ...]

Prints one line a fault and ends with 1 if any survives. The kernel's faults run uncompiled, so nothing waits for a
compiler. A few minutes; not part of the default test run.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from faults import FAULTS, KERNEL

ROOT = Path(__file__).parents[2]
ANSWERS = ("tests/engine/execution", "tests/core/test_guards.py", "tests/core/test_limits.py")
WORLDS = "tests/engine/test_differential.py::test_the_engines_agree_on_seeded_worlds"
LONG = "tests/engine/test_differential.py::test_trials_that_hold_for_long_have_the_figures_of_single_backtests"
NEWS = "tests/engine/test_news.py"
WORKERS = 2


def planted(text, edits):
    """Return the source with a fault in it; each text must be there exactly once."""
    for old, new in edits:
        if text.count(old) != 1:
            raise LookupError(f"found {text.count(old)} times instead of once: {old!r}")
        if old == new:
            raise LookupError(f"changes nothing: {old!r}")
        text = text.replace(old, new)
    return text


def copy_of(source, to, fault=None):
    """Copy the package without its caches and plant the fault, if any."""
    shutil.copytree(source, to, ignore=shutil.ignore_patterns("__pycache__"))
    if fault is not None:
        path = to / fault.path
        path.write_text(planted(path.read_text("utf-8"), fault.edits), "utf-8")


def tests_fail(package, *selection):
    """Run tests against a copy of the package; return the first test that fails, or an empty text."""
    words = ("-x", "-q", "--no-header", "-p", "no:randomly", "-p", "no:cacheprovider", "--tb=no")
    environment = os.environ | {
        "PYTHONPATH": str(package.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NUMBA_DISABLE_JIT": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, *selection],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) \S*?([\w.]+(?:::\S+)?)(?: - |$)", done.stdout, re.MULTILINE)
    return failed[1] if failed else f"pytest ended with {done.returncode}"


def killer_of(fault, folder):
    """Return the test that catches a fault, or an empty text."""
    package = Path(folder) / re.sub(r"\W+", "-", fault.name if fault else "none") / "quantbench"
    copy_of(ROOT / "src" / "quantbench", package, fault)
    if fault is None:
        return tests_fail(package, *ANSWERS) or tests_fail(package, f"{WORLDS}[0]", LONG, NEWS)
    killer = tests_fail(package, *ANSWERS, "-k", f"{fault.engine} or not kernel")
    return killer or (tests_fail(package, f"{WORLDS}[0]", LONG, NEWS) if fault.engine == KERNEL else "")


def main():
    """Plant what was asked for, or everything; return the exit code."""
    asked = [fault for fault in FAULTS if all(word in fault.name for word in sys.argv[1:])]
    say, began = sys.stdout.write, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="quantbench-mutants-") as folder:
        if broken := killer_of(None, folder):
            say(f"the tests fail without any fault: {broken}\n")
            return 1
        with ThreadPoolExecutor(WORKERS) as pool:
            killers = list(pool.map(lambda fault: killer_of(fault, folder), asked))
    for fault, killer in zip(asked, killers, strict=True):
        say(f"{'killed' if killer else 'SURVIVED':9} {fault.name:60} {killer}\n")
    survivors = killers.count("")
    say(f"{len(asked)} faults, {survivors} survived, {time.monotonic() - began:.0f} s\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
