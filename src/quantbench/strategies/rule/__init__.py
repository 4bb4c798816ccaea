"""Strategies written as conditions: the words, their text, their canonical form and what they say on bars."""

from quantbench.strategies.rule.strategy import Rule

__all__ = ["Rule"]
