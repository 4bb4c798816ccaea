"""Many strategies, many p-values: what is left of each when all were looked at."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError, did_you_mean

__all__ = ["adjusted", "bonferroni_sharpe", "permutation_p", "sidak"]

_METHODS: Final = {
    "bonferroni": "bonferroni",
    "holm": "holm",
    "benjamini-hochberg": "fdr_bh",
    "benjamini-yekutieli": "fdr_by",
}


def adjusted(p_values: npt.ArrayLike, *, method: str = "holm") -> npt.NDArray[np.float64]:
    """Return p-values that pay for having looked at all of them, in the order given.

    Parameters
    ----------
    p_values : float array
        One a strategy.
    method : {"bonferroni", "holm", "benjamini-hochberg", "benjamini-yekutieli"}
        The first two hold the chance of one false find or more, the others the share of false finds; the
        last of them under any dependence.

    Examples
    --------
    >>> adjusted([0.01, 0.02, 0.04]).round(2).tolist()
    [0.03, 0.04, 0.04]
    """
    from statsmodels.stats.multitest import multipletests

    if method not in _METHODS:
        raise ParamsError(f"no method {method!r}: {did_you_mean(method, _METHODS)}")
    values = np.asarray(p_values, np.float64)
    if not ((values >= 0) & (values <= 1)).all():  # NaN too
        raise ParamsError("p-values are between 0 and 1")
    if not len(values):
        return values
    found: npt.NDArray[np.float64] = multipletests(values, method=_METHODS[method])[1]
    return found


def sidak(p: float, *, trials: int) -> float:
    """Return the chance of a p-value this small or smaller among so many independent trials."""
    if not 0 <= p <= 1 or trials < 1:
        raise ParamsError(f"a p-value is between 0 and 1, and at least one trial was made ({p=}, {trials=})")
    return -math.expm1(trials * math.log1p(-p)) if p < 1 else 1.0


def permutation_p(as_good: int, *, permutations: int) -> float:
    """Return the p-value of a permutation test: never 0, as what was observed is one of the orders."""
    if not 0 <= as_good <= permutations:
        raise ParamsError(f"of {permutations} permutations {as_good} cannot have been as good")
    return (1.0 + as_good) / (1.0 + permutations)


def bonferroni_sharpe(sharpe: float, *, months: int, trials: int) -> float:
    """Return the two-sided p-value of a Sharpe ratio a year over so many months, times the trials; 1 at most."""
    from scipy.stats import t

    return min(1.0, 2.0 * float(t.sf(abs(sharpe) * math.sqrt(months / 12.0), months - 1)) * trials)
