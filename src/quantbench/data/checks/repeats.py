"""The check for blocks of bars that come twice, as when a day is copied into a hole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.data.checks.columns import SHOWN, Columns, IntArray, iso
from quantbench.data.checks.report import Finding

__all__ = ["check_repeats"]

Hashes = npt.NDArray[np.uint64]

_WINDOW: Final = 12
"""Bars that must be equal in a row: by chance they never are."""
_ANCHORS: Final = 200_000
_COMPARED: Final = 4_096
_PRICES: Final = ("open", "high", "low", "close")
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def check_repeats(columns: Columns) -> Iterator[Finding]:
    """Find blocks of bars, not all alike, whose open, high, low and close come again elsewhere."""
    if len(columns) < 2 * _WINDOW:
        return
    found = [_anchors(columns, rows) for rows in columns.chunks(_WINDOW - 1)]
    anchors, window = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(window, kind="stable")
    again = np.flatnonzero(window[order][1:] == window[order][:-1]) + 1
    if not len(again):
        return
    blocks = _blocks(columns, anchors[order[again - 1]], anchors[order[again]])
    if not blocks:
        return
    first, second, length = max(blocks, key=lambda block: block[2])
    yield Finding(
        name="repeats",
        severity="warning",
        count=len(blocks),
        sentence=f"{len(blocks)} blocks of bars come twice, the longest of {length:,} bars at "
        f"{iso(columns.time[first])} and again at {iso(columns.time[second])}.",
        rows=tuple(
            {"row": int(b), "time": iso(columns.time[b]), "first": iso(columns.time[a]), "bars": length}
            for a, b, length in blocks[:SHOWN]
        ),
    )


def _anchors(columns: Columns, rows: slice) -> tuple[IntArray, Hashes]:
    """Return where a block may start among some rows, and what the bars from there on are, all `_WINDOW` of them."""
    before = min(rows.start, 1)
    hashes = _row_hashes(columns, slice(rows.start - before, rows.stop))
    # Where a block starts is told by what is in it, so that both copies have the same anchors.
    sparse = np.uint64(max(len(columns) // _ANCHORS, 1))
    anchors = np.flatnonzero(hashes[before : len(hashes) - _WINDOW + 1] % sparse == 0) + before
    window = np.zeros(len(anchors), np.uint64)
    kinds = np.zeros(len(anchors), np.int64)
    for step in range(_WINDOW):
        window = window * _ODD + hashes[anchors + step]
        kinds += hashes[anchors + step] != hashes[np.maximum(anchors + step - 1, 0)]
    mixed = kinds > _WINDOW // 2
    return anchors[mixed] + rows.start - before, window[mixed]


def _row_hashes(columns: Columns, rows: slice) -> Hashes:
    mixed = np.zeros(rows.stop - rows.start, np.uint64)
    for name in _PRICES:
        mixed = (mixed ^ np.ascontiguousarray(getattr(columns, name)[rows]).view(np.uint64)) * _ODD
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _blocks(columns: Columns, first: IntArray, second: IntArray) -> list[tuple[int, int, int]]:
    """Return (start, start of the copy, bars), each copy once: neighbouring anchors see the same one."""
    found: list[tuple[int, int, int]] = []
    order = np.argsort(second, kind="stable")
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if found and b < found[-1][1] + found[-1][2] and b - a == found[-1][1] - found[-1][0]:
            continue
        low = _alike(columns, a - 1, b - 1, -1)
        found.append((a - low, b - low, low + _alike(columns, a, b, 1)))
    return found


def _alike(columns: Columns, a: int, b: int, step: int) -> int:
    """Return how many bars in a row are the same from two rows on, forward or backward; `b` is the later one."""
    many = 0
    left = len(columns) - b if step > 0 else a + 1
    while many < left:
        here = np.arange(many, min(many + _COMPARED, left)) * step
        same = np.ones(len(here), np.bool_)
        for name in _PRICES:
            column = getattr(columns, name)
            same &= column[a + here] == column[b + here]
        if not same.all():
            return many + int(np.argmin(same))
        many += len(here)
    return many
