"""A study as Optuna knows it: for its dashboard, its storages, and its measures of importance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from quantbench.core.errors import ExecutionError, ParamsError, StoreError
from quantbench.core.space import Range, Values
from quantbench.core.study import Study, direction

if TYPE_CHECKING:
    import optuna
    import pandas as pd
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

__all__ = ["importance", "to_optuna"]


def to_optuna(study: Study, storage: str | None = None, *, name: str | None = None) -> optuna.Study:
    """Return an `optuna.Study` of all trials, with their metrics as user attributes.

    Parameters
    ----------
    study : Study
        Of any method.
    storage : str, optional
        Keep it there: a file (``"study.journal"``) or the URL of a database
        (``"postgresql+pg8000://user@host/optuna"``). Trials that are there already are not added again.
    name : str, optional
        Of the study in the storage; by default strategy, symbol, timeframe and method.

    Raises
    ------
    StoreError
        When the storage cannot be reached or written.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    name = name or f"{study.strategy.__name__} {study.bars.symbol} {study.bars.timeframe} {study.method}"
    try:
        made = optuna.create_study(
            study_name=name,
            storage=_storage(storage),
            directions=["maximize" if direction(one) > 0 else "minimize" for one in study.objectives],
            load_if_exists=True,
        )
        there = len(made.get_trials(deepcopy=False))
        made.add_trials(_frozen(study, row) for row in range(there, len(study)))
    except (OSError, SQLAlchemyError, optuna.exceptions.StorageInternalError, ValueError) as fault:
        raise StoreError(f"cannot keep the study in {storage}: {str(fault).splitlines()[0]}") from fault
    return made


def _storage(storage: str | None) -> Any:
    if storage is None:
        return None
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend
    from sqlalchemy.pool import NullPool

    if "://" in storage:  # no connection is kept open: nobody would close it
        return RDBStorage(storage, engine_kwargs={"poolclass": NullPool})

    return JournalStorage(JournalFileBackend(storage))


def _frozen(study: Study, row: int) -> FrozenTrial:
    import optuna

    params = dict(study.params[row])
    distributions = {name: _distribution(study.space[name], study, name) for name in params}
    measured: Mapping[str, Any] = study.values  # noqa: PD011  (a mapping of arrays, no frame)
    metrics = {name: float(column[row]) for name, column in measured.items() if np.isfinite(column[row])}
    scores = [float(measured[name][row]) for name in study.objectives]
    done = bool(np.isfinite(scores).all())
    return optuna.trial.create_trial(
        params=params,
        distributions=distributions,
        values=scores if done else None,
        state=optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.FAIL,
        user_attrs=metrics | ({"failure": study.failures[row]} if study.failures[row] else {}),
    )


def _distribution(values: Values, study: Study, name: str) -> BaseDistribution:
    """Return the distribution of a param: from its lowest to its highest value, those that do not apply included."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    tried = [choice[name] for choice in study.params]
    ends = [values.low, values.high] if isinstance(values, Range) else list(values)
    known = [*ends, *tried]
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in known):
        return CategoricalDistribution(tuple(dict.fromkeys(known)))
    if all(isinstance(value, int) for value in known):
        return IntDistribution(min(known), max(known))
    return FloatDistribution(float(min(known)), float(max(known)))


def importance(study: Study, metric: str | None = None, *, seed: int = 0) -> pd.Series[float]:
    """Return how much of a metric's variance each param explains, the most first; they add up to 1.

    By functional ANOVA over a forest of random trees (Hutter, Hoos & Leyton-Brown 2014). It says what
    moves the metric in these trials, not what is worth setting.

    Parameters
    ----------
    study : Study
        With at least two trials and one param that varied.
    metric : str, optional
        By default the score.
    seed : int
        Of the forest.

    Raises
    ------
    ParamsError
        For a metric the study does not have.
    ExecutionError
        When there are too few trials to tell.
    """
    import optuna
    import pandas as pd

    metric = metric or study.score
    measured: Mapping[str, Any] = study.values  # noqa: PD011  (a mapping of arrays, no frame)
    if metric not in measured:
        raise ParamsError(f"the study has no {metric!r}; it has {', '.join(measured)}")
    known = int(np.isfinite(measured[metric]).sum())
    if known < 4:
        raise ExecutionError(f"importance needs at least four trials with a {metric}, found {known}")
    found = optuna.importance.get_param_importances(
        to_optuna(study),
        evaluator=optuna.importance.FanovaImportanceEvaluator(seed=seed),
        target=lambda trial: trial.user_attrs[metric],
    )
    return pd.Series(found, name=f"importance for {metric}", dtype="float64")
