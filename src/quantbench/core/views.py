"""The views of results, as one table of "module:function": the only place where core points upwards.

A result is data. What can be seen in it (metrics, plots, explanations) lives in higher layers and is
imported when asked for, so that the live runner never loads any of it.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, TypeVar

__all__ = ["VIEWS", "with_views"]

T = TypeVar("T", bound=type)

VIEWS: Final[dict[str, dict[str, str]]] = {
    "Backtest": {
        "metrics": "quantbench.engine.metrics:of_backtest",
        "why": "quantbench.engine.explain:why",
        "to_vectorbt": "quantbench.engine.vectorbt:to_vectorbt",
        "plot": "quantbench.report.figures:plot_backtest",
        "_repr_html_": "quantbench.report.notebook_views:backtest_html",
    },
    "Comparison": {
        "plot": "quantbench.report.figures:plot_comparison",
    },
    "Evidence": {
        "_repr_html_": "quantbench.report.notebook_views:evidence_html",
    },
    "MonteCarlo": {
        "plot": "quantbench.report.chance_figures:plot_monte_carlo",
    },
    "Study": {
        "plot": "quantbench.report.figures:plot_study",
        "select": "quantbench.research.robust:select",
        "importance": "quantbench.research.optuna_mirror:importance",
        "to_optuna": "quantbench.research.optuna_mirror:to_optuna",
        "_repr_html_": "quantbench.report.notebook_views:study_html",
    },
    "WalkForward": {
        "plot": "quantbench.report.walk_forward_figures:plot_walk_forward",
    },
}


def _view(target: str, name: str) -> Callable[..., Any]:
    module, function = target.split(":")

    def view(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(import_module(module), function)(self, *args, **kwargs)

    view.__name__ = name
    view.__doc__ = f"See `{module}.{function}`."
    return view


def with_views(result: T) -> T:
    """Give a result class the methods the table lists for it."""
    for name, target in VIEWS.get(result.__name__, {}).items():
        setattr(result, name, _view(target, name))
    return result
