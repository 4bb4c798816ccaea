"""How often something happens, and how sure that is."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Rate", "rate"]


class Rate(NamedTuple):
    """A share of worlds with its exact 95 % interval (Clopper and Pearson 1934)."""

    share: float
    low: float
    high: float
    worlds: int

    def __str__(self) -> str:
        return f"{self.share:.1%} ({self.low:.1%} to {self.high:.1%}, {self.worlds:,} worlds)"


def rate(happened: int, worlds: int) -> Rate:
    """Return the rate of something that happened in some of the worlds.

    Examples
    --------
    >>> str(rate(0, 1000))
    '0.0% (0.0% to 0.4%, 1,000 worlds)'
    """
    from scipy.stats import beta

    low = float(beta.ppf(0.025, happened, worlds - happened + 1)) if happened else 0.0
    high = float(beta.ppf(0.975, happened + 1, worlds - happened)) if happened < worlds else 1.0
    return Rate(happened / worlds, low, high, worlds)
