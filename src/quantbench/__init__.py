"""Quantbench: research FX and CFD strategies in Jupyter, judge them honestly, trade the good ones.

A strategy is a value: it turns bars into signals; everything else trades it, judges it, records it,
or runs it live.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Every public name and the module it lives in; loaded when first asked for, so importing is cheap.
_HOME = {
    "quantbench.core.account": ("Account", "Costs", "FixedLots", "PercentEquity", "PercentRisk", "VolatilityTarget"),
    "quantbench.core.bars": ("Bars",),
    "quantbench.core.calendar": ("Calendar",),
    "quantbench.core.errors": ("QuantbenchError", "check"),
    "quantbench.core.instrument": ("Instrument",),
    "quantbench.core.limits": ("Blackout", "Event", "Limits"),
    "quantbench.core.resample": ("resample",),
    "quantbench.core.results": ("Backtest",),
    "quantbench.core.signals": ("Signals",),
    "quantbench.core.space": ("Range",),
    "quantbench.core.strategy": ("Strategy", "param"),
    "quantbench.core.study": ("Study", "Trial"),
    "quantbench.data.ledger": ("read_ledger",),
    "quantbench.data.sql": ("sql",),
    "quantbench.data.store": ("load", "symbols"),
    "quantbench.data.together": ("load_many",),
    "quantbench.engine.backtest": ("backtest",),
    "quantbench.engine.portfolio": ("PortfolioBacktest", "portfolio_backtest"),
    "quantbench.indicators": ("adx", "atr", "bollinger", "donchian", "ema", "macd", "rsi", "sma", "stochastic"),
    "quantbench.report.page": ("write_report",),
    "quantbench.report.verdict": ("verdict",),
    "quantbench.research.calibration.calibrate": ("calibrate",),
    "quantbench.research.calibration.price_worlds": ("calibrate_on_prices",),
    "quantbench.research.causality": ("Certificate", "certify"),
    "quantbench.core.evidence": ("Evidence",),
    "quantbench.research.chance.monte_carlo": ("monte_carlo",),
    "quantbench.research.chance.sizing": ("advise_size",),
    "quantbench.research.cluster": ("cluster",),
    "quantbench.research.compare": ("Comparison", "compare"),
    "quantbench.research.evolution.evolve": ("evolve",),
    "quantbench.research.evolution.export": ("export_rule",),
    "quantbench.research.folds": ("WalkForward",),
    "quantbench.research.gauntlet.validate": ("validate",),
    "quantbench.research.holdout": ("hold_out", "open_holdout"),
    "quantbench.research.overfit": ("dsr", "pbo", "psr", "spa", "stepm"),
    "quantbench.research.search": ("search",),
    "quantbench.research.stress": ("break_even", "stress"),
    "quantbench.research.sweep": ("sweep",),
    "quantbench.research.walk_forward": ("walk_forward", "walk_forward_matrix"),
    "quantbench.runs.demo": ("run_demo",),
    "quantbench.runs.looking_back": ("compare_runs", "debug_run", "list_runs", "run_batch"),
    "quantbench.runs.notebook": ("run_notebook",),
    "quantbench.runs.planning": ("plan_of",),
    "quantbench.runs.recording": ("record",),
    "quantbench.config.secrets": ("secret",),
    "quantbench.strategies": ("DonchianBreakout", "MaCross", "RsiReversion"),
    "quantbench.strategies.rule": ("Rule",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE)  # noqa: PLE0605

if TYPE_CHECKING:
    from quantbench.config.secrets import secret as secret
    from quantbench.core.account import Account as Account
    from quantbench.core.account import Costs as Costs
    from quantbench.core.account import FixedLots as FixedLots
    from quantbench.core.account import PercentEquity as PercentEquity
    from quantbench.core.account import PercentRisk as PercentRisk
    from quantbench.core.account import VolatilityTarget as VolatilityTarget
    from quantbench.core.bars import Bars as Bars
    from quantbench.core.calendar import Calendar as Calendar
    from quantbench.core.errors import QuantbenchError as QuantbenchError
    from quantbench.core.errors import check as check
    from quantbench.core.evidence import Evidence as Evidence
    from quantbench.core.instrument import Instrument as Instrument
    from quantbench.core.limits import Blackout as Blackout
    from quantbench.core.limits import Event as Event
    from quantbench.core.limits import Limits as Limits
    from quantbench.core.resample import resample as resample
    from quantbench.core.results import Backtest as Backtest
    from quantbench.core.signals import Signals as Signals
    from quantbench.core.space import Range as Range
    from quantbench.core.strategy import Strategy as Strategy
    from quantbench.core.strategy import param as param
    from quantbench.core.study import Study as Study
    from quantbench.core.study import Trial as Trial
    from quantbench.data.ledger import read_ledger as read_ledger
    from quantbench.data.sql import sql as sql
    from quantbench.data.store import load as load
    from quantbench.data.store import symbols as symbols
    from quantbench.data.together import load_many as load_many
    from quantbench.engine.backtest import backtest as backtest
    from quantbench.engine.portfolio import PortfolioBacktest as PortfolioBacktest
    from quantbench.engine.portfolio import portfolio_backtest as portfolio_backtest
    from quantbench.indicators import adx as adx
    from quantbench.indicators import atr as atr
    from quantbench.indicators import bollinger as bollinger
    from quantbench.indicators import donchian as donchian
    from quantbench.indicators import ema as ema
    from quantbench.indicators import macd as macd
    from quantbench.indicators import rsi as rsi
    from quantbench.indicators import sma as sma
    from quantbench.indicators import stochastic as stochastic
    from quantbench.report.page import write_report as write_report
    from quantbench.report.verdict import verdict as verdict
    from quantbench.research.calibration.calibrate import calibrate as calibrate
    from quantbench.research.calibration.price_worlds import calibrate_on_prices as calibrate_on_prices
    from quantbench.research.causality import Certificate as Certificate
    from quantbench.research.causality import certify as certify
    from quantbench.research.chance.monte_carlo import monte_carlo as monte_carlo
    from quantbench.research.chance.sizing import advise_size as advise_size
    from quantbench.research.cluster import cluster as cluster
    from quantbench.research.compare import Comparison as Comparison
    from quantbench.research.compare import compare as compare
    from quantbench.research.evolution.evolve import evolve as evolve
    from quantbench.research.evolution.export import export_rule as export_rule
    from quantbench.research.folds import WalkForward as WalkForward
    from quantbench.research.gauntlet.validate import validate as validate
    from quantbench.research.holdout import hold_out as hold_out
    from quantbench.research.holdout import open_holdout as open_holdout
    from quantbench.research.overfit import dsr as dsr
    from quantbench.research.overfit import pbo as pbo
    from quantbench.research.overfit import psr as psr
    from quantbench.research.overfit import spa as spa
    from quantbench.research.overfit import stepm as stepm
    from quantbench.research.search import search as search
    from quantbench.research.stress import break_even as break_even
    from quantbench.research.stress import stress as stress
    from quantbench.research.sweep import sweep as sweep
    from quantbench.research.walk_forward import walk_forward as walk_forward
    from quantbench.research.walk_forward import walk_forward_matrix as walk_forward_matrix
    from quantbench.runs.demo import run_demo as run_demo
    from quantbench.runs.looking_back import compare_runs as compare_runs
    from quantbench.runs.looking_back import debug_run as debug_run
    from quantbench.runs.looking_back import list_runs as list_runs
    from quantbench.runs.looking_back import run_batch as run_batch
    from quantbench.runs.notebook import run_notebook as run_notebook
    from quantbench.runs.planning import plan_of as plan_of
    from quantbench.runs.recording import record as record
    from quantbench.strategies import DonchianBreakout as DonchianBreakout
    from quantbench.strategies import MaCross as MaCross
    from quantbench.strategies import RsiReversion as RsiReversion
    from quantbench.strategies.rule import Rule as Rule


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module 'quantbench' has no attribute {name!r}")
    value = getattr(import_module(_MODULE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
