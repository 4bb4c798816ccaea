"""`python -m quantbench` and the script `qb`."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; leaves the process with its exit code."""
    try:
        from quantbench.cli import app

        app(prog_name="qb")
    except KeyboardInterrupt:  # before a command began, or while one was leaving
        sys.exit(130)


if __name__ == "__main__":
    main()
