"""Indicator results by input and params: computed once, bounded, never stale.

A result is kept only for inputs nobody can write to: arrays that stand on a `bytes` object, as the
columns of `Bars` do, or on a file that was mapped to be read. For them identity is content. Results
are frozen the same way, so the average of an average is found again too. Every other array is
computed afresh each time.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from threading import Lock
from typing import Any, Final, TypeVar, cast
from weakref import WeakValueDictionary

from quantbench.core.immutable import frozen, owner_of
from quantbench.indicators.inputs import FloatArray

__all__ = ["CACHE", "Cache", "cached"]

R = TypeVar("R", bound="FloatArray | tuple[FloatArray, ...]")

_BOUND: Final = 256 * 2**20


class Cache:
    """The results used last, up to a number of bytes, safe to share between threads.

    Parameters
    ----------
    bound : int
        Bytes of results, and of the inputs they keep alive, that are held at most.
    """

    def __init__(self, bound: int = _BOUND) -> None:
        self.bound = bound
        self._entries: OrderedDict[Any, tuple[Any, tuple[FloatArray, ...]]] = OrderedDict()
        self._owners: Counter[int] = Counter()  # how many entries keep a block of memory alive, by its id
        self._bytes = 0
        self._lock = Lock()
        self._makers: WeakValueDictionary[Any, Any] = WeakValueDictionary()  # a lock per result being worked out

    @property
    def n_bytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Any) -> Any:
        """Return the result kept under the key, or None."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry[0]

    def maker(self, key: Any) -> AbstractContextManager[Any]:
        """Return what to hold while working out a result, so that no two threads do the same."""
        with self._lock:
            lock = self._makers.get(key)
            if lock is None:
                self._makers[key] = lock = Lock()
            return cast("AbstractContextManager[Any]", lock)

    def keep(self, key: Any, result: Any, inputs: tuple[FloatArray, ...]) -> Any:
        """Keep the result and return the one to use: another thread may have been first."""
        with self._lock:
            if key in self._entries:
                return self._entries[key][0]
            self._entries[key] = (result, inputs)
            self._count(result, inputs, +1)
            while self._bytes > self.bound:
                _, (oldest, its_inputs) = self._entries.popitem(last=False)
                self._count(oldest, its_inputs, -1)
            return result

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
            self._owners.clear()
            self._bytes = 0

    def _count(self, result: Any, inputs: tuple[FloatArray, ...], sign: int) -> None:
        """Add or subtract the memory of one entry; blocks that several entries share count once."""
        for array in (*_arrays(result), *inputs):
            owner: Any = owner_of(array)
            before = self._owners[id(owner)]
            self._owners[id(owner)] = before + sign
            if before + sign == 0:
                del self._owners[id(owner)]
            if 0 in (before, before + sign):
                self._bytes += sign * len(owner)


CACHE: Final = Cache()
"""What this process remembers."""


def cached(compute: Callable[..., R]) -> Callable[..., R]:
    """Remember the results of a pure function of columns and positional params.

    Params must be checked before the call: as keys 1, 1.0 and True are the same.
    """

    @wraps(compute)
    def find_or_compute(columns: tuple[FloatArray, ...], *params: float) -> R:
        # An array's header can be changed in place even where its memory cannot, so it is in the key.
        key = (compute, params, *[(id(column), column.size, column.strides) for column in columns])
        found: R | None = CACHE.find(key)
        if found is not None:
            return found
        if not all(owner_of(column) is not None for column in columns):
            result = compute(columns, *params)
            for array in _arrays(result):
                array.flags.writeable = False  # read-only either way: the answer behaves the same
            return result
        with CACHE.maker(key):  # another thread may be at it: then it is there now
            found = CACHE.find(key)
            if found is None:
                found = CACHE.keep(key, _frozen(compute(columns, *params)), columns)
            return found

    return find_or_compute


def _arrays(result: Any) -> tuple[FloatArray, ...]:
    return result if isinstance(result, tuple) else (result,)


def _frozen(result: Any) -> Any:
    if isinstance(result, tuple):
        return type(result)(*map(frozen, result))
    return frozen(result)
