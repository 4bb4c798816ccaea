"""Indicators: arrays in, read-only arrays out, NaN while they warm up, computed once per input."""

from quantbench.indicators.momentum import rsi, stochastic
from quantbench.indicators.trend import adx, ema, macd, sma
from quantbench.indicators.volatility import atr, bollinger, donchian

__all__ = ["adx", "atr", "bollinger", "donchian", "ema", "macd", "rsi", "sma", "stochastic"]
