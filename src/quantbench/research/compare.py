"""Results side by side, and whether the difference between their Sharpe ratios is more than luck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.core.errors import ExecutionError, check
from quantbench.core.results import Backtest
from quantbench.core.views import with_views
from quantbench.engine.portfolio import PortfolioBacktest
from quantbench.research.sharpe_difference import sharpe_difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LEAST_DAYS", "Comparison", "SharpeDifference", "compare"]

Result = Backtest | PortfolioBacktest

LEAST_DAYS: Final = 30
"""Common trading days below which nothing is compared."""


@dataclass(frozen=True)
class SharpeDifference:
    """One Sharpe ratio against another on the same days: how far apart, and how surely.

    Attributes
    ----------
    first, second : str
    difference : float
        Sharpe of `first` less Sharpe of `second`, annualised.
    lower, upper : float
        Interval of the difference at `level`.
    p_value : float
        Two-sided, under `null`; not adjusted for the number of pairs looked at.
    level : float
    days, block, resamples, seed : int
        Common days, mean block length in days, bootstrap samples, seed.
    null, method : str
    """

    first: str
    second: str
    difference: float
    lower: float
    upper: float
    p_value: float
    level: float
    days: int
    block: int
    resamples: int
    seed: int
    null: str = "both Sharpe ratios are equal"
    method: str = "paired stationary bootstrap, studentised, symmetric"


@with_views
@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Results side by side. Read-only.

    Attributes
    ----------
    metrics : DataFrame, metric x result
        Each on its own bars.
    equity : DataFrame, day x result
        Growth of 1 since the start of the first common day.
    daily : DataFrame, day x result
        Net returns from common day to common day.
    correlation : DataFrame, result x result
        Of those returns (Pearson).
    tests : tuple of SharpeDifference
        One a pair, in order.
    notes : tuple of str
        What to know before believing it.
    """

    metrics: pd.DataFrame
    equity: pd.DataFrame
    daily: pd.DataFrame
    correlation: pd.DataFrame
    tests: tuple[SharpeDifference, ...]
    notes: tuple[str, ...] = ()

    if TYPE_CHECKING:  # given by the table in core.views

        def plot(self) -> Any:
            """Return the figure of this comparison."""

    def table(self) -> pd.DataFrame:
        """Return the metrics, one column a result, each on its own bars."""
        return self.metrics.copy()

    def differences(self) -> pd.DataFrame:
        """Return one row a pair: the difference of Sharpe ratios, its interval and p-value, and how it was tested."""
        import pandas as pd

        return pd.DataFrame([asdict(test) for test in self.tests])

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        days = len(self.daily)
        return f"{self.daily.shape[1]} results on {days:,} common days from {self.daily.index[0]:%Y-%m-%d}, net"

    def __repr__(self) -> str:
        return "\n".join((self.headline, *map(_sentence, self.tests), *self.notes))

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(f"<li>{escape(text)}</li>" for text in (*map(_sentence, self.tests), *self.notes))
        table = self.metrics.to_html(float_format="{:.4g}".format, border=0, na_rep="-")
        correlation = self.correlation.to_html(float_format="{:.2f}".format, border=0)
        head = f"<p><b>{escape(self.headline)}</b></p>"
        return f"{head}{table}<p>Correlation of daily returns</p>{correlation}<ul>{lines}</ul>"


def _sentence(test: SharpeDifference) -> str:
    return (
        f"Sharpe of {test.first} less {test.second}: {test.difference:+.2f} "
        f"({test.level:.0%} interval {test.lower:+.2f} to {test.upper:+.2f}, p {test.p_value:.3f} that {test.null}; "
        f"{test.method}, mean block {test.block} days, {test.resamples:,} resamples, seed {test.seed})"
    )


