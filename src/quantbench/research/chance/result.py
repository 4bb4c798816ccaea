"""What a Monte Carlo gives back: a number a path, the question it answers, and what it does not prove."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from quantbench.core.errors import ParamsError, did_you_mean
from quantbench.core.results import counted
from quantbench.core.views import with_views
from quantbench.research.overfit.families import permutation_p

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MonteCarlo"]

FloatArray = npt.NDArray[np.float64]

_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)


@with_views
@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MonteCarlo:
    """Many paths of what might have been. Read-only.

    Attributes
    ----------
    method : str
    question : str
        What the paths answer.
    not_proved : str
        What they do not.
    seed : int
    observed : mapping of str to float
        The figures of what was really traded, beside those of the paths.
    values : mapping of str to float array
        One value a path of each figure: ``total_return`` and ``max_drawdown`` as fractions; ``sharpe`` a
        year and ``trades`` where each path was traded anew; ``lowest`` where it was drawn from returns.
    fan : float32 array of shape (paths, points) or None
        Growth of one unit of money after equal parts of a path.
    settings : mapping
        What else repeats it, such as the mean length of a block.
    """

    method: str
    question: str
    not_proved: str
    seed: int
    observed: Mapping[str, float]
    values: Mapping[str, FloatArray]
    fan: npt.NDArray[np.float32] | None
    settings: Mapping[str, Any]

    if TYPE_CHECKING:  # given by the table in core.views

        def plot(self) -> Any:
            """Return the figure of the paths."""

    def __len__(self) -> int:
        return len(self.values["total_return"])

    def of(self, figure: str) -> FloatArray:
        """Return one value a path, those that have none left out."""
        if figure not in self.values:
            raise ParamsError(f"these paths have no {figure!r}: {did_you_mean(figure, self.values)}")
        column = self.values[figure]
        return column[np.isfinite(column)]

    def quantile(self, figure: str, share: float) -> float:
        """Return the value that a share of the paths is at or below; NaN where no path has one."""
        column = self.of(figure)
        return float(np.quantile(column, share)) if len(column) else math.nan

    def error(self, figure: str) -> float:
        """Return the Monte Carlo error of the mean: one standard deviation of what another seed would give."""
        column = self.of(figure)
        return float(column.std(ddof=1)) / math.sqrt(len(column)) if len(column) > 1 else math.nan

    def p_value(self, figure: str = "sharpe") -> float:
        """Return the share of paths as good as what was traded or better, that one among them; never 0."""
        column = self.values[figure]
        as_good = int((column >= self.observed[figure]).sum())
        return permutation_p(as_good, permutations=len(column))

    def ruin(self, loss: float = 0.5) -> float:
        """Return the share of paths that lose a fraction of the starting money at some point.

        Of paths that were traded anew the end of each trade is not kept: there the largest drawdown stands in,
        which is never smaller.
        """
        if not 0 < loss <= 1:
            raise ParamsError(f"ruin is a loss of a fraction of the money, such as 0.5 (loss={loss!r})")
        return float(np.mean(self.of("lowest" if "lowest" in self.values else "max_drawdown") <= -loss))

    def fan_chart(self) -> pd.DataFrame:
        """Return quantiles of the growth of money along the paths: rows are parts of the path, 0 to 1."""
        import pandas as pd

        if self.fan is None:
            raise ParamsError(f"{self.method} has no fan: its paths are traded on other bars each")
        points = self.fan.shape[1]
        levels = np.quantile(self.fan, _QUANTILES, axis=0).T
        start = np.ones((1, len(_QUANTILES)))
        index = pd.Index(np.arange(points + 1) / points, name="part")
        return pd.DataFrame(np.concatenate([start, levels]), index=index, columns=list(_QUANTILES))

    def table(self) -> pd.DataFrame:
        """Return one row a figure: as traded, mean over the paths, its Monte Carlo error, quantiles."""
        import pandas as pd

        rows = {
            name: {
                "observed": self.observed.get(name, math.nan),
                "mean": float(self.of(name).mean()) if len(self.of(name)) else math.nan,
                "error": self.error(name),
                **{f"{share:.0%}": self.quantile(name, share) for share in _QUANTILES},
            }
            for name in self.values
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def headline(self) -> str:
        """One line that says what is being looked at."""
        return f"{counted(len(self), 'path')} by {self.method}, seed {self.seed}"

    def __repr__(self) -> str:
        return (
            f"MonteCarlo: {self.headline}\n{self.question}\nIt does not prove: {self.not_proved}\n"
            f"{self.table().to_string(float_format='{:.3f}'.format)}\n"
            f"a loss of half the money: {self.ruin():.1%} of paths"
        )
