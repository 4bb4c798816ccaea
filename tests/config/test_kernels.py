"""Where compiled kernels are kept: a place that can be written to, under a name that knows every source."""

import subprocess
import sys
from pathlib import Path

import pytest

from quantbench.config import _kernels


@pytest.fixture
def asked_anew():
    """The folder is found once a process: ask again before and after."""
    _kernels.kernel_cache.cache_clear()
    yield
    _kernels.kernel_cache.cache_clear()


def test_the_folder_named_by_numba_is_used(asked_anew, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    assert _kernels.kernel_cache().parent == tmp_path / "quantbench"


def test_a_folder_that_cannot_be_written_to_is_passed_over(asked_anew, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "own"))
    monkeypatch.setattr(_kernels, "_user_cache", lambda: str(tmp_path / "own"))
    assert _kernels.kernel_cache().parent == tmp_path / "own" / "quantbench"


def test_with_nowhere_to_write_a_fresh_folder_serves_this_process(asked_anew, monkeypatch):
    monkeypatch.setattr(_kernels, "_is_writable", lambda _: False)
    folder = _kernels.kernel_cache()
    assert folder.is_dir()
    folder.rmdir()


def test_a_change_of_any_kernel_is_a_new_folder(asked_anew, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "cache"))
    package = tmp_path / "package"
    for place in ("engine/_kernels.py", "engine/fills/_kernels.py", "engine/book.py"):
        (package / place).parent.mkdir(parents=True, exist_ok=True)
        (package / place).write_text("one")
    monkeypatch.setattr(_kernels, "PACKAGE", package)
    names = {_kernels.kernel_cache().name}
    for place in ("engine/_kernels.py", "engine/fills/_kernels.py", "engine/book.py"):
        (package / place).write_text("two")
        _kernels.kernel_cache.cache_clear()
        names.add(_kernels.kernel_cache().name)
    assert len(names) == 4


def test_every_kernel_of_the_engine_keeps_its_code_there_and_numba_keeps_its_own_setting():
    import numba

    from quantbench.engine._kernels import run

    assert Path(run._cache.cache_path).is_relative_to(_kernels.kernel_cache())
    assert str(_kernels.kernel_cache()) != numba.config.CACHE_DIR


def test_numba_is_loaded_without_scipy_and_multiplies_matrices_all_the_same():
    code = (
        "import sys, numpy as np; from quantbench.config import _kernels; before = 'scipy.linalg' in sys.modules;"
        "import numba; product = numba.njit(lambda a: a @ a)(np.eye(3));"
        "print(before, product.sum(), 'scipy.linalg.cython_blas' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown == "False 3.0 True\n"


def test_scipy_that_is_loaded_already_stays(monkeypatch):
    import scipy.linalg.cython_blas as blas

    monkeypatch.delitem(sys.modules, "numba")
    with _kernels._without_scipy():
        assert sys.modules["scipy.linalg.cython_blas"] is blas
    assert sys.modules["scipy.linalg.cython_blas"] is blas
