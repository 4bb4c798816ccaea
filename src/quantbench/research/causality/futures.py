"""Other futures: plausible prices that have nothing to do with those that came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars

__all__ = ["other_futures"]

FloatArray = npt.NDArray[np.float64]

_CHUNK: Final = 250  # bars after which a drawn path is back where it began
_FURTHEST: Final = 2.0  # log distance no price goes beyond: a factor of 7
_JUMPS: Final = (10.0, 40.0)  # usual moves by which the first unknown bar opens away
_SMALLEST: Final = 1e-4  # a move, where the bars never move


def other_futures(bars: Bars, cut: int, seed: int) -> tuple[Bars, Bars]:
    """Return the bars twice, with everything from `cut` on replaced by a future and by its mirror image.

    The moves are drawn from those of the bars, sometimes three times as large, after a jump up in the
    first future and down in the second: whoever looks at the sign of the next move sees two answers.
    Companions have other futures too. Times are kept. Prices are valid and on the instrument's grid; a spread
    that was not carried stays so.
    """
    rng = np.random.default_rng([seed, 2, cut])
    path = _path(bars, len(bars) - cut, rng)
    mirrored = -path[[0, 2, 1, 3]]
    drawn = rng.integers(0, len(bars), len(bars) - cut)
    factor = np.exp(rng.normal(0.0, 0.5, len(drawn)))
    first, second = _joined(bars, cut, path, drawn, 3.0 * factor), _joined(bars, cut, mirrored, drawn, factor / 3.0)
    if not bars.others:
        return first, second
    firsts, seconds = zip(*_of_companions(bars, cut, seed), strict=True)
    return replace(first, others=firsts), replace(second, others=seconds)


def _of_companions(bars: Bars, cut: int, seed: int) -> Iterator[tuple[Bars, Bars]]:
    """Yield each companion twice, with what is not known at the close of the last bar before `cut` replaced."""
    for companion, known in zip(bars.others, bars[:cut].others, strict=True):
        if 0 < len(known) < len(companion):
            yield other_futures(companion, len(known), seed)
        else:
            yield companion, companion


def _path(bars: Bars, length: int, rng: np.random.Generator) -> FloatArray:
    """Return log prices open, high, low, close, relative to the last known close."""
    before = np.log(np.append(bars.open[:1], bars.close[:-1]))
    shapes = np.stack([np.log(getattr(bars, name)) - before for name in ("open", "high", "low", "close")])
    usual = max(float(np.median(np.abs(shapes[3]))), _SMALLEST)
    drawn = shapes[:, rng.integers(0, shapes.shape[1], length)]
    drawn = np.where(rng.random(length) < 0.5, drawn, -drawn[[0, 2, 1, 3]])
    drawn = drawn * rng.choice([1.0, 1.0, 3.0], length) + rng.normal(0.0, usual / 4, length)
    moves = drawn[3]
    for begin in range(0, length, _CHUNK):
        moves[begin : begin + _CHUNK] -= moves[begin : begin + _CHUNK].mean()
    drawn += np.concatenate([[0.0], np.cumsum(moves)[:-1]]) + rng.choice(_JUMPS) * usual
    drawn[1], drawn[2] = drawn.max(axis=0), drawn.min(axis=0)
    limited: FloatArray = _FURTHEST * np.tanh(drawn / _FURTHEST)
    return limited


def _joined(bars: Bars, cut: int, path: FloatArray, drawn: npt.NDArray[np.int64], factor: FloatArray) -> Bars:
    instrument = bars.instrument
    prices = np.round(bars.close[cut - 1] * np.exp(path), instrument.digits)
    prices = np.maximum(prices, instrument.point)
    columns = dict(zip(("open", "high", "low", "close"), prices, strict=True))
    columns["volume"] = np.round(bars.volume[drawn] * factor)
    columns["spread"] = np.round(bars.spread[drawn] * factor)
    joined: dict[str, Any] = {name: np.append(getattr(bars, name)[:cut], new) for name, new in columns.items()}
    return replace(bars, **joined)
