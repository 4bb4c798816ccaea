"""How kernels are compiled and where the machine code is kept.

numba keeps compiled code beside each source file and asks only whether *that* file has changed. Code
inlined from another file would then run on in an old version, and an installation that cannot be
written to would compile in every process. So the folder is ours and its name is a hash of every
kernel's source: a change anywhere compiles anew, and two versions never mix.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_BLAS = "scipy.linalg.cython_blas"


@contextmanager
def _without_scipy() -> Iterator[None]:
    """Keep scipy from being loaded inside, a sixth of the time to a first backtest.

    numba only asks whether its BLAS is there; what multiplies matrices loads it when it is compiled.
    """
    known: Any = sys.modules
    if _BLAS in known or "numba" in known or find_spec("scipy") is None:
        yield
        return
    known[_BLAS] = None
    try:
        yield
        known["numba.np.arraymath"]._HAVE_BLAS = True  # noqa: SLF001  (it has no public name)
    finally:
        del known[_BLAS]


with _without_scipy():
    import numba
    import numba.np.arraymath
    from numba import njit

PACKAGE = Path(__file__).parents[1]


@cache
def kernel_cache() -> Path:
    """Return the folder of compiled kernels: under NUMBA_CACHE_DIR, else the user's cache, else the temp folder."""
    digest = blake2b(numba.__version__.encode(), digest_size=6)
    for source in sorted([*PACKAGE.rglob("_kernels.py"), PACKAGE / "engine" / "book.py"]):
        digest.update(source.read_bytes())
    name = f"kernels-{digest.hexdigest()}"
    for root in (os.environ.get("NUMBA_CACHE_DIR"), _user_cache(), tempfile.gettempdir()):
        folder = Path(root or "", "quantbench", name)
        if root and _is_writable(folder):
            return folder
    return Path(tempfile.mkdtemp(prefix="quantbench-kernels-"))


def _user_cache() -> str:
    home = os.path.expanduser("~")  # noqa: PTH111  (a home that cannot be found stays "~", never raises)
    if sys.platform == "win32":
        return os.environ.get("LOCALAPPDATA", home)
    if sys.platform == "darwin":
        return f"{home}/Library/Caches"
    return os.environ.get("XDG_CACHE_HOME", f"{home}/.cache")


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def compiles(**options: Any) -> Any:
    """Return `numba.njit` without the GIL and with our cache; decided where a function is decorated."""

    def decorate(function: Any) -> Any:
        config: Any = numba.config
        before, config.CACHE_DIR = config.CACHE_DIR, str(kernel_cache())
        try:
            return njit(nogil=True, cache=True, **options)(function)
        finally:
            config.CACHE_DIR = before

    return decorate
