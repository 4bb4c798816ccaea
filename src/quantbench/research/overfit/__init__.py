"""Luck among many: the statistics of having tried more than one thing."""

from quantbench.research.overfit.cscv import Pbo, cscv, distinct_columns, effective_trials, pbo
from quantbench.research.overfit.families import adjusted, bonferroni_sharpe, permutation_p, sidak
from quantbench.research.overfit.probabilistic import (
    dsr,
    expected_max,
    haircut_sharpe,
    min_backtest,
    min_track_record,
    psr,
)
from quantbench.research.overfit.resampling import block_length, resampled_rows
from quantbench.research.overfit.superior import Spa, spa, stepm

__all__ = [
    "Pbo",
    "Spa",
    "adjusted",
    "block_length",
    "bonferroni_sharpe",
    "cscv",
    "distinct_columns",
    "dsr",
    "effective_trials",
    "expected_max",
    "haircut_sharpe",
    "min_backtest",
    "min_track_record",
    "pbo",
    "permutation_p",
    "psr",
    "resampled_rows",
    "sidak",
    "spa",
    "stepm",
]
