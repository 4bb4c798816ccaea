"""The acceptance cases about a choice among many: each metric id, and the function that answers it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from quantbench.research.overfit.cscv import cscv
from quantbench.research.overfit.families import adjusted, bonferroni_sharpe, permutation_p, sidak
from quantbench.research.overfit.later_forms import (
    error_2025,
    min_track_record_2025,
    observed_false_discovery,
    planned_false_discovery,
    power_2025,
    psr_2025,
)
from quantbench.research.overfit.probabilistic import (
    dsr_of,
    expected_max,
    expected_max_exact,
    min_backtest,
    min_track_record_of,
    psr,
    psr_of,
    sharpe_deviation,
    variance_of_max,
)

__all__ = ["REFERENCE"]


def _psr(sr: float, sr_benchmark: float, n: float, skew: float, kurtosis: float) -> float:
    return psr_of(sr, days=n, skew=skew, kurtosis=kurtosis, benchmark=sr_benchmark)


def _psr_2025(sr: float, sr_benchmark: float, n: float, skew: float, kurtosis: float, k: int = 1) -> float:  # noqa: PLR0917
    return psr_2025(sr, benchmark=sr_benchmark, days=n, skew=skew, kurtosis=kurtosis, trials=k)


def _min_trl(sr: float, sr_benchmark: float, *, skew: float, kurtosis: float, prob: float, divide_by: float) -> float:
    return min_track_record_of(sr, benchmark=sr_benchmark, skew=skew, kurtosis=kurtosis, sure=prob) / divide_by


def _dsr(sr: float, n: float, *, skew: float, kurtosis: float, n_trials: int, var_sr: float) -> float:
    return dsr_of(sr, days=n, skew=skew, kurtosis=kurtosis, trials=n_trials, trials_variance=var_sr)


def _pbo(matrix: Any, S: int, metric: str, rule: str = "<=0") -> float:  # noqa: N803  (the file's own name)
    if rule != "<=0":
        raise ValueError(rule)
    return cscv(np.array(matrix, np.float64), blocks=S, score=metric).probability  # type: ignore[arg-type]


def _ofdr(sr: float, sr0: float, sr1: float, *, n: float, p_h1: float, skew: float, kurtosis: float) -> float:
    return observed_false_discovery(sr, null=sr0, alternative=sr1, prior=p_h1, days=n, skew=skew, kurtosis=kurtosis)


def _by_n(measure: Callable[[int], float]) -> Callable[..., float]:
    """Return the same, called with the name the file has for the number of trials."""

    def call(n: int) -> float:
        return measure(n)

    return call


REFERENCE: Final[Mapping[str, Callable[..., Any]]] = {
    "psr": _psr,
    "psr_returns": lambda series, sr_benchmark: psr(series, benchmark=sr_benchmark),
    "psr_2025": _psr_2025,
    "sr_std_2012": lambda sr, n, skew, kurtosis: sharpe_deviation(sr, days=n, skew=skew, kurtosis=kurtosis),
    "sr_std_2025": lambda sr, n, skew, kurtosis: error_2025(sr, days=n, skew=skew, kurtosis=kurtosis),
    "min_trl": _min_trl,
    "min_trl_2025": lambda sr, sr_benchmark, skew, kurtosis, alpha: min_track_record_2025(
        sr, benchmark=sr_benchmark, skew=skew, kurtosis=kurtosis, level=alpha
    ),
    "power_2025": lambda sr0, sr1, n, skew, kurtosis: power_2025(sr0, sr1, days=n, skew=skew, kurtosis=kurtosis),
    "emax_z": _by_n(expected_max),
    "emax_z_exact": _by_n(expected_max_exact),
    "var_max_exact": _by_n(variance_of_max),
    "sqrt_var_max_exact": lambda n: math.sqrt(variance_of_max(n)),
    "expected_max_sr": lambda n_trials, var_sr: math.sqrt(var_sr) * expected_max(n_trials),
    "dsr": _dsr,
    "min_btl_years": lambda n_trials, target_sr: min_backtest(target_sr, trials=n_trials),
    "bonferroni": lambda p: adjusted(p, method="bonferroni").tolist(),
    "holm": lambda p: adjusted(p, method="holm").tolist(),
    "bhy": lambda p: adjusted(p, method="benjamini-yekutieli").tolist(),
    "sidak": lambda p, n: sidak(p, trials=n),
    "hl_bonferroni.p_bonferroni": lambda sr_annual, n_months, m_tests: bonferroni_sharpe(
        sr_annual, months=n_months, trials=m_tests
    ),
    "perm_p": lambda n_ge, n_perm: permutation_p(n_ge, permutations=n_perm),
    "pfdr": lambda p_h1, alpha, beta: planned_false_discovery(p_h1, level=alpha, miss=beta),
    "ofdr": _ofdr,
    "pbo.pbo": _pbo,
    "pbo.n_combos": lambda matrix, S, metric: len(cscv(np.array(matrix, np.float64), blocks=S, score=metric).logits),  # noqa: N803
}
"""By metric id, the callable that takes the case's inputs by name."""
