"""Decisions that are news, found among those of all bars, compiled."""
