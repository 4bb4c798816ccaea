"""Bars on which nothing can happen, run through at once, compiled."""
