"""Arrays nobody can write to, copied only where somebody could."""

import mmap
from dataclasses import replace

import numpy as np
import pytest

import quantbench as qb
from quantbench.core.immutable import frozen, private_memory


def test_bars_made_of_columns_of_bars_share_them():
    bars = qb.load("EURUSD", "D1")
    again = replace(bars)
    assert all(np.shares_memory(getattr(again, name), getattr(bars, name)) for name in ("time", "close", "spread"))
    assert np.shares_memory(bars[100:].close, bars.close)


def test_what_somebody_can_write_to_is_copied():
    mine = np.arange(3.0)
    read_only = mine[:]
    read_only.flags.writeable = False
    kept = [frozen(mine), frozen(read_only), frozen(np.frombuffer(memoryview(bytearray(24)).toreadonly()))]
    mine[:] = 9.0
    assert [values.tolist() for values in kept] == [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0], [0.0, 0.0, 0.0]]


def test_what_is_not_copied_keeps_its_shape_whatever_the_giver_does_to_his():
    given = frozen(np.arange(6.0))
    kept = frozen(given)
    given.dtype = np.int64
    assert kept.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_every_other_value_is_put_together():
    values = frozen(np.arange(6.0))
    assert frozen(values[::2]).flags.c_contiguous
    assert not np.shares_memory(frozen(values[::2]), values)


def test_private_memory_is_kept_once_its_view_is_read_only():
    block = private_memory(24)
    np.frombuffer(block)[:] = [1.0, 2.0, 3.0]
    values = np.frombuffer(memoryview(block).toreadonly())
    assert frozen(values[1:]).tolist() == [2.0, 3.0]
    assert np.shares_memory(frozen(values[1:]), values)
    with pytest.raises(ValueError, match="WRITEABLE"):
        values.flags.writeable = True
    assert not np.shares_memory(frozen(np.frombuffer(block)), values)


def test_a_kernel_without_large_pages_gives_small_ones(monkeypatch):
    monkeypatch.setattr(mmap, "MADV_HUGEPAGE", 12_345, raising=False)
    assert len(private_memory(8)) == 8
    assert len(private_memory(3 << 20)) == 4 << 20
