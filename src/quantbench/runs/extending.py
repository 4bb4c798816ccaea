"""A study's frozen parameters on newer bars, beside the band that its own past predicted for as many days.

The band comes from what the old run had recorded, nothing later: its daily returns are drawn again in blocks
(the stationary bootstrap of `qb.monte_carlo`), for as many days as there are new ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from quantbench.core.errors import QuantbenchError, RunError
from quantbench.runs.batch import Engine, Progress
from quantbench.runs.old_study import again, old_study
from quantbench.runs.record import RunRecord
from quantbench.runs.recording import recorded
from quantbench.runs.rerunning import paired, run_again

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Extended", "band", "rerun_extended"]

EXTEND: Final = "extend"
_PATHS: Final = 10_000
_FEWEST_DAYS: Final = 20
_LEVELS: Final = (0.05, 0.5, 0.95)
_COLUMNS: Final = ("run", "again", "from", "days", "return", "low", "middle", "high", "drawdown", "deepest", "place")


@dataclass(frozen=True)
class Extended:
    """Frozen parameters on newer bars.

    Attributes
    ----------
    study, again : str
        The old one, and the study the new runs were kept as.
    table : DataFrame
        One row a run that traded newer bars: ``run, again`` (keys), ``from`` (the last old bar, UTC), ``days`` (new
        ones), ``return`` over them, ``low, middle, high`` (5%, 50% and 95% of the band), ``drawdown`` and
        ``deepest`` (the drawdown only 5% of the paths exceed), all fractions, ``place`` (below, inside or above the
        band), and ``params.*``.
    notes : tuple of str
        What else must be known, one sentence each.
    """

    study: str
    again: str
    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """How many runs stayed inside their band."""
        if not len(self.table):
            return f"{self.study} on newer bars: no run can be compared"
        count = self.table["place"].value_counts()
        said = ", ".join(f"{count.get(place, 0):,} {place}" for place in ("below", "inside", "above"))
        return (
            f"{self.study} on newer bars: of {len(self.table):,} runs, {said} the band; were the future like the past, "
            "each would be inside with 90%, and runs on the same bars rise and fall together"
        )


def rerun_extended(
    study: str, *, workers: int | None = None, engine: Engine | None = None, progress: Progress | None = None
) -> Extended:
    """Trade the frozen parameters of a study on the bars that came after it, and compare with the band.

    The notebook runs on all of today's bars, so that indicators are warm and positions carried over; only what
    comes after the last bar of the old run is compared.

    Parameters
    ----------
    study : str
    workers, engine : optional
        Instead of what its spec says.
    progress : callable, optional
        As `run_batch` takes it.

    Returns
    -------
    Extended

    Raises
    ------
    RunError
        When there is no such study, its notebook is gone, or its data is what it was.

    Notes
    -----
    A run needs a table ``equity`` for this (``qb.record(table={"equity": result.equity})``). The band takes the
    average day as it was: that of the best of many runs is too high. Days are those of UTC. Parameters are frozen,
    what a notebook fits by itself is not.

    Examples
    --------
    >>> from quantbench.runs.extending import rerun_extended
    >>> rerun_extended("ma_cross").table  # doctest: +SKIP
    """
    old = old_study(study)
    planned = again(old, EXTEND)
    if old.data and dict(planned.plan.data) == dict(old.data):
        names = ", ".join(old.data)
        raise RunError(f"{study}: {names}: no newer bars, the data is what it was; `qb data update` or `qb data add`")
    # Where no data is named, no key says that there is more of it.
    records = run_again(planned, force=not old.data, workers=workers, engine=engine, progress=progress)
    rows, without = list[dict[str, Any]](), dict[str, int]()
    revised = 0
    for before, now in paired(old, planned, records):
        try:
            row, as_before = _compared(before, now)
        except QuantbenchError as fault:
            without[str(fault)] = without.get(str(fault), 0) + 1
            continue
        rows.append(row)
        revised += not as_before
    return Extended(study, planned.plan.study, _table(rows), _notes(without, revised))


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows, columns=list(rows[0] if rows else _COLUMNS))


def _notes(without: dict[str, int], revised: int) -> tuple[str, ...]:
    said = [f"{many:,} runs are left out: {why}" for why, many in without.items()]
    if revised:
        said.append(
            f"{revised:,} runs no longer make on the old bars what they made: code, data or libraries moved them too; "
            "`qb rerun --exact` says which"
        )
    return tuple(said)


def _compared(before: RunRecord, now: RunRecord) -> tuple[dict[str, Any], bool]:
    """Return the row of a run, and whether it still makes on the old bars what it made."""
    for what, one in (("then", before), ("now", now)):
        if one.status not in {"ok", "cached"}:
            raise RunError(f"it was {one.status} {what}")
    past, whole = _equity(before), _equity(now)
    end = past.index[-1]
    new = whole[whole.index > end]
    if not len(new):
        raise RunError("its equity ends where it ended: nothing newer was traded (the notebook may fix its end)")
    on_old = whole.reindex(past.index[:-1])  # the last bar may have closed what was open
    as_before = bool(np.allclose(on_old.to_numpy(), past.to_numpy()[:-1], rtol=1e-9))
    base = float(whole[whole.index <= end].iloc[-1])
    path = np.append(base, _day_ends(new))
    low, middle, high, deepest = band(_day_ends(past), len(path) - 1, seed=int(before.key[:8], 16))
    made = path[-1] / base - 1.0
    place = "below" if made < low else "above" if made > high else "inside"
    fall = float((path / np.maximum.accumulate(path) - 1.0).min())
    values = (before.key, now.key, end, len(path) - 1, made, low, middle, high, fall, deepest, place)
    params = {f"params.{name}": value for name, value in before.parameters.items()}
    return dict(zip(_COLUMNS, values, strict=True)) | params, as_before


def band(equity: Any, days: int, *, seed: int) -> tuple[float, float, float, float]:
    """Return what so many days may make, from the equity at the end of each day before.

    Parameters
    ----------
    equity : array
        One value a day.
    days : int
        Ahead.
    seed : int

    Returns
    -------
    tuple of float
        Return at 5%, 50% and 95%, and the drawdown that 5% of the paths fall below; as fractions.

    Raises
    ------
    RunError
        When there are under 20 days, or the equity was not above zero throughout.
    """
    from quantbench.research.chance.paths import draw
    from quantbench.research.overfit.resampling import block_length

    values = np.asarray(equity, np.float64)
    if len(values) <= _FEWEST_DAYS:
        raise RunError(f"under {_FEWEST_DAYS + 1} days were recorded then, which predict no band")
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise RunError("its equity then was not above zero throughout, which predicts no band")
    returns = values[1:] / values[:-1] - 1.0
    drawn = draw(returns, method="block", paths=_PATHS, seed=seed, block=block_length(returns), steps=days)
    low, middle, high = np.quantile(drawn.total_return, _LEVELS)
    return float(low), float(middle), float(high), float(np.quantile(drawn.max_drawdown, _LEVELS[0]))


def _equity(record: RunRecord) -> pd.Series[float]:
    """Return the equity a run recorded, by time."""
    import pandas as pd

    file = recorded(record.folder).tables.get("equity")
    if file is None:
        raise RunError('it recorded no table "equity", from which a band follows: qb.record(table={"equity": ...})')
    frame = pd.read_parquet(file)
    if "equity" not in frame or not isinstance(frame.index, pd.DatetimeIndex) or not len(frame):
        raise RunError('its table "equity" holds no column of that name by time, as result.equity does')
    return frame["equity"].sort_index()


def _day_ends(equity: pd.Series[float]) -> Any:
    index = equity.index
    return equity.groupby(index.floor("D")).last().to_numpy()  # type: ignore[attr-defined]
