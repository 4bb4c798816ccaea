"""Where a result came from: commit and differences, packages, machine; asked once a batch."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final

__all__ = ["Origin", "origin_of", "packages"]

Origin = dict[str, Any]

_GIT_SECONDS: Final = 20
_LONGEST: Final = 2_000_000  # characters of a difference


def origin_of(home: Path) -> tuple[Origin, str]:
    """Return where the runs of a batch come from, and the difference of the checkout to its commit.

    The difference is empty outside of git, and where nothing was changed.
    """
    commit, diff = _git(home, "rev-parse", "HEAD").strip(), _git(home, "diff", "HEAD", "--no-color")
    listed = packages()
    origin = {
        "commit": commit or None,
        "changed": bool(diff),
        "difference": sha256(diff.encode()).hexdigest()[:16] if diff else None,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "host": platform.node(),
        "cores": os.cpu_count(),
        "environment": sha256(listed.encode()).hexdigest()[:16],
        "executable": Path(sys.executable).name,
    }
    return origin, diff[:_LONGEST]


@cache
def packages() -> str:
    """Return every installed package and its version, one a line, sorted."""
    found = {f"{part.metadata['Name']}=={part.version}" for part in distributions() if part.metadata["Name"]}
    return "\n".join(sorted(found, key=str.lower))


def _git(home: Path, *words: str) -> str:
    try:
        asked = ["git", "-C", str(home), *words]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_GIT_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return ""
    return done.stdout if done.returncode == 0 else ""
