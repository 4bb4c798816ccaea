"""Checks of prices: impossible ones, spikes that revert, splits, quotes that froze, digits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.clock import MINUTE_NS
from quantbench.data.checks.columns import Columns, iso
from quantbench.data.checks.report import Finding

__all__ = ["bad_rows", "check_moves", "check_possible", "check_still", "spike_rows"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

_BLOCK: Final = 256
_SPIKE: Final = 20.0
"""How many times the usual range of a bar a price must leap, and come back, to be a spike."""
_BACK: Final = 0.3
"""The share of the leap that may be left after it came back."""
_LEAP: Final = 0.3
"""The least log ratio that can be a split: 1.5:1 is 0.41."""
_RATIOS: Final = (1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0)
_RATIO_SLACK: Final = 0.04
_OFF_GRID: Final = 0.01


def bad_rows(columns: Columns) -> dict[str, BoolArray]:
    """Return which rows hold what no bar can: prices that are none, highs and lows inside the bar."""
    none, inside, volume = (np.zeros(len(columns), np.bool_) for _ in range(3))
    for rows in columns.chunks(0):
        o, h, l, c = (getattr(columns, name)[rows] for name in ("open", "high", "low", "close"))  # noqa: E741
        top, bottom = np.maximum(np.maximum(o, c), l), np.minimum(np.minimum(o, c), h)
        none[rows] = ~((np.minimum(bottom, l) > 0) & (np.maximum(top, h) < np.inf))  # NaN compares as false
        inside[rows] = ((h < top) | (l > bottom)) & ~none[rows]
        volume[rows] = ~(columns.volume[rows] >= 0)
    return {"prices": none, "ohlc": inside, "volume": volume}


def check_possible(columns: Columns, bad: Mapping[str, BoolArray]) -> Iterator[Finding]:
    """Find prices at or below zero, NaN or infinite, impossible OHLC, negative volume among `bad_rows`."""
    what = {
        "prices": "have a price that is NaN, infinite, zero or negative",
        "ohlc": "have a high below, or a low above, another price of the bar",
        "volume": "have a volume that is negative or none",
    }
    for name, flags in bad.items():
        rows = np.flatnonzero(flags)
        if len(rows):
            yield Finding(
                name=name,
                severity="error",
                count=len(rows),
                sentence=f"{len(rows):,} bars {what[name]}, the first at {iso(columns.time[rows[0]])}.",
                rows=columns.cases(rows, "open", "high", "low", "close", "volume"),
                repair="drop-bad",
            )


def check_moves(columns: Columns) -> Iterator[Finding]:
    """Find spikes that revert at once, and jumps by the ratio of a split that stay."""
    if len(columns) > 2:
        spikes, leaps = _leaps(columns)
        yield from _spikes(columns, spikes)
        yield from _splits(columns, leaps)


def spike_rows(columns: Columns) -> IntArray:
    """Return every bar that leaps and comes back at once; the bars must be possible and three or more."""
    return _leaps(columns)[0]


def _leaps(columns: Columns) -> tuple[IntArray, IntArray]:
    """Return the rows of spikes, and those that open far from the close before."""
    scale = _usual_range(columns)
    spikes, leaps = [], []
    for rows in columns.chunks(3):
        o, h, l, c = (getattr(columns, name)[rows] for name in ("open", "high", "low", "close"))  # noqa: E741
        usual = scale[rows.start // _BLOCK : (rows.stop - 1) // _BLOCK + 1].repeat(_BLOCK)[rows.start % _BLOCK :]
        usual = usual[: len(c)]
        far = _apart(c[:-2], c[1:-1], _SPIKE * usual[1:-1])
        move, back = _log_ratio(c[far], c[far + 1]), _log_ratio(c[far], c[far + 2])
        spikes.append(far[np.abs(back) < _BACK * np.abs(move)] + 1 + rows.start)
        spikes.append(_apart(np.maximum(o, c), h, 2 * _SPIKE * usual) + rows.start)
        spikes.append(_apart(np.minimum(o, c), l, 2 * _SPIKE * usual) + rows.start)
        leaps.append(_apart(c[:-1], o[1:], np.maximum(_SPIKE / 2 * usual[1:], _LEAP)) + 1 + rows.start)
    return np.unique(np.concatenate(spikes)), np.unique(np.concatenate(leaps))


def _apart(one: FloatArray, other: FloatArray, least: FloatArray) -> IntArray:
    """Return where the log ratio of two prices exceeds `least`; a logarithm is taken only where it may."""
    # |log(a / b)| > t makes their difference more than t / (1 + t) of the larger: a hair less finds all of them.
    share = least / (1 + least) * (1 - 1e-9)
    rows = np.flatnonzero(np.abs(other - one) >= share * np.maximum(one, other))
    return rows[np.abs(_log_ratio(one[rows], other[rows])) > least[rows]]


def _log_ratio(before: FloatArray, after: FloatArray) -> FloatArray:
    found: FloatArray = np.log(after) - np.log(before)
    return found


def check_still(columns: Columns) -> Iterator[Finding]:
    """Find flat bars, quotes that froze, and more decimals than the instrument has."""
    flat, still = np.zeros(len(columns), np.bool_), np.zeros(len(columns), np.bool_)
    for rows in columns.chunks(1):
        flat[rows] = columns.high[rows] == columns.low[rows]
        close, later = columns.close[rows], slice(rows.start + 1, rows.stop)
        still[later] = flat[later] & (close[1:] == close[:-1])
    many = int(flat.sum())
    if many and (columns.length_ns >= 15 * MINUTE_NS or many > 0.2 * len(columns)):
        first = columns.first_rows(flat)
        yield Finding(
            name="flat",
            severity="note",
            count=many,
            sentence=f"{many:,} bars ({many / len(columns):.1%}) have one price only, "
            f"the first at {iso(columns.time[first[0]])}.",
            rows=columns.cases(first, "close", "volume"),
            repair="drop-flat",
        )
    yield from _frozen(columns, still)
    yield from _digits(columns)


def _frozen(columns: Columns, still: BoolArray) -> Iterator[Finding]:
    """Find where one price stands for long: `still` are the flat bars that close where the one before did."""
    least = int(np.clip(30 * MINUTE_NS // columns.length_ns, 5, 30))
    start, length = _runs(still)
    long = length >= least
    if long.any():
        start, length = start[long], length[long]
        longest = int(np.argmax(length))
        yield Finding(
            name="frozen",
            severity="warning",
            count=len(start),
            sentence=f"{len(start):,} times the quote stands still for {least} bars or more, the longest for "
            f"{length[longest]:,} bars from {iso(columns.time[start[longest]])}.",
            rows=columns.cases(start[np.argsort(-length, kind="stable")], "close"),
            repair="drop-flat",
        )


def _usual_range(columns: Columns) -> FloatArray:
    """Return the mean relative range of a bar by blocks of rows, never below a point nor the blocks around."""
    starts = np.arange(0, len(columns), _BLOCK)
    wide, moved = np.zeros(len(starts)), np.zeros(len(starts))
    for rows in columns.chunks(0):
        blocks = slice(rows.start // _BLOCK, (rows.stop - 1) // _BLOCK + 1)
        inside, close = np.arange(0, rows.stop - rows.start, _BLOCK), columns.close[rows]
        total = np.add.reduceat(close, inside)
        wide[blocks] = np.add.reduceat(columns.high[rows] - columns.low[rows], inside) / total
        before = columns.close[max(rows.start - 1, 0)]
        moved[blocks] = np.add.reduceat(np.abs(np.diff(close, prepend=before)), inside) / total
    usual = np.maximum(wide, moved)
    around = np.concatenate([usual[:1], usual, usual[-1:]])
    floor = columns.instrument.point / np.maximum(columns.close[starts], columns.instrument.point)
    found: FloatArray = np.maximum(np.median([around[:-2], around[1:-1], around[2:]], axis=0), floor)
    return found


def _spikes(columns: Columns, rows: IntArray) -> Iterator[Finding]:
    if not len(rows):
        return
    before = columns.close[np.maximum(rows - 1, 0)]
    size = np.maximum(np.abs(columns.high[rows] / before - 1), np.abs(columns.low[rows] / before - 1))
    worst = int(np.argmax(size))
    yield Finding(
        name="outliers",
        severity="warning",
        count=len(rows),
        sentence=f"{len(rows):,} bars leap more than {_SPIKE:g} times the usual range and come back at once, the worst "
        f"by {size[worst]:.2%} at {iso(columns.time[rows[worst]])}.",
        rows=columns.cases(rows[np.argsort(-size, kind="stable")], "open", "high", "low", "close"),
        repair="drop-outliers",
    )


def _splits(columns: Columns, rows: IntArray) -> Iterator[Finding]:
    """Tell leaps by the ratio of a split from crashes: a split stays, and hits its ratio within a few percent."""
    found = []
    for row in rows:
        ratio = columns.close[row - 1] / columns.open[row]
        nearest = min((*_RATIOS, *(1 / one for one in _RATIOS)), key=lambda one: abs(np.log(ratio / one)))
        after = float(np.median(columns.close[row : row + 20]))
        stays = abs(np.log(after / columns.open[row])) < abs(np.log(ratio)) / 2
        if stays and abs(np.log(ratio / nearest)) < _RATIO_SLACK:
            found.append((row, nearest))
    if found:
        row, nearest = found[0]
        text = f"{nearest:g}:1" if nearest > 1 else f"1:{1 / nearest:g}"
        yield Finding(
            name="splits",
            severity="warning",
            count=len(found),
            sentence=f"{len(found)} times the price leaps by the ratio of a split and stays, the first {text} at "
            f"{iso(columns.time[row])} ({columns.close[row - 1]:g} to {columns.open[row]:g}): unadjusted prices.",
            rows=columns.cases(np.array([row for row, _ in found]), "open", "close"),
        )


def _digits(columns: Columns) -> Iterator[Finding]:
    off = 0
    point = 10.0**-columns.instrument.digits
    first = -1
    for rows in columns.chunks(0):
        counts = columns.close[rows] / point
        astray = np.abs(counts - np.rint(counts)) > 0.01
        if first < 0 and astray.any():
            first = rows.start + int(np.argmax(astray))
        off += int(astray.sum())
    if off > _OFF_GRID * len(columns):
        yield Finding(
            name="digits",
            severity="note",
            count=off,
            sentence=f"{off / len(columns):.0%} of the closes have more than the {columns.instrument.digits} decimals "
            f"of {columns.instrument.symbol}, the first {float(columns.close[first])!r} at {iso(columns.time[first])}.",
            rows=columns.cases(np.array([first]), "close"),
        )


def _runs(flags: BoolArray) -> tuple[IntArray, IntArray]:
    """Return where runs of True start and how long they are."""
    inner = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    edges = np.concatenate([[0] * int(flags[0]), inner, [len(flags)] * int(flags[-1])]).astype(np.int64)
    return edges[::2], edges[1::2] - edges[::2]
