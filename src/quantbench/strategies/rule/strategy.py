"""A strategy written as two conditions: by hand, or by evolution."""

from __future__ import annotations

from dataclasses import dataclass

from quantbench.core.bars import Bars
from quantbench.core.errors import check
from quantbench.core.signals import Signals
from quantbench.core.strategy import Strategy, param
from quantbench.indicators import atr
from quantbench.strategies.rule.canonical import canonical
from quantbench.strategies.rule.grammar import NEVER, size
from quantbench.strategies.rule.text import parsed, text_of
from quantbench.strategies.rule.working import holds, memory_of

__all__ = ["Rule"]


@dataclass(frozen=True)
class Rule(Strategy):
    """Long while one condition holds, short while the other does, flat where neither or both do.

    Parameters
    ----------
    long, short : str
        Conditions, kept in their canonical form. They compare (``> < >= <=``) and join (``and or not``) the
        columns ``open high low close``; averages ``sma(column, lookback) ema(column, lookback)``; lines
        ``highest lowest`` (of the bars before) and ``upper_band lower_band`` (Bollinger's, of closes) of a
        lookback; oscillators ``rsi stochastic adx`` of a lookback with a level; ``atr(lookback)`` with
        another or with ``span`` (high to low). ``recent(crossed_above(a, b), bars)`` holds for so many bars
        from a crossing on. ``always`` and ``never`` are conditions too.
    stop_atr : float
        Where the stop stands: average true ranges of 14 bars from the entry.

    Raises
    ------
    ParamsError
        When a text is no condition, or the two are the same.

    Examples
    --------
    >>> import quantbench as qb
    >>> rule = qb.Rule(long="close>sma(close,100) and rsi(14)<40", short="never")
    >>> rule.long, rule.complexity, rule.warmup
    ('close > sma(close, 100) and rsi(14) < 40', 7, 280)
    >>> len(qb.backtest(rule, qb.load("EURUSD", "H1")).trades) > 0
    True
    """

    long: str
    short: str
    stop_atr: float = param(3.0, among=(2.0, 3.0, 4.0))

    def __post_init__(self) -> None:
        """Put both conditions in canonical form: rules that say the same are equal."""
        long, short = canonical(parsed(self.long)), canonical(parsed(self.short))
        object.__setattr__(self, "long", text_of(long))
        object.__setattr__(self, "short", text_of(short))
        check(long != short, "long and short must not be the same condition", long=self.long, short=self.short)
        check(self.stop_atr > 0, "stop_atr must be above 0", stop_atr=self.stop_atr)

    @property
    def complexity(self) -> int:
        """How many words both conditions have; numbers belong to their word, and ``never`` counts nothing."""
        return sum(size(side) for side in map(parsed, (self.long, self.short)) if side != NEVER)

    @property
    def warmup(self) -> int:
        """The longest memory of any condition, and of the stop's average."""
        return max(memory_of(parsed(self.long)), memory_of(parsed(self.short)), 20 * 14)

    def decide(self, bars: Bars) -> Signals:
        """Say where the conditions hold."""
        long, short = holds(parsed(self.long), bars), holds(parsed(self.short), bars)
        return Signals.when(long=long, short=short, stop=self.stop_atr * atr(bars, 14))
