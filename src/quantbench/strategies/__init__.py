"""Strategies: one file each, all listed here; what is listed must pass tests/contracts."""

from quantbench.core.strategy import Strategy
from quantbench.strategies.donchian_breakout import DonchianBreakout
from quantbench.strategies.ma_cross import MaCross
from quantbench.strategies.naming import from_json, name_of, strategy_named, to_json
from quantbench.strategies.rsi_reversion import RsiReversion

__all__ = ["ALL", "DonchianBreakout", "MaCross", "RsiReversion", "from_json", "name_of", "strategy_named", "to_json"]

ALL: tuple[type[Strategy], ...] = (MaCross, RsiReversion, DonchianBreakout)
