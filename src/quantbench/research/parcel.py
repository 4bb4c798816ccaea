"""What all processes of this machine read: written once, and mapped into each instead of copied."""

from __future__ import annotations

import pickle
import shutil
from functools import lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import Any, Final
from weakref import WeakKeyDictionary, finalize

from quantbench.core.errors import StoreError

__all__ = ["opened", "parcel_of"]

_ALIGNED: Final = 64
_PARCELS: Final[WeakKeyDictionary[Any, Path]] = WeakKeyDictionary()


def parcel_of(thing: Any) -> Path:
    """Return the folder a thing was written to; it is removed with the thing.

    Its arrays of numbers stand side by side in one file. Whoever opens the parcel sees the same memory.

    Raises
    ------
    StoreError
        When there is no room for it.
    """
    if thing not in _PARCELS:
        try:
            folder = Path(mkdtemp(prefix="quantbench-"))
            finalize(thing, shutil.rmtree, folder, ignore_errors=True)
            _write(thing, folder)
        except OSError as fault:
            raise StoreError(
                f"{gettempdir()} cannot take the bars for worker processes: {fault}; make room, or pass workers=1"
            ) from fault
        _PARCELS[thing] = folder
    return _PARCELS[thing]


def _write(thing: Any, folder: Path) -> None:
    import cloudpickle  # type: ignore[import-untyped]

    ranges: list[tuple[int, int]] = []
    with (folder / "arrays").open("wb") as file:

        def beside(buffer: pickle.PickleBuffer) -> None:
            file.write(b"\0" * (-file.tell() % _ALIGNED))
            begin = file.tell()
            file.write(buffer.raw())
            ranges.append((begin, file.tell()))

        whole = cloudpickle.dumps(thing, protocol=5, buffer_callback=beside)
        file.write(b"\0")  # an empty file cannot be mapped
    (folder / "thing").write_bytes(pickle.dumps((ranges, whole)))


@lru_cache(maxsize=4)
def opened(folder: Path) -> Any:
    """Return the thing in a parcel, its arrays on the mapped file; the same one each time."""
    ranges, whole = pickle.loads((folder / "thing").read_bytes())  # noqa: S301  (written by us)
    with (folder / "arrays").open("rb") as file:
        shared = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
    return pickle.loads(whole, buffers=[shared[begin:end] for begin, end in ranges])  # noqa: S301
