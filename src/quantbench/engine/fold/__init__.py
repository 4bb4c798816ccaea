"""Quiet bars as a search passes them: whole blocks at once, to the same figures."""
