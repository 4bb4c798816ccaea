"""What a developer runs. `nox -l` lists it; each session uses the environment you already installed.

`pip install -e ".[dev]"` first. No session makes an environment of its own: `.ci/run` does that.
"""

from __future__ import annotations

import tempfile

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["check", "test"]


@nox.session
def check(session: nox.Session) -> None:
    """Style, types and import directions: seconds, on every commit."""
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy", "--strict", "src")
    session.run("lint-imports")


@nox.session
def test(session: nox.Session) -> None:
    """The tests and the examples in the docstrings; `nox -s test -- -k levels` passes words on to pytest."""
    session.run("pytest", *(session.posargs or ["-n", "logical", "--dist", "worksteal"]))


@nox.session
def notebooks(session: nox.Session) -> None:
    """Read every notebook, run it on little from top to bottom, and by both engines, which must show the same."""
    fit, chosen = ("python", "tests/notebooks/fit.py"), session.posargs
    words = ("-p", "no:randomly", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        session.run(*fit, "lint", *chosen)
        session.run(*fit, "small", f"{home}/small", *chosen)
        session.run(
            "pytest", *words, "--nbval-cell-timeout=120", f"{home}/small", env={"QUANTBENCH_HOME": f"{home}/home"}
        )
        session.run(*fit, "engines", *chosen)


@nox.session
def bench(session: nox.Session) -> None:
    """The side-by-side measurements; rewrites benchmarks/RESULTS.md."""
    session.run("python", "benchmarks/run.py", *session.posargs)


@nox.session
def prove(session: nox.Session) -> None:
    """Kernel against reference on random worlds: `nox -s prove -- 20000 7` for so many of that seed."""
    session.run("python", "tests/engine/prove.py", *session.posargs)


@nox.session(name="kills-runs")
def kills_runs(session: nox.Session) -> None:
    """Kill batches at random moments: `nox -s kills-runs -- 30` for so many of each kind."""
    many = session.posargs[0] if session.posargs else "30"
    session.run("pytest", "tests/runs/test_batch_killed.py", "-p", "no:randomly", env={"KILLS": many})


@nox.session(name="kills-search")
def kills_search(session: nox.Session) -> None:
    """Kill a search by each method at 20 moments: `nox -s kills-search -- 50` for so many."""
    many = session.posargs[0] if session.posargs else "20"
    session.run("pytest", "tests/research/test_search_killed.py", "-p", "no:randomly", env={"KILLS": many})


@nox.session
def kill(session: nox.Session) -> None:
    """Imports and updates killed at 50 random moments each; `nox -s kill -- 200 7` for so many from that seed."""
    session.run("python", "tests/data/killing.py", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Plant classic faults one by one; fails unless the tests catch each. Minutes; words select faults by name."""
    session.run("python", "tests/mutants/mutants.py", *session.posargs)