def compare(
    results: Mapping[str, Result] | Iterable[Result], *, seed: int, resamples: int = 5_000, level: float = 0.95
) -> Comparison:
    """Put results side by side and test the difference between their Sharpe ratios, pair by pair.

    Parameters
    ----------
    results : mapping of str to result, or iterable of results
        Backtests or portfolio backtests, on any bars; without names they go by their strategy.
    seed : int
        Of the bootstrap: the same seed gives the same comparison.
    resamples : int
        Bootstrap samples.
    level : float
        Of the intervals.

    Returns
    -------
    Comparison

    Raises
    ------
    ExecutionError
        For fewer than two results, fewer than `LEAST_DAYS` days in common, or a result that never moves on them.

    Notes
    -----
    Null hypothesis: the two Sharpe ratios are equal. Returns from common day to common day are resampled
    together, so that their correlation stays, in blocks of random length (Politis and Romano 1994) whose mean is
    the longest optimal length of any of the series (Patton, Politis and White 2009). The difference is studentised
    by the delta method in every resample, after Ledoit and Wolf (2008, J. Empirical Finance 15, section 3.2.2),
    and the interval is symmetric: it holds 0 where p is above 1 - level. Where choices were searched over, a
    small p says little: the test knows only the results it was given.

    Examples
    --------
    >>> import quantbench as qb
    >>> from quantbench.research.compare import compare
    >>> bars = qb.load("EURUSD", "H1")
    >>> found = compare([qb.backtest(qb.MaCross(20, slow), bars) for slow in (100, 200)], seed=7, resamples=200)
    >>> found.daily.shape[1], len(found.tests), bool(0 < found.tests[0].p_value <= 1)
    (2, 1, True)
    """
    import pandas as pd

    named = _named(results)
    daily = _common(named)
    check(0 < level < 1, "level is a fraction between 0 and 1", level=level)
    check(resamples >= 1, "resamples must be 1 or more", resamples=resamples)
    periods, notes = _periods(named)
    tested = sharpe_difference(daily.to_numpy(np.float64), seed=seed, resamples=resamples, level=level)
    yearly = float(np.sqrt(periods))
    names = list(map(str, daily.columns))
    tests = tuple(
        SharpeDifference(
            first=names[pair[0]],
            second=names[pair[1]],
            difference=float(tested.difference[i]) * yearly,
            lower=float(tested.lower[i]) * yearly,
            upper=float(tested.upper[i]) * yearly,
            p_value=float(tested.p_value[i]),
            level=level,
            days=len(daily),
            block=tested.block,
            resamples=resamples,
            seed=seed,
        )
        for i, pair in enumerate(tested.pairs)
    )
    metrics = pd.DataFrame({name: result.metrics() for name, result in named.items()})
    return Comparison(metrics, (1.0 + daily).cumprod(), daily, daily.corr(), tests, (*notes, *_partial(named, daily)))


def _named(results: Mapping[str, Result] | Iterable[Result]) -> dict[str, Result]:
    """Return the results by name; those without go by strategy, and by bars where strategies repeat."""
    if isinstance(results, Mapping):
        found = {str(name): result for name, result in results.items()}
    else:
        given = list(results)
        names = [_name(result) for result in given]
        if max(Counter(names).values(), default=0) > 1:
            names = [f"{name} {_where(result)}".rstrip() for name, result in zip(names, given, strict=True)]
        seen: Counter[str] = Counter()
        found = {}
        for name, result in zip(names, given, strict=True):
            seen[name] += 1
            found[name if seen[name] == 1 else f"{name} ({seen[name]})"] = result
    if len(found) < 2:
        raise ExecutionError(f"compare needs at least two results, found {len(found)}")
    return found


def _name(result: Result) -> str:
    return repr(result.strategy) if isinstance(result, Backtest) else "Portfolio"


def _where(result: Result) -> str:
    return f"{result.bars.symbol} {result.bars.timeframe}" if isinstance(result, Backtest) else ", ".join(result.bars)


def _common(named: dict[str, Result]) -> pd.DataFrame:
    """Return net returns from common day to common day; what happened on other days is in the next one's return."""
    import pandas as pd

    days = None
    for result in named.values():
        days = result.daily.index if days is None else days.intersection(result.daily.index)
    if days is None or not len(days):
        ranges = "; ".join(f"{name} {_range(result)}" for name, result in named.items())
        raise ExecutionError(f"the results have no trading day in common ({ranges}): compare over one period")
    if len(days) < LEAST_DAYS:
        raise ExecutionError(
            f"the results have {len(days)} trading days in common, {LEAST_DAYS} are the least to compare"
        )
    columns = {}
    for name, result in named.items():
        growth = (1.0 + result.daily).cumprod()
        before = growth.shift(1, fill_value=1.0).loc[days[0]]
        columns[name] = growth.loc[days] / np.append(before, growth.loc[days].to_numpy()[:-1]) - 1.0
        if np.ptp(columns[name].to_numpy()) == 0:
            raise ExecutionError(f"{name} never moves on the common days: it has no Sharpe ratio to compare")
    return pd.DataFrame(columns)


def _range(result: Result) -> str:
    index = result.daily.index
    return f"{index[0]:%Y-%m-%d} to {index[-1]:%Y-%m-%d}" if len(index) else "without days"


def _periods(named: dict[str, Result]) -> tuple[float, list[str]]:
    """Return the common days a year has, and a note where calendars differ."""
    of = {
        name: result.bars.instrument.trading_calendar if isinstance(result, Backtest) else result.calendar
        for name, result in named.items()
    }
    fewest = min(each.days_per_year for each in of.values())
    if len({each.name for each in of.values()}) == 1:
        return fewest, []
    calendars = ", ".join(sorted({each.name for each in of.values()}))
    return fewest, [
        f"calendars differ ({calendars}): Sharpe differences are annualised by {fewest:g} common days a year"
    ]


def _partial(named: dict[str, Result], daily: pd.DataFrame) -> list[str]:
    longer = [name for name, result in named.items() if len(result.daily) != len(daily)]
    if not longer:
        return []
    return [f"metrics are each on its own bars; tests are on {len(daily):,} common days only ({', '.join(longer)})"]
