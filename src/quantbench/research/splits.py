"""Ranges to search on and ranges to judge on: in order for walk-forward, purged for cross-validation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from quantbench.core.bars import Bars
from quantbench.core.errors import ParamsError
from quantbench.core.results import Backtest, day_ends

__all__ = ["Span", "Split", "Splits", "anchored", "combinatorial", "purge_of", "purged_folds", "rolling"]

IntArray = npt.NDArray[np.int64]

_WIDTH: Final = 60  # characters of the picture
_DAYS: Final = re.compile(r"(\d+)D")
_MOST: Final = 10_000  # splits


class Span(NamedTuple):
    """Bars by position: from `begin` up to, not including, `end`."""

    begin: int
    end: int


@dataclass(frozen=True)
class Split:
    """A train and a test range, as positions of bars.

    Attributes
    ----------
    train, test : tuple of Span
        In order; for walk-forward one span each.
    purge : int
        Bars taken out of the train range on either side of each test span, where the two would meet.
    embargo : int
        Bars taken out after a test span besides.
    """

    train: tuple[Span, ...]
    test: tuple[Span, ...]
    purge: int = 0
    embargo: int = 0


@dataclass(frozen=True, repr=False)
class Splits(Sequence[Split]):
    """Splits of the same bars; printed, they are a picture: ``-`` train, ``#`` test.

    Attributes
    ----------
    bars : int
        How many bars were split.
    splits : tuple of Split
    """

    bars: int
    splits: tuple[Split, ...]

    def __len__(self) -> int:
        return len(self.splits)

    @overload
    def __getitem__(self, at: int) -> Split: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Split, ...]: ...
    def __getitem__(self, at: int | slice) -> Split | tuple[Split, ...]:
        """Return one split, or some."""
        return self.splits[at]

    def __iter__(self) -> Iterator[Split]:
        return iter(self.splits)

    def __repr__(self) -> str:
        rows = [f"{number:>4} {self._drawn(split)}" for number, split in enumerate(self.splits)]
        return "\n".join([f"{len(self)} splits of {self.bars:,} bars: - train, # test", *rows])

    def _drawn(self, split: Split) -> str:
        line = [" "] * _WIDTH
        for mark, spans in (("-", split.train), ("#", split.test)):
            for span in spans:
                first, last = (where * _WIDTH // self.bars for where in (span.begin, span.end - 1))
                line[first : last + 1] = mark * (last + 1 - first)
        return "".join(line).rstrip()


def rolling(bars: Bars, *, train: str | int, test: str | int, purge: int = 0) -> Splits:
    """Return train ranges of one length, each followed by its test range, which follow each other without a gap.

    Parameters
    ----------
    bars : Bars
    train, test : str or int
        ``"360D"`` is 360 trading days of the instrument that have bars; a number is bars. A shorter last
        test range is kept.
    purge : int
        Bars left out between train and test.

    Raises
    ------
    ParamsError
        For a length that cannot be read, or bars too few for one train range and a bar to test.

    Examples
    --------
    >>> import quantbench as qb
    >>> rolling(qb.load("EURUSD", "H1"), train="120D", test="60D")
    3 splits of 6,225 bars: - train, # test
       0 ---------------------------###############
       1              ----------------------------###############
       2                            ----------------------------#####
    """
    return _walked(bars, train, test, purge, moves=True)


def anchored(bars: Bars, *, train: str | int, test: str | int, purge: int = 0) -> Splits:
    """Return train ranges that all begin at the first bar; `train` is the length of the first. See `rolling`."""
    return _walked(bars, train, test, purge, moves=False)


def _walked(bars: Bars, train: str | int, test: str | int, purge: int, *, moves: bool) -> Splits:
    _require(purge >= 0, f"purge must be at least 0 bars (purge={purge!r})")
    by_day = [isinstance(length, str) for length in (train, test)]
    _require(by_day[0] == by_day[1], f"give both lengths in trading days or both in bars ({train=}, {test=})")
    ends = day_ends(bars)[1] + 1 if by_day[0] else np.arange(1, len(bars) + 1)
    edges = np.append(0, ends)
    long, short = _length(train, "train"), _length(test, "test")
    units = "trading days" if by_day[0] else "bars"
    enough = len(edges) - 1 > long
    _require(enough, f"{len(edges) - 1} {units} are too few for a train range of {long} and something to test")
    made = []
    for first in range(long, len(edges) - 1, short):
        begin, until = int(edges[first]), int(edges[min(first + short, len(edges) - 1)])
        start = int(edges[first - long]) if moves else 0
        _require(begin - purge > start, f"a purge of {purge} bars leaves nothing of the train range {start} to {begin}")
        made.append(Split((Span(start, begin - purge),), (Span(begin, until),), purge))
    return Splits(len(bars), tuple(made))


def _length(wanted: str | int, name: str) -> int:
    if isinstance(wanted, str):
        found = _DAYS.fullmatch(wanted)
        _require(found is not None, f"{name} must be trading days such as '90D', or a number of bars, found {wanted!r}")
        wanted = int(wanted[:-1])
    _require(wanted >= 1, f"{name} must be at least 1, found {wanted!r}")
    return wanted


def purged_folds(bars: Bars, *, folds: int, purge: int, embargo: int = 0) -> Splits:
    """Return folds of equal length, each tested once and searched on all others but the bars that touch it.

    Parameters
    ----------
    bars : Bars
    folds : int
    purge : int
        Bars left out of the train range before and after the test range: at least as long as a trade can
        reach, `purge_of`.
    embargo : int
        Bars left out after the test range besides.

    Raises
    ------
    ParamsError
        When nothing is left to train on.

    Notes
    -----
    Lopez de Prado, *Advances in Financial Machine Learning* (2018), chapter 7. The train range holds the
    future of its test range: this judges a search, it is no rehearsal of trading.
    """
    return combinatorial(bars, groups=folds, tested=1, purge=purge, embargo=embargo)


def combinatorial(bars: Bars, *, groups: int, tested: int, purge: int, embargo: int = 0) -> Splits:
    """Return a split for every choice of `tested` groups out of equal ones, purged as in `purged_folds`.

    Raises
    ------
    ParamsError
        For more than 10,000 splits, or when nothing is left to train on.

    Notes
    -----
    Combinatorial purged cross-validation, Lopez de Prado (2018), chapter 12: each bar is tested equally often.
    """
    _require(0 < tested < groups <= len(bars), f"need 0 < tested < groups <= bars ({tested=}, {groups=}, {len(bars)=})")
    _require(purge >= 0 and embargo >= 0, f"purge and embargo must be at least 0 bars ({purge=}, {embargo=})")
    edges = np.linspace(0, len(bars), groups + 1).round().astype(np.int64)
    made = list[Split]()
    for chosen in combinations(range(groups), tested):
        _require(len(made) < _MOST, f"{groups} groups by {tested} are more than {_MOST:,} splits; take fewer groups")
        free = np.ones(len(bars), np.bool_)
        for group in chosen:
            free[max(0, edges[group] - purge) : edges[group + 1] + purge + embargo] = False
        _require(bool(free.any()), f"purge and embargo leave nothing to train on ({purge=}, {embargo=}, {groups=})")
        spans = [Span(int(edges[group]), int(edges[group + 1])) for group in chosen]
        made.append(Split(_spans(free), _merged(spans), purge, embargo))
    return Splits(len(bars), tuple(made))


def purge_of(result: Backtest) -> int:
    """Return how many bars what is known at one bar may reach: the warm-up and the longest trade."""
    rows = result.path.trades
    longest = int((rows["exit_bar"] - rows["entry_bar"]).max()) if len(rows) else 0
    return int(result.strategy.warmup) + longest


def _spans(free: npt.NDArray[np.bool_]) -> tuple[Span, ...]:
    turns = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]])))
    return tuple(Span(int(begin), int(end)) for begin, end in turns.reshape(-1, 2))


def _merged(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the spans in order, those that meet as one."""
    merged: list[Span] = []
    for span in spans:
        if merged and merged[-1].end == span.begin:
            merged[-1] = Span(merged[-1].begin, span.end)
        else:
            merged.append(span)
    return tuple(merged)


def _require(holds: bool, message: str) -> None:  # noqa: FBT001  (a condition, not an option)
    if not holds:
        raise ParamsError(message)
