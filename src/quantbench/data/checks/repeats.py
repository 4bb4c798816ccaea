"""The check for blocks of bars that come twice, as when a day is copied into a hole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.data.checks.columns import SHOWN, Columns, iso
from quantbench.data.checks.report import Finding

__all__ = ["check_repeats"]

Hashes = npt.NDArray[np.uint64]

_WINDOW: Final = 12
"""Bars that must be equal in a row: by chance they never are."""
_ANCHORS: Final = 200_000
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


def check_repeats(columns: Columns) -> Iterator[Finding]:
    """Find blocks of bars, not all alike, whose open, high, low and close come again elsewhere."""
    if len(columns) < 2 * _WINDOW:
        return
    rows = _row_hashes(columns)
    # Where a block starts is told by what is in it, so that both copies have the same anchors.
    sparse = np.uint64(max(len(columns) // _ANCHORS, 1))
    parts = (part for part in columns.chunks(0) if part.start <= len(rows) - _WINDOW)
    anchors = np.concatenate([np.flatnonzero(rows[part] % sparse == 0) + part.start for part in parts])
    anchors = anchors[anchors <= len(rows) - _WINDOW]
    window = np.zeros(len(anchors), np.uint64)
    kinds = np.zeros(len(anchors), np.int64)
    for step in range(_WINDOW):
        window = window * _ODD + rows[anchors + step]
        kinds += rows[anchors + step] != rows[np.maximum(anchors + step - 1, 0)]
    anchors, window = anchors[kinds > _WINDOW // 2], window[kinds > _WINDOW // 2]
    order = np.argsort(window, kind="stable")
    again = np.flatnonzero(window[order][1:] == window[order][:-1]) + 1
    if not len(again):
        return
    blocks = _blocks(rows, anchors[order[again - 1]], anchors[order[again]])
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


def _row_hashes(columns: Columns) -> Hashes:
    found = np.zeros(len(columns), np.uint64)
    for rows in columns.chunks(0):
        mixed = np.zeros(rows.stop - rows.start, np.uint64)
        for name in ("open", "high", "low", "close"):
            mixed = (mixed ^ np.ascontiguousarray(getattr(columns, name)[rows]).view(np.uint64)) * _ODD
            mixed ^= mixed >> np.uint64(29)
        found[rows] = mixed
    return found


def _blocks(rows: Hashes, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return (start, start of the copy, bars), each copy once: neighbouring anchors see the same one."""
    found: list[tuple[int, int, int]] = []
    order = np.argsort(second, kind="stable")
    for a, b in zip(first[order].tolist(), second[order].tolist(), strict=True):
        if found and b < found[-1][1] + found[-1][2] and b - a == found[-1][1] - found[-1][0]:
            continue
        low = 0
        while a - low > 0 and rows[a - low - 1] == rows[b - low - 1]:
            low += 1
        high = _WINDOW
        while b + high < len(rows) and rows[a + high] == rows[b + high]:
            high += 1
        found.append((a - low, b - low, low + high))
    return found
