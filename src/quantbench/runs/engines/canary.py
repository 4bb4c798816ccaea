"""What a forked child must be able to do before runs are trusted to it."""

from __future__ import annotations

__all__ = ["sing"]


def sing() -> None:
    """Use, once, each library that is known to break in forked processes where its parent had used it."""
    import numpy as np
    import polars as pl

    frame = pl.DataFrame({"a": np.arange(64)})
    if int(frame.lazy().select(pl.col("a").sum()).collect().item()) != 2016:
        raise ArithmeticError("polars cannot add in a forked child")
    if not np.isfinite(np.linalg.inv(np.eye(8) + 0.1)).all():
        raise ArithmeticError("numpy cannot invert in a forked child")
